using System.Buffers.Binary;
using System.Globalization;

namespace Img2Pose.Monitor.Live;

/// <summary>What a player must know of an H.264 stream before its first picture (ISO/IEC 14496-15, 5.3.3).</summary>
/// <param name="Configuration">The decoder configuration record ("avcC").</param>
/// <param name="Width">Samples in a row.</param>
/// <param name="Height">Rows.</param>
internal sealed record H264Header(byte[] Configuration, int Width, int Height)
{
    /// <summary>The codec as browsers are told (RFC 6381), such as <c>avc1.64001f</c>.</summary>
    public string Codec => string.Create(CultureInfo.InvariantCulture, $"avc1.{Configuration[1]:x2}{Configuration[2]:x2}{Configuration[3]:x2}");

    /// <summary>Whether both describe the same stream.</summary>
    public bool IsSame(H264Header other) => Width == other.Width && Height == other.Height && Configuration.AsSpan().SequenceEqual(other.Configuration);
}

/// <summary>Reads H.264 as cameras send it, with start codes (ITU-T H.264, annex B) or lengths, and gives it as mp4 wants it. Bounded by the picture's own size; throws nothing.</summary>
internal static class H264Stream
{
    private const int NalTypeMask = 0x1f, Sps = 7, Pps = 8, AccessUnitDelimiter = 9;

    /// <summary>Turns a picture into length-prefixed units, parameter sets left out; null where it holds nothing.</summary>
    /// <param name="data">The picture.</param>
    /// <param name="extraData">What the container said beforehand.</param>
    /// <param name="width">Samples in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="header">The stream's description where this picture or the container tells it; else as it was.</param>
    public static byte[]? Convert(ReadOnlySpan<byte> data, ReadOnlySpan<byte> extraData, int width, int height, ref H264Header? header)
    {
        List<Range> units = [];
        bool hasLengths = extraData.Length > 6 && extraData[0] == 1;
        if (hasLengths)
        {
            int size = (extraData[4] & 3) + 1;
            if (!SplitLengths(data, size, units)) return null;
            if (header is null || !header.Configuration.AsSpan().SequenceEqual(extraData))
            {
                byte[] record = extraData.ToArray();
                // Units are written with lengths of four bytes here.
                record[4] |= 3;
                H264Header told = new(record, width, height);
                if (header is null || !header.IsSame(told)) header = told;
            }
        }
        else
        {
            SplitStartCodes(data, units);
            byte[]? sps = Find(data, units, Sps), pps = Find(data, units, Pps);
            if (sps is null && header is null)
            {
                List<Range> before = [];
                SplitStartCodes(extraData, before);
                (sps, pps) = (Find(extraData, before, Sps), Find(extraData, before, Pps));
            }
            if (sps is { Length: >= 4 } && pps is not null)
            {
                H264Header told = new(Record(sps, pps), width, height);
                if (header is null || !header.IsSame(told)) header = told;
            }
        }
        int total = 0;
        foreach (Range unit in units)
        {
            if (IsKept(data[unit])) total += 4 + data[unit].Length;
        }
        if (total == 0) return null;
        byte[] sample = new byte[total];
        int at = 0;
        foreach (Range unit in units)
        {
            ReadOnlySpan<byte> bytes = data[unit];
            if (!IsKept(bytes)) continue;
            BinaryPrimitives.WriteInt32BigEndian(sample.AsSpan(at), bytes.Length);
            bytes.CopyTo(sample.AsSpan(at + 4));
            at += 4 + bytes.Length;
        }
        return sample;
    }

    private static bool IsKept(ReadOnlySpan<byte> unit) => !unit.IsEmpty && (unit[0] & NalTypeMask) is not (Sps or Pps or AccessUnitDelimiter);

    private static byte[]? Find(ReadOnlySpan<byte> data, List<Range> units, int type)
    {
        foreach (Range unit in units)
        {
            if (!data[unit].IsEmpty && (data[unit][0] & NalTypeMask) == type && data[unit].Length <= ushort.MaxValue) return data[unit].ToArray();
        }
        return null;
    }

    private static bool SplitLengths(ReadOnlySpan<byte> data, int size, List<Range> units)
    {
        int at = 0;
        while (at + size <= data.Length)
        {
            long length = 0;
            for (int i = 0; i < size; i++) length = length << 8 | data[at + i];
            at += size;
            if (length > data.Length - at) return false;
            units.Add(at..(at + (int)length));
            at += (int)length;
        }
        return at == data.Length;
    }

    private static void SplitStartCodes(ReadOnlySpan<byte> data, List<Range> units)
    {
        int begin = -1, at = 0;
        while (true)
        {
            int next = data[at..].IndexOf("\0\0\x01"u8);
            int end = next < 0 ? data.Length : at + next;
            if (begin >= 0)
            {
                int last = end;
                // Zeros before a start code belong to nobody.
                while (last > begin && data[last - 1] == 0) last--;
                if (last > begin) units.Add(begin..last);
            }
            if (next < 0) return;
            at = begin = end + 3;
        }
    }

    private static byte[] Record(byte[] sps, byte[] pps)
    {
        byte[] record = new byte[11 + sps.Length + pps.Length];
        record[0] = 1;
        sps.AsSpan(1, 3).CopyTo(record.AsSpan(1));
        // Lengths of four bytes, one set of each kind; reserved bits are ones.
        record[4] = 0xff;
        record[5] = 0xe1;
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(6), (ushort)sps.Length);
        sps.CopyTo(record.AsSpan(8));
        record[8 + sps.Length] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(9 + sps.Length), (ushort)pps.Length);
        pps.CopyTo(record.AsSpan(11 + sps.Length));
        return record;
    }
}
