using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

public sealed class SourceGrammarTests : ClipTests
{
    private void Picture(string name, int width = 16, int height = 12)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, width, height);
        for (int y = 0; y < height; y++) frame.GetPlane(0).Row(y).Fill((byte)(y * 10));
        ImageFile.Write(At(name), frame);
    }

    [Fact]
    public void A_folder_gives_its_pictures_in_order_each_in_its_size()
    {
        Picture("p/b.png", 20, 10);
        Picture("p/a.jpg", 10, 20);
        File.WriteAllText(At("p/notes.md"), "not a picture");

        using IFrameSource source = MediaSource.Open(At("p"));
        Assert.True(source.Info.IsImages);
        Assert.Equal(2, source.Info.FrameCount);
        List<(string?, int, int, double?)> seen = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) seen.Add((Path.GetFileName(frame.SourceName), frame.Width, frame.Height, frame.PresentationTime));
        }

        Assert.Equal([("a.jpg", 10, 20, null), ("b.png", 20, 10, null)], seen);
    }

    [Fact]
    public void A_pattern_gives_what_it_matches()
    {
        Picture("p/one_1.png");
        Picture("p/one_2.png");
        Picture("p/two_1.png");
        Picture("q/one_3.png");

        using IFrameSource inOneFolder = MediaSource.Open(At("p/one_?.png"));
        using IFrameSource inAll = MediaSource.Open(At("*/one*"));

        Assert.Equal(2, ReadAll(inOneFolder).Count);
        Assert.Equal(3, ReadAll(inAll).Count);
        Assert.Throws<InputException>(() => MediaSource.Open(At("p/three*")));
    }

    [Fact]
    public void A_list_names_sources_beside_it()
    {
        Picture("p/a.png");
        Picture("b.png");
        File.WriteAllText(At("list.txt"), "# two of them\n\np/a.png\nb.png\n");
        File.WriteAllText(At("empty.txt"), "\n# nothing\n");

        using IFrameSource source = MediaSource.Open(At("list.txt"));

        Assert.Equal(2, ReadAll(source).Count);
        Assert.Throws<InputException>(() => MediaSource.Open(At("empty.txt")));
    }

    [Fact]
    public void Several_videos_are_opened_one_by_one()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=64x48 -c:v mpeg4 a.avi");
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=64x48 -c:v mpeg4 b.avi");

        Assert.Throws<UsageException>(() => MediaSource.Open(Folder));
        Assert.Equal([At("a.avi"), At("b.avi")], MediaSource.Expand(Folder));
        Assert.Equal([At("a.avi")], MediaSource.Expand(At("a.avi")));
    }

    [Fact]
    public void A_damaged_picture_among_others_is_skipped_and_counted()
    {
        Picture("p/a.png");
        Picture("p/c.png");
        File.WriteAllBytes(At("p/b.png"), [1, 2, 3]);
        List<string> warnings = [];

        using IFrameSource source = MediaSource.Open(At("p"), new SourceOptions { Warning = warnings.Add });

        Assert.Equal(2, ReadAll(source).Count);
        Assert.Equal(1, source.DamagedFrames);
        Assert.Contains("b.png", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_picture_alone_is_an_error()
    {
        File.WriteAllBytes(At("b.png"), [1, 2, 3]);

        Assert.Contains("b.png", Assert.Throws<InputException>(() => MediaSource.Open(At("b.png"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_with_a_colon_and_wildcards_is_still_a_file()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=64x48 -c:v mpeg4 a.avi");
        File.Move(At("a.avi"), At("12:30 [x] ?.avi"));

        Assert.Equal(5, ReadAll("12:30 [x] ?.avi").Count);
    }

    [Fact]
    public void A_source_without_a_name_is_refused() => Assert.Throws<UsageException>(() => MediaSource.Open(""));

    [Theory]
    [InlineData("rtsp://user:secret@camera/live", "rtsp://***@camera/live")]
    [InlineData("rtsp://user:p@ss@camera:554/live?x=1", "rtsp://***@camera:554/live?x=1")]
    [InlineData("https://host/v.mp4?token=abc&t=3&api_key=xyz", "https://host/v.mp4?token=***&t=3&api_key=***")]
    [InlineData("/home/me@work/v.mp4", "/home/me@work/v.mp4")]
    [InlineData("https://host/@name/v.mp4", "https://host/@name/v.mp4")]
    [InlineData("https://host:8443/@name/v.mp4", "https://host:8443/@name/v.mp4")]
    [InlineData("rtsp://user:pa/ss?w#@camera/live", "rtsp://***@camera/live")]
    [InlineData("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000")]
    [InlineData("srt://h:9000?passphrase=geheim12345&mode=caller", "srt://h:9000?passphrase=***&mode=caller")]
    [InlineData("srt://h:9000?streamid=#!::u=user,p=geheim", "srt://h:9000?streamid=***")]
    [InlineData("rtsp://h:554/user=admin&password=geheim&channel=1.sdp", "rtsp://h:554/user=admin&password=***&channel=1.sdp")]
    [InlineData("rtsp://h/user=admin_password=tlJw_channel=1", "rtsp://h/user=admin_password=***")]
    public void Credentials_are_masked(string source, string shown) => Assert.Equal(shown, SourceNames.Mask(source));

    [Fact]
    public void Absurd_options_are_refused()
    {
        Picture("a.png");

        Assert.Throws<UsageException>(() => MediaSource.Open(At("a.png"), new SourceOptions { Start = TimeSpan.FromSeconds(-1) }));
        Assert.Throws<UsageException>(() => MediaSource.Open(At("a.png"), new SourceOptions { Duration = TimeSpan.Zero }));
        Assert.Throws<UsageException>(() => MediaSource.Open(At("a.png"), new SourceOptions { DecoderThreads = 1000 }));
    }
}
