using System.Buffers.Binary;

namespace Img2Pose.Testing;

/// <summary>
/// Turns an mp4 video by its display matrix, as a camera held sideways does. FFmpeg's program has another option for that in
/// every other major, so the matrix is written into the file.
/// </summary>
public static class TurnedVideo
{
    /// <summary>Copies an mp4 whose first track is its video.</summary>
    /// <param name="plain">A file with an upright video.</param>
    /// <param name="turned">The file to write.</param>
    /// <param name="degrees">How far a viewer turns the pictures clockwise: 90, 180 or 270.</param>
    public static void Write(string plain, string turned, int degrees)
    {
        byte[] file = File.ReadAllBytes(plain);
        int header = file.AsSpan().IndexOf("tkhd"u8);
        Assert.True(header >= 0 && file[header + 4] == 0, $"{plain} has no track header of version 0");
        // ISO/IEC 14496-12, 8.3.2: flags 4, times and identity 20, reserved 8, layer to volume 8, the matrix 36, width, height.
        Span<byte> matrix = file.AsSpan(header + 44, 36);
        int width = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(header + 80)), height = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(header + 84));
        const int One = 1 << 16;
        (int a, int b, int c, int d, int x, int y) = degrees switch
        {
            90 => (0, One, -One, 0, height, 0),
            180 => (-One, 0, 0, -One, width, height),
            270 => (0, -One, One, 0, 0, width),
            _ => throw new ArgumentOutOfRangeException(nameof(degrees)),
        };
        int[] values = [a, b, 0, c, d, 0, x, y, 1 << 30];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt32BigEndian(matrix[(4 * i)..], values[i]);
        File.WriteAllBytes(turned, file);
    }
}
