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

    /// <summary>What is said of a picture whose lower part is not there.</summary>
    public const string EndsEarly = "the picture is damaged: it ends early, and its last part is missing";

    private const string MorePictures = "it has several pictures, of which the first is taken; give it alone for all of them";

    // A CMYK or grey picture is converted, and its profile says nothing of the RGB values that come out.
    private static readonly byte[] s_rgbSpace = [.. "RGB "u8];
    private const int SpaceOffset = 16, ProfileHeader = 128, MaxProfileBytes = 16 << 20;

    public VideoFrame DecodeFile(string path, MediaLimits limits, MemoryBudget memory, out string? flaw)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = FileNames.Open(path);
            long length = RandomAccess.GetLength(file);
            Span<byte> data = Reserve(length, path, limits, memory);
            for (int read = 0; read < data.Length;)
            {
                int count = RandomAccess.Read(file, data[read..], read);
                if (count == 0) throw new InputException($"{path}: the file became shorter while it was read");
                read += count;
            }
            return DecodePacket(data, path, limits, memory, upright: true, out flaw);
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

    public VideoFrame Decode(
        ReadOnlySpan<byte> data, string name, MediaLimits limits, MemoryBudget memory, bool upright, out string? flaw)
    {
        try
        {
            Span<byte> copy = Reserve(data.Length, name, limits, memory);
            data.CopyTo(copy);
            return DecodePacket(copy, name, limits, memory, upright, out flaw);
        }
        finally
        {
            ffmpeg.av_packet_unref(_packet.Pointer);
        }
    }

    /// <summary>Gives the packet a buffer, padded as decoders ask for.</summary>
    private Span<byte> Reserve(long length, string name, MediaLimits limits, MemoryBudget memory)
    {
        if (length == 0) throw new InputException($"{name}: the file is empty");
        if (length > limits.MaxImageBytes)
        {
            throw new InputException(
                $"{name}: the file has {length} bytes, more than the limit of {limits.MaxImageBytes} (MediaLimits.MaxImageBytes)");
        }
        memory.Check(name, "the file as a whole", length);
        int status = ffmpeg.av_new_packet(_packet.Pointer, checked((int)length));
        if (status < 0) throw new InputException($"{name}: no memory for {length} bytes");
        _packet.Pointer->flags = ffmpeg.AV_PKT_FLAG_KEY;
        return new Span<byte>(_packet.Pointer->data, (int)length);
    }

    private VideoFrame DecodePacket(
        ReadOnlySpan<byte> data, string name, MediaLimits limits, MemoryBudget memory, bool upright, out string? flaw)
    {
        flaw = PictureEnd.IsMissing(data) ? EndsEarly : null;
        MediaKind kind = MediaContent.Sniff(data[..Math.Min(data.Length, ByteInput.PeekBytes)]);
        if (kind == MediaKind.Unreadable) throw new InputException($"{name}: {MediaContent.WhyUnreadable}");
        if (MediaContent.WhyNoAnimation(data) is { } unread) throw new InputException($"{name}: cannot be opened: {unread}");
        if (MediaContent.IsAvif(data)) return DecodeAvif(data, name, limits, memory);
        ImageHeader header = ImageHeader.Read(data);
        if (header.Codec == AVCodecID.AV_CODEC_ID_NONE)
            throw new InputException($"{name}: not a picture (JPEG, PNG, BMP, WebP, AVIF, TIFF, GIF, PNM and JPEG 2000 are read)");
        limits.CheckPixels(name, header.Width, header.Height);
        // The decoder's picture, its RGB copy, and one turned upright; what reads it next takes its own.
        memory.Check(name, $"the picture of {header.Width}x{header.Height}", checked((long)header.Width * header.Height * 12));
        if (flaw is null && header.Codec is AVCodecID.AV_CODEC_ID_GIF or AVCodecID.AV_CODEC_ID_PNG && HasMore(data)) flaw = MorePictures;

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

    private static bool HasMore(ReadOnlySpan<byte> data)
    {
        fixed (byte* first = data)
        {
            using UnmanagedMemoryStream stream = new(first, data.Length);
            return MediaContent.IsAnimated(stream, data);
        }
    }

    /// <summary>AVIF is a container: its item is read by FFmpeg's reader of ISO base media files.</summary>
    private VideoFrame DecodeAvif(ReadOnlySpan<byte> data, string name, MediaLimits limits, MemoryBudget memory)
    {
        ReadInterrupt interrupt = new(default);
        using InputHandle input = Demuxer.Open(ByteInput.Over(data.ToArray(), name, interrupt), interrupt, limits);
        AVStream* stream = Demuxer.FindVideo(input.Pointer, name, limits, out AVCodec* codec);
        memory.Check(name, $"the picture of {stream->codecpar->width}x{stream->codecpar->height}",
            checked((long)stream->codecpar->width * stream->codecpar->height * 12));
        using CodecHandle decoder = new(codec);
        using PacketHandle packet = new();
        AVFrame* picture = _picture.Pointer;
        try
        {
            decoder.Pointer->thread_count = 1;
            decoder.Pointer->max_pixels = limits.MaxPixels;
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_parameters_to_context(decoder.Pointer, stream->codecpar), name, "the picture cannot be understood");
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_open2(decoder.Pointer, codec, null), name, "the decoder does not start");
            do
            {
                ffmpeg.av_packet_unref(packet.Pointer);
                FFmpegRuntime.CheckInput(ffmpeg.av_read_frame(input.Pointer, packet.Pointer), name, "the picture cannot be read");
            }
            while (packet.Pointer->stream_index != stream->index);
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_send_packet(decoder.Pointer, packet.Pointer), name, "the picture cannot be decoded");
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_send_packet(decoder.Pointer, null), name, "the picture cannot be decoded");
            FFmpegRuntime.CheckInput(ffmpeg.avcodec_receive_frame(decoder.Pointer, picture), name, "the picture cannot be decoded");
            return ToRgb(picture, PictureOrientation.Upright);
        }
        finally
        {
            ffmpeg.av_frame_unref(picture);
        }
    }

    private static byte[]? Profile(AVFrame* picture)
    {
        AVFrameSideData* side = ffmpeg.av_frame_get_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_ICC_PROFILE);
        if (side == null || side->size is < ProfileHeader or > MaxProfileBytes) return null;
        ReadOnlySpan<byte> profile = new(side->data, (int)side->size);
        return profile[SpaceOffset..].StartsWith(s_rgbSpace) ? profile.ToArray() : null;
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
        ColorMatrix matrix = picture->colorspace switch
        {
            AVColorSpace.AVCOL_SPC_BT709 => ColorMatrix.Bt709,
            AVColorSpace.AVCOL_SPC_BT2020_NCL or AVColorSpace.AVCOL_SPC_BT2020_CL => ColorMatrix.Bt2020,
            _ => ColorMatrix.Bt601,
        };
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
            upright.ColorProfile = Profile(picture);
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
