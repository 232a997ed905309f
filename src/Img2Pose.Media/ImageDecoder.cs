using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Decodes picture files on one thread; keeps its buffers, decoders and scaler from one picture to the next. One that lives as
/// long as its thread may be left to the finalisers of its handles.
/// </summary>
internal sealed unsafe class ImageDecoder(FramePool pool) : IDisposable
{
    private readonly FrameHandle _picture = CreateFrame();
    private readonly PacketHandle _packet = new();
    private readonly PixelConverter _converter = new();
    private readonly Dictionary<(AVCodecID, long), CodecHandle> _decoders = [];

    private static FrameHandle CreateFrame()
    {
        _ = FFmpegRuntime.EnsureLoaded();
        return new FrameHandle();
    }

    public VideoFrame DecodeFile(string path, MediaLimits limits)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            long length = RandomAccess.GetLength(file);
            Span<byte> data = Reserve(length, path, limits);
            for (int read = 0; read < data.Length;)
            {
                int count = RandomAccess.Read(file, data[read..], read);
                if (count == 0) throw new InputException($"{path}: the file became shorter while it was read");
                read += count;
            }
            return DecodePacket(data, path, limits, upright: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw InputErrors.CannotOpen(path, e);
        }
        finally
        {
            ffmpeg.av_packet_unref(_packet.Pointer);
        }
    }

    public VideoFrame Decode(ReadOnlySpan<byte> data, string name, MediaLimits limits, bool upright)
    {
        try
        {
            Span<byte> copy = Reserve(data.Length, name, limits);
            data.CopyTo(copy);
            return DecodePacket(copy, name, limits, upright);
        }
        finally
        {
            ffmpeg.av_packet_unref(_packet.Pointer);
        }
    }

    /// <summary>Gives the packet a buffer, padded as decoders ask for.</summary>
    private Span<byte> Reserve(long length, string name, MediaLimits limits)
    {
        if (length == 0) throw new InputException($"{name}: the file is empty");
        if (length > limits.MaxImageBytes)
        {
            throw new InputException(
                $"{name}: the file has {length} bytes, more than the limit of {limits.MaxImageBytes} (MediaLimits.MaxImageBytes)");
        }
        int status = ffmpeg.av_new_packet(_packet.Pointer, checked((int)length));
        if (status < 0) throw new InputException($"{name}: no memory for {length} bytes");
        _packet.Pointer->flags = ffmpeg.AV_PKT_FLAG_KEY;
        return new Span<byte>(_packet.Pointer->data, (int)length);
    }

    private VideoFrame DecodePacket(ReadOnlySpan<byte> data, string name, MediaLimits limits, bool upright)
    {
        ImageHeader header = ImageHeader.Read(data);
        if (header.Codec == AVCodecID.AV_CODEC_ID_NONE)
            throw new InputException($"{name}: not a picture (JPEG, PNG, BMP, WebP, TIFF, GIF, PNM and JPEG 2000 are read)");
        limits.CheckPixels(name, header.Width, header.Height);

        (AVCodecID, long) key = (header.Codec, limits.MaxPixels);
        if (!_decoders.TryGetValue(key, out CodecHandle? decoder))
        {
            decoder = Open(header.Codec, name, limits);
            _decoders.Add(key, decoder);
        }
        bool healthy = false;
        AVFrame* picture = _picture.Pointer;
        try
        {
            int status = ffmpeg.avcodec_send_packet(decoder.Pointer, _packet.Pointer);
            if (status >= 0) status = ffmpeg.avcodec_receive_frame(decoder.Pointer, picture);
            if (status < 0)
            {
                string why = status == FFmpegRuntime.TryAgain ? "there is no picture in it" : FFmpegRuntime.Describe(status);
                string limit = header.Width == 0 ? $" (or it has more than {limits.MaxPixels} pixels, MediaLimits.MaxPixels)" : "";
                throw new InputException($"{name}: the picture cannot be decoded: {why}{limit}");
            }
            if ((picture->flags & ffmpeg.AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0)
                throw new InputException($"{name}: the picture is damaged");
            healthy = true;
            return ToRgb(picture, upright ? header.Orientation : PictureOrientation.Upright);
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
            if (!healthy)
            {
                // What a damaged file left behind must not reach the next one.
                _decoders.Remove(key);
                decoder.Dispose();
            }
        }
    }

    private static CodecHandle Open(AVCodecID id, string name, MediaLimits limits)
    {
        AVCodec* codec = ffmpeg.avcodec_find_decoder(id);
        if (codec == null)
            throw new InputException($"{name}: this FFmpeg has no decoder for {ffmpeg.avcodec_get_name(id)} pictures");
        CodecHandle decoder = new(codec);
        decoder.Pointer->thread_count = 1;
        decoder.Pointer->max_pixels = limits.MaxPixels;
        int status = ffmpeg.avcodec_open2(decoder.Pointer, codec, null);
        if (status >= 0) return decoder;
        decoder.Dispose();
        throw new InputException($"{name}: the decoder does not start: {FFmpegRuntime.Describe(status)}");
    }

    private VideoFrame ToRgb(AVFrame* picture, PictureOrientation orientation)
    {
        AVPixelFormat format = (AVPixelFormat)picture->format;
        bool fullRange = PixelFormats.StripFullRange(ref format) | picture->color_range == AVColorRange.AVCOL_RANGE_JPEG;
        // JFIF: BT.601, chroma between the luma samples. The other formats with YUV in them, WebP and TIFF, do the same.
        ColorMatrix matrix = picture->colorspace == AVColorSpace.AVCOL_SPC_BT709 ? ColorMatrix.Bt709 : ColorMatrix.Bt601;
        PictureLayout source = new(format, picture->width, picture->height, matrix, fullRange, ChromaLeft: false);
        PictureLayout target = new(AVPixelFormat.AV_PIX_FMT_RGB24, picture->width, picture->height, matrix, true, false);

        VideoFrame stored = pool.Rent(PixelFormat.Rgb24, picture->width, picture->height);
        VideoFrame? upright = null;
        try
        {
            _converter.Convert(picture, source, stored, target);
            if (orientation == PictureOrientation.Upright)
            {
                upright = stored.AddReference();
            }
            else
            {
                bool swaps = orientation.SwapsSides();
                upright = pool.Rent(
                    PixelFormat.Rgb24, swaps ? stored.Height : stored.Width, swaps ? stored.Width : stored.Height);
                orientation.Apply(stored, upright);
            }
            upright.Color = new ColorDescription(ColorMatrix.Bt601, FullRange: true);
            return upright;
        }
        catch
        {
            upright?.Dispose();
            throw;
        }
        finally
        {
            stored.Dispose();
        }
    }
    public void Dispose()
    {
        foreach (CodecHandle decoder in _decoders.Values) decoder.Dispose();
        _decoders.Clear();
        _converter.Dispose();
        _packet.Dispose();
        _picture.Dispose();
    }
}
