using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Gives frames the format and even size that an encoder wants, and hands them to FFmpeg without copying where they have both
/// already. Not thread-safe; an encoder may release what it was given on any thread.
/// </summary>
internal sealed unsafe class EncoderInput(EncoderPicture target, int codedWidth, int codedHeight) : IDisposable
{
    private readonly FramePool _fitted = new(4);
    private readonly FramePool _converted = new();
    private readonly PixelConverter _fitter = new();
    private readonly PixelConverter _converter = new();

    /// <summary>Fills an empty FFmpeg picture that refers to the samples of <paramref name="frame"/> or of a converted copy.</summary>
    public void Fill(AVFrame* picture, VideoFrame frame)
    {
        VideoFrame held = frame.AddReference();
        try
        {
            if (held.Width != codedWidth || held.Height != codedHeight) held = Replace(held, Fit(held));
            if (held.Format != target.Format || held.Width != target.Width || held.Height != target.Height) held = Replace(held, Convert(held));
            Refer(picture, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static VideoFrame Replace(VideoFrame old, VideoFrame replacement)
    {
        old.Dispose();
        return replacement;
    }

    private VideoFrame Fit(VideoFrame frame)
    {
        VideoFrame fitted = _fitted.Rent(frame.Format, codedWidth, codedHeight);
        try
        {
            Letterbox.Fit(_fitter, frame, frame.Color, fitted);
            fitted.CopyPropertiesFrom(frame);
            return fitted;
        }
        catch
        {
            fitted.Dispose();
            throw;
        }
    }

    private VideoFrame Convert(VideoFrame frame)
    {
        VideoFrame converted = _converted.Rent(target.Format, target.Width, target.Height);
        try
        {
            if (frame.Format == PixelFormat.I420P10 && target.Format == PixelFormat.I420) RoundToEightBits(frame, converted);
            else if (frame.Format == target.Format) CopyPlanes(frame, converted);
            else Scale(frame, converted);
            RepeatEdges(converted, frame.Width, frame.Height);
            return converted;
        }
        catch
        {
            converted.Dispose();
            throw;
        }
    }

    private void Scale(VideoFrame frame, VideoFrame converted)
    {
        bool rgb = frame.Format == PixelFormat.Rgb24;
        bool full = target.Tags.Range == AVColorRange.AVCOL_RANGE_JPEG;
        PictureLayout source = new(PixelFormats.ToNative(frame.Format), frame.Width, frame.Height, frame.Color.Matrix, rgb || full, ChromaLeft: true);
        PictureLayout wanted = source with { Format = PixelFormats.ToNative(target.Format), FullRange = full };
        _converter.Convert(frame, source, converted, wanted, 0, 0);
    }

    private static void CopyPlanes(VideoFrame from, VideoFrame to)
    {
        for (int i = 0; i < from.PlaneCount; i++)
        {
            FramePlane source = from.GetPlane(i), target = to.GetPlane(i);
            for (int y = 0; y < source.Height; y++) source.Row(y).CopyTo(target.Row(y));
        }
    }

    /// <summary>Rounds 10-bit samples to the nearest 8-bit ones.</summary>
    private static void RoundToEightBits(VideoFrame from, VideoFrame to)
    {
        for (int i = 0; i < from.PlaneCount; i++)
        {
            FramePlane source = from.GetPlane(i), target = to.GetPlane(i);
            for (int y = 0; y < source.Height; y++) RoundToEightBits(MemoryMarshal.Cast<byte, ushort>(source.Row(y)), target.Row(y));
        }
    }

    internal static void RoundToEightBits(ReadOnlySpan<ushort> from, Span<byte> to)
    {
        Vector<ushort> half = new(2), most = new(255);
        int x = 0;
        for (; x + 2 * Vector<ushort>.Count <= from.Length; x += 2 * Vector<ushort>.Count)
        {
            Vector<ushort> low = Vector.Min(Vector.ShiftRightLogical(new Vector<ushort>(from[x..]) + half, 2), most);
            Vector<ushort> high = Vector.Min(Vector.ShiftRightLogical(new Vector<ushort>(from[(x + Vector<ushort>.Count)..]) + half, 2), most);
            Vector.Narrow(low, high).CopyTo(to[x..]);
        }
        for (; x < from.Length; x++) to[x] = (byte)Math.Min((from[x] + 2) >> 2, 255);
    }

    /// <summary>
    /// Fills the column and row that make an odd size even with their neighbours. Chroma planes are as large for an odd size
    /// as for the even one above it.
    /// </summary>
    private static void RepeatEdges(VideoFrame frame, int width, int height)
    {
        FramePlane luma = frame.GetPlane(0);
        int bytes = luma.BytesPerElement;
        if (width < luma.Width)
        {
            for (int y = 0; y < height; y++)
            {
                Span<byte> row = luma.Row(y);
                row.Slice((width - 1) * bytes, bytes).CopyTo(row[(width * bytes)..]);
            }
        }
        if (height < luma.Height) luma.Row(height - 1).CopyTo(luma.Row(height));
    }

    /// <summary>Lets the picture refer to the frame's planes; the lease ends when FFmpeg drops its last reference.</summary>
    private static void Refer(AVFrame* picture, VideoFrame frame)
    {
        picture->format = (int)PixelFormats.ToNative(frame.Format);
        picture->width = frame.Width;
        picture->height = frame.Height;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            picture->data[(uint)i] = plane.Data;
            picture->linesize[(uint)i] = plane.Stride;
        }
        // Where FFmpeg's own pictures point too; the planes' table lies at the beginning of the struct.
        picture->extended_data = (byte**)&picture->data;
        FramePlane luma = frame.GetPlane(0);
        GCHandle lease = GCHandle.Alloc(frame);
        av_buffer_create_free_func release = new()
        {
            Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, byte*, void>)&Release,
        };
        AVBufferRef* buffer = ffmpeg.av_buffer_create(
            luma.Data, (ulong)luma.Stride * (ulong)luma.Height, release, (void*)GCHandle.ToIntPtr(lease), ffmpeg.AV_BUFFER_FLAG_READONLY);
        if (buffer == null)
        {
            lease.Free();
            throw new InsufficientMemoryException("FFmpeg is out of memory.");
        }
        picture->buf[0] = buffer;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* opaque, byte* data)
    {
        GCHandle lease = GCHandle.FromIntPtr((nint)opaque);
        VideoFrame frame = (VideoFrame)lease.Target!;
        lease.Free();
        frame.Dispose();
    }

    public void Dispose()
    {
        _fitted.Dispose();
        _converted.Dispose();
        _fitter.Dispose();
        _converter.Dispose();
    }
}
