using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

public sealed class PictureNamesTests : ClipTests
{
    private string Picture(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 16, 12);
        for (int y = 0; y < 12; y++) frame.GetPlane(0).Row(y).Fill((byte)(y * 10));
        ImageFile.Write(At(name), frame);
        return At(name);
    }

    private void WriteAll(string list, Func<string, string?> readAs)
    {
        using IFrameSource source = MediaSource.Open(list);
        using VideoWriter writer = VideoWriter.Create(At("out"), source, new VideoWriterOptions { ReadAs = readAs });
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) writer.Write(frame);
        }
        writer.Complete();
    }

    [Fact]
    public void A_number_that_keeps_names_apart_never_leads_to_a_file_that_is_read()
    {
        string[] sources = [Picture("p/a.png"), Picture("q/a.png"), Picture("r/a.png")];
        File.WriteAllLines(At("list.txt"), sources);
        Directory.CreateDirectory(At("out"));
        File.WriteAllText(At("out/a_2.png"), "read by the run");

        WriteAll(At("list.txt"), path => Path.GetFileName(path) == "a_2.png" ? "the reference" : null);

        Assert.Equal(["a.png", "a_2.png", "a_3.png", "a_4.png"], Directory.GetFiles(At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("read by the run", File.ReadAllText(At("out/a_2.png")));
    }

    [Fact]
    public void A_picture_whose_own_name_is_read_is_refused_and_what_is_read_stays()
    {
        File.WriteAllLines(At("list.txt"), [Picture("p/a.png")]);
        Directory.CreateDirectory(At("out"));
        File.WriteAllText(At("out/a.png"), "read by the run");

        UsageException error = Assert.Throws<UsageException>(() => WriteAll(At("list.txt"), _ => "the boxes"));

        Assert.Contains("would replace the boxes", error.Message, StringComparison.Ordinal);
        Assert.Equal("read by the run", File.ReadAllText(At("out/a.png")));
    }

    [Theory]
    [InlineData("x/a.JPEG", "a.jpg")]
    [InlineData("x/a.webp", "a.png")]
    [InlineData("a.b.png", "a.b.png")]
    public void A_picture_is_named_by_the_kind_that_is_written(string source, string expected) =>
        Assert.Equal(expected, VideoWriter.PictureName(source));
}
