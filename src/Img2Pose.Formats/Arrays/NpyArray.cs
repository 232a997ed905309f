using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Img2Pose.Core;

namespace Img2Pose.Formats;

/// <summary>
/// A NumPy array file (<c>.npy</c>, format versions 1.0 to 3.0): integers and floating-point numbers, little- or
/// big-endian, stored in C or Fortran order and always handed out in C order.
/// </summary>
public sealed partial class NpyArray
{
    // Limits against damaged or hostile files, far above anything that this project reads.
    private const int MaximumHeaderLength = 1 << 20;
    private const long MaximumDataLength = 1L << 30;

    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    // NumPy's own limit.
    private const int MaximumDimensions = 64;

    private readonly byte[] _data;
    private readonly string _name;

    private NpyArray(string name, int[] shape, string type, byte[] data)
    {
        _name = name;
        Shape = shape;
        ElementType = type;
        _data = data;
    }

    /// <summary>The lengths of the dimensions; empty for a single number.</summary>
    public int[] Shape { get; }

    /// <summary>NumPy's name of the element type without its byte order: <c>f4</c>, <c>i8</c>, <c>u1</c>, <c>b1</c> …</summary>
    public string ElementType { get; }

    /// <summary>The number of elements.</summary>
    public int Count => _data.Length / ItemSize(ElementType);

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">The file cannot be read or is no array file that this reader knows.</exception>
    public static NpyArray Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Read(stream, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Reads an array from a stream, and no byte after it.</summary>
    /// <param name="stream">Positioned at the start of the array.</param>
    /// <param name="name">What errors call the stream.</param>
    /// <exception cref="InputException">No array that this reader knows, or the stream ends too early.</exception>
    public static NpyArray Read(Stream stream, string name = "stream")
    {
        try
        {
            return ReadCore(stream, name);
        }
        catch (EndOfStreamException exception)
        {
            throw new InputException($"{name}: the array file is cut short; fetch it again.", exception);
        }
    }

    /// <summary>Writes single-precision numbers as a version 1.0 file, C order, little-endian.</summary>
    /// <exception cref="ArgumentException">The shape does not hold that many numbers.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape) => WriteFile(path, "<f4", values, shape);

    /// <inheritdoc cref="Write(string, ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public static void Write(string path, ReadOnlySpan<double> values, params ReadOnlySpan<int> shape) => WriteFile(path, "<f8", values, shape);

    /// <inheritdoc cref="Write(string, ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public static void Write(string path, ReadOnlySpan<int> values, params ReadOnlySpan<int> shape) => WriteFile(path, "<i4", values, shape);

    /// <inheritdoc cref="Write(string, ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public static void Write(string path, ReadOnlySpan<long> values, params ReadOnlySpan<int> shape) => WriteFile(path, "<i8", values, shape);

    /// <summary>All elements as double precision, C order.</summary>
    public double[] ToDoubles()
    {
        double[] values = new double[Count];
        for (int i = 0; i < values.Length; i++) values[i] = DoubleAt(i);
        return values;
    }

    /// <summary>All elements as single precision, C order; exact for <c>f4</c> and <c>f2</c>.</summary>
    public float[] ToSingles()
    {
        float[] values = new float[Count];
        if (ElementType == "f4") MemoryMarshal.Cast<byte, float>(_data).CopyTo(values);
        else for (int i = 0; i < values.Length; i++) values[i] = (float)DoubleAt(i);
        return values;
    }

    /// <summary>All elements as 64-bit integers, C order.</summary>
    /// <exception cref="InputException">The array holds floating-point numbers, or one that does not fit.</exception>
    public long[] ToInt64s()
    {
        if (ElementType[0] == 'f') throw new InputException($"{_name}: holds numbers of type {ElementType} where integers are needed.");
        long[] values = new long[Count];
        for (int i = 0; i < values.Length; i++) values[i] = Int64At(i);
        return values;
    }

    /// <summary>All elements as 32-bit integers, C order.</summary>
    /// <exception cref="InputException">The array holds floating-point numbers, or one that does not fit.</exception>
    public int[] ToInt32s() => Array.ConvertAll(ToInt64s(), value => value is >= int.MinValue and <= int.MaxValue ? (int)value : throw TooLarge(value));

    private static NpyArray ReadCore(Stream stream, string name)
    {
        byte[] start = new byte[8];
        stream.ReadExactly(start);
        if (!start.AsSpan(0, 6).SequenceEqual(Magic))
        {
            throw new InputException($"{name}: is no NumPy array file (.npy); convert it with numpy.save.");
        }

        int version = start[6];
        if (version is < 1 or > 3) throw new InputException($"{name}: has array format version {version}; 1 to 3 are known.");

        byte[] lengthBytes = new byte[version == 1 ? 2 : 4];
        stream.ReadExactly(lengthBytes);
        long headerLength = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(lengthBytes)
            : BinaryPrimitives.ReadUInt32LittleEndian(lengthBytes);
        if (headerLength > MaximumHeaderLength) throw new InputException($"{name}: has a header of {headerLength} bytes; at most {MaximumHeaderLength} are read.");

        byte[] headerBytes = new byte[headerLength];
        stream.ReadExactly(headerBytes);
        (string type, bool bigEndian, bool fortran, int[] shape) = ParseHeader(Encoding.UTF8.GetString(headerBytes), name);

        int itemSize = ItemSize(type);
        long length = itemSize;
        foreach (int dimension in shape)
        {
            // A zero after a huge dimension must not hide it: the running product is bounded before it can overflow.
            length *= dimension;
            if (length > MaximumDataLength) throw new InputException($"{name}: holds more than {MaximumDataLength} bytes, the limit for array files.");
        }

        byte[] data = ReadExactly(stream, (int)length);
        if (bigEndian) for (int i = 0; i < data.Length; i += itemSize) data.AsSpan(i, itemSize).Reverse();
        if (fortran && shape.Length > 1) data = ToRowMajor(data, shape, itemSize);
        return new NpyArray(name, shape, type, data);
    }

    private static (string Type, bool BigEndian, bool Fortran, int[] Shape) ParseHeader(string header, string name)
    {
        Match descr = DescrPattern().Match(header), order = OrderPattern().Match(header), shape = ShapePattern().Match(header);
        if (!descr.Success || !order.Success || !shape.Success)
        {
            throw new InputException($"{name}: has an array header that names no plain numbers; structured and object arrays are not read.");
        }

        string type = descr.Groups["type"].Value;
        if (ItemSize(type) == 0) throw new InputException($"{name}: holds elements of type '{type}'; integers, booleans and f2, f4, f8 are read.");

        List<int> dimensions = [];
        foreach (string text in shape.Groups["shape"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int dimension))
            {
                throw new InputException($"{name}: has a dimension '{text}' that is no length.");
            }
            dimensions.Add(dimension);
            if (dimensions.Count > MaximumDimensions) throw new InputException($"{name}: has more than {MaximumDimensions} dimensions, the limit.");
        }
        return (type, descr.Groups["endian"].Value == ">", order.Groups["fortran"].Value == "True", [.. dimensions]);
    }

    // A header may promise what the file does not hold: memory is taken as bytes come.
    private static byte[] ReadExactly(Stream stream, int length)
    {
        const int piece = 1 << 20;
        byte[] data = new byte[Math.Min(length, piece)];
        for (int read = 0; ;)
        {
            stream.ReadExactly(data, read, data.Length - read);
            if (data.Length == length) return data;
            read = data.Length;
            Array.Resize(ref data, (int)Math.Min(length, 4L * read));
        }
    }

    private static byte[] ToRowMajor(byte[] data, int[] shape, int itemSize)
    {
        byte[] result = new byte[data.Length];
        int[] index = new int[shape.Length];
        for (int target = 0; target < data.Length; target += itemSize)
        {
            int source = 0;
            for (int d = shape.Length - 1; d >= 0; d--) source = source * shape[d] + index[d];
            data.AsSpan(source * itemSize, itemSize).CopyTo(result.AsSpan(target));
            for (int d = shape.Length - 1; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
        }
        return result;
    }

    private static void WriteFile<T>(string path, string type, ReadOnlySpan<T> values, ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        long count = 1;
        foreach (int dimension in shape) count *= dimension;
        if (count != values.Length) throw new ArgumentException($"The shape holds {count} numbers, {values.Length} are given.", nameof(shape));

        string dimensions = shape.Length == 1
            ? string.Create(CultureInfo.InvariantCulture, $"{shape[0]},")
            : string.Join(", ", shape.ToArray());
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({dimensions}), }}";
        // The format wants the data to start at a multiple of 64 bytes; the header ends in a line feed.
        int padded = (Magic.Length + 4 + header.Length + 1 + 63) / 64 * 64;
        header = header.PadRight(padded - Magic.Length - 4 - 1) + '\n';
        byte[] data = MemoryMarshal.AsBytes(values).ToArray();
        AtomicFile.Write(path, stream =>
        {
            stream.Write(Magic);
            stream.Write([1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
            stream.Write(Encoding.ASCII.GetBytes(header));
            stream.Write(data);
        });
    }

    private double DoubleAt(int index) => ElementType switch
    {
        "f4" => BinaryPrimitives.ReadSingleLittleEndian(_data.AsSpan(4 * index)),
        "f8" => BinaryPrimitives.ReadDoubleLittleEndian(_data.AsSpan(8 * index)),
        "f2" => (double)BinaryPrimitives.ReadHalfLittleEndian(_data.AsSpan(2 * index)),
        "u8" => BinaryPrimitives.ReadUInt64LittleEndian(_data.AsSpan(8 * index)),
        _ => Int64At(index),
    };

    private long Int64At(int index) => ElementType switch
    {
        "i1" => (sbyte)_data[index],
        "i2" => BinaryPrimitives.ReadInt16LittleEndian(_data.AsSpan(2 * index)),
        "i4" => BinaryPrimitives.ReadInt32LittleEndian(_data.AsSpan(4 * index)),
        "i8" => BinaryPrimitives.ReadInt64LittleEndian(_data.AsSpan(8 * index)),
        "u2" => BinaryPrimitives.ReadUInt16LittleEndian(_data.AsSpan(2 * index)),
        "u4" => BinaryPrimitives.ReadUInt32LittleEndian(_data.AsSpan(4 * index)),
        "u8" => Signed(BinaryPrimitives.ReadUInt64LittleEndian(_data.AsSpan(8 * index))),
        _ => _data[index], // u1, b1
    };

    private long Signed(ulong value) => value <= long.MaxValue ? (long)value : throw TooLarge(value);

    private InputException TooLarge(IFormattable value) => new($"{_name}: holds the integer {value}, which is too large here.");

    private static int ItemSize(string type) => type switch
    {
        "b1" or "i1" or "u1" => 1,
        "i2" or "u2" or "f2" => 2,
        "i4" or "u4" or "f4" => 4,
        "i8" or "u8" or "f8" => 8,
        _ => 0,
    };

    [GeneratedRegex(@"'descr'\s*:\s*'(?<endian>[<>|=])(?<type>[a-zA-Z]\d*)'")]
    private static partial Regex DescrPattern();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(?<fortran>True|False)")]
    private static partial Regex OrderPattern();

    [GeneratedRegex(@"'shape'\s*:\s*\((?<shape>[^)]*)\)")]
    private static partial Regex ShapePattern();
}
