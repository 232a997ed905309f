namespace Img2Pose.EndToEnd;

/// <summary>
/// JPEG pictures in printing colours, which nothing that the scripts install writes. Blocks of 8×8 pixels have one colour
/// each, so that a coefficient of a block is all that there is to code, and decoding is exact (ITU-T T.81; Adobe's APP14
/// marker says that four components are inks, stored inverted).
/// </summary>
internal static class CmykJpeg
{
    /// <summary>A picture of <paramref name="columns"/> × <paramref name="rows"/> blocks.</summary>
    /// <param name="columns">Blocks in a row.</param>
    /// <param name="rows">Blocks in a column.</param>
    /// <param name="ink">What each ink lets through in a block, 0 (full ink) to 255 (none).</param>
    public static byte[] Encode(int columns, int rows, Func<int, int, (int C, int M, int Y, int K)> ink)
    {
        List<byte> file = [0xff, 0xd8];
        Segment(0xee, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0]);
        Segment(0xdb, [0, .. Enumerable.Repeat((byte)1, 64)]);
        Segment(0xc0, [8, .. Two(rows * 8), .. Two(columns * 8), 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);
        // Sizes 0 to 11 of a difference are their own codes of 4 bits; the end of a block is one bit.
        Segment(0xc4, [0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        Segment(0xc4, [0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Segment(0xda, [4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);

        Span<int> last = stackalloc int[4];
        int bits = 0, pending = 0;
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                (int c, int m, int y, int k) = ink(column, row);
                ReadOnlySpan<int> levels = [c, m, y, k];
                for (int i = 0; i < 4; i++)
                {
                    // The first coefficient of a flat block is eight times its level.
                    int coefficient = 8 * (levels[i] - 128), difference = coefficient - last[i];
                    last[i] = coefficient;
                    int size = 32 - int.LeadingZeroCount(Math.Abs(difference));
                    Put(size, 4);
                    Put(difference < 0 ? difference + (1 << size) - 1 : difference, size);
                    Put(0, 1);
                }
            }
        }
        Put(0x7f, 7);
        file.AddRange([0xff, 0xd9]);
        return [.. file];

        static byte[] Two(int value) => [(byte)(value >> 8), (byte)value];

        void Segment(byte marker, byte[] content) => file.AddRange([0xff, marker, .. Two(content.Length + 2), .. content]);

        void Put(int value, int count)
        {
            for (int i = count - 1; i >= 0; i--)
            {
                bits = (bits << 1) | ((value >> i) & 1);
                if (++pending < 8) continue;
                file.Add((byte)bits);
                if (bits == 0xff) file.Add(0);
                (bits, pending) = (0, 0);
            }
        }
    }
}
