using System.Diagnostics;

namespace Img2Pose.Core.Tests;

public sealed class FileRolesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-core").FullName;
    private readonly FileRoles _roles = new();

    public FileRolesTests() => File.WriteAllText(At("source.mp4"), "source");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_read_is_not_written_under_its_name()
    {
        _roles.Reads(At("source.mp4"), "the source");

        UsageException error = Assert.Throws<UsageException>(() => _roles.Writes(At("x/../source.mp4"), "--json"));

        Assert.Contains("--json would replace the source", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nor_through_a_link_to_it_or_to_its_folder()
    {
        File.CreateSymbolicLink(At("link.mp4"), At("source.mp4"));
        Directory.CreateSymbolicLink(At("folder"), _folder);
        _roles.Reads(At("source.mp4"), "the source");

        Assert.Throws<UsageException>(() => _roles.Writes(At("link.mp4"), "--out"));
        Assert.Throws<UsageException>(() => _roles.Writes(At("folder/source.mp4"), "--out"));
        _roles.Writes(At("folder/other.mp4"), "--out");
    }

    [Fact]
    public void Nor_under_a_hard_link()
    {
        Process.Start("ln", [At("source.mp4"), At("hard.mp4")]).WaitForExit();
        _roles.Reads(At("source.mp4"), "the source");

        Assert.Throws<UsageException>(() => _roles.Writes(At("hard.mp4"), "--out"));
    }

    [Fact]
    public void A_source_that_is_a_link_keeps_both_names()
    {
        File.CreateSymbolicLink(At("link.mp4"), At("source.mp4"));
        _roles.Reads(At("link.mp4"), "the source");

        Assert.Throws<UsageException>(() => _roles.Writes(At("link.mp4"), "--out"));
        Assert.Throws<UsageException>(() => _roles.Writes(At("source.mp4"), "--out"));
    }

    [Fact]
    public void Every_file_of_a_folder_that_is_read_is_kept()
    {
        _roles.Reads(_folder, "the reference");

        Assert.Throws<UsageException>(() => _roles.Writes(At("source.mp4"), "--json"));
        _roles.Writes(At("new.json"), "--json");
    }

    [Fact]
    public void Two_outputs_are_two_files()
    {
        File.CreateSymbolicLink(At("link"), At("new"));
        _roles.Writes(At("new"), "--out");

        Assert.Contains("--json and --out are the same file", Assert.Throws<UsageException>(() => _roles.Writes(At("link"), "--json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_and_standard_streams_are_never_in_the_way()
    {
        _roles.Reads("-", "the source");
        _roles.Reads(null, "the boxes");

        _roles.Writes("-", "--json");
        _roles.Writes("/dev/null", "--json");
        _roles.Writes("/dev/null", "--out");
    }

    [Fact]
    public void While_a_verb_guards_what_it_reads_no_output_replaces_it()
    {
        string made = Path.Combine(_folder, "made.txt");
        _roles.Reads(At("source.mp4"), "the source");

        using (_roles.Guard())
        {
            UsageException error = Assert.Throws<UsageException>(() => AtomicFile.Write(At("x/../source.mp4"), stream => stream.WriteByte(1)));
            Assert.Contains("would replace the source", error.Message, StringComparison.Ordinal);
            Assert.Throws<UsageException>(() => FileRoles.RequireUnread(At("source.mp4")));
            AtomicFile.Write(made, stream => stream.WriteByte(1));
        }

        Assert.Equal("source", File.ReadAllText(At("source.mp4")));
        Assert.True(File.Exists(made));
        // What another verb does later is its own affair.
        AtomicFile.Write(At("source.mp4"), stream => stream.WriteByte(1));
        Assert.Equal(1, new FileInfo(At("source.mp4")).Length);
    }

    private string At(string name) => Path.Combine(_folder, name);
}
