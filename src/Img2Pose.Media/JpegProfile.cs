using System.Buffers.Binary;

namespace Img2Pose.Media;

/// <summary>Puts a colour profile into a JPEG file: application segments 2 (ICC.1:2022, B.4). FFmpeg's encoder does so from 6.0 on only.</summary>
internal static class JpegProfile
{
    private const int SegmentBytes = 65_519;

    /// <summary>Writes <paramref name="jpeg"/> with the profile after its first segment.</summary>
    public static void Write(Stream target, ReadOnlySpan<byte> jpeg, ReadOnlySpan<byte> profile)
    {
        // Start of image, then the JFIF segment where there is one, which must stay first.
        int at = jpeg.Length > 6 && jpeg[3] == 0xE0 ? 4 + BinaryPrimitives.ReadUInt16BigEndian(jpeg[4..]) : 2;
        int count = (profile.Length + SegmentBytes - 1) / SegmentBytes;
        if (count > 255 || at > jpeg.Length)
        {
            target.Write(jpeg);
            return;
        }
        target.Write(jpeg[..at]);
        Span<byte> header = stackalloc byte[4];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> part = profile[(i * SegmentBytes)..Math.Min(profile.Length, (i + 1) * SegmentBytes)];
            header[0] = 0xFF;
            header[1] = 0xE2;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(2 + 14 + part.Length));
            target.Write(header);
            target.Write("ICC_PROFILE\0"u8);
            target.WriteByte((byte)(i + 1));
            target.WriteByte((byte)count);
            target.Write(part);
        }
        target.Write(jpeg[at..]);
    }
}
