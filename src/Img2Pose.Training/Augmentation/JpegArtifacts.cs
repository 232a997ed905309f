using Img2Pose.OpenCv;
using OpenCvSharp;

namespace Img2Pose.Training.Augmentation;

/// <summary>What JPEG coding does to a picture: OpenCV's encoder (libjpeg-turbo, chroma halved) and its decoder.</summary>
internal static class JpegArtifacts
{
    /// <summary>Degrades RGB pixels by coding them at <paramref name="quality"/> (1–100).</summary>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public static unsafe void Apply(Span<byte> pixels, int width, int height, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels.Length, checked(width * height * 3));
        OpenCvLibrary.Require();
        fixed (byte* first = pixels)
        {
            using Mat rgb = Mat.FromPixelData(height, width, MatType.CV_8UC3, (nint)first);
            using Mat picture = new();
            // OpenCV's order of channels is blue, green, red; JPEG weighs them unlike each other.
            Cv2.CvtColor(rgb, picture, ColorConversionCodes.RGB2BGR);
            Cv2.ImEncode(".jpg", picture, out byte[] file, new ImageEncodingParam(ImwriteFlags.JpegQuality, quality));
            using Mat decoded = Cv2.ImDecode(file, ImreadModes.Color);
            Cv2.CvtColor(decoded, rgb, ColorConversionCodes.BGR2RGB);
        }
    }
}
