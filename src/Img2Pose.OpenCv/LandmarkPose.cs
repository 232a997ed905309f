using Img2Pose.Geometry;
using OpenCvSharp;

namespace Img2Pose.OpenCv;

/// <summary>Poses from landmarks: OpenCV's EPnP (Lepetit, Moreno-Noguer, Fua, IJCV 2009), which the original uses, too.</summary>
internal static class LandmarkPose
{
    /// <summary>
    /// The pose of reference points from their pixels; no initial guess. Points and pixels are taken in single precision, as
    /// the original's are, so that the poses are the original's to the last bit.
    /// </summary>
    /// <param name="points">Reference points, four at least, not all in one plane.</param>
    /// <param name="pixels">As many pixels.</param>
    /// <param name="camera">Camera of the picture.</param>
    /// <returns>The pose, or null where the points determine none.</returns>
    /// <exception cref="ArgumentException">Fewer than four points, or unequal numbers.</exception>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public static Pose? Solve(ReadOnlySpan<Vector3d> points, ReadOnlySpan<(double X, double Y)> pixels, CameraIntrinsics camera)
    {
        if (points.Length < 4 || points.Length != pixels.Length) throw new ArgumentException("There must be four points or more, and as many pixels.", nameof(pixels));
        Point3f[] model = new Point3f[points.Length];
        Point2f[] places = new Point2f[points.Length];
        for (int i = 0; i < model.Length; i++)
        {
            model[i] = new Point3f((float)points[i].X, (float)points[i].Y, (float)points[i].Z);
            places[i] = new Point2f((float)pixels[i].X, (float)pixels[i].Y);
        }
        double[,] matrix = { { camera.FocalLength, 0, camera.CenterX }, { 0, camera.FocalLength, camera.CenterY }, { 0, 0, 1 } };
        double[] rotation = [], translation = [];
        OpenCvLibrary.Require();
        try
        {
            Cv2.SolvePnP(model, places, matrix, null, ref rotation, ref translation, flags: SolvePnPMethod.EPNP);
        }
        catch (OpenCVException)
        {
            // It refuses points from which its equations follow no solution.
            return null;
        }
        Pose pose = new(new Vector3d(rotation[0], rotation[1], rotation[2]), new Vector3d(translation[0], translation[1], translation[2]));
        return pose.IsFinite ? pose : null;
    }
}
