using System.Buffers.Binary;
using System.Text;

namespace Img2Pose.Formats.Tests;

public sealed class SafetensorsFileTests : IDisposable
{
    private static readonly Dictionary<string, string> s_metadata = new() { ["step"] = "7", ["note"] = "Größe \"1\"" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tensor-file-");

    private string Target => Path.Combine(_folder.FullName, "weights.safetensors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Float32_comes_back_bit_by_bit()
    {
        NamedArray[] written = [new("a.weight", [2, 3], [0, -0f, 1e-38f, float.MaxValue, float.NaN, MathF.PI]), new("scalar", [], [-3.25f]), new("none", [0, 4], [])];

        SafetensorsFile.Write(Target, written, s_metadata);
        (List<NamedArray> arrays, Dictionary<string, string> metadata) = SafetensorsFile.Read(Target);

        Assert.Equal(s_metadata, metadata);
        Assert.Equal(written.Select(array => array.Name), arrays.Select(array => array.Name));
        for (int i = 0; i < written.Length; i++)
        {
            Assert.Equal(written[i].Shape, arrays[i].Shape);
            Assert.Equal(written[i].Values.Select(BitConverter.SingleToInt32Bits), arrays[i].Values.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Fact]
    public void Float16_is_rounded_to_nearest_and_takes_half_the_room()
    {
        float[] values = [1, 0.1f, -65504, 3.0e-5f];
        SafetensorsFile.Write(Target, [new("a", [4], values)], s_metadata);
        long full = new FileInfo(Target).Length;

        SafetensorsFile.Write(Target, [new("a", [4], values)], s_metadata, half: true);

        Assert.Equal(values.Select(value => (float)(Half)value), SafetensorsFile.Read(Target).Arrays.Single().Values);
        Assert.InRange(full - new FileInfo(Target).Length, 4 * 2 - 7, 4 * 2 + 7);
    }

    [Fact]
    public void An_array_with_a_number_beyond_float16_keeps_32_bits_and_others_do_not()
    {
        // As variances of a network whose features have no norm.
        float[] variances = [1.5e8f, 1e-5f, 0.1f], weights = [0.1f, -65504];

        SafetensorsFile.Write(Target, [new("variances", [3], variances), new("weights", [2], weights)], s_metadata, half: true);

        NamedArray[] read = [.. SafetensorsFile.Read(Target).Arrays];
        Assert.Equal(variances, read[0].Values);
        Assert.Equal(weights.Select(value => (float)(Half)value), read[1].Values);
    }

    [Fact]
    public void Header_is_that_of_the_safetensors_format()
    {
        SafetensorsFile.Write(Target, [new("a", [2], [1, 2]), new("b", [1], [3])], s_metadata);

        byte[] bytes = File.ReadAllBytes(Target);
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes, 8, (int)length);
        Assert.Equal(0, length % 8);
        Assert.StartsWith("{\"__metadata__\":{", header, StringComparison.Ordinal);
        Assert.Contains("\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}", header, StringComparison.Ordinal);
        Assert.Equal(8 + length + 12, bytes.Length);
    }

    [Fact]
    public void A_file_cut_short_anywhere_is_an_error_that_names_it()
    {
        SafetensorsFile.Write(Target, [new("a", [8], new float[8]), new("b", [2], [1, 2])], s_metadata);
        byte[] whole = File.ReadAllBytes(Target);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(Target, whole[..length]);

            InputException error = Assert.Throws<InputException>(() => SafetensorsFile.Read(Target));

            Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"a\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[4,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775800,9223372036854775804]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}")]
    public void A_malformed_header_is_an_error_that_names_the_file(string header)
    {
        byte[] bytes = new byte[8 + header.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        Encoding.UTF8.GetBytes(header, bytes.AsSpan(8));
        File.WriteAllBytes(Target, bytes);

        InputException error = Assert.Throws<InputException>(() => SafetensorsFile.Read(Target));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Foreign_and_absent_files_are_errors_that_name_them()
    {
        File.WriteAllBytes(Target, [.. "PK\u0003\u0004"u8, .. new byte[60]]);
        Assert.Contains(Target, Assert.Throws<InputException>(() => SafetensorsFile.Read(Target)).Message, StringComparison.Ordinal);

        string absent = Target + ".no";
        Assert.Contains(absent, Assert.Throws<InputException>(() => SafetensorsFile.Read(absent)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_absent_is_an_output_error()
    {
        string target = Path.Combine(_folder.FullName, "no", "weights.safetensors");

        Assert.Contains(target, Assert.Throws<OutputException>(() => SafetensorsFile.Write(target, [], s_metadata)).Message, StringComparison.Ordinal);
    }
}
