using System.Buffers;
using MessagePack;

namespace Img2Pose.Formats;

/// <summary>A number that keeps whether it was written as an integer: the two have different bytes in MessagePack.</summary>
internal readonly record struct PackedNumber(double Value, bool IsInteger)
{
    /// <summary>An integer.</summary>
    public static PackedNumber Integer(long value) => new(value, true);

    /// <summary>A floating-point number.</summary>
    public static PackedNumber Real(double value) => new(value, false);
}

/// <summary>Writes what the records use of MessagePack, always in the shortest form.</summary>
internal ref struct PackWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private MessagePackWriter _writer;

    /// <summary>A writer that has written nothing.</summary>
    public PackWriter() => _writer = new MessagePackWriter(_buffer);

    /// <summary>What was written.</summary>
    public byte[] ToArray()
    {
        _writer.Flush();
        return _buffer.WrittenSpan.ToArray();
    }

    /// <summary>Starts an array of <paramref name="count"/> elements.</summary>
    public void ArrayHeader(int count) => _writer.WriteArrayHeader(count);

    /// <summary>Writes bytes as the bin family.</summary>
    public void Binary(ReadOnlySpan<byte> value) => _writer.Write(value);

    /// <summary>Writes a number by its kind.</summary>
    public void Number(PackedNumber value)
    {
        if (value.IsInteger) Integer((long)value.Value);
        else Real(value.Value);
    }

    /// <summary>Writes an integer.</summary>
    public void Integer(long value) => _writer.Write(value);

    /// <summary>Writes a double.</summary>
    public void Real(double value) => _writer.Write(value);
}

/// <summary>
/// Reads what the records use of MessagePack. Arrays, bytes and numbers are read one by one by the package's reader, which
/// believes no count beyond the data; nothing nests deeper than the caller asks, and no types are looked up.
/// </summary>
internal ref struct PackReader(ReadOnlyMemory<byte> data, string source)
{
    private MessagePackReader _reader = new(data);

    /// <summary>Reads the head of an array.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public int ArrayHeader()
    {
        try
        {
            return Next() == MessagePackType.Array ? _reader.ReadArrayHeader() : throw Unexpected("an array");
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Ended(error);
        }
    }

    /// <summary>Reads bytes.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public ReadOnlySpan<byte> Binary()
    {
        try
        {
            // Writers before the bin family stored bytes as raw strings, which the package reads as bytes, too.
            ReadOnlySequence<byte>? bytes = Next() is MessagePackType.Binary or MessagePackType.String ? _reader.ReadBytes() : throw Unexpected("bytes");
            // The data are in one piece, and so is each part of them.
            return bytes!.Value.FirstSpan;
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Ended(error);
        }
    }

    /// <summary>Reads a number.</summary>
    /// <exception cref="InputException">Something else is there, or the data ends.</exception>
    public PackedNumber Number()
    {
        try
        {
            return Next() switch
            {
                MessagePackType.Integer => PackedNumber.Integer(_reader.ReadInt64()),
                MessagePackType.Float => PackedNumber.Real(_reader.ReadDouble()),
                _ => throw Unexpected("a number"),
            };
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Ended(error);
        }
    }

    /// <summary>Reads a number that is finite.</summary>
    /// <exception cref="InputException">Something else is there, the number is not finite, or the data ends.</exception>
    public double Finite()
    {
        double value = Number().Value;
        return double.IsFinite(value) ? value : throw new InputException($"{source}: a number is not finite; the data set is damaged");
    }

    private readonly MessagePackType Next() => _reader.NextMessagePackType;

    // An argument is out of range where the package cuts bytes that are announced and not there.
    private static bool IsDamage(Exception error) =>
        error is EndOfStreamException or MessagePackSerializationException or OverflowException or ArgumentOutOfRangeException;

    private readonly InputException Ended(Exception cause) => new($"{source}: the record ends early or a number is too large; the data set is damaged", cause);

    private readonly InputException Unexpected(string expected) =>
        new($"{source}: byte 0x{_reader.NextCode:x2} where {expected} should be; is this an img2pose data set?");
}
