using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using OpenCvSharp;
using Size = OpenCvSharp.Size;

namespace Img2Pose.OpenCv;

/// <summary>One tile of a <see cref="TileSheet"/>. Places are those of the picture that it shows; what lies outside is cut off.</summary>
internal sealed class Tile : IDisposable
{
    // Places of poses near the camera's plane are far away, and no picture content; OpenCV draws in 16.16 fixed point.
    private const double Far = 16000;

    private static readonly Rgb s_outside = new(96, 96, 96);

    private readonly Mat _pixels;
    private readonly double _left, _top, _scale;

    internal Tile(Mat pixels, double left, double top, double scale) => (_pixels, _left, _top, _scale) = (pixels, left, top, scale);

    /// <summary>Shows a picture: averaged where it shrinks, bilinear where it grows, grey beside it.</summary>
    /// <param name="picture">An RGB frame in host memory.</param>
    public void Show(VideoFrame picture)
    {
        FramePlane plane = picture.GetPlane(0);
        using Mat source = Mat.FromPixelData(plane.Height, plane.Width, MatType.CV_8UC3, plane.Address, plane.Stride);
        Show(source);
    }

    /// <summary>Shows a picture.</summary>
    /// <param name="rgb">Its samples, row by row.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public void Show(byte[] rgb, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rgb.Length, checked(width * height * 3));
        using Mat source = Mat.FromPixelData(height, width, MatType.CV_8UC3, rgb);
        Show(source);
    }

    /// <summary>Fills with one colour.</summary>
    public void Fill(Rgb color) => _pixels.SetTo(color.Scalar);

    /// <summary>The outline of a box.</summary>
    public void Rectangle(in Box box, Rgb color, int thickness = 1)
    {
        // The last pixel of a box is the one before its right and bottom.
        if (Place(box.Left, box.Top) is { } from && Place(box.Right, box.Bottom) is { } to)
            Cv2.Rectangle(_pixels, from, new Point(Math.Max(from.X, to.X - 1), Math.Max(from.Y, to.Y - 1)), color.Scalar, thickness);
    }

    /// <summary>A straight line.</summary>
    public void Line((double X, double Y) from, (double X, double Y) to, Rgb color, int thickness = 1)
    {
        if (Place(from.X, from.Y) is { } a && Place(to.X, to.Y) is { } b) Cv2.Line(_pixels, a, b, color.Scalar, thickness);
    }

    /// <summary>A single pixel.</summary>
    public void Dot(double x, double y, Rgb color) => Line((x, y), (x, y), color);

    /// <summary>A whole number in the upper left corner, white on black.</summary>
    public void Number(int number)
    {
        string digits = number.ToString(CultureInfo.InvariantCulture);
        Size size = Cv2.GetTextSize(digits, HersheyFonts.HersheySimplex, 0.45, 1, out int below);
        Cv2.Rectangle(_pixels, new Rect(0, 0, size.Width + 4, size.Height + below + 2), Scalar.Black, Cv2.FILLED);
        Cv2.PutText(_pixels, digits, new Point(2, size.Height + 2), HersheyFonts.HersheySimplex, 0.45, Scalar.White, 1, LineTypes.AntiAlias);
    }

    /// <inheritdoc/>
    public void Dispose() => _pixels.Dispose();

    private void Show(Mat source)
    {
        double shrink = Math.Min(1, _scale);
        using Mat small = new();
        if (shrink < 1) Cv2.Resize(source, small, new Size(Math.Max(1, Math.Round(source.Width * shrink)), Math.Max(1, Math.Round(source.Height * shrink))), interpolation: InterpolationFlags.Area);
        Mat shown = shrink < 1 ? small : source;
        double x = _scale * source.Width / shown.Width, y = _scale * source.Height / shown.Height;
        // Pixels count from their centres here.
        using Mat warp = Mat.FromPixelData(2, 3, MatType.CV_64FC1, (double[])[x, 0, x / 2 - 0.5 - _left * _scale, 0, y, y / 2 - 0.5 - _top * _scale]);
        Cv2.WarpAffine(shown, _pixels, warp, _pixels.Size(), InterpolationFlags.Linear, BorderTypes.Constant, s_outside.Scalar);
    }

    private Point? Place(double x, double y)
    {
        (x, y) = ((x - _left) * _scale, (y - _top) * _scale);
        return Math.Abs(x) < Far && Math.Abs(y) < Far ? new Point((int)Math.Floor(x), (int)Math.Floor(y)) : null;
    }
}
