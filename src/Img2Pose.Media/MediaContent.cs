using System.Buffers.Binary;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>What a file holds, told by its first bytes.</summary>
internal enum MediaKind
{
    /// <summary>No signature of a picture or of the usual containers: the containers' readers decide.</summary>
    Unknown,

    /// <summary>One picture.</summary>
    Picture,

    /// <summary>A picture format with several pictures in it, to be shown one after the other.</summary>
    Animation,

    /// <summary>A container of video.</summary>
    Video,

    /// <summary>A picture that FFmpeg's libraries cannot put together.</summary>
    Unreadable,
}

/// <summary>Tells pictures from videos by content.</summary>
internal static class MediaContent
{
    /// <summary>Bytes that are enough for <see cref="Sniff"/>.</summary>
    public const int SniffBytes = 64;

    /// <summary>The kind by signature; a format that may be animated counts as a picture here.</summary>
    public static MediaKind Sniff(ReadOnlySpan<byte> start)
    {
        if (ImageHeader.Read(start).Codec != AVCodecID.AV_CODEC_ID_NONE) return MediaKind.Picture;
        if (start.Length >= 12 && start[4..].StartsWith("ftyp"u8)) return SniffBrands(start);
        if (start.StartsWith<byte>([0x1A, 0x45, 0xDF, 0xA3])) return MediaKind.Video;
        if (start.Length >= 12 && start.StartsWith("RIFF"u8) && start[8..].StartsWith("AVI "u8)) return MediaKind.Video;
        return start.StartsWith("OggS"u8) || start.StartsWith("FLV\x01"u8) || start.StartsWith("YUV4MPEG2"u8) || start.StartsWith("DKIF"u8)
            ? MediaKind.Video : MediaKind.Unknown;
    }

    /// <summary>Whether a picture file is AVIF (AV1 Image File Format: brand <c>avif</c>).</summary>
    public static bool IsAvif(ReadOnlySpan<byte> start) =>
        start.Length >= 12 && start[4..].StartsWith("ftyp"u8) && HasBrand(start, "avif"u8);

    /// <summary>Why a picture of kind <see cref="MediaKind.Unreadable"/> is not read.</summary>
    public const string WhyUnreadable =
        "HEIC pictures are stored in tiles that FFmpeg's libraries do not put together; convert it to JPEG, PNG or AVIF";

    /// <summary>What an animation is refused with that FFmpeg has no reader for, or null.</summary>
    public static string? WhyNoAnimation(ReadOnlySpan<byte> start) => IsAnimatedWebP(start)
        ? "it is an animated WebP, which FFmpeg's libraries do not read; convert it to GIF, APNG or a video" : null;

    /// <summary>Whether there is more than one picture in a GIF, PNG or WebP file.</summary>
    public static bool IsAnimated(Stream file, ReadOnlySpan<byte> start)
    {
        AVCodecID codec = ImageHeader.Read(start).Codec;
        return codec switch
        {
            AVCodecID.AV_CODEC_ID_GIF => IsAnimatedGif(file),
            AVCodecID.AV_CODEC_ID_PNG => IsAnimatedPng(file),
            AVCodecID.AV_CODEC_ID_WEBP => IsAnimatedWebP(start),
            _ => false,
        };
    }

    /// <summary>ISO base media files: the major brand, then the compatible ones (ISO/IEC 14496-12, 23008-12, AVIF 1.1).</summary>
    private static MediaKind SniffBrands(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> major = start.Slice(8, 4);
        if (major.SequenceEqual("avif"u8)) return MediaKind.Picture;
        if (major.SequenceEqual("avis"u8)) return MediaKind.Video;
        if (major.StartsWith("hei"u8) || major.SequenceEqual("mif1"u8) || major.SequenceEqual("msf1"u8) || major.StartsWith("hev"u8))
            return HasBrand(start, "avif"u8) ? MediaKind.Picture : MediaKind.Unreadable;
        return MediaKind.Video;
    }

    private static bool HasBrand(ReadOnlySpan<byte> start, ReadOnlySpan<byte> brand)
    {
        int end = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(start), (uint)start.Length);
        for (int at = 8; at + 4 <= end; at += 4)
        {
            // Between the major and the compatible brands there is a version.
            if (at != 12 && start.Slice(at, 4).SequenceEqual(brand)) return true;
        }
        return false;
    }

    private static bool IsAnimatedWebP(ReadOnlySpan<byte> start) =>
        start.Length > 20 && start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBPVP8X"u8) && (start[20] & 0x02) != 0;

    /// <summary>GIF89a: two image descriptors.</summary>
    private static bool IsAnimatedGif(Stream file)
    {
        Span<byte> header = stackalloc byte[13];
        if (file.ReadAtLeast(header, 13, throwOnEndOfStream: false) < 13) return false;
        file.Position += TableBytes(header[10]);
        int pictures = 0;
        Span<byte> descriptor = stackalloc byte[9];
        while (true)
        {
            switch (file.ReadByte())
            {
                case 0x21:
                    if (file.ReadByte() < 0) return false;
                    break;
                case 0x2C:
                    if (++pictures == 2) return true;
                    if (file.ReadAtLeast(descriptor, 9, throwOnEndOfStream: false) < 9) return false;
                    file.Position += TableBytes(descriptor[8]);
                    if (file.ReadByte() < 0) return false;
                    break;
                default:
                    return false;
            }
            for (int size = file.ReadByte(); size != 0; size = file.ReadByte())
            {
                if (size < 0) return false;
                file.Position += size;
            }
        }

        static int TableBytes(byte flags) => (flags & 0x80) != 0 ? 3 << ((flags & 7) + 1) : 0;
    }

    /// <summary>PNG: an animation control chunk before the data, with more than one frame (PNG third edition, 11.3.6.1).</summary>
    private static bool IsAnimatedPng(Stream file)
    {
        file.Position = 8;
        Span<byte> chunk = stackalloc byte[12];
        while (file.ReadAtLeast(chunk, 12, throwOnEndOfStream: false) == 12)
        {
            ReadOnlySpan<byte> type = chunk.Slice(4, 4);
            if (type.SequenceEqual("IDAT"u8) || type.SequenceEqual("IEND"u8)) return false;
            if (type.SequenceEqual("acTL"u8)) return BinaryPrimitives.ReadUInt32BigEndian(chunk[8..]) > 1;
            file.Position += BinaryPrimitives.ReadUInt32BigEndian(chunk);
        }
        return false;
    }
}
