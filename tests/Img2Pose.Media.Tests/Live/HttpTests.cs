using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

/// <summary>What comes over HTTP and UDP: recordings, playlists, rows of JPEGs, transport streams; and what is none of these.</summary>
public sealed class HttpTests : LiveTests
{
    private static readonly SourceOptions s_options = new() { Live = Quick };

    private static bool SendOk(Stream to, string type, string text)
    {
        HttpServer.Send(to, $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}");
        return true;
    }

    [Fact]
    public void A_recording_on_a_server_is_read_as_a_file_is()
    {
        byte[] clip = File.ReadAllBytes(Counted("a.mp4", 30));
        using HttpServer server = new()
        {
            Answer = (path, to) =>
            {
                if (path != "/a.mp4?token=geheim") return false;
                HttpServer.SendFile(to, clip, HttpServer.LastRequest);
                return true;
            },
        };

        using IFrameSource source = MediaSource.Open(server.Url("/a.mp4?token=geheim"), s_options);
        List<int> counts = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) counts.Add(CountOf(frame));
        }

        Assert.False(source.Info.IsLive);
        Assert.DoesNotContain("geheim", source.Info.Name, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 30), counts);
        Assert.Contains("404", Assert.Throws<InputException>(() => MediaSource.Open(server.Url("/b.mp4"), s_options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_whose_pictures_are_larger_than_the_memory_budget_names_it()
    {
        byte[] clip = File.ReadAllBytes(Counted("a.ts", 30));
        using HttpServer server = new()
        {
            Answer = (path, to) =>
            {
                HttpServer.Send(to, "HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n");
                to.Write(clip);
                return true;
            },
        };

        InputException error = Assert.Throws<InputException>(() =>
        {
            using IFrameSource source = MediaSource.Open(server.Url("/live"), s_options with { Memory = new MemoryBudget(1 << 16) });
            source.TryRead(out VideoFrame? frame);
            frame?.Dispose();
        });

        Assert.Contains("--memory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_in_a_row_over_http_are_as_old_as_their_arrival()
    {
        string clip = Counted("a.mjpeg", 30);
        byte[][] pictures = Split(File.ReadAllBytes(clip));
        using HttpServer server = new()
        {
            Answer = (path, to) =>
            {
                HttpServer.Send(to, "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n");
                for (int i = 0; ; i++)
                {
                    byte[] picture = pictures[i % pictures.Length];
                    HttpServer.Send(to, string.Create(CultureInfo.InvariantCulture, $"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {picture.Length}\r\n\r\n"));
                    to.Write(picture);
                    HttpServer.Send(to, "\r\n");
                    // The camera's rate; the server's thread ends with the connection.
                    Thread.Sleep(50);
                }
            },
        };
        using Reader reader = Open(server.Url("/video"));

        reader.WaitForPictures(10);

        Assert.Empty(((LiveSource)reader.Source).UnusedOptions);
        Assert.Equal("mjpeg", reader.Source.Info.Codec);
        Picture[] all = reader.Pictures;
        Assert.Equal(Stopwatch.GetElapsedTime(all[0].Came, all[^1].Came).TotalSeconds, all[^1].Time - all[0].Time, 1.5);
    }

    [Fact]
    public void A_playlist_opens_segments_of_its_own_host_and_no_others()
    {
        Ffmpeg($"-i {Counted("a.mp4", 30)} -c copy -f hls -hls_time 1 -hls_list_size 0 -hls_segment_filename s%d.ts a.m3u8");
        string playlist = File.ReadAllText(At("a.m3u8"));
        using HttpServer other = new();
        using HttpServer server = new()
        {
            Answer = (path, to) =>
            {
                string name = path[1..];
                if (name == "evil.m3u8") return SendOk(to, "application/vnd.apple.mpegurl", playlist.Replace("s0.ts", $"http://127.0.0.1:{other.Port}/s0.ts", StringComparison.Ordinal).Replace("s1.ts", "file:///etc/passwd", StringComparison.Ordinal));
                if (name == "live.m3u8") return SendOk(to, "application/vnd.apple.mpegurl", playlist.Replace("#EXT-X-ENDLIST", "", StringComparison.Ordinal));
                if (!File.Exists(At(name))) return false;
                HttpServer.SendFile(to, File.ReadAllBytes(At(name)), HttpServer.LastRequest, name.EndsWith(".ts", StringComparison.Ordinal) ? "video/mp2t" : "application/vnd.apple.mpegurl");
                return true;
            },
        };

        using (IFrameSource recorded = MediaSource.Open(server.Url("/a.m3u8"), s_options))
        {
            Assert.False(recorded.Info.IsLive);
            Assert.InRange(ReadAll(recorded).Count, 28, 30);
        }
        // Without an end it is live, and its pictures come at their own pace.
        using (Reader live = Open(server.Url("/live.m3u8")))
        {
            live.WaitForPictures(8);
            Picture[] all = live.Pictures;
            Assert.True(all[^1].Time - all[0].Time < Stopwatch.GetElapsedTime(all[0].Came, all[^1].Came).TotalSeconds + 0.3);
        }
        Open(server.Url("/evil.m3u8"), Quick with { Reconnect = false }).Error();
        Assert.Empty(other.Asked);
    }

    [Fact]
    public void A_dash_manifest_opens_nothing()
    {
        Ffmpeg($"-i {Counted("a.mp4", 30)} -c copy -f dash -seg_duration 1 -use_template 1 -use_timeline 1 a.mpd");
        string manifest = File.ReadAllText(At("a.mpd"));
        using HttpServer other = new();
        using HttpServer server = new()
        {
            Answer = (path, to) =>
            {
                string name = path[1..];
                string? elsewhere = name switch { "evil.mpd" => $"http://127.0.0.1:{other.Port}/", "file.mpd" => "file:///etc/", _ => null };
                if (elsewhere is not null) return SendOk(to, "application/dash+xml", manifest.Replace("<Period", $"<BaseURL>{elsewhere}</BaseURL><Period", StringComparison.Ordinal));
                if (!File.Exists(At(name))) return false;
                HttpServer.SendFile(to, File.ReadAllBytes(At(name)), HttpServer.LastRequest, name.EndsWith(".mpd", StringComparison.Ordinal) ? "application/dash+xml" : "video/mp4");
                return true;
            },
        };

        // FFmpeg's reader opens what a manifest names without asking whether it may, so that none is read.
        foreach (string name in (ReadOnlySpan<string>)["/a.mpd", "/evil.mpd", "/file.mpd"])
            Assert.Contains("DASH", Open(server.Url(name), Quick with { Reconnect = false }).Error().Message, StringComparison.Ordinal);
        Assert.Empty(other.Asked);
    }

    [Theory]
    [InlineData("<html>Log in first</html>", "no video")]
    [InlineData("ffconcat version 1.0\nfile 'http://127.0.0.1:1/x.ts'\n", "no video")]
    [InlineData("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n", "no video")]
    public void Text_is_no_video_whatever_the_server_calls_it(string text, string said)
    {
        using HttpServer server = new() { Answer = (_, to) => SendOk(to, "video/mp4", text) };

        Assert.Contains(said, Assert.Throws<InputException>(() => MediaSource.Open(server.Url("/a.mp4"), s_options)).Message, StringComparison.Ordinal);
        Assert.All(server.Asked, path => Assert.Equal("/a.mp4", path));
    }

    [Fact]
    public void Sound_alone_is_no_video()
    {
        Ffmpeg("-f lavfi -i sine=duration=1 -c:a aac -f mpegts a.ts");
        byte[] clip = File.ReadAllBytes(At("a.ts"));
        using HttpServer server = new()
        {
            Answer = (_, to) =>
            {
                HttpServer.SendFile(to, clip, "", "video/mp2t");
                return true;
            },
        };

        Assert.Contains("there is no video in it", Assert.Throws<InputException>(() => MediaSource.Open(server.Url("/a.ts"), s_options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_nobody_vouches_for_is_refused_unless_it_is_to_be_taken_unseen()
    {
        byte[] clip = File.ReadAllBytes(Counted("a.mp4", 30));
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        using HttpServer server = new(certificate)
        {
            Answer = (_, to) =>
            {
                HttpServer.SendFile(to, clip, HttpServer.LastRequest);
                return true;
            },
        };

        InputException error = Assert.Throws<InputException>(() => MediaSource.Open(server.Url("/a.mp4"), s_options));
        Assert.Contains("certificate", error.Message, StringComparison.Ordinal);
        Assert.Contains("--insecure", error.Message, StringComparison.Ordinal);
        using IFrameSource source = MediaSource.Open(server.Url("/a.mp4"), s_options with { Live = Quick with { Insecure = true } });
        Assert.Equal(30, ReadAll(source).Count);
    }

    [Fact]
    public void An_rtsp_server_that_cannot_be_checked_is_refused()
    {
        Assert.SkipWhen(SourceRules.VerifiesRtsps(), "this FFmpeg checks certificates of rtsps");

        Assert.Contains("--insecure", Assert.Throws<InputException>(() => MediaSource.Open("rtsps://127.0.0.1:1/a", s_options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_transport_stream_over_udp_is_read_and_goes_on_in_another_codec()
    {
        int port = FreeUdpPort();
        using Reader reader = Open($"udp://127.0.0.1:{port}", Quick with { OpenTimeout = TimeSpan.FromSeconds(20), Times = LiveTimes.Parse("retry=0.2,silence=8,nopicture=6") });
        string Send(string clip, int times = 0) => $"-re -stream_loop {times} -i {clip} -c copy -f mpegts udp://127.0.0.1:{port}?pkt_size=1316";
        string a = Counted("a.mp4", 60);
        string b = At("b.mp4");
        Ffmpeg($"-i {a} -c:v mpeg2video -bf 0 -g 15 -b:v 2M {b}");

        // FFmpeg sends in real time: a process each, one after the other.
        Ffmpeg(Send(a));
        reader.WaitFor(now => now.Pictures.Length > 5, "pictures over UDP");
        // On the same PID, with the same version of the map: nothing says so but the data.
        Task sending = Task.Run(() => Ffmpeg(Send(b, times: 4)), TestContext.Current.CancellationToken);
        reader.WaitFor(now => now.Log.Contains("cannot be decoded any more", StringComparison.Ordinal), "the other codec");
        reader.WaitForState(SourceState.Live);
        reader.WaitForMore(3);
        reader.Stop();
        sending.GetAwaiter().GetResult();

        Assert.Empty(((LiveSource)reader.Source).UnusedOptions);
    }

    [Fact]
    public void Every_scheme_takes_all_its_options()
    {
        // SRT and RTMP: FFmpeg's own listeners send.
        foreach (string scheme in (string[])["srt", "rtmp"])
        {
            string place = $"127.0.0.1:{(scheme == "srt" ? FreeUdpPort() : FreeTcpPort())}";
            string target = scheme == "srt" ? $"-f mpegts srt://{place}?mode=listener" : $"-f flv -listen 1 rtmp://{place}/live/a";
            using Process sender = Process.Start(new ProcessStartInfo("ffmpeg", $"-v quiet -re -stream_loop -1 -i {Counted("a.mp4", 30)} -c copy {target}") { RedirectStandardInput = true })!;
            try
            {
                using Reader reader = Open(scheme == "srt" ? $"srt://{place}" : $"rtmp://{place}/live/a");
                reader.WaitForPictures(3);
                Assert.Empty(((LiveSource)reader.Source).UnusedOptions);
            }
            finally
            {
                sender.Kill();
                sender.WaitForExit();
            }
        }
    }

    private static int FreeUdpPort()
    {
        using UdpClient client = new(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)client.Client.LocalEndPoint!).Port;
    }

    private static int FreeTcpPort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static byte[][] Split(byte[] pictures)
    {
        List<byte[]> all = [];
        int begin = 0;
        for (int i = 2; i + 1 < pictures.Length; i++)
        {
            if (pictures[i] != 0xFF || pictures[i + 1] != 0xD8) continue;
            all.Add(pictures[begin..i]);
            begin = i;
        }
        all.Add(pictures[begin..]);
        return [.. all];
    }
}
