using System.Diagnostics;
using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

/// <summary>What the contents of a source may not make this program do.</summary>
public sealed class SourceSafetyTests : ClipTests
{
    private string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    private InputException Refused(string name, string text) =>
        Assert.Throws<InputException>(() => MediaSource.Open(Write(name, text)));

    private void Clip(string name, string options = "-c:v mpeg4", double seconds = 0.4) =>
        Ffmpeg($"-f lavfi -i testsrc2=duration={seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)}:size=64x48:rate=25 {options} {name}");

    [Theory]
    [InlineData("lavfi:testsrc=d=0.2:s=64x64[out0];anullsrc=d=0.2,ladspa=file=./evil.so:plugin=x[out1]")]
    [InlineData("lavfi:movie=http\\\\://127.0.0.1\\\\:8765/secret.mp4")]
    [InlineData("LAVFI:testsrc")]
    [InlineData("http://127.0.0.1:8765/secret.mp4\nclip.mp4")]
    public void A_list_holds_no_filter_graphs_and_either_files_or_streams(string line)
    {
        InputException error = Assert.Throws<InputException>(() => MediaSource.Expand(Write("list.txt", line + "\n")));

        Assert.Contains("list.txt", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list.txt")]
    [InlineData("list.tx?")]
    [InlineData("./*")]
    public void A_list_that_leads_to_itself_is_named(string line) =>
        Assert.Contains("names itself", Refused("list.txt", line + "\n").Message, StringComparison.Ordinal);

    [Fact]
    public void A_list_may_name_folders_and_patterns()
    {
        Directory.CreateDirectory(At("p"));
        Clip("p/a.avi");
        Clip("p/b.avi");

        Assert.Equal([At("p/a.avi"), At("p/b.avi"), At("p/b.avi")], MediaSource.Expand(Write("list.txt", "p\np/b.*\n")));
    }

    [Theory]
    [InlineData("movie=a.mp4", "movie")]
    [InlineData("  movie = a.mp4", "movie")]
    [InlineData("mo\\vie=a.mp4", "movie")]
    [InlineData("'movie'=a.mp4", "movie")]
    [InlineData("amovie@x=a.mp4", "amovie")]
    [InlineData("testsrc,ladspa=file=evil.so", "ladspa")]
    [InlineData("testsrc=d=1[a];[a]lv2=p", "lv2")]
    [InlineData("testsrc='d=1,null';sendcmd=f=x", "sendcmd")]
    [InlineData("testsrc,drawtext=textfile=/etc/passwd", "drawtext")]
    [InlineData("testsrc,metadata=print:file=out.txt", "metadata")]
    [InlineData("life=filename=/etc/passwd", "life")]
    [InlineData("sws_flags=bilinear;testsrc,subtitles=a.srt", "subtitles")]
    [InlineData("testsrc=/size=/etc/passwd", "names a file")]
    [InlineData("testsrc=size=32x32: /rate=/etc/passwd", "names a file")]
    public void A_filter_that_reaches_beyond_pictures_is_refused(string graph, string said) =>
        Assert.Contains(said, Assert.Throws<UsageException>(() => MediaSource.Open("lavfi:" + graph)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("testsrc2=size=32x32:rate=30000/1001:duration=0.1")]
    [InlineData("color=c=red:s=32x32:d=0.2[a];testsrc=s=32x32:d=0.2 [b]; [a][b] hstack")]
    [InlineData("testsrc=d=0.2:s=32x32,geq=lum='if(gt(X,5),200,lum(X,Y))':cb=128")]
    public void A_filter_graph_of_pictures_is_read(string graph)
    {
        using IFrameSource source = MediaSource.Open("lavfi:" + graph);

        Assert.NotEmpty(ReadAll(source));
    }

    [Theory]
    [InlineData("selfm.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nselfm.m3u8\n")]
    [InlineData("clip.mp4", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nclip.mp4\n")]
    [InlineData("self.ffconcat", "ffconcat version 1.0\nfile self.ffconcat\n")]
    [InlineData("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n")]
    [InlineData("a.mpd", "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>\n")]
    public void A_file_that_names_other_places_is_refused_at_once(string name, string text)
    {
        InputException error = Refused(name, text);

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains("may not make this program open others", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_that_is_not_on_the_list_is_refused()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=320x240 -c:v flashsv -f swf a.swf");

        Assert.Throws<InputException>(() => MediaSource.Open(At("a.swf")));
    }

    [Theory]
    [InlineData("file://[")]
    [InlineData("file://host/a.mp4")]
    [InlineData("file://")]
    public void A_file_URL_that_is_none_is_bad_usage(string source) => Assert.Throws<UsageException>(() => MediaSource.Open(source));

    [Fact]
    public void A_file_URL_names_its_file()
    {
        Clip("a.avi");
        File.Move(At("a.avi"), At("a b%.avi"));

        using IFrameSource source = MediaSource.Open("file://" + Folder + "/a%20b%25.avi");

        Assert.Equal(10, ReadAll(source).Count);
    }

    [Fact]
    public async Task A_named_pipe_is_read()
    {
        Clip("a.mkv");
        Process.Start("mkfifo", At("pipe")).WaitForExit();
        byte[] data = File.ReadAllBytes(At("a.mkv"));
        Task writer = Task.Run(() => File.WriteAllBytes(At("pipe"), data), TestContext.Current.CancellationToken);

        using IFrameSource source = MediaSource.Open(At("pipe"));

        Assert.Equal(10, ReadAll(source).Count);
        await writer;
    }

    [Fact]
    public async Task A_pipe_that_nobody_writes_to_is_left_when_the_caller_says_so()
    {
        Process.Start("mkfifo", At("pipe")).WaitForExit();
        using CancellationTokenSource stop = new();

        Task open = Task.Run(() => MediaSource.Open(At("pipe"), new SourceOptions { Cancellation = stop.Token }), TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(open.IsCompleted);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => open);
    }

    [Fact]
    public void A_name_that_is_not_UTF_8_is_opened_byte_for_byte()
    {
        Clip("a.mkv");
        // "résumé.mkv" in Latin-1.
        string name = FileNames.FromBytes([(byte)'r', 0xE9, .. "sum"u8, 0xE9, .. ".mkv"u8]);
        Process.Start("sh", ["-c", $"mv '{At("a.mkv")}' \"{Folder}/$(printf 'r\\351sum\\351.mkv')\""]).WaitForExit();

        using (IFrameSource source = MediaSource.Open(Path.Combine(Folder, name))) Assert.Equal(10, ReadAll(source).Count);
        Assert.Equal([Path.Combine(Folder, name)], MediaSource.Files(Folder));
        Assert.Equal("r%E9sum%E9.mkv", FileNames.Printable(name));
        // .NET cannot delete it either.
        Process.Start("sh", ["-c", $"rm \"{Folder}\"/r*"]).WaitForExit();
    }

    [Fact]
    public void Names_survive_as_bytes()
    {
        byte[] odd = [0xFF, (byte)'a', 0xC3, 0xA9, 0xE9, 0xF0, 0x9F, 0x98, 0x80, 0xED, 0xB2, 0x80];

        Assert.Equal([.. odd, 0], FileNames.ToBytes(FileNames.FromBytes(odd)));
    }

    [Fact]
    public async Task Disposal_waits_for_a_read_and_ends_it()
    {
        Process.Start("mkfifo", At("pipe")).WaitForExit();
        Clip("a.mkv", "-c:v mpeg4 -g 5", 2);
        byte[] data = File.ReadAllBytes(At("a.mkv"));
        using ManualResetEventSlim done = new();
        Task writer = Task.Run(() =>
        {
            // Keeps the pipe open behind what is there, so that reading waits.
            using FileStream pipe = File.OpenWrite(At("pipe"));
            try
            {
                pipe.Write(data.AsSpan(0, data.Length / 2));
                pipe.Flush();
                done.Wait();
            }
            catch (IOException)
            {
                // The reader may go while there is something to write.
            }
        }, TestContext.Current.CancellationToken);
        IFrameSource source = MediaSource.Open(At("pipe"));
        Task<int> reader = Task.Run(() =>
        {
            int count = 0;
            try
            {
                while (source.TryRead(out VideoFrame? frame))
                {
                    frame.Dispose();
                    count++;
                }
            }
            catch (ObjectDisposedException)
            {
                // Disposed between two reads.
            }
            return count;
        }, TestContext.Current.CancellationToken);
        await Task.Delay(200, TestContext.Current.CancellationToken);

        source.Dispose();

        Assert.InRange(await reader, 0, 50);
        Assert.Throws<ObjectDisposedException>(() => source.TryRead(out _));
        done.Set();
        await writer;
    }

    [Fact]
    public void A_picture_larger_than_the_memory_budget_names_it()
    {
        Clip("a.avi");
        Ffmpeg("-f lavfi -i color=size=4096x4096:rate=1:duration=1 -frames:v 1 -c:v ffv1 big.mkv");
        MemoryBudget budget = new(64 << 20);

        InputException error = Assert.Throws<InputException>(() => MediaSource.Open(At("big.mkv"), new SourceOptions { Memory = budget }));
        using IFrameSource small = MediaSource.Open(At("a.avi"), new SourceOptions { Memory = budget });

        Assert.Contains("--memory", error.Message, StringComparison.Ordinal);
        Assert.Equal(10, ReadAll(small).Count);
    }

    [Fact]
    public void Pictures_that_grow_beyond_the_memory_budget_on_their_way_are_not_decoded()
    {
        Ffmpeg("-f lavfi -i color=size=64x48:rate=10:duration=1 -c:v libx264 -bf 0 small.h264");
        Ffmpeg("-f lavfi -i color=size=2048x2048:rate=10 -frames:v 3 -c:v libx264 -preset ultrafast large.h264");
        File.WriteAllBytes(At("grows.h264"), [.. File.ReadAllBytes(At("small.h264")), .. File.ReadAllBytes(At("large.h264"))]);

        // Fourteen pictures of 2048x2048 are 84 MiB.
        using IFrameSource tight = MediaSource.Open(At("grows.h264"), new SourceOptions { Memory = new MemoryBudget(32 << 20) });
        using IFrameSource wide = MediaSource.Open(At("grows.h264"), new SourceOptions());

        Assert.Equal(10, ReadAll(tight).Count);
        Assert.True(tight.DamagedFrames > 0);
        Assert.Equal(13, ReadAll(wide).Count);
    }

    [Theory]
    [InlineData("512M", 512L << 20)]
    [InlineData("3G", 3L << 30)]
    [InlineData("1.5g", 3L << 29)]
    [InlineData("100000000", 100_000_000L)]
    public void A_memory_budget_is_read(string text, long bytes) => Assert.Equal(bytes, MemoryBudget.Parse(text).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("1M")]
    [InlineData("-2G")]
    [InlineData("NaN")]
    [InlineData("lots")]
    [InlineData("9999999T")]
    public void A_memory_budget_that_is_none_is_bad_usage(string text) => Assert.Throws<UsageException>(() => MemoryBudget.Parse(text));

    [Fact]
    public void Absurd_sample_aspect_ratios_are_taken_as_square()
    {
        Clip("a.mkv", "-c:v ffv1 -aspect 2147483647:1");
        List<string> warnings = [];

        using IFrameSource source = MediaSource.Open(At("a.mkv"), new SourceOptions { Warning = warnings.Add });

        Assert.Equal((64, 48), (source.Info.Width, source.Info.Height));
        Assert.Contains("square", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Packets_wait_up_to_a_number_of_bytes()
    {
        using PacketQueue queue = new(10_000);
        using PacketHandle packet = new();
        for (int i = 0; i < 100; i++)
        {
            _ = FFmpeg.AutoGen.ffmpeg.av_new_packet(packet.Pointer, 4);
            queue.Enqueue(packet.Pointer);
        }

        int taken = 0;
        while (queue.TryDequeue(packet.Pointer))
        {
            FFmpeg.AutoGen.ffmpeg.av_packet_unref(packet.Pointer);
            taken++;
        }

        Assert.InRange(taken, 10, 20);
        Assert.Equal(100 - taken, queue.Dropped);
    }

    [Theory]
    [InlineData("a.mkv", "-c:v mpeg4")]
    [InlineData("a.webm", "-c:v libvpx -deadline realtime")]
    [InlineData("a.mp4", "-c:v mpeg4 -movflags frag_keyframe+empty_moov -g 5")]
    public void A_video_that_was_cut_ends_early(string name, string options)
    {
        Clip(name, options, 2);
        byte[] data = File.ReadAllBytes(At(name));
        File.WriteAllBytes(At("cut" + Path.GetExtension(name)), data[..(data.Length * 2 / 3)]);
        List<string> warnings = [];

        using IFrameSource whole = MediaSource.Open(At(name), new SourceOptions { Warning = warnings.Add });
        int all = ReadAll(whole).Count;
        Assert.Empty(warnings);
        using IFrameSource cut = MediaSource.Open(At("cut" + Path.GetExtension(name)), new SourceOptions { Warning = warnings.Add });
        int some = ReadAll(cut).Count;

        Assert.InRange(some, 1, all - 1);
        Assert.NotEqual(0, cut.DamagedFrames);
        Assert.Contains(warnings, warning => warning.Contains("ends early", StringComparison.Ordinal));
    }
}
