using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Monitor.Live;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Monitor.Tests.Live;

/// <summary>Coded pictures as mp4, read back by FFmpeg; live viewers, slow ones among them.</summary>
public sealed class Mp4Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-mp4").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Feeds pictures as a camera would send them, a key picture each second.</summary>
    private static void Feed(ICodedPictureTap tap, int pictures, double rate = 10, long begin = 1_000_000)
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions { Layers = OverlayLayers.Mesh });
        LiveEncoder? encoder = null;
        for (int i = 0; i < pictures; i++)
        {
            using VideoFrame frame = HeadVideo.Picture(pool, renderer, [HeadVideo.Head(i * 0.02)]);
            frame.CaptureTime = begin + (long)(i / rate * Stopwatch.Frequency);
            encoder ??= new LiveEncoder("test", frame, rate);
            encoder.Encode(frame, tap);
        }
        encoder?.Dispose();
    }

    private static async Task<byte[]> RecordAsync(CodedFeed feed, long from, Action afterwards)
    {
        TaskCompletionSource<byte[]?> done = new();
        ClipRecorder recorder = new(60, () => feed.Header, _ => new MemoryStream(), file => done.SetResult(file));
        feed.Record(recorder, from);
        recorder.EndAt(long.MaxValue);
        afterwards();
        return (await done.Task.WaitAsync(MonitorHost.Limit, TestContext.Current.CancellationToken))!;
    }

    [Fact]
    public async Task A_clip_of_coded_pictures_is_read_by_others_at_its_times()
    {
        CodedFeed feed = new();
        Feed(feed, 35);
        // From second 1.5 on: the key picture at 1.0 is before it.
        byte[] file = await RecordAsync(feed, 1_000_000 + (long)(1.5 * Stopwatch.Frequency), feed.Break);
        string path = Path.Combine(_folder, "clip.mp4");
        await File.WriteAllBytesAsync(path, file, TestContext.Current.CancellationToken);

        using IFrameSource source = MediaSource.Open(path);
        List<double> times = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            times.Add(frame.PresentationTime!.Value);
            frame.Dispose();
        }

        Assert.Equal((HeadVideo.Width, HeadVideo.Height, "h264", 0L), (source.Info.Width, source.Info.Height, source.Info.Codec, source.DamagedFrames));
        Assert.Equal(25, times.Count);
        Assert.All(times.Select((time, i) => time - i / 10.0), error => Assert.InRange(error, -0.001, 0.001));
    }

    [Fact]
    public async Task A_clip_that_begins_before_its_stream_has_all_of_it()
    {
        CodedFeed feed = new();
        string path = Path.Combine(_folder, "early.mp4");

        // As for an event at the first look at a camera that is encoded here.
        byte[] file = await RecordAsync(feed, 0, () =>
        {
            Feed(feed, 15);
            feed.Break();
        });

        await File.WriteAllBytesAsync(path, file, TestContext.Current.CancellationToken);
        using IFrameSource source = MediaSource.Open(path);
        int frames = 0;
        while (source.TryRead(out VideoFrame? frame))
        {
            frames++;
            frame.Dispose();
        }
        Assert.Equal((15, 0L), (frames, source.DamagedFrames));
    }

    [Fact]
    public void A_clip_that_has_its_longest_takes_no_place_although_its_event_goes_on()
    {
        CodedFeed feed = new();
        ClipRecorder recorder = new(1, () => feed.Header, _ => null, _ => { });
        feed.Record(recorder, 0);
        Feed(feed, 5);
        Assert.False(recorder.HasEnded);

        Feed(feed, 20, begin: 1_000_000 + Stopwatch.Frequency);

        Assert.True(recorder.HasEnded);
    }

    [Fact]
    public async Task A_viewer_gets_a_header_and_begins_with_a_key_picture()
    {
        CodedFeed feed = new();
        Feed(feed, 15);
        using VideoViewer viewer = feed.Watch();

        VideoPart header = await viewer.NextAsync(TestContext.Current.CancellationToken), first = await viewer.NextAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("avc1.", header.Codec);
        Assert.Null(first.Codec);
        // "moof" is what each fragment begins with.
        Assert.True(first.Data.AsSpan(4, 4).SequenceEqual("moof"u8));
        await File.WriteAllBytesAsync(Path.Combine(_folder, "live.mp4"), [.. header.Data, .. first.Data], TestContext.Current.CancellationToken);
        using IFrameSource source = MediaSource.Open(Path.Combine(_folder, "live.mp4"));
        Assert.True(source.TryRead(out VideoFrame? frame));
        frame.Dispose();
    }

    [Fact]
    public async Task A_slow_viewer_misses_pictures_up_to_a_key_picture_and_slows_nobody()
    {
        CodedFeed feed = new();
        Feed(feed, 1);
        using VideoViewer slow = feed.Watch(), fast = feed.Watch();
        Feed(feed, 400, begin: 1_000_000 + Stopwatch.Frequency);

        List<VideoPart> parts = [];
        while (parts.Count == 0 || parts.Count < 100 && feed.Count > 0)
        {
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(1));
            try
            {
                parts.Add(await slow.NextAsync(patience.Token));
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        Assert.True(slow.Skipped > 200, $"{slow.Skipped} skipped");
        Assert.InRange(parts.Count, 2, 130);
        Assert.NotNull(parts[0].Codec);
        // What it gets after the gap can be decoded without what it missed.
        await File.WriteAllBytesAsync(Path.Combine(_folder, "slow.mp4"), [.. parts.SelectMany(part => part.Data)], TestContext.Current.CancellationToken);
        using IFrameSource source = MediaSource.Open(Path.Combine(_folder, "slow.mp4"));
        int read = 0;
        while (source.TryRead(out VideoFrame? frame))
        {
            read++;
            frame.Dispose();
        }
        Assert.Equal((parts.Count - 1, 0L), (read, source.DamagedFrames));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0, 0, 1 })]
    [InlineData(new byte[] { 0, 0, 0, 1, 0x67 })]
    [InlineData(new byte[] { 0, 0, 1, 0x68, 0, 0, 1, 0x67, 1 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 1, 2, 3 })]
    public void What_is_no_picture_gives_none(byte[] data)
    {
        H264Header? header = null;

        byte[]? plain = H264Stream.Convert(data, default, 640, 360, ref header);
        byte[]? withLengths = H264Stream.Convert(data, [1, 100, 0, 31, 255, 225, 0, 0], 640, 360, ref header);

        Assert.True(plain is null || header is null || plain.Length <= data.Length + 8);
        Assert.Null(withLengths);
    }

    [Fact]
    public void Pictures_with_lengths_are_taken_as_they_are()
    {
        H264Header? header = null;
        byte[] extra = [1, 100, 0, 31, 0xfd, 0xe1, 0, 4, 0x67, 100, 0, 31, 1, 0, 2, 0x68, 1];

        // Lengths of two bytes become those of four.
        byte[] sample = H264Stream.Convert([0, 3, 0x65, 9, 8], extra, 640, 360, ref header)!;

        Assert.Equal([0, 0, 0, 3, 0x65, 9, 8], sample);
        Assert.Equal("avc1.64001f", header!.Codec);
    }
}
