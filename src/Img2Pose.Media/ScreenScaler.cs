using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Scales pictures for a screen with swscale, fast rather than exact: right to within two levels of 255.</summary>
public sealed unsafe class ScreenScaler : IPictureScaler
{
    private readonly PixelConverter _converter = new(fast: true);

    /// <inheritdoc/>
    /// <exception cref="Img2PoseException">swscale takes no such picture.</exception>
    public void Scale(VideoFrame frame, nint pixels, int stride, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, checked(4 * width));
        bool rgb = frame.Format == PixelFormat.Rgb24;
        PictureLayout source = new(
            PixelFormats.ToNative(frame.Format), frame.Width, frame.Height, frame.Color.Matrix, rgb || frame.Color.FullRange, ChromaLeft: !rgb);
        PictureLayout target = new(AVPixelFormat.AV_PIX_FMT_BGRA, width, height, ColorMatrix.Bt601, FullRange: true, ChromaLeft: false);
        _converter.Convert(frame, source, (byte*)pixels, stride, target);
    }

    /// <inheritdoc/>
    public void Dispose() => _converter.Dispose();
}
