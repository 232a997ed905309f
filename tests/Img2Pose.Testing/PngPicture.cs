using System.Buffers.Binary;
using System.IO.Compression;

namespace Img2Pose.Testing;

/// <summary>
/// Reads the golden set's PNG files (8-bit RGB, not interlaced) without the media library, so that tests of pure maths
/// need none of it.
/// </summary>
public sealed record PngPicture(int Width, int Height, byte[] Rgb)
{
    public static PngPicture Read(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        Assert.True(file[..8].SequenceEqual<byte>([137, 80, 78, 71, 13, 10, 26, 10]), $"{path} is no PNG file");

        int width = 0, height = 0;
        using MemoryStream compressed = new();
        for (ReadOnlySpan<byte> rest = file[8..]; !rest.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(rest);
            ReadOnlySpan<byte> type = rest.Slice(4, 4), data = rest.Slice(8, length);
            if (type.SequenceEqual("IHDR"u8))
            {
                width = BinaryPrimitives.ReadInt32BigEndian(data);
                height = BinaryPrimitives.ReadInt32BigEndian(data[4..]);
                Assert.True(data[8] == 8 && data[9] == 2 && data[12] == 0, $"{path} is not 8-bit RGB without interlacing");
            }
            else if (type.SequenceEqual("IDAT"u8))
            {
                compressed.Write(data);
            }
            rest = rest[(12 + length)..];
        }

        compressed.Position = 0;
        using ZLibStream inflated = new(compressed, CompressionMode.Decompress);
        int stride = 3 * width;
        byte[] pixels = new byte[stride * height];
        for (int row = 0; row < height; row++)
        {
            int filter = inflated.ReadByte();
            Span<byte> line = pixels.AsSpan(row * stride, stride);
            inflated.ReadExactly(line);
            ReadOnlySpan<byte> above = row > 0 ? pixels.AsSpan((row - 1) * stride, stride) : new byte[stride];
            for (int i = 0; i < stride; i++)
            {
                int left = i >= 3 ? line[i - 3] : 0, up = above[i], corner = i >= 3 ? above[i - 3] : 0;
                line[i] += (byte)(filter switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, _ => Paeth(left, up, corner) });
            }
        }
        return new PngPicture(width, height, pixels);
    }

    private static int Paeth(int left, int up, int corner)
    {
        int estimate = left + up - corner;
        int dLeft = Math.Abs(estimate - left), dUp = Math.Abs(estimate - up), dCorner = Math.Abs(estimate - corner);
        return dLeft <= dUp && dLeft <= dCorner ? left : dUp <= dCorner ? up : corner;
    }
}
