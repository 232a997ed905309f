using System.Text;
using Img2Pose.Testing;

namespace Img2Pose.Formats.Tests;

public sealed class MatFileTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Numbers_are_read_in_either_byte_order(bool bigEndian)
    {
        MatFile file = MatFile.Parse(new MatBuilder(bigEndian).Doubles("x", [2, 3], [1, 2, 3, 4, 5, 6.5]).ToArray(), "x.mat");

        MatNumbers x = file.Numbers("x");
        Assert.Equal([2, 3], x.Dimensions);
        Assert.Equal((1, 3, 6.5), (x[0, 0], x[0, 1], x[1, 2]));
        Assert.Equal(["x"], file.Names);
    }

    [Fact]
    public void Compressed_variables_are_read()
    {
        MatFile file = MatFile.Parse(new MatBuilder().Compressed(b => b.Doubles("pose", [1, 3], [0.1, 0.2, 0.3])).Doubles("y", [1, 1], [7]).ToArray(), "x.mat");

        Assert.Equal([0.1, 0.2, 0.3], file.Numbers("pose").Data);
        Assert.Equal([7], file.Numbers("y").Data);
    }

    [Fact]
    public void A_small_element_holds_its_data_in_the_tag()
    {
        MatFile file = MatFile.Parse(new MatBuilder().SmallUInt16("n", 513).ToArray(), "x.mat");

        Assert.Equal([513], file.Numbers("n").Data);
    }

    [Fact]
    public void Every_truncation_is_a_named_error_and_never_a_crash()
    {
        byte[] whole = new MatBuilder().Doubles("x", [2, 2], [1, 2, 3, 4]).Compressed(b => b.Doubles("z", [1, 2], [5, 6])).ToArray();
        int boundary = new MatBuilder().Doubles("x", [2, 2], [1, 2, 3, 4]).ToArray().Length;

        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length];
            // Cut between variables it is a shorter file; cut in the checksum of the last one nothing is lost.
            if (length is 128 || length == boundary || length >= whole.Length - 8) continue;
            InputException error = Assert.Throws<InputException>(() => MatFile.Parse(cut, "x.mat"));
            Assert.StartsWith("x.mat: ", error.Message);
        }
    }

    [Fact]
    public void Random_damage_is_an_input_error_or_another_value_but_no_other_failure()
    {
        byte[] whole = new MatBuilder().Doubles("x", [2, 2], [1, 2, 3, 4]).Doubles("yy", [1, 2], [5, 6]).ToArray();
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] damaged = [.. whole];
            for (int k = 0; k < 3; k++) damaged[128 + random.Next(whole.Length - 128)] = (byte)random.Next(256);
            try
            {
                MatFile.Parse(damaged, "x.mat");
            }
            catch (InputException)
            {
            }
        }
    }

    [Fact]
    public void A_variable_that_unpacks_to_many_times_the_file_is_refused_by_its_limit()
    {
        byte[] bomb = new MatBuilder().Compressed(inner => inner.Doubles("x", [1, 4_000_000], new double[4_000_000])).ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();

        InputException error = Assert.Throws<InputException>(() => MatFile.Parse(bomb, "x.mat"));

        Assert.Contains("limit of 128 times the file", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void A_compressed_variable_within_another_is_refused()
    {
        byte[] nested = new MatBuilder().Compressed(a => a.Compressed(b => b.Doubles("x", [1, 1], [1]))).ToArray();

        Assert.Contains("holds another", Assert.Throws<InputException>(() => MatFile.Parse(nested, "x.mat")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_or_foreign_file_is_named_as_such()
    {
        byte[] newer = new byte[200];
        Encoding.ASCII.GetBytes("MATLAB 7.3 MAT-file").CopyTo(newer, 0);

        Assert.Contains("-v7", Assert.Throws<InputException>(() => MatFile.Parse(newer, "x.mat")).Message);
        Assert.Contains("not a level 5", Assert.Throws<InputException>(() => MatFile.Parse(new byte[200], "x.mat")).Message);
        Assert.Contains("/nowhere.mat", Assert.Throws<InputException>(() => MatFile.Read("/nowhere.mat")).Message);
    }

    [Fact]
    public void A_missing_or_other_variable_is_named()
    {
        MatFile file = MatFile.Parse(new MatBuilder().Doubles("x", [1, 1], [1]).ToArray(), "x.mat");

        Assert.Contains("no variable Pose_Para", Assert.Throws<InputException>(() => file.Numbers("Pose_Para")).Message);
        Assert.Contains("x is numbers where a cell array was expected", Assert.Throws<InputException>(() => file.Cells("x")).Message);
    }

    [Theory]
    [InlineData("wider_face_val.mat")] // compressed
    [InlineData("wider_easy_val.mat")] // not compressed
    public void Cells_texts_and_numbers_of_the_golden_files_are_read(string name)
    {
        MatFile file = MatFile.Read(SharedData.RequireGolden("wider", "ground_truth", name));

        MatCells events = file.Cells("event_list");
        Assert.Equal("0--Parade", Assert.IsType<MatText>(events.Items[0]).Text);
        MatCells files = Assert.IsType<MatCells>(file.Cells("file_list").Items[0]);
        Assert.Equal("0_Parade_toy_0", Assert.IsType<MatText>(files.Items[0]).Text);
        MatNumbers boxes = Assert.IsType<MatNumbers>(Assert.IsType<MatCells>(file.Cells("face_bbx_list").Items[0]).Items[0]);
        Assert.Equal([151, 298, 17, 20], Enumerable.Range(0, 4).Select(c => boxes[0, c]));
    }
}
