using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Img2Pose.Media.Tests;

/// <summary>Streams of GStreamer's RTSP server, and what goes wrong with cameras. The long forms are in scripts/soak.sh.</summary>
public sealed class RtspTests : LiveTests
{
    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void AssertInOrder(IEnumerable<LiveTests.Picture> pictures)
    {
        LiveTests.Picture[] all = [.. pictures];
        for (int i = 1; i < all.Length; i++) Assert.True(all[i].Time > all[i - 1].Time, $"{all[i - 1]} then {all[i]}");
    }

    [Theory]
    [InlineData("h264", false)]
    [InlineData("h265", false)]
    [InlineData("mjpeg", false)]
    [InlineData("h264", true)]
    public void A_camera_gives_its_pictures_in_order_with_their_age(string codec, bool overUdp)
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a." + codec)}:15");
        using Reader reader = Open(server.Url("/a"), Quick with { RtspOverUdp = overUdp });

        reader.WaitForPictures(20);
        TimeSpan stopped = reader.Stop();

        LiveTests.Picture[] pictures = reader.Pictures;
        AssertInOrder(pictures);
        // One after another as they are drawn, unless this machine was too busy to take each.
        Assert.True(pictures.Zip(pictures.Skip(1)).Count(pair => pair.Second.Count == pair.First.Count + 1) >= 10, string.Join(' ', pictures.Select(picture => picture.Count)));
        Assert.All(pictures, picture => Assert.InRange(picture.Age, 0, 30));
        Assert.Empty(((LiveSource)reader.Source).UnusedOptions);
        Assert.True(reader.Source.Info is { IsLive: true, Codec: { } name } && name == (codec == "h265" ? "hevc" : codec));
        AssertPrompt(stopped);
        Assert.Equal([SourceState.Live, SourceState.Ended], reader.States.Select(state => state.State));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--digest")]
    public void User_name_and_password_are_given_and_never_shown(string digest)
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a.mjpeg", 30)}:15", arguments: $"--user willi --password geheim123 {digest}");
        using Reader good = Open(server.Url("/a", "willi:geheim123"));
        good.WaitForPictures(2);
        using Reader wrong = Open(server.Url("/a", "willi:verkehrt99"));

        wrong.WaitForState(SourceState.Reconnecting, "password");
        // Tried again by its own clock.
        wrong.WaitFor(reader => reader.Status.Current.Attempt >= 2, "another try");

        Assert.Contains("401", wrong.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim123", good.Log + good.Source.Info, StringComparison.Ordinal);
        Assert.DoesNotContain("verkehrt99", wrong.Log + string.Concat(wrong.States.AsEnumerable()), StringComparison.Ordinal);
        InputException error = Open(server.Url("/a", "willi:verkehrt99"), Quick with { Reconnect = false }).Error();
        Assert.Contains("password", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("verkehrt99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_waiting_cannot_cure_is_an_error_at_once()
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a.mjpeg", 30)}:15");

        Assert.Contains("404", Open(server.Url("/absent")).Error().Message, StringComparison.Ordinal);
        Assert.Contains("no host", Open("rtsp://-/a").Error().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_camera_that_is_not_there_is_waited_for_without_end_or_not_at_all()
    {
        int port = FreePort();
        Assert.Contains("refused", Open($"rtsp://127.0.0.1:{port}/a", Quick with { Reconnect = false }).Error().Message, StringComparison.Ordinal);

        using Reader reader = Open($"rtsp://127.0.0.1:{port}/a");
        reader.WaitFor(now => now.Status.Current.Attempt >= 3, "the third try");
        using RtspServer server = RtspServer.Start($"/a={Counted("a.mjpeg", 30)}:15", port);
        reader.WaitForPictures(3);

        Assert.Contains("connection refused; trying again", reader.Log, StringComparison.Ordinal);
        Assert.NotNull(reader.States.First(state => state.State == SourceState.Live).Outage);
    }

    [Fact]
    public void A_camera_that_dies_and_comes_back_goes_on_on_a_new_time_line()
    {
        string clip = Counted("a.h264");
        int port;
        using (RtspServer first = RtspServer.Start($"/a={clip}:15"))
        {
            port = first.Port;
        }
        RtspServer server = RtspServer.Start($"/a={clip}:15", port);
        try
        {
            using Reader reader = Open(server.Url("/a"));
            reader.WaitForPictures(5);
            server.Signal("KILL");
            reader.WaitForState(SourceState.Reconnecting);
            server.Dispose();
            server = RtspServer.Start($"/a={clip}:15", port);
            reader.WaitForState(SourceState.Live);
            reader.WaitForMore(5);

            SourceStatus back = reader.States.Last(state => state.State == SourceState.Live);
            Assert.True(back is { Outage: { TotalSeconds: > 0 }, Timeline: 2 }, back.ToString());
            AssertInOrder(reader.Pictures);
            // The time that passed is in the times.
            LiveTests.Picture[] all = reader.Pictures;
            Assert.Equal(Stopwatch.GetElapsedTime(all[0].Came, all[^1].Came).TotalSeconds, all[^1].Time - all[0].Time, 1.5);
        }
        finally
        {
            server.Dispose();
        }
    }

    [Fact]
    public void A_camera_that_says_nothing_any_more_is_noticed_and_one_that_stands_still_is_left()
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a.h264")}:15");
        using Reader reader = Open(server.Url("/a"));
        reader.WaitForPictures(5);

        // Connected, but silent.
        server.Order("silent /a");
        reader.WaitForState(SourceState.Reconnecting, "nothing has come");
        server.Order("play /a");
        reader.WaitForState(SourceState.Live);
        reader.WaitForMore(3);

        // The whole server stands: neither pictures nor answers.
        server.Signal("STOP");
        reader.WaitForState(SourceState.Reconnecting, "nothing has come");
        reader.WaitFor(now => now.Status.Current.Reason?.Contains("does not answer", StringComparison.Ordinal) == true, "a try without an answer");
        TimeSpan stopped = reader.Stop();
        server.Signal("CONT");

        AssertPrompt(stopped);
    }

    [Fact]
    public void A_clock_that_jumps_and_begins_anew_at_zero_begins_new_time_lines_and_costs_no_picture()
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a.h264")}:15");
        using Reader reader = Open(server.Url("/a"));
        reader.WaitForPictures(8);

        server.Order("jump /a 10000");
        reader.WaitFor(now => now.Status.Current.Timeline == 2, "another time line");
        reader.WaitForMore(5);
        server.Order("jump /a -10000");
        reader.WaitFor(now => now.Status.Current.Timeline == 3, "a third time line");
        reader.WaitForMore(5);

        AssertInOrder(reader.Pictures);
        LiveTests.Picture[] all = reader.Pictures;
        Assert.InRange(all[^1].Time, 0, 60);
        Assert.All(all, picture => Assert.InRange(picture.Age, 0, 30));
        Assert.DoesNotContain(SourceState.Reconnecting, reader.States.Select(state => state.State));
        Assert.Contains("2014 ", reader.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_size_goes_on_without_a_restart_and_another_codec_after_reconnecting()
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("a.h264")}:15");
        using Reader reader = Open(server.Url("/a"));
        reader.WaitForPictures(5);

        server.Order($"file /a {Counted("small.h264", 30, "240x180")}");
        reader.WaitFor(now => now.Log.Contains("goes on as 240x180", StringComparison.Ordinal), "the other size");
        reader.WaitForMore(3);
        Assert.DoesNotContain(SourceState.Reconnecting, reader.States.Select(state => state.State));

        server.Order($"replace /a {Counted("b.h265", 60)}");
        reader.WaitForState(SourceState.Reconnecting);
        reader.WaitForState(SourceState.Live);
        reader.WaitForMore(3);

        Assert.All(reader.Pictures, picture => Assert.Equal((320, 184), (picture.Width, picture.Height)));
    }

    [Fact]
    public void Seconds_between_key_pictures_are_no_outage()
    {
        using RtspServer server = RtspServer.Start($"/a={Counted("slow.h264", 60, gop: 60)}:15");
        LiveSourceOptions patient = Quick with { Times = LiveTimes.Parse("retry=0.2,silence=1.5,nopicture=20") };
        using Reader reader = Open(server.Url("/a"), patient);
        reader.WaitForPictures(5);
        // In the middle of the group nothing can be decoded: it waits for the next key picture, 4 s after the first.
        using Reader late = Open(server.Url("/a"), patient);

        late.WaitForPictures(3);

        Assert.DoesNotContain(SourceState.Reconnecting, late.States.Select(state => state.State));
        Assert.InRange(late.Pictures[0].Count, 0, 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packets_that_are_lost_cost_pictures_but_are_no_outage(bool overUdp)
    {
        // So large that a picture is some packets; key pictures are a second apart.
        using RtspServer server = RtspServer.Start($"/a={Counted("lossy.h264", size: "640x360")}:15");
        using Reader reader = Open(server.Url("/a"), Quick with { RtspOverUdp = overUdp });
        reader.WaitForPictures(10);

        server.Order("lose /a 20");
        reader.WaitFor(one => one.Source.DamagedFrames >= 3, "a damaged picture");
        reader.WaitForMore(15);
        server.Order("lose /a 0");
        long damaged = reader.Source.DamagedFrames;
        reader.WaitForMore(30);

        reader.Stop();
        AssertInOrder(reader.Pictures);
        // What is damaged is repaired by the next key picture.
        Assert.InRange(reader.Source.DamagedFrames - damaged, 0, 30);
        Assert.Equal([SourceState.Live, SourceState.Ended], reader.States.Select(state => state.State));
    }

    [Fact]
    public async Task A_stop_while_waiting_for_the_next_try_is_quick()
    {
        using Reader reader = Open($"rtsp://127.0.0.1:{FreePort()}/a", Quick with { Times = LiveTimes.Parse("retry=600") });
        reader.WaitForState(SourceState.Reconnecting);

        TimeSpan stopped = await Task.Run(reader.Stop, TestContext.Current.CancellationToken);

        AssertPrompt(stopped);
    }

    [Fact]
    public void A_stop_while_pictures_come_and_while_none_come_is_quick()
    {
        LiveSourceOptions patient = Quick with { Times = LiveTimes.Parse("silence=600,nopicture=600") };
        using RtspServer server = RtspServer.Start($"/a={Counted("a.h264")}:15");
        using Reader playing = Open(server.Url("/a"), patient), silent = Open(server.Url("/a"), patient);
        playing.WaitForPictures(2);
        silent.WaitForPictures(2);

        AssertPrompt(playing.Stop());
        server.Order("silent /a");
        AssertPrompt(silent.Stop());
    }

    [Fact]
    public void Rtsp_over_tls_is_read_where_its_certificate_is_taken_unseen_and_refused_where_it_is_not()
    {
        Run("openssl", $"req -x509 -newkey rsa:2048 -nodes -keyout {At("key.pem")} -out {At("cert.pem")} -days 2 -subj /CN=127.0.0.1");
        File.WriteAllText(At("tls.pem"), File.ReadAllText(At("cert.pem")) + File.ReadAllText(At("key.pem")));
        using RtspServer server = RtspServer.Start($"/a={Counted("a.h264")}:15", arguments: $"--tls {At("tls.pem")}");

        using Reader unseen = Open(server.Url("/a", scheme: "rtsps"), Quick with { Insecure = true });
        unseen.WaitForPictures(5);

        Assert.Empty(((LiveSource)unseen.Source).UnusedOptions);
        // FFmpeg 5.1 cannot check it, later ones find that nobody has signed it.
        Assert.Contains("certificate", Open(server.Url("/a", scheme: "rtsps")).Error().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_while_a_host_does_not_answer_is_quick()
    {
        // It takes the connection and says nothing.
        using TcpListener mute = new(IPAddress.Loopback, 0);
        mute.Start();
        using Reader reader = Open($"rtsp://127.0.0.1:{((IPEndPoint)mute.LocalEndpoint).Port}/a", Quick with { OpenTimeout = TimeSpan.FromMinutes(2) });
        using TcpClient taken = mute.AcceptTcpClient();

        AssertPrompt(reader.Stop());
    }
}
