using System.Buffers.Binary;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>What the first bytes of a picture file tell without decoding it.</summary>
/// <param name="Codec">The decoder that reads it; none when the bytes are of no picture format.</param>
/// <param name="Width">Stored width, or 0 where only the decoder finds out (TIFF, PNM, JPEG 2000).</param>
/// <param name="Height">Stored height, or 0.</param>
/// <param name="Orientation">The EXIF orientation (EXIF 2.32, tag 0x0112); upright without one.</param>
internal readonly record struct ImageHeader(AVCodecID Codec, int Width, int Height, PictureOrientation Orientation)
{
    private static readonly ImageHeader s_unknown = new(AVCodecID.AV_CODEC_ID_NONE, 0, 0, PictureOrientation.Upright);

    /// <summary>Reads the header; never throws on damaged data.</summary>
    public static ImageHeader Read(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith<byte>([0xFF, 0xD8, 0xFF])) return ReadJpeg(data);
        if (data.StartsWith("\x89PNG\r\n\x1A\n"u8) || data.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G'])) return ReadPng(data);
        if (data.Length >= 16 && data.StartsWith("RIFF"u8) && data[8..].StartsWith("WEBP"u8)) return ReadWebP(data);
        if (data.Length >= 26 && data.StartsWith("BM"u8)) return ReadBmp(data);
        if (data.Length >= 10 && (data.StartsWith("GIF87a"u8) || data.StartsWith("GIF89a"u8)))
        {
            return new ImageHeader(AVCodecID.AV_CODEC_ID_GIF, BinaryPrimitives.ReadUInt16LittleEndian(data[6..]),
                BinaryPrimitives.ReadUInt16LittleEndian(data[8..]), PictureOrientation.Upright);
        }
        if (data.StartsWith("II*\0"u8) || data.StartsWith("MM\0*"u8))
            return new ImageHeader(AVCodecID.AV_CODEC_ID_TIFF, 0, 0, ReadTiffOrientation(data));
        if (data.StartsWith("\0\0\0\x0CjP  "u8) || data.StartsWith<byte>([0xFF, 0x4F, 0xFF, 0x51]))
            return s_unknown with { Codec = AVCodecID.AV_CODEC_ID_JPEG2000 };
        if (data.Length >= 3 && data[0] == 'P' && data[2] is (byte)'\n' or (byte)' ' or (byte)'\r' or (byte)'\t' or (byte)'#')
        {
            return s_unknown with
            {
                Codec = data[1] switch
                {
                    (byte)'1' or (byte)'4' => AVCodecID.AV_CODEC_ID_PBM,
                    (byte)'2' or (byte)'5' => AVCodecID.AV_CODEC_ID_PGM,
                    (byte)'3' or (byte)'6' => AVCodecID.AV_CODEC_ID_PPM,
                    (byte)'7' => AVCodecID.AV_CODEC_ID_PAM,
                    _ => AVCodecID.AV_CODEC_ID_NONE,
                },
            };
        }
        return s_unknown;
    }

    private static ImageHeader ReadJpeg(ReadOnlySpan<byte> data)
    {
        ImageHeader header = s_unknown with { Codec = AVCodecID.AV_CODEC_ID_MJPEG };
        int at = 2;
        while (at + 4 <= data.Length)
        {
            if (data[at] != 0xFF)
            {
                at++;
                continue;
            }
            byte marker = data[at + 1];
            if (marker is 0xFF or 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += marker == 0xFF ? 1 : 2;
                continue;
            }
            int length = BinaryPrimitives.ReadUInt16BigEndian(data[(at + 2)..]);
            int end = Math.Min(at + 2 + Math.Max(length, 2), data.Length);
            ReadOnlySpan<byte> segment = data[Math.Min(at + 4, end)..end];
            if (marker == 0xE1 && segment.StartsWith("Exif\0\0"u8))
            {
                header = header with { Orientation = ReadTiffOrientation(segment[6..]) };
            }
            else if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && segment.Length >= 5)
            {
                return header with
                {
                    Height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]),
                    Width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]),
                };
            }
            else if (marker is 0xDA or 0xD9)
            {
                break;
            }
            at = end;
        }
        return header;
    }

    private static ImageHeader ReadPng(ReadOnlySpan<byte> data)
    {
        ImageHeader header = s_unknown with { Codec = AVCodecID.AV_CODEC_ID_PNG };
        if (data.Length < 24) return header;
        header = header with
        {
            Width = Positive(BinaryPrimitives.ReadUInt32BigEndian(data[16..])),
            Height = Positive(BinaryPrimitives.ReadUInt32BigEndian(data[20..])),
        };
        long at = 8;
        while (at + 12 <= data.Length)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(data[(int)at..]);
            ReadOnlySpan<byte> type = data.Slice((int)at + 4, 4);
            if (type.SequenceEqual("eXIf"u8) && at + 8 + length <= data.Length)
                return header with { Orientation = ReadTiffOrientation(data.Slice((int)at + 8, (int)length)) };
            at += 12 + length;
        }
        return header;
    }

    private static ImageHeader ReadWebP(ReadOnlySpan<byte> data)
    {
        ImageHeader header = s_unknown with { Codec = AVCodecID.AV_CODEC_ID_WEBP };
        long at = 12;
        while (at + 8 <= data.Length)
        {
            ReadOnlySpan<byte> chunk = data[(int)at..];
            long length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            ReadOnlySpan<byte> body = chunk[8..(int)Math.Min(8 + length, chunk.Length)];
            if (chunk.StartsWith("VP8X"u8) && body.Length >= 10)
            {
                header = header with
                {
                    Width = 1 + (body[4] | body[5] << 8 | body[6] << 16),
                    Height = 1 + (body[7] | body[8] << 8 | body[9] << 16),
                };
            }
            else if (chunk.StartsWith("VP8L"u8) && body.Length >= 5)
            {
                uint bits = BinaryPrimitives.ReadUInt32LittleEndian(body[1..]);
                header = header with { Width = (int)(bits & 0x3FFF) + 1, Height = (int)(bits >> 14 & 0x3FFF) + 1 };
            }
            else if (chunk.StartsWith("VP8 "u8) && body.Length >= 10)
            {
                header = header with
                {
                    Width = BinaryPrimitives.ReadUInt16LittleEndian(body[6..]) & 0x3FFF,
                    Height = BinaryPrimitives.ReadUInt16LittleEndian(body[8..]) & 0x3FFF,
                };
            }
            else if (chunk.StartsWith("EXIF"u8))
            {
                // Some writers keep the JPEG segment's prefix.
                if (body.StartsWith("Exif\0\0"u8)) body = body[6..];
                header = header with { Orientation = ReadTiffOrientation(body) };
            }
            at += 8 + length + (length & 1);
        }
        return header;
    }

    private static ImageHeader ReadBmp(ReadOnlySpan<byte> data)
    {
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(data[14..]);
        (int width, int height) = size == 12
            ? (BinaryPrimitives.ReadUInt16LittleEndian(data[18..]), BinaryPrimitives.ReadUInt16LittleEndian(data[20..]))
            : (BinaryPrimitives.ReadInt32LittleEndian(data[18..]), BinaryPrimitives.ReadInt32LittleEndian(data[22..]));
        // A negative height means rows from the top down.
        return new ImageHeader(AVCodecID.AV_CODEC_ID_BMP, Math.Max(width, 0), height == int.MinValue ? 0 : Math.Abs(height),
            PictureOrientation.Upright);
    }

    /// <summary>The orientation in the first directory of a TIFF structure, which is also what EXIF is.</summary>
    private static PictureOrientation ReadTiffOrientation(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8) return PictureOrientation.Upright;
        bool little = tiff[0] == 'I';
        if (tiff[0] != tiff[1] || (!little && tiff[0] != 'M')) return PictureOrientation.Upright;
        uint directory = ReadUInt32(tiff[4..], little);
        if (directory > tiff.Length - 2) return PictureOrientation.Upright;
        int entries = ReadUInt16(tiff[(int)directory..], little);
        for (int i = 0; i < entries; i++)
        {
            long at = directory + 2L + i * 12L;
            if (at + 12 > tiff.Length) break;
            ReadOnlySpan<byte> entry = tiff.Slice((int)at, 12);
            if (ReadUInt16(entry, little) != 0x0112) continue;
            int value = ReadUInt16(entry[8..], little);
            return value is >= 1 and <= 8 ? (PictureOrientation)value : PictureOrientation.Upright;
        }
        return PictureOrientation.Upright;
    }

    private static ushort ReadUInt16(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);

    private static uint ReadUInt32(ReadOnlySpan<byte> data, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(data) : BinaryPrimitives.ReadUInt32BigEndian(data);

    private static int Positive(uint value) => value > int.MaxValue ? int.MaxValue : (int)value;
}
