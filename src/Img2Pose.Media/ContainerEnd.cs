using System.Buffers.Binary;

namespace Img2Pose.Media;

/// <summary>How long a container says that its file is, so that one that was cut is known.</summary>
internal static class ContainerEnd
{
    /// <summary>The length in bytes that the outermost elements add up to; null where they do not say.</summary>
    public static long? ExpectedBytes(Stream file)
    {
        Span<byte> start = stackalloc byte[16];
        if (file.ReadAtLeast(start, 16, throwOnEndOfStream: false) < 16) return null;
        if (start.StartsWith<byte>([0x1A, 0x45, 0xDF, 0xA3])) return Matroska(file);
        if (start[4..].StartsWith("ftyp"u8) || start[4..].StartsWith("styp"u8)) return IsoMedia(file);
        return null;
    }

    /// <summary>EBML (RFC 8794): the header, then one segment whose size may be unknown.</summary>
    private static long? Matroska(Stream file)
    {
        file.Position = 4;
        if (ReadSize(file) is not { } header) return null;
        file.Position += header;
        Span<byte> id = stackalloc byte[4];
        if (file.ReadAtLeast(id, 4, throwOnEndOfStream: false) < 4 || !id.SequenceEqual<byte>([0x18, 0x53, 0x80, 0x67])) return null;
        return ReadSize(file) is { } segment && segment <= long.MaxValue - file.Position ? file.Position + segment : null;
    }

    /// <summary>A variable-length number; null when it means "unknown" or is none.</summary>
    private static long? ReadSize(Stream file)
    {
        int first = file.ReadByte();
        if (first <= 0) return null;
        int more = System.Numerics.BitOperations.LeadingZeroCount((uint)first) - 24;
        long value = first & (0x7F >> more);
        bool all = value == 0x7F >> more;
        for (int i = 0; i < more; i++)
        {
            int next = file.ReadByte();
            if (next < 0) return null;
            all &= next == 0xFF;
            value = value << 8 | (long)next;
        }
        return all ? null : value;
    }

    /// <summary>Boxes one after the other (ISO/IEC 14496-12, 4.2); the last may reach to the end.</summary>
    private static long? IsoMedia(Stream file)
    {
        long length = file.Length, at = 0;
        Span<byte> box = stackalloc byte[16];
        // No sound file has more boxes at its outermost level than a day in fragments of a second has.
        for (int count = 0; count < 400_000 && at + 8 <= length; count++)
        {
            file.Position = at;
            int read = file.ReadAtLeast(box, 16, throwOnEndOfStream: false);
            if (read < 8) return null;
            long size = BinaryPrimitives.ReadUInt32BigEndian(box);
            if (size == 0) return null;
            if (size == 1) size = read == 16 ? BinaryPrimitives.ReadInt64BigEndian(box[8..]) : -1;
            if (size < 8 || size > long.MaxValue - at) return null;
            at += size;
        }
        return at;
    }
}
