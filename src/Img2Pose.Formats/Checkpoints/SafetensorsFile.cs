using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Img2Pose.Core;

namespace Img2Pose.Formats;

/// <summary>A named array of a <see cref="SafetensorsFile"/>: float32 in memory, whatever the file's type.</summary>
internal sealed record NamedArray(string Name, long[] Shape, float[] Values);

/// <summary>
/// Reads and writes the safetensors format (8-byte little-endian header length, JSON header, raw little-endian data): float32 or
/// float16, and string metadata. Written to a temporary file and renamed, so that a file under its name is always whole.
/// </summary>
internal static class SafetensorsFile
{
    private const int LargestHeader = 16 << 20;

    /// <summary>Writes the arrays and metadata; with <paramref name="half"/> in 16 bits, but for arrays with a number that is beyond these.</summary>
    /// <exception cref="OutputException">The file cannot be written; an older file of that name is untouched.</exception>
    internal static void Write(string path, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata, bool half = false)
    {
        using MemoryStream header = new();
        bool[] halves = [.. arrays.Select(array => half && Array.TrueForAll(array.Values, FitsHalf))];
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string value) in metadata) json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach ((NamedArray array, bool isHalf) in arrays.Zip(halves))
            {
                json.WriteStartObject(array.Name);
                json.WriteString("dtype", isHalf ? "F16" : "F32");
                json.WriteStartArray("shape");
                foreach (long side in array.Shape) json.WriteNumberValue(side);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += array.Values.LongLength * (isHalf ? 2 : 4));
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (header.Length % 8 != 0) header.WriteByte((byte)' ');

        AtomicFile.Write(path, durable: true, content: file =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            file.Write(length);
            header.WriteTo(file);
            foreach ((NamedArray array, bool isHalf) in arrays.Zip(halves))
            {
                byte[] bytes = new byte[array.Values.Length * (isHalf ? 2 : 4)];
                for (int i = 0; i < array.Values.Length; i++)
                {
                    if (isHalf) BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), (Half)array.Values[i]);
                    else BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), array.Values[i]);
                }
                file.Write(bytes);
            }
        });
    }

    private static bool FitsHalf(float value) => Half.IsFinite((Half)value) || !float.IsFinite(value);

    /// <summary>Reads all arrays and the metadata.</summary>
    /// <exception cref="InputException">The file is absent, cut short, or not of this format.</exception>
    internal static (List<NamedArray> Arrays, Dictionary<string, string> Metadata) Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> prefix = stackalloc byte[8];
            file.ReadExactly(prefix);
            long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (length is <= 0 or > LargestHeader || length > file.Length - 8)
                throw new InputException($"{path}: is not a checkpoint (header of {length} bytes)");
            byte[] header = new byte[length];
            file.ReadExactly(header);
            using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetString(header));
            long start = 8 + length;
            List<NamedArray> arrays = [];
            HashSet<string> names = new(StringComparer.Ordinal);
            long left = file.Length - start;
            Dictionary<string, string> metadata = [];
            foreach (JsonProperty entry in document.RootElement.EnumerateObject())
            {
                if (entry.Name == "__metadata__")
                {
                    foreach (JsonProperty pair in entry.Value.EnumerateObject()) metadata[pair.Name] = pair.Value.GetString() ?? "";
                    continue;
                }
                if (!names.Add(entry.Name)) throw new InputException($"{path}: {entry.Name} is there twice");
                arrays.Add(ReadArray(file, start, entry, ref left));
            }
            return (arrays, metadata);
        }
        catch (Exception error) when (error is IOException or JsonException or KeyNotFoundException or InvalidOperationException
            or UnauthorizedAccessException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw new InputException($"{path}: cannot be read as a checkpoint ({error.Message})", error);
        }
    }

    private static NamedArray ReadArray(FileStream file, long start, JsonProperty entry, ref long left)
    {
        string? type = entry.Value.GetProperty("dtype").GetString();
        int size = type switch { "F32" => 4, "F16" => 2, _ => throw new InputException($"{file.Name}: {entry.Name} has type {type}; only F32 and F16 are read") };
        long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64())];
        long count = shape.Aggregate(1L, (product, side) => checked(product * side));
        long from = entry.Value.GetProperty("data_offsets")[0].GetInt64(), to = entry.Value.GetProperty("data_offsets")[1].GetInt64();
        if (shape.Any(side => side < 0) || from < 0 || to < from || to > file.Length - start || to - from != checked(count * size))
            throw new InputException($"{file.Name}: {entry.Name} is cut short or has a wrong shape");
        // Arrays that share their bytes could be of any size together.
        left -= to - from;
        if (left < 0 || to - from > Array.MaxLength) throw new InputException($"{file.Name}: its arrays overlap, or one is above the limit of 2 GiB");
        byte[] bytes = new byte[to - from];
        file.Position = start + from;
        file.ReadExactly(bytes);
        float[] values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = size == 4
                ? BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * i))
                : (float)BinaryPrimitives.ReadHalfLittleEndian(bytes.AsSpan(2 * i));
        }
        return new NamedArray(entry.Name, shape, values);
    }
}
