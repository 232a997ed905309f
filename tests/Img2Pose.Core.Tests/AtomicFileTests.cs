using System.Text;

namespace Img2Pose.Core.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-core").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_name_appears_with_the_whole_content()
    {
        File.WriteAllText(At("a.txt"), "earlier");

        AtomicFile.Write(At("a.txt"), stream =>
        {
            stream.Write("new"u8);
            Assert.Equal("earlier", File.ReadAllText(At("a.txt")));
        });

        Assert.Equal("new", File.ReadAllText(At("a.txt")));
        Assert.Equal([At("a.txt")], Directory.GetFiles(_folder));
    }

    [Fact]
    public void What_fails_leaves_the_earlier_file_and_nothing_else()
    {
        File.WriteAllText(At("a.txt"), "earlier");

        OutputException error = Assert.Throws<OutputException>(() => AtomicFile.Write(At("a.txt"), _ => throw new IOException("no space left")));

        Assert.Contains("a.txt: cannot be written: no space left", error.Message, StringComparison.Ordinal);
        Assert.Equal("earlier", File.ReadAllText(At("a.txt")));
        Assert.Equal([At("a.txt")], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_kept_file_can_be_read_along_and_stays_when_it_is_not_completed()
    {
        using (AtomicFile file = AtomicFile.Create(At("v.mp4"), Incomplete.Kept))
        {
            Assert.Equal(At("v.partial.mp4"), file.TemporaryPath);
            file.Stream.Write("half"u8);
            file.Stream.Flush();
            Assert.Equal("half", File.ReadAllText(At("v.partial.mp4")));
        }

        Assert.Equal([At("v.partial.mp4")], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_file_that_has_the_temporary_name_is_left_alone()
    {
        File.WriteAllText(At("clip.partial.mp4"), "a source");

        using (AtomicFile file = AtomicFile.Create(At("clip.mp4"), Incomplete.Kept))
        {
            file.Stream.Write("video"u8);
            file.Commit();
        }

        Assert.Equal("a source", File.ReadAllText(At("clip.partial.mp4")));
        Assert.Equal("video", File.ReadAllText(At("clip.mp4")));
    }

    [Fact]
    public void A_link_that_has_the_temporary_name_is_not_followed()
    {
        File.WriteAllText(At("precious"), "precious");
        File.CreateSymbolicLink(At("clip.partial.mp4"), At("precious"));
        File.CreateSymbolicLink(At("clip.partial-2.mp4"), At("nowhere"));

        using (AtomicFile file = AtomicFile.Create(At("clip.mp4"), Incomplete.Kept))
        {
            file.Stream.Write("video"u8);
            file.Commit();
        }

        Assert.Equal("precious", File.ReadAllText(At("precious")));
        Assert.False(File.Exists(At("nowhere")));
        Assert.Equal("video", File.ReadAllText(At("clip.mp4")));
    }

    [Fact]
    public void A_second_run_with_the_same_output_is_told()
    {
        using AtomicFile first = AtomicFile.Create(At("clip.mp4"), Incomplete.Kept);

        OutputException error = Assert.Throws<OutputException>(() => AtomicFile.Create(At("clip.mp4"), Incomplete.Kept));

        Assert.Contains("another run is writing it", error.Message, StringComparison.Ordinal);
        Assert.Equal([At("clip.partial.mp4")], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Two_discardable_files_of_one_name_end_whole()
    {
        using AtomicFile first = AtomicFile.Create(At("a.png")), second = AtomicFile.Create(At("a.png"));
        first.Stream.Write("first"u8);
        second.Stream.Write("second"u8);

        second.Commit();
        first.Commit();

        Assert.Equal("first", File.ReadAllText(At("a.png")));
        Assert.Equal([At("a.png")], Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(255, "a")]
    [InlineData(250, "ü")]
    [InlineData(254, "面")]
    public void The_longest_names_that_the_disk_takes_have_a_temporary_one(int bytes, string letter)
    {
        StringBuilder stem = new();
        while (Encoding.UTF8.GetByteCount(stem + letter + ".mp4") <= bytes) stem.Append(letter);
        string path = At(stem + ".mp4");

        foreach (Incomplete incomplete in new[] { Incomplete.Kept, Incomplete.Discarded })
        {
            using AtomicFile file = AtomicFile.Create(path, incomplete);
            Assert.True(Encoding.UTF8.GetByteCount(Path.GetFileName(file.TemporaryPath)) <= TemporaryName.LongestName);
            file.Commit();
            Assert.True(File.Exists(path));
        }
    }

    [Fact]
    public void A_folder_is_no_file()
    {
        Assert.Contains("is a folder", Assert.Throws<OutputException>(() => AtomicFile.Create(_folder)).Message, StringComparison.Ordinal);
        Assert.Contains("folder does not exist", Assert.Throws<OutputException>(() => AtomicFile.Create(At("no/such.txt"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Discarding_removes_a_kept_file_too()
    {
        using AtomicFile file = AtomicFile.Create(At("v.mp4"), Incomplete.Kept);

        file.Discard();

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_nameless_file_leaves_nothing()
    {
        using FileStream file = NamelessFile.Create();
        file.Write("room"u8);
        file.Position = 0;

        Assert.Equal('r', file.ReadByte());
        Assert.False(File.Exists(file.Name));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
