using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Img2Pose.Testing;

/// <summary>Writes little MAT-files for tests.</summary>
public sealed class MatBuilder(bool bigEndian = false)
{
    private readonly List<byte> _body = [];

    public MatBuilder Doubles(string name, int[] dimensions, double[] data)
    {
        byte[] values = new byte[8 * data.Length];
        for (int i = 0; i < data.Length; i++)
        {
            if (bigEndian) BinaryPrimitives.WriteDoubleBigEndian(values.AsSpan(8 * i), data[i]);
            else BinaryPrimitives.WriteDoubleLittleEndian(values.AsSpan(8 * i), data[i]);
        }
        return Array(name, 6, dimensions, Element(9, values));
    }

    public MatBuilder SmallUInt16(string name, ushort value)
    {
        byte[] small = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(small, 2u << 16 | 4);
        BinaryPrimitives.WriteUInt16LittleEndian(small.AsSpan(4), value);
        return Array(name, 11, [1, 1], small);
    }

    public MatBuilder Compressed(Action<MatBuilder> content)
    {
        MatBuilder inner = new(bigEndian);
        content(inner);
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(inner._body.ToArray());
        byte[] data = packed.ToArray();
        _body.AddRange(Tag(15, data.Length));
        _body.AddRange(data);
        return this;
    }

    public byte[] ToArray()
    {
        byte[] header = new byte[128];
        Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file, test".PadRight(124)).CopyTo(header, 0);
        (header[124], header[125]) = bigEndian ? ((byte)1, (byte)0) : ((byte)0, (byte)1);
        (header[126], header[127]) = bigEndian ? ((byte)'M', (byte)'I') : ((byte)'I', (byte)'M');
        return [.. header, .. _body.ToArray()];
    }

    private MatBuilder Array(string name, int kind, int[] dimensions, byte[] data)
    {
        byte[] content =
        [
            .. Element(6, [.. Word(kind), .. Word(0)]),
            .. Element(5, [.. dimensions.SelectMany(Word)]),
            .. Element(1, Encoding.ASCII.GetBytes(name)),
            .. data,
        ];
        _body.AddRange(Tag(14, content.Length));
        _body.AddRange(content);
        return this;
    }

    private byte[] Element(int type, byte[] data) => [.. Tag(type, data.Length), .. data, .. new byte[-data.Length & 7]];

    private byte[] Tag(int type, int size) => [.. Word(type), .. Word(size)];

    private byte[] Word(int value)
    {
        byte[] word = new byte[4];
        if (bigEndian) BinaryPrimitives.WriteInt32BigEndian(word, value);
        else BinaryPrimitives.WriteInt32LittleEndian(word, value);
        return word;
    }
}
