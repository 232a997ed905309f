using System.Globalization;
using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

/// <summary>Recordings of broadcasts: clocks that start anywhere, wrap and jump, streams that begin late.</summary>
public sealed class TransportStreamTests : ClipTests
{
    // Seconds until the 33-bit clock of 90 kHz wraps, less 1.4 s that FFmpeg's muxer adds before the first picture.
    private const double BeforeTheWrap = 95_443.7177 - 1.4 - 1;

    [Theory]
    [InlineData(12_345.678)]
    [InlineData(BeforeTheWrap)]
    public void A_clock_that_starts_anywhere_is_read_as_ffprobe_reads_it(double start)
    {
        Record("a.ts", start);

        double[] times = Times("a.ts");

        Assert.Equal(50, times.Length);
        Assert.All(times.Zip(PacketTimes("a.ts")), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(500)]
    public void Where_the_clock_jumps_pictures_and_sound_go_on_as_if_nothing_had_happened(double second)
    {
        Record("a.ts", 100);
        Record("b.ts", second);
        Join("a.ts", "b.ts", "joined.ts");

        double[] times = Times("joined.ts");
        Write("joined.ts", "c.mp4");

        double[] first = PacketTimes("a.ts"), written = PacketTimes("c.mp4"), sound = PacketTimes("c.mp4", "a");
        Assert.Equal(100, times.Length);
        Assert.All(times.Zip(first), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
        for (int i = 1; i < 100; i++)
        {
            Assert.Equal(0.04, times[i] - times[i - 1], 1e-3);
            Assert.Equal(0.04, written[i] - written[i - 1], 1e-3);
        }
        Assert.Equal(PacketTimes("a.ts", "a").Length + PacketTimes("b.ts", "a").Length, sound.Length);
        // The second recording's first sound leads its first picture by as much as in its own file, give or take a sound packet.
        double[] b = PacketTimes("b.ts"), soundOfB = PacketTimes("b.ts", "a");
        Assert.Equal(soundOfB[0] - b[0], sound[^soundOfB.Length] - written[50], 0.03);
    }

    [Fact]
    public void A_gap_in_the_reception_stays_a_gap()
    {
        Record("a.ts", 100);
        Record("b.ts", 105);
        Join("a.ts", "b.ts", "joined.ts");

        double[] times = Times("joined.ts");

        Assert.Equal(5, times[50] - times[0], 1e-3);
    }

    [Fact]
    public void Sound_that_begins_after_the_file_was_looked_at_is_left_out()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=2:size=160x120:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.ts");
        Record("b.ts", 2);
        Join("a.ts", "b.ts", "joined.ts");
        SourceOptions options = new() { Limits = MediaLimits.Default with { ProbeBytes = 20_000 } };

        Write("joined.ts", "c.mp4", options);

        Assert.Equal(100, PacketTimes("c.mp4").Length);
        Assert.Equal(["video"], Ffprobe("-show_entries stream=codec_type -of csv=p=0 c.mp4"));
    }

    private void Record(string name, double start) => Ffmpeg(string.Create(CultureInfo.InvariantCulture,
        $"-f lavfi -i testsrc2=duration=2:size=160x120:rate=25 -f lavfi -i sine=duration=2 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -c:a mp2 -output_ts_offset {start} {name}"));

    private void Join(string first, string second, string joined) =>
        File.WriteAllBytes(At(joined), [.. File.ReadAllBytes(At(first)), .. File.ReadAllBytes(At(second))]);

    private double[] Times(string name)
    {
        using IFrameSource source = MediaSource.Open(At(name));
        List<double> times = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            times.Add(frame.PresentationTime!.Value);
            frame.Dispose();
        }
        Assert.Equal(0, source.DamagedFrames);
        return [.. times];
    }

    private void Write(string from, string to, SourceOptions? options = null)
    {
        using IFrameSource source = MediaSource.Open(At(from), options);
        using VideoWriter writer = VideoWriter.Create(At(to), source, new VideoWriterOptions { Preset = "ultrafast" });
        while (source.TryRead(out VideoFrame? frame))
        {
            writer.Write(frame);
            frame.Dispose();
        }
        writer.Complete();
    }
}
