using System.Buffers.Binary;

namespace Img2Pose.Fuzz;

/// <summary>Makes new inputs of known ones: flips, insertions, removals, cuts, splices, and numbers where lengths might stand.</summary>
internal sealed class Mutator(Random random, int largest)
{
    private static readonly long[] s_interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 4095, 4096, 32767, 32768, 65535, 65536, 1 << 20,
        1 << 24, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, long.MaxValue, long.MinValue, -1, -2, -128, -32768,
    ];

    private static readonly string[] s_words =
    [
        "0", "-1", "1e308", "1e-308", "-0", "NaN", "Infinity", "2147483648", "9223372036854775808", "99999999999999999999", "\"\\ud800\"", "null", "true", "[]", "{}",
        "[[[[", "\"", "\\", "/", "../", "\0", "\n", "\r\n", "\t", " ", ",", ";", ":", "://", "@", "%00", "*", "?", "\u001b[2J", "é", "😀", "file:///", "lavfi:",
    ];

    /// <summary>One to eight changes to a copy of <paramref name="parent"/>.</summary>
    /// <param name="parent">The input to start from.</param>
    /// <param name="other">Another, to take pieces of.</param>
    public byte[] Mutate(byte[] parent, byte[] other)
    {
        List<byte> data = [.. parent];
        for (int changes = 1 + random.Next(random.Next(1, 9)); changes > 0; changes--) Change(data, other);
        if (data.Count > largest) data.RemoveRange(largest, data.Count - largest);
        return [.. data];
    }

    private void Change(List<byte> data, byte[] other)
    {
        if (data.Count == 0)
        {
            data.Add((byte)random.Next(256));
            return;
        }
        int at = random.Next(data.Count);
        switch (random.Next(11))
        {
            case 0: data[at] ^= (byte)(1 << random.Next(8)); break;
            case 1: data[at] = (byte)random.Next(256); break;
            case 2: data[at] += (byte)random.Next(-9, 10); break;
            case 3: data.InsertRange(at, Enumerable.Range(0, random.Next(1, 9)).Select(_ => (byte)random.Next(256))); break;
            case 4: data.RemoveRange(at, Math.Min(data.Count - at, 1 + random.Next(16))); break;
            case 5: if (random.Next(4) == 0) data.RemoveRange(at, data.Count - at); break;
            case 6: WriteNumber(data, at); break;
            case 7:
                // A piece of this or of the other, over or between what is there.
                IReadOnlyList<byte> source = random.Next(2) == 0 ? other : data;
                if (source.Count == 0) break;
                int from = random.Next(source.Count), length = Math.Min(source.Count - from, 1 + random.Next(64));
                byte[] piece = [.. source.Skip(from).Take(length)];
                if (random.Next(2) == 0) data.InsertRange(at, piece);
                else for (int i = 0; i < piece.Length && at + i < data.Count; i++) data[at + i] = piece[i];
                break;
            case 8: data.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(s_words[random.Next(s_words.Length)])); break;
            case 9:
                // The head of one, the tail of the other.
                if (random.Next(4) != 0 || other.Length == 0) break;
                data.RemoveRange(at, data.Count - at);
                data.AddRange(other.AsSpan(random.Next(other.Length)).ToArray());
                break;
            default:
                byte[] again = [.. data.Skip(at).Take(1 + random.Next(32))];
                for (int i = 1 + random.Next(random.Next(1, 20)); i > 0 && data.Count < largest; i--) data.InsertRange(at, again);
                break;
        }
    }

    private void WriteNumber(List<byte> data, int at)
    {
        Span<byte> bytes = stackalloc byte[8];
        int width = 1 << random.Next(4);
        long value = s_interesting[random.Next(s_interesting.Length)];
        if (random.Next(3) == 0) value += random.Next(-2, 3);
        if (random.Next(4) == 0) value = data.Count - at;
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (random.Next(2) == 0) bytes[..width].Reverse();
        for (int i = 0; i < width && at + i < data.Count; i++) data[at + i] = bytes[i];
    }
}
