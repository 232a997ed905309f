using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Gives pictures as a viewer sees them: RGB, in square pixels. Not thread-safe.</summary>
public sealed class DisplayConverter : IDisposable
{
    private readonly PixelConverter _converter = new();
    private readonly FramePool _pool = new(2);

    /// <summary>Converts a frame in host memory; the caller disposes the result.</summary>
    public VideoFrame ToRgb(VideoFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        VideoFrame rgb = _pool.Rent(PixelFormat.Rgb24, frame.DisplayWidth, frame.DisplayHeight);
        try
        {
            bool isRgb = frame.Format == PixelFormat.Rgb24;
            PictureLayout source = new(
                PixelFormats.ToNative(frame.Format), frame.Width, frame.Height, frame.Color.Matrix, isRgb || frame.Color.FullRange, ChromaLeft: !isRgb);
            PictureLayout target = new(AVPixelFormat.AV_PIX_FMT_RGB24, rgb.Width, rgb.Height, ColorMatrix.Bt601, FullRange: true, ChromaLeft: false);
            _converter.Convert(frame, source, rgb, target, 0, 0);
            return rgb;
        }
        catch
        {
            rgb.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _converter.Dispose();
        _pool.Dispose();
    }
}
