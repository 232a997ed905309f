using System.Buffers.Binary;

namespace Img2Pose.Media;

/// <summary>
/// Whether a picture file ends before it should. Decoders fill what is missing with grey and say nothing.
/// </summary>
internal static class PictureEnd
{
    /// <summary>True when the end that the format asks for is not there.</summary>
    public static bool IsMissing(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith<byte>([0xFF, 0xD8, 0xFF])) return JpegEnds(data) is false;
        if (data.StartsWith("\x89PNG"u8)) return data.LastIndexOf("IEND"u8) < 0;
        if (data.Length >= 12 && data.StartsWith("RIFF"u8)) return BinaryPrimitives.ReadUInt32LittleEndian(data[4..]) + 8L > data.Length + 1L;
        return false;
    }

    /// <summary>Goes from marker to marker (ISO/IEC 10918-1, B.1.1) to the end of image; null where there is no scan.</summary>
    private static bool? JpegEnds(ReadOnlySpan<byte> data)
    {
        bool scan = false;
        for (long at = 2; at + 1 < data.Length;)
        {
            int next = data[(int)at..].IndexOf((byte)0xFF);
            if (next < 0 || at + next + 1 >= data.Length) break;
            at += next;
            byte marker = data[(int)at + 1];
            if (marker == 0xD9) return true;
            bool alone = marker is 0x00 or 0x01 or 0xFF or (>= 0xD0 and <= 0xD8);
            if (alone)
            {
                at += marker == 0xFF ? 1 : 2;
                continue;
            }
            if (at + 4 > data.Length) break;
            scan |= marker == 0xDA;
            at += 2 + Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(data[((int)at + 2)..]));
        }
        return scan ? false : null;
    }
}
