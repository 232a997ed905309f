using System.Text;

namespace Img2Pose.Formats.Tests;

public sealed class NpyArrayTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".npy");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Written_arrays_read_back_equal()
    {
        NpyArray.Write(_path, [1.5f, -2f, float.MaxValue, 0, 1, 2], 2, 3);
        NpyArray singles = NpyArray.Read(_path);
        NpyArray.Write(_path, [Math.PI, double.NaN], 2);
        NpyArray doubles = NpyArray.Read(_path);
        NpyArray.Write(_path, [int.MinValue, 7], 1, 2, 1);
        NpyArray integers = NpyArray.Read(_path);
        Assert.Throws<ArgumentException>(() => NpyArray.Write(_path, [1L, 2L], 3));
        NpyArray.Write(_path, [long.MaxValue], []);
        NpyArray scalar = NpyArray.Read(_path);

        Assert.Equal([2, 3], singles.Shape);
        Assert.Equal([1.5f, -2f, float.MaxValue, 0, 1, 2], singles.ToSingles());
        Assert.Equal([Math.PI, double.NaN], doubles.ToDoubles());
        Assert.Equal([(float)Math.PI, float.NaN], doubles.ToSingles());
        Assert.Equal([1, 2, 1], integers.Shape);
        Assert.Equal([int.MinValue, 7], integers.ToInt32s());
        Assert.Empty(scalar.Shape);
        Assert.Equal([long.MaxValue], scalar.ToInt64s());
    }

    [Fact]
    public void The_data_starts_at_a_multiple_of_64_bytes_as_the_format_asks()
    {
        NpyArray.Write(_path, [1f, 2f, 3f], 3);

        byte[] file = File.ReadAllBytes(_path);
        int header = file[8] + 256 * file[9];
        Assert.Equal(0, (10 + header) % 64);
        Assert.Equal((byte)'\n', file[10 + header - 1]);
        Assert.Equal(10 + header + 12, file.Length);
    }

    [Theory]
    [InlineData("|u1", new byte[] { 1, 255 }, new double[] { 1, 255 })]
    [InlineData("|i1", new byte[] { 1, 255 }, new double[] { 1, -1 })]
    [InlineData("|b1", new byte[] { 1, 0 }, new double[] { 1, 0 })]
    [InlineData("<u2", new byte[] { 1, 0, 0, 255 }, new double[] { 1, 65280 })]
    [InlineData(">i2", new byte[] { 0, 1, 255, 255 }, new double[] { 1, -1 })]
    [InlineData("<u4", new byte[] { 1, 0, 0, 0, 255, 255, 255, 255 }, new double[] { 1, uint.MaxValue })]
    [InlineData("<i8", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 }, new double[] { 1, -1 })]
    [InlineData("<u8", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128 }, new double[] { 1, 9223372036854775808.0 })]
    [InlineData("<f2", new byte[] { 0, 0x3C, 0, 0xC0 }, new double[] { 1, -2 })]
    [InlineData(">f4", new byte[] { 0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0 }, new double[] { 1, -2 })]
    [InlineData(">f8", new byte[] { 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0 }, new double[] { 1, -2 })]
    public void Every_number_type_is_read(string type, byte[] data, double[] expected) =>
        Assert.Equal(expected, NpyArray.Read(ArrayFile(1, $"{{'descr': '{type}', 'fortran_order': False, 'shape': (2,), }}", data)).ToDoubles());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Fortran_order_comes_out_in_C_order_in_every_format_version(int version)
    {
        NpyArray array = NpyArray.Read(ArrayFile(version, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", [1, 4, 2, 5, 3, 6]));

        Assert.Equal([1, 2, 3, 4, 5, 6], array.ToInt32s());
        Assert.Equal([2, 3], array.Shape);
    }

    [Fact]
    public void An_empty_array_has_no_elements() =>
        Assert.Empty(NpyArray.Read(ArrayFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", [])).ToDoubles());

    [Theory]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "elements of type 'O'")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "names no plain numbers")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", "elements of type 'c8'")]
    [InlineData("{'descr': '<f4', 'shape': (2,), }", "names no plain numbers")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "no length")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 2147483647, 0), }", "the limit")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "cut short")]
    public void Damaged_or_foreign_arrays_are_refused_with_the_reason(string header, string reason)
    {
        InputException exception = Assert.Throws<InputException>(() => NpyArray.Read(ArrayFile(1, header, [1, 2, 3]), "bad.npy"));

        Assert.StartsWith("bad.npy: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_files_and_versions_are_refused()
    {
        Assert.Contains("no NumPy array", Assert.Throws<InputException>(() => NpyArray.Read(new MemoryStream("PK\x3\x4 something else"u8.ToArray()))).Message, StringComparison.Ordinal);
        Assert.Contains("version 9", Assert.Throws<InputException>(() => NpyArray.Read(ArrayFile(9, "", []))).Message, StringComparison.Ordinal);
        byte[] huge = [0x93, .. "NUMPY"u8, 2, 0, 255, 255, 255, 127];
        Assert.Contains("header of", Assert.Throws<InputException>(() => NpyArray.Read(new MemoryStream(huge))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Integers_that_do_not_fit_are_refused_with_the_name_of_the_file()
    {
        NpyArray.Write(_path, [1L << 40], 1);

        InputException error = Assert.Throws<InputException>(() => NpyArray.Read(_path).ToInt32s());

        Assert.Contains(_path, error.Message, StringComparison.Ordinal);
        Assert.Contains("1099511627776", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_promises_a_gigabyte_takes_no_memory_for_it()
    {
        File.WriteAllBytes(_path, ArrayFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (200000000,), }", new byte[8]).ToArray());
        long before = GC.GetAllocatedBytesForCurrentThread();

        InputException error = Assert.Throws<InputException>(() => NpyArray.Read(_path));

        Assert.Contains("cut short", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Fact]
    public void Missing_files_and_folders_are_named()
    {
        Assert.Contains("/nowhere/a.npy", Assert.Throws<InputException>(() => NpyArray.Read("/nowhere/a.npy")).Message, StringComparison.Ordinal);
        Assert.Contains("/nowhere/a.npy", Assert.Throws<OutputException>(() => NpyArray.Write("/nowhere/a.npy", [1f], 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fractions_are_not_handed_out_as_integers()
    {
        NpyArray.Write(_path, [1.5f], 1);

        Assert.Throws<InputException>(() => NpyArray.Read(_path).ToInt64s());
    }

    private static MemoryStream ArrayFile(int version, string header, byte[] data)
    {
        byte[] text = Encoding.ASCII.GetBytes(header);
        byte[] length = version == 1 ? [(byte)text.Length, (byte)(text.Length >> 8)] : BitConverter.GetBytes(text.Length);
        return new MemoryStream([0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. text, .. data]);
    }
}
