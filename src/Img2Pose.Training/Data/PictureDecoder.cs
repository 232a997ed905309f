using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.Training.Data;

/// <summary>Decodes picture files to plain RGB arrays.</summary>
internal static class PictureDecoder
{
    /// <summary>Decodes a file, upright.</summary>
    /// <exception cref="InputException">The file cannot be read or decoded.</exception>
    public static RgbPicture Decode(string path)
    {
        using VideoFrame frame = ImageFile.Read(path);
        return Copy(frame);
    }

    /// <summary>The samples of an RGB frame without row padding.</summary>
    public static RgbPicture Copy(VideoFrame frame)
    {
        if (frame.Format != PixelFormat.Rgb24)
            throw new ArgumentException($"The frame is {frame.Format}, not {PixelFormat.Rgb24}.", nameof(frame));
        byte[] pixels = new byte[frame.Width * frame.Height * 3];
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < frame.Height; y++) plane.Row(y).CopyTo(pixels.AsSpan(y * frame.Width * 3));
        return new RgbPicture(pixels, frame.Width, frame.Height);
    }
}
