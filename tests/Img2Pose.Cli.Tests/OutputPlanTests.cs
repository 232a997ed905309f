using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.Cli.Tests;

public sealed class OutputPlanTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-plan").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static SourceInfo Video { get; } = new()
    {
        Name = "clip.mp4",
        Width = 320,
        Height = 240,
        CodedWidth = 320,
        CodedHeight = 240,
        Format = PixelFormat.I420,
        Color = default,
    };

    private static SourceInfo Pictures(long count) => Video with { IsImages = true, FrameCount = count, Format = PixelFormat.Rgb24 };

    private static string? Plan(SourceInfo source, string? output, string? json = null, string name = "in/clip.mp4") =>
        OutputPlan.Create(new RunSettings { Source = name, Output = output, Json = json }, source, Roles(name));

    private static FileRoles Roles(string source)
    {
        FileRoles roles = new();
        roles.Reads(source, "the source");
        return roles;
    }

    [Fact]
    public void A_video_goes_to_a_file_or_into_a_folder_under_its_own_name()
    {
        Assert.Equal("o.mkv", Plan(Video, "o.mkv"));
        Assert.Equal(Path.Combine(_folder, "clip.posed.mp4"), Plan(Video, _folder));
        Assert.Equal("new/clip.posed.mp4", Plan(Video, "new/"));
        Assert.Null(Plan(Video, null));
    }

    [Fact]
    public void Pictures_go_into_a_folder_and_one_picture_may_go_to_a_file()
    {
        Assert.Equal("posed", Plan(Pictures(3), "posed"));
        Assert.Equal("a.png", Plan(Pictures(1), "a.png"));
    }

    [Fact]
    public void What_does_not_suit_the_source_is_refused()
    {
        Assert.Throws<UsageException>(() => Plan(Pictures(1), "a.mp4"));
        Assert.Throws<UsageException>(() => Plan(Video, "a.png"));
        Assert.Throws<UsageException>(() => Plan(Video, "a"));
    }

    [Fact]
    public void No_output_may_be_the_source_or_another_output_or_a_folder_where_a_file_belongs()
    {
        Assert.Throws<UsageException>(() => Plan(Video, "in/clip.mp4"));
        Assert.Throws<UsageException>(() => Plan(Video, "./in/../in/clip.mp4"));
        Assert.Throws<UsageException>(() => Plan(Video, null, "in/clip.mp4"));
        Assert.Throws<UsageException>(() => Plan(Video, "o.mp4", "o.mp4"));
        Assert.Throws<UsageException>(() => Plan(Video, "o.mp4", _folder));
    }

    [Fact]
    public void Links_are_followed_wherever_they_stand_in_a_path()
    {
        string inner = Directory.CreateDirectory(Path.Combine(_folder, "inner")).FullName;
        string real = Path.Combine(inner, "real.mp4"), link = Path.Combine(_folder, "link.mp4"), other = Path.Combine(_folder, "other");
        File.WriteAllText(real, "");
        File.CreateSymbolicLink(link, real);
        Directory.CreateSymbolicLink(other, _folder);

        foreach (string name in (string[])[link, Path.Combine(other, "inner", "real.mp4"), Path.Combine(other, "link.mp4")])
            Assert.Throws<UsageException>(() => Plan(Video, name, name: real));
        Assert.Equal(Path.Combine(inner, "absent.mp4"), Plan(Video, Path.Combine(inner, "absent.mp4"), name: real));
    }
}
