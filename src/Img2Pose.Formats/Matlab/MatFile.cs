using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Img2Pose.Formats;

// By hand: no maintained package on the feed reads MAT files, and of the format only numbers of version 5 are needed.
/// <summary>
/// The variables of a MATLAB level 5 MAT-file ("MAT-File Format", The MathWorks), compressed or not, of either byte order.
/// Only plain data is built: numbers, text and cells.
/// </summary>
public sealed class MatFile
{
    private const int HeaderSize = 128, DeepestNesting = 16;
    private const long LargestFile = 1L << 30;
    // Memory for what a file holds: so much for each byte of it, whatever its variables unpack to.
    private const long FreeBytes = 1L << 20, BytesPerByte = 128, ArrayBytes = 128;
    private readonly Dictionary<string, MatValue> _variables = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly long _limit;
    private long _left;

    private MatFile(string path, long length)
    {
        _path = path;
        _limit = _left = Math.Min(FreeBytes + BytesPerByte * length, 4 * LargestFile);
    }

    /// <summary>The names of the variables.</summary>
    public IReadOnlyCollection<string> Names => _variables.Keys;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It cannot be read, is no level 5 MAT-file, or is damaged; the message names the file.</exception>
    public static MatFile Read(string path)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path).Length > LargestFile) throw new InputException($"{path}: larger than {LargestFile >> 20} MiB, the limit for MAT-files.");
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {error.Message}", error);
        }
        return Parse(bytes, path);
    }

    /// <summary>Parses a file's bytes.</summary>
    /// <exception cref="InputException">The bytes are no level 5 MAT-file, or damaged; the message begins with <paramref name="name"/>.</exception>
    public static MatFile Parse(byte[] bytes, string name)
    {
        MatFile file = new(name, bytes.Length);
        if (bytes.Length < HeaderSize) throw file.Damaged("it is shorter than the header of a MAT-file");
        if (Encoding.ASCII.GetString(bytes, 0, 10) == "MATLAB 7.3")
            throw new InputException($"{name}: a MATLAB 7.3 file (HDF5), which is not read; save it with -v7.");
        bool? bigEndian = (bytes[126], bytes[127]) switch
        {
            ((byte)'I', (byte)'M') => false,
            ((byte)'M', (byte)'I') => true,
            _ => null,
        };
        if (bigEndian is not { } swapped) throw new InputException($"{name}: not a level 5 MAT-file.");
        Cursor cursor = new(file, bytes.AsMemory(HeaderSize), swapped);
        while (!cursor.IsAtEnd) file.ReadVariable(ref cursor, compressed: false);
        return file;
    }

    /// <summary>A variable of numbers.</summary>
    /// <exception cref="InputException">There is no such variable, or it holds something else.</exception>
    public MatNumbers Numbers(string name) => Expect<MatNumbers>(Variable(name), name);

    /// <summary>A cell array.</summary>
    /// <exception cref="InputException">There is no such variable, or it holds something else.</exception>
    public MatCells Cells(string name) => Expect<MatCells>(Variable(name), name);

    /// <summary>A value that must be of a kind.</summary>
    /// <exception cref="InputException">It is of another kind; the message names the file and <paramref name="what"/>.</exception>
    public T Expect<T>(MatValue value, string what) where T : MatValue =>
        value as T ?? throw new InputException($"{_path}: {what} is {Kind(value)} where {Kind(typeof(T))} was expected.");

    private MatValue Variable(string name) =>
        _variables.TryGetValue(name, out MatValue? value) ? value : throw new InputException($"{_path}: there is no variable {name}.");

    private void ReadVariable(ref Cursor cursor, bool compressed)
    {
        Element element = cursor.Next();
        if (element.Type == ElementType.Compressed)
        {
            if (compressed) throw Damaged("a compressed variable holds another");
            Cursor inner = new(this, Inflate(element.Data), cursor.BigEndian);
            ReadVariable(ref inner, compressed: true);
        }
        else if (element.Type == ElementType.Matrix)
        {
            (string name, MatValue value) = ReadMatrix(new Cursor(this, element.Data, cursor.BigEndian), 0);
            _variables[name] = value;
        }
    }

    private (string Name, MatValue Value) ReadMatrix(Cursor cursor, int depth)
    {
        if (depth > DeepestNesting) throw Damaged("cells are nested too deep");
        Take(ArrayBytes);
        // An empty element stands for an empty array.
        if (cursor.IsAtEnd) return ("", new MatNumbers([0, 0], []));
        Element flags = cursor.Next();
        if (flags.Type != ElementType.UInt32 || flags.Data.Length < 8) throw Damaged("an array has no flags");
        uint first = cursor.UInt32(flags.Data.Span);
        int kind = (int)(first & 0xff);
        bool complex = (first & 0x800) != 0;
        // Opaque objects (class 17) have no dimensions where others have them.
        if (kind is > 15 or < 1) return ("", new MatSkipped([0, 0], kind));
        int[] dimensions = [.. Array.ConvertAll(cursor.Numbers(cursor.Next()), number => (int)number)];
        if (dimensions.Length < 2 || Array.Exists(dimensions, d => d < 0)) throw Damaged("an array has no valid dimensions");
        string name = Encoding.ASCII.GetString(cursor.Next().Data.Span);
        long count = 1;
        foreach (int d in dimensions)
        {
            count *= d;
            if (count > LargestFile) throw Damaged("an array is larger than the file can hold");
        }
        return (name, kind switch
        {
            1 => new MatCells(dimensions, ReadCells(ref cursor, count, depth)),
            4 => new MatText(dimensions, Exactly(cursor.Text(cursor.Next()), count)),
            >= 6 and <= 15 when !complex => new MatNumbers(dimensions, Exactly(cursor.Numbers(cursor.Next()), count)),
            _ => new MatSkipped(dimensions, kind),
        });
    }

    private MatValue[] ReadCells(ref Cursor cursor, long count, int depth)
    {
        // Each cell takes at least the 8 bytes of its tag: a count beyond that is damage, not a reason to allocate.
        if (count > cursor.Remaining / 8) throw Damaged("a cell array is cut short");
        MatValue[] items = new MatValue[count];
        for (int i = 0; i < items.Length; i++)
        {
            Element cell = cursor.Next();
            if (cell.Type != ElementType.Matrix) throw Damaged("a cell is not an array");
            items[i] = ReadMatrix(new Cursor(this, cell.Data, cursor.BigEndian), depth + 1).Value;
        }
        return items;
    }

    private double[] Exactly(double[] numbers, long count) =>
        numbers.Length == count ? numbers : throw Damaged($"an array has {numbers.Length} numbers instead of {count}");

    private string Exactly(string text, long count) =>
        text.Length == count ? text : throw Damaged($"a text has {text.Length} characters instead of {count}");

    private byte[] Inflate(ReadOnlyMemory<byte> data)
    {
        try
        {
            using MemoryStream compressed = new(data.ToArray());
            using ZLibStream inflater = new(compressed, CompressionMode.Decompress);
            using MemoryStream plain = new();
            byte[] buffer = new byte[1 << 16];
            for (int read; (read = inflater.Read(buffer)) > 0;)
            {
                // Twice: the growing stream, and the array that it becomes.
                Take(2 * read);
                plain.Write(buffer, 0, read);
            }
            return plain.ToArray();
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new InputException($"{_path}: a damaged MAT-file: a compressed variable cannot be read.", error);
        }
    }

    private void Take(long bytes)
    {
        _left -= bytes;
        if (_left < 0) throw new InputException($"{_path}: its variables unpack to more than {_limit >> 20} MiB, the limit of {BytesPerByte} times the file; save it with fewer or smaller variables.");
    }

    private InputException Damaged(string reason) => new($"{_path}: a damaged MAT-file: {reason}.");

    private static string Kind(MatValue value) => value is MatSkipped skipped ? $"of MATLAB class {skipped.Class}" : Kind(value.GetType());

    private static string Kind(Type type) =>
        type == typeof(MatNumbers) ? "numbers" : type == typeof(MatCells) ? "a cell array" : type == typeof(MatText) ? "text" : "another class";

    private enum ElementType
    {
        Int8 = 1,
        UInt8 = 2,
        Int16 = 3,
        UInt16 = 4,
        Int32 = 5,
        UInt32 = 6,
        Single = 7,
        Double = 9,
        Int64 = 12,
        UInt64 = 13,
        Matrix = 14,
        Compressed = 15,
        Utf8 = 16,
        Utf16 = 17,
        Utf32 = 18,
    }

    private readonly record struct Element(ElementType Type, ReadOnlyMemory<byte> Data);

    /// <summary>Walks over data elements.</summary>
    private struct Cursor(MatFile file, ReadOnlyMemory<byte> bytes, bool bigEndian)
    {
        private int _position;

        public readonly bool BigEndian => bigEndian;

        public readonly int Remaining => bytes.Length - _position;

        public readonly bool IsAtEnd => Remaining == 0;

        public Element Next()
        {
            if (Remaining < 8) throw file.Damaged("it is cut short");
            ReadOnlySpan<byte> tag = bytes.Span.Slice(_position, 8);
            uint type = UInt32(tag), size = UInt32(tag[4..]);
            // A small element has its size in the upper half of the first word and its data in the second word.
            if (type >> 16 != 0)
            {
                size = type >> 16;
                if (size > 4) throw file.Damaged("a small element is larger than four bytes");
                Element small = new((ElementType)(type & 0xffff), bytes.Slice(_position + 4, (int)size));
                _position += 8;
                return small;
            }
            if (size > Remaining - 8) throw file.Damaged("it is cut short");
            Element element = new((ElementType)type, bytes.Slice(_position + 8, (int)size));
            // Elements start at multiples of eight bytes, but for those after a compressed one.
            int padding = element.Type == ElementType.Compressed ? 0 : (int)(-size & 7);
            _position = Math.Min(bytes.Length, _position + 8 + (int)size + padding);
            return element;
        }

        public readonly uint UInt32(ReadOnlySpan<byte> data) =>
            bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(data) : BinaryPrimitives.ReadUInt32LittleEndian(data);

        public readonly double[] Numbers(Element element)
        {
            int width = WidthOf(element.Type);
            if (width == 0 || element.Data.Length % width != 0) throw file.Damaged($"numbers are stored as type {(int)element.Type}");
            file.Take(8L * element.Data.Length / width);
            double[] numbers = new double[element.Data.Length / width];
            ReadOnlySpan<byte> data = element.Data.Span;
            Span<byte> word = stackalloc byte[8];
            for (int i = 0; i < numbers.Length; i++)
            {
                data.Slice(i * width, width).CopyTo(word);
                if (bigEndian) word[..width].Reverse();
                numbers[i] = element.Type switch
                {
                    ElementType.Int8 => (sbyte)word[0],
                    ElementType.UInt8 => word[0],
                    ElementType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(word),
                    ElementType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(word),
                    ElementType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(word),
                    ElementType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(word),
                    ElementType.Single => BinaryPrimitives.ReadSingleLittleEndian(word),
                    ElementType.Double => BinaryPrimitives.ReadDoubleLittleEndian(word),
                    ElementType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(word),
                    _ => BinaryPrimitives.ReadUInt64LittleEndian(word),
                };
            }
            return numbers;
        }

        public readonly string Text(Element element)
        {
            file.Take(2L * element.Data.Length);
            return Decode(element);
        }

        private readonly string Decode(Element element) => element.Type switch
        {
            ElementType.Utf8 => Encoding.UTF8.GetString(element.Data.Span),
            ElementType.Utf16 => (bigEndian ? Encoding.BigEndianUnicode : Encoding.Unicode).GetString(element.Data.Span),
            ElementType.Utf32 => (bigEndian ? new UTF32Encoding(true, false) : Encoding.UTF32).GetString(element.Data.Span),
            _ => string.Concat(Numbers(element).Select(code => (char)code)),
        };

        private static int WidthOf(ElementType type) => type switch
        {
            ElementType.Int8 or ElementType.UInt8 => 1,
            ElementType.Int16 or ElementType.UInt16 => 2,
            ElementType.Int32 or ElementType.UInt32 or ElementType.Single => 4,
            ElementType.Double or ElementType.Int64 or ElementType.UInt64 => 8,
            _ => 0,
        };
    }
}
