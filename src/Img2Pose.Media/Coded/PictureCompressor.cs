using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Makes JPEGs of frames, scaled down where asked, keeping encoder and scaler between pictures of one size. Used by one thread at a time.</summary>
public sealed unsafe class PictureCompressor : IDisposable
{
    private readonly PixelConverter _converter = new(fast: true);
    private CodecHandle? _encoder;
    private (int Width, int Height, int Quality) _key;

    /// <summary>Compresses a frame.</summary>
    /// <param name="frame">In host memory, of any layout; only read.</param>
    /// <param name="longest">The longer side of the JPEG at most, pixels; a smaller picture keeps its size.</param>
    /// <param name="quality">1 to 100, about as in other programs.</param>
    /// <returns>A JPEG file, in displayed square pixels.</returns>
    /// <exception cref="OutputException">It cannot be encoded.</exception>
    public byte[] Compress(VideoFrame frame, int longest, int quality)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 16);
        double part = Math.Min(1, (double)longest / Math.Max(frame.DisplayWidth, frame.DisplayHeight));
        int width = Math.Max(2, (int)Math.Round(frame.DisplayWidth * part)), height = Math.Max(2, (int)Math.Round(frame.DisplayHeight * part));
        CodecHandle encoder = EncoderFor(width, height, quality);
        using FrameHandle picture = new();
        picture.Pointer->format = (int)AVPixelFormat.AV_PIX_FMT_YUVJ420P;
        picture.Pointer->width = width;
        picture.Pointer->height = height;
        picture.Pointer->quality = encoder.Pointer->global_quality;
        Check(ffmpeg.av_frame_get_buffer(picture.Pointer, 0));
        AVPixelFormat plain = AVPixelFormat.AV_PIX_FMT_YUVJ420P;
        _ = PixelFormats.StripFullRange(ref plain);
        PictureLayout source = new(PixelFormats.ToNative(frame.Format), frame.Width, frame.Height,
            frame.Color.Matrix, frame.Format == PixelFormat.Rgb24 || frame.Color.FullRange, ChromaLeft: false);
        _converter.Convert(frame, source, picture.Pointer, new PictureLayout(plain, width, height, ColorMatrix.Bt601, FullRange: true, ChromaLeft: false));
        Check(ffmpeg.avcodec_send_frame(encoder.Pointer, picture.Pointer));
        using PacketHandle packet = new();
        Check(ffmpeg.avcodec_receive_packet(encoder.Pointer, packet.Pointer));
        return new ReadOnlySpan<byte>(packet.Pointer->data, packet.Pointer->size).ToArray();
    }

    /// <summary>Frees encoder and scaler.</summary>
    public void Dispose()
    {
        _encoder?.Dispose();
        _encoder = null;
        _converter.Dispose();
    }

    private CodecHandle EncoderFor(int width, int height, int quality)
    {
        if (_encoder is not null && _key == (width, height, quality)) return _encoder;
        _encoder?.Dispose();
        _encoder = null;
        _encoder = ImageEncoder.OpenJpeg("live picture", width, height, AVPixelFormat.AV_PIX_FMT_YUVJ420P, quality);
        _key = (width, height, quality);
        return _encoder;
    }

    private static void Check(int status) => FFmpegRuntime.CheckOutput(status, "live picture", "it cannot be encoded");
}
