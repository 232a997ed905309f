using Img2Pose.Frames;
using OpenCvSharp;

namespace Img2Pose.OpenCv;

/// <summary>Turns whole pictures.</summary>
internal static class TurnedPicture
{
    /// <summary>
    /// Turns a picture clockwise about its middle into a square one: bilinear, grey where the picture does not reach, cut off where
    /// it reaches beyond. The middles (half of width and height, rounded down) fall on each other.
    /// </summary>
    /// <param name="picture">An RGB frame in host memory; only read.</param>
    /// <param name="side">Side of the square, pixels.</param>
    /// <param name="degrees">Degrees clockwise.</param>
    /// <param name="pool">What the turned picture is rented from.</param>
    /// <returns>The turned picture, the caller's.</returns>
    public static VideoFrame Turn(VideoFrame picture, int side, double degrees, FramePool pool)
    {
        FramePlane plane = picture.GetPlane(0);
        VideoFrame turned = pool.Rent(PixelFormat.Rgb24, side, side);
        FramePlane target = turned.GetPlane(0);
        using Mat source = Mat.FromPixelData(plane.Height, plane.Width, MatType.CV_8UC3, plane.Address, plane.Stride);
        using Mat pixels = Mat.FromPixelData(side, side, MatType.CV_8UC3, target.Address, target.Stride);
        (double sin, double cos) = Math.SinCos(degrees * (Math.PI / 180));
        // From the turned picture to the picture. Pixels count from their centres, half a pixel beyond their corners.
        double x = picture.Width / 2 - 0.5, y = picture.Height / 2 - 0.5, middle = side / 2 - 0.5;
        using Mat warp = Mat.FromPixelData(2, 3, MatType.CV_64FC1, (double[])[cos, sin, x - middle * (cos + sin), -sin, cos, y + middle * (sin - cos)]);
        Cv2.WarpAffine(source, pixels, warp, pixels.Size(), InterpolationFlags.Linear | InterpolationFlags.WarpInverseMap, BorderTypes.Constant, new Scalar(128, 128, 128));
        return turned;
    }
}
