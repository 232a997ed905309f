namespace Img2Pose.Media.Tests;

public sealed class LiveAddressTests : ClipTests
{
    [Theory]
    [InlineData("0", "/dev/video0")]
    [InlineData("12", "/dev/video12")]
    [InlineData("/dev/video007", "/dev/video7")]
    [InlineData("screen::0.0+10,20", ":0.0+10,20")]
    [InlineData("screen:host:1", "host:1")]
    [InlineData("RTSP://Camera/Live", "rtsp://Camera/Live")]
    [InlineData("rtsp://user:p%40ss@camera:8554/live", "rtsp://user:p%40ss@camera:8554/live")]
    [InlineData("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000")]
    [InlineData("srt://:9000?mode=listener", "srt://:9000?mode=listener")]
    [InlineData("http://[::1]:8080/a.m3u8", "http://[::1]:8080/a.m3u8")]
    public void A_name_is_taken_apart_into_what_is_opened(string name, string target)
    {
        Assert.True(MediaSource.IsLive(name));
        Assert.Equal(target, LiveAddress.Parse(name).Target);
    }

    [Theory]
    [InlineData("/dev/videoX")]
    [InlineData("/dev/video")]
    [InlineData("screen:nowhere")]
    [InlineData("screen::0;reboot")]
    [InlineData("rtsp:///live")]
    [InlineData("rtsp://camera:0/live")]
    [InlineData("rtsp://camera:99999/live")]
    [InlineData("rtsp://camera:/live")]
    [InlineData("rtsp://[::1/live")]
    [InlineData("rtsp://[::1]x/live")]
    [InlineData("rtsp://camera/li ve")]
    [InlineData("rtsp://camera/\n")]
    [InlineData("udp://127.0.0.1")]
    [InlineData("rtsp://user:geheim/1@camera/live")]
    public void What_can_be_no_source_is_told_at_once_without_its_password(string name)
    {
        InputException error = Assert.Throws<InputException>(() => MediaSource.Open(name));

        Assert.DoesNotContain("geheim", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://host/a.mp4", "ftp://")]
    [InlineData("concat://a|b", "concat://")]
    [InlineData("tcp://host:1", "tcp://")]
    public void A_scheme_that_is_not_read_is_a_mistake_in_use(string name, string said) =>
        Assert.Contains(said, Assert.Throws<UsageException>(() => MediaSource.Open(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_with_a_number_for_a_name_is_a_file()
    {
        Assert.True(MediaSource.IsLive("7"));
        Assert.False(MediaSource.IsLive("file:///tmp/7"));
        Assert.False(MediaSource.IsLive("lavfi:testsrc"));
        Assert.False(MediaSource.IsLive("-"));
    }

    [Fact]
    public void A_list_may_name_streams()
    {
        File.WriteAllText(At("streams.txt"), "# cameras\nrtsp://a/1\n0\nscreen::0\n");

        Assert.Equal(["rtsp://a/1", "0", "screen::0"], MediaSource.Expand(At("streams.txt")));
        Assert.Empty(MediaSource.Files(At("streams.txt")));
        Assert.Equal([At("streams.txt")], MediaSource.FilesOf(At("streams.txt")));
    }

    [Fact]
    public void A_list_of_more_streams_than_the_limit_is_refused()
    {
        File.WriteAllLines(At("streams.txt"), Enumerable.Range(0, MediaSource.MaxStreams + 1).Select(i => $"rtsp://a/{i}"));

        Assert.Contains("limit", Assert.Throws<InputException>(() => MediaSource.Expand(At("streams.txt"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://host/live/a.m3u8", true)]
    [InlineData("http://host/other/b.ts", true)]
    [InlineData("http://HOST:80/b.ts", true)]
    [InlineData("crypto+http://host/b.ts", true)]
    [InlineData("http://other/b.ts", false)]
    [InlineData("http://host:81/b.ts", false)]
    [InlineData("http://host@other/b.ts", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("data:,x", false)]
    [InlineData("rtsp://host/x", false)]
    [InlineData("concat:http://host/a|/etc/passwd", false)]
    public void A_playlist_opens_addresses_of_its_own_host_only(string url, bool may) =>
        Assert.Equal(may, SourceRules.MayOpen(LiveAddress.Parse("http://host/live/a.m3u8"), url, isPlaylist: true));

    [Fact]
    public void What_is_no_playlist_opens_nothing_but_itself()
    {
        LiveAddress stream = LiveAddress.Parse("http://host/a.mp4");

        Assert.True(SourceRules.MayOpen(stream, "http://host/a.mp4", isPlaylist: false));
        Assert.False(SourceRules.MayOpen(stream, "http://host/b.mp4", isPlaylist: false));
    }

    [Fact]
    public void Times_for_tests_are_read_and_checked()
    {
        LiveTimes times = LiveTimes.Parse("retry=0.1/0.2,silence=1,health=2,password=3,nopicture=4");

        Assert.Equal([0.1, 0.2], times.Retry);
        Assert.Equal((1.0, 2.0, 3.0, 4.0), (times.Silence, times.Health, times.Password, times.NoPicture));
        Assert.All(["retry", "retry=x", "other=1", "silence=0", "silence=1/2"], text => Assert.Throws<UsageException>(() => LiveTimes.Parse(text)));
    }
}
