using System.Buffers;
using System.Buffers.Binary;

namespace Img2Pose.Formats;

/// <summary>A number that keeps whether it was written as an integer: the two have different bytes in MessagePack.</summary>
internal readonly record struct PackedNumber(double Value, bool IsInteger)
{
    /// <summary>An integer.</summary>
    public static PackedNumber Integer(long value) => new(value, true);

    /// <summary>A floating-point number.</summary>
    public static PackedNumber Real(double value) => new(value, false);
}

/// <summary>Writes the part of MessagePack (msgpack.org, spec of 2013) that the records use, always in the shortest form.</summary>
internal sealed class MessagePackWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>What was written.</summary>
    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    /// <summary>Starts an array of <paramref name="count"/> elements.</summary>
    public void ArrayHeader(int count)
    {
        if (count < 16) Tag((byte)(0x90 | count));
        else if (count <= ushort.MaxValue) Big(0xdc, count, 2);
        else Big(0xdd, count, 4);
    }

    /// <summary>Writes bytes as the bin family.</summary>
    public void Binary(ReadOnlySpan<byte> value)
    {
        if (value.Length <= byte.MaxValue) Big(0xc4, value.Length, 1);
        else if (value.Length <= ushort.MaxValue) Big(0xc5, value.Length, 2);
        else Big(0xc6, value.Length, 4);
        _buffer.Write(value);
    }

    /// <summary>Writes a number by its kind.</summary>
    public void Number(PackedNumber value)
    {
        if (value.IsInteger) Integer((long)value.Value);
        else Real(value.Value);
    }

    /// <summary>Writes an integer.</summary>
    public void Integer(long value)
    {
        switch (value)
        {
            case >= 0 and < 128 or < 0 and >= -32: Tag((byte)value); break;
            case >= 0 and <= byte.MaxValue: Big(0xcc, value, 1); break;
            case >= 0 and <= ushort.MaxValue: Big(0xcd, value, 2); break;
            case >= 0 and <= uint.MaxValue: Big(0xce, value, 4); break;
            case >= 0: Big(0xcf, value, 8); break;
            case >= sbyte.MinValue: Big(0xd0, value, 1); break;
            case >= short.MinValue: Big(0xd1, value, 2); break;
            case >= int.MinValue: Big(0xd2, value, 4); break;
            default: Big(0xd3, value, 8); break;
        }
    }

    /// <summary>Writes a double.</summary>
    public void Real(double value) => Big(0xcb, BitConverter.DoubleToInt64Bits(value), 8);

    private void Tag(byte tag) => _buffer.Write([tag]);

    private void Big(byte tag, long value, int bytes)
    {
        Span<byte> all = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(all, value);
        Tag(tag);
        _buffer.Write(all[(8 - bytes)..]);
    }
}

/// <summary>Reads the part of MessagePack that the records use.</summary>
internal ref struct MessagePackReader(ReadOnlySpan<byte> data, string source)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at;

    /// <summary>Reads the head of an array.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public int ArrayHeader()
    {
        byte tag = Byte();
        long count = tag switch
        {
            >= 0x90 and < 0xa0 => tag & 15,
            0xdc => Unsigned(2),
            0xdd => Unsigned(4),
            _ => throw Unexpected(tag, "an array"),
        };
        // An element has at least one byte: a count beyond the data is damage, not a reason to allocate.
        return count <= _data.Length - _at ? (int)count : throw Ended();
    }

    /// <summary>Reads bytes.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public ReadOnlySpan<byte> Binary()
    {
        byte tag = Byte();
        long count = tag switch
        {
            0xc4 => Unsigned(1),
            0xc5 => Unsigned(2),
            0xc6 => Unsigned(4),
            // Writers before the bin family stored bytes as raw strings.
            >= 0xa0 and < 0xc0 => tag & 31,
            0xda => Unsigned(2),
            0xdb => Unsigned(4),
            _ => throw Unexpected(tag, "bytes"),
        };
        if (count > _data.Length - _at) throw Ended();
        ReadOnlySpan<byte> bytes = _data.Slice(_at, (int)count);
        _at += (int)count;
        return bytes;
    }

    /// <summary>Reads a number.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public PackedNumber Number()
    {
        byte tag = Byte();
        return tag switch
        {
            < 0x80 => PackedNumber.Integer(tag),
            >= 0xe0 => PackedNumber.Integer((sbyte)tag),
            0xca => PackedNumber.Real(BitConverter.UInt32BitsToSingle((uint)Unsigned(4))),
            0xcb => PackedNumber.Real(BitConverter.Int64BitsToDouble(Unsigned(8))),
            0xcc => PackedNumber.Integer(Unsigned(1)),
            0xcd => PackedNumber.Integer(Unsigned(2)),
            0xce => PackedNumber.Integer(Unsigned(4)),
            0xcf or 0xd3 => PackedNumber.Integer(Unsigned(8)),
            0xd0 => PackedNumber.Integer((sbyte)Unsigned(1)),
            0xd1 => PackedNumber.Integer((short)Unsigned(2)),
            0xd2 => PackedNumber.Integer((int)Unsigned(4)),
            _ => throw Unexpected(tag, "a number"),
        };
    }

    /// <summary>Reads a number that is finite.</summary>
    /// <exception cref="InputException">Something else is there, the number is not finite, or the data ends.</exception>
    public double Finite()
    {
        double value = Number().Value;
        return double.IsFinite(value) ? value : throw new InputException($"{source}: a number is not finite; the data set is damaged");
    }

    private byte Byte() => _at < _data.Length ? _data[_at++] : throw Ended();

    private long Unsigned(int bytes)
    {
        if (bytes > _data.Length - _at) throw Ended();
        long value = 0;
        for (int i = 0; i < bytes; i++) value = (value << 8) | _data[_at++];
        return value;
    }

    private readonly InputException Ended() => new($"{source}: the record ends early; the data set is damaged");

    private readonly InputException Unexpected(byte tag, string expected) =>
        new($"{source}: byte 0x{tag:x2} where {expected} should be; is this an img2pose data set?");
}
