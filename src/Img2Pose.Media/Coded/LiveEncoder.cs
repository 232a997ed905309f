using System.Diagnostics;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Encodes frames for whoever watches them now: H.264 without pictures that refer to later ones, a key picture about every second, and
/// no picture waits. Used by one thread at a time; dispose it there, too.
/// </summary>
public sealed unsafe class LiveEncoder : IDisposable
{
    private static readonly Rational s_timeBase = new(1, 90_000);

    private readonly CodecHandle _encoder;
    private readonly EncoderInput _input;
    private readonly FrameHandle _picture = new();
    private readonly PacketHandle _packet = new();
    private readonly Queue<(long Ticks, long Capture)> _captures = new();
    private readonly int _width, _height;
    private long _origin = long.MinValue;
    private long _lastTicks = -1;
    private bool _disposed;

    /// <summary>Opens an encoder for frames like this one; later ones of another size are fitted into its.</summary>
    /// <param name="name">What messages call the output.</param>
    /// <param name="first">Its size, layout and colour count; it is not encoded.</param>
    /// <param name="framesPerSecond">About how many frames will come a second, above 0; this many lie between key pictures.</param>
    /// <param name="threads">The encoder's threads, at least 1.</param>
    /// <exception cref="OutputException">There is no encoder, or it does not start.</exception>
    public LiveEncoder(string name, VideoFrame first, double framesPerSecond, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(framesPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _ = FFmpegRuntime.EnsureLoaded();
        EncoderPicture picture = new((first.Width + 1) / 2 * 2, (first.Height + 1) / 2 * 2, first.Format == PixelFormat.I420P10 ? PixelFormat.I420 : first.Format,
            Rational.One, s_timeBase, framesPerSecond, ColorTags.Of(first.Color, first.Format == PixelFormat.Rgb24));
        _encoder = EncoderSelection.Open(name, new VideoWriterOptions { Codec = "h264", Preset = "superfast", Threads = threads, LowLatency = true },
            picture, globalHeader: false, out EncoderPicture wanted, out _);
        _input = new EncoderInput(wanted, first.Width, first.Height);
        (_width, _height) = (wanted.Width, wanted.Height);
    }

    /// <summary>Encodes a frame and hands what comes out to the tap before it returns.</summary>
    /// <param name="frame">In host memory; only read.</param>
    /// <param name="tap">Takes the picture.</param>
    /// <exception cref="OutputException">The encoder fails.</exception>
    public void Encode(VideoFrame frame, ICodedPictureTap tap)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(tap);
        ObjectDisposedException.ThrowIf(_disposed, this);
        AVFrame* picture = _picture.Pointer;
        _input.Fill(picture, frame);
        try
        {
            long capture = frame.CaptureTime != 0 ? frame.CaptureTime : Stopwatch.GetTimestamp();
            if (_origin == long.MinValue) _origin = capture;
            long ticks = (long)((double)(capture - _origin) / Stopwatch.Frequency / s_timeBase.Value);
            picture->pts = _lastTicks = Math.Max(ticks, _lastTicks + 1);
            picture->color_range = _encoder.Pointer->color_range;
            picture->color_primaries = _encoder.Pointer->color_primaries;
            picture->color_trc = _encoder.Pointer->color_trc;
            picture->colorspace = _encoder.Pointer->colorspace;
            _captures.Enqueue((_lastTicks, capture));
            Check(ffmpeg.avcodec_send_frame(_encoder.Pointer, picture));
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
        }
        while (true)
        {
            AVPacket* packet = _packet.Pointer;
            int status = ffmpeg.avcodec_receive_packet(_encoder.Pointer, packet);
            if (status == FFmpegRuntime.TryAgain || status == ffmpeg.AVERROR_EOF) return;
            Check(status);
            try
            {
                long capture = frame.CaptureTime;
                while (_captures.TryPeek(out (long Ticks, long Capture) asked) && asked.Ticks <= packet->pts) capture = _captures.Dequeue().Capture;
                tap.Take(new CodedPicture
                {
                    Codec = "h264",
                    Width = _width,
                    Height = _height,
                    Data = new ReadOnlySpan<byte>(packet->data, packet->size),
                    // Parameter sets come with every key picture.
                    ExtraData = default,
                    IsKey = (packet->flags & ffmpeg.AV_PKT_FLAG_KEY) != 0,
                    CaptureTime = capture,
                    Time = packet->pts * s_timeBase.Value,
                });
            }
            finally
            {
                ffmpeg.av_packet_unref(packet);
            }
        }
    }

    /// <summary>Frees the encoder.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _encoder.Dispose();
        _picture.Dispose();
        _packet.Dispose();
        _input.Dispose();
    }

    private static void Check(int status)
    {
        if (status < 0) throw new OutputException($"The live picture cannot be encoded: {FFmpegRuntime.Describe(status)}.");
    }
}
