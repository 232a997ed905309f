using System.Runtime.InteropServices;

namespace OpenCvSharp;

public static class Cv2
{
    public static void SolvePnP(
        IEnumerable<Point3f> objectPoints,
        IEnumerable<Point2f> imagePoints,
        double[,] cameraMatrix,
        IEnumerable<double>? distCoeffs,
        ref double[] rvec,
        ref double[] tvec,
        bool useExtrinsicGuess = false,
        SolvePnPFlags flags = SolvePnPFlags.Iterative)
    {
        ArgumentNullException.ThrowIfNull(objectPoints);
        ArgumentNullException.ThrowIfNull(imagePoints);
        ArgumentNullException.ThrowIfNull(cameraMatrix);
        if (cameraMatrix.GetLength(0) != 3 || cameraMatrix.GetLength(1) != 3)
            throw new ArgumentException("The camera matrix must be 3 by 3.", nameof(cameraMatrix));
        // The native side reads and writes three numbers of each.
        if (useExtrinsicGuess && (rvec is not { Length: 3 } || tvec is not { Length: 3 }))
            throw new ArgumentException("A guess is two vectors of three numbers.", nameof(rvec));

        double[] rotation = useExtrinsicGuess ? [.. rvec] : new double[3], translation = useExtrinsicGuess ? [.. tvec] : new double[3];
        Point3f[] points = [.. objectPoints];
        Point2f[] pixels = [.. imagePoints];
        double[] coefficients = distCoeffs is null ? [] : [.. distCoeffs];
        NativeMethods.Check(NativeMethods.i2p_cv_solve_pnp(
            points, points.Length, pixels, pixels.Length, MemoryMarshal.CreateReadOnlySpan(ref cameraMatrix[0, 0], 9),
            coefficients, coefficients.Length, rotation, translation, useExtrinsicGuess ? 1 : 0, (int)flags));
        (rvec, tvec) = (rotation, translation);
    }
}
