using OpenCvSharp;

namespace Img2Pose.OpenCv;

/// <summary>A colour, 8 bit a channel.</summary>
internal readonly record struct Rgb(byte R, byte G, byte B)
{
    /// <summary>As OpenCV takes it, in the order of a picture's channels.</summary>
    internal Scalar Scalar => new(R, G, B);
}
