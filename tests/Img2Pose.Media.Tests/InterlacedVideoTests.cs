using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

/// <summary>Video whose pictures are made of two fields, each of another moment.</summary>
public sealed class InterlacedVideoTests : ClipTests
{
    // A white bar that moves 6 pixels a field: in an interlaced picture every second row of its edges is displaced by that much.
    private const string Fields = "-f lavfi -i color=black:size=320x180:rate=50:duration=0.8[b];color=white:size=80x180:rate=50[w];[b][w]overlay=x='40+6*n':shortest=1";

    private void Interlaced(string name, string codec = "-c:v libx264 -preset ultrafast -qp 0", string order = "interleave_top") =>
        Ffmpeg($"{Fields} -vf tinterlace={order},fieldorder={(order == "interleave_top" ? "tff" : "bff")} -pix_fmt yuv420p {codec} -flags +ildct+ilme {name}");

    [Theory]
    [InlineData("interleave_top", "")]
    [InlineData("interleave_bottom", "")]
    [InlineData("interleave_top", "-c:v mpeg2video -q:v 2")]
    [InlineData("interleave_top", "-c:v mpeg4 -q:v 2")]
    [InlineData("interleave_top", "-c:v ffv1")]
    public void Pictures_of_two_fields_come_without_combs(string order, string codec)
    {
        Interlaced("i.mkv", codec.Length > 0 ? codec : "-c:v libx264 -preset ultrafast -qp 0", order);
        List<string> warnings = [];

        double combed = Combs(new SourceOptions { Deinterlace = false, Warning = warnings.Add });
        Assert.Empty(warnings);
        double read = Combs(new SourceOptions { Warning = warnings.Add });

        // Edges lie 6 pixels apart from row to row, in 2 × 6 of 320 columns; without combs each row is as its neighbours.
        Assert.InRange(combed, 2.5, 10);
        Assert.InRange(read, 0, combed / 5);
        Assert.Contains("is interlaced", Assert.Single(warnings), StringComparison.Ordinal);

        double Combs(SourceOptions options)
        {
            using IFrameSource source = MediaSource.Open(At("i.mkv"), options);
            double sum = 0;
            int count = 0;
            while (source.TryRead(out VideoFrame? frame))
            {
                using (frame) sum += CombStrength(frame.GetPlane(0));
                count++;
            }
            Assert.Equal(20, count);
            return sum / count;
        }
    }

    [Fact]
    public void A_live_stream_of_two_fields_comes_without_combs_as_well()
    {
        Interlaced("i.ts", "-c:v libx264 -preset ultrafast -qp 10 -g 5");
        byte[] stream = File.ReadAllBytes(At("i.ts"));
        using HttpServer server = new()
        {
            Answer = (_, to) =>
            {
                HttpServer.Send(to, "HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n");
                // Over and over until nobody listens, about as fast as it was taken.
                for (int at = 0; ; at = (at + 1880) % (stream.Length / 1880 * 1880))
                {
                    to.Write(stream, at, 1880);
                    Thread.Sleep(2);
                }
            },
        };
        List<string> warnings = [];

        double combed = Combs(false), read = Combs(true);

        Assert.InRange(combed, 2.5, 12);
        Assert.InRange(read, 0, combed / 4);
        Assert.Contains("is interlaced", Assert.Single(warnings), StringComparison.Ordinal);

        double Combs(bool deinterlace)
        {
            using IFrameSource source = MediaSource.Open(server.Url("/i.ts"), new SourceOptions { Live = LiveTests.Quick, Deinterlace = deinterlace, Warning = warnings.Add });
            Assert.True(source.Info.IsLive);
            double sum = 0;
            for (int i = 0; i < 12; i++)
            {
                Assert.True(source.TryRead(out VideoFrame? frame));
                using (frame) sum += CombStrength(frame.GetPlane(0));
            }
            return sum / 12;
        }
    }

    [Fact]
    public void Times_numbers_and_count_are_those_of_the_pictures()
    {
        Interlaced("i.mp4");

        using IFrameSource kept = MediaSource.Open(At("i.mp4"), new SourceOptions { Deinterlace = false });
        using IFrameSource read = MediaSource.Open(At("i.mp4"));

        List<Seen> expected = ReadAll(kept), got = ReadAll(read);
        Assert.Equal(20, got.Count);
        Assert.Equal(expected.Select(frame => (frame.Time, frame.Index)), got.Select(frame => (frame.Time, frame.Index)));
        Assert.Equal(FieldOrder.TopFirst, kept.Info.Fields);
        Assert.Equal(FieldOrder.Progressive, read.Info.Fields);
    }

    [Fact]
    public void A_part_begins_and_ends_where_it_was_asked_to()
    {
        Interlaced("i.mp4");

        using IFrameSource source = MediaSource.Open(
            At("i.mp4"), new SourceOptions { Start = TimeSpan.FromSeconds(0.2), Duration = TimeSpan.FromSeconds(0.4) });

        List<Seen> frames = ReadAll(source);
        Assert.Equal(Enumerable.Range(5, 10).Select(i => i * 0.04), frames.Select(frame => Math.Round(frame.Time!.Value, 3)));
    }

    [Fact]
    public void Progressive_pictures_pass_untouched()
    {
        Ffmpeg("-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -pix_fmt yuv420p -c:v libx264 p.mp4");
        List<string> warnings = [];

        using IFrameSource source = MediaSource.Open(At("p.mp4"), new SourceOptions { Warning = warnings.Add });

        Assert.Equal(PictureHashes("p.mp4"), ReadAll(source).Select(frame => frame.Hash));
        Assert.Empty(warnings);
    }

    [Fact]
    public void Progressive_pictures_among_interlaced_ones_pass_untouched()
    {
        Interlaced("i.ts", "-c:v mpeg2video -q:v 2 -g 10");
        Ffmpeg("-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.4 -pix_fmt yuv420p -c:v mpeg2video -q:v 2 -output_ts_offset 0.8 p.ts");
        File.WriteAllBytes(At("both.ts"), [.. File.ReadAllBytes(At("i.ts")), .. File.ReadAllBytes(At("p.ts"))]);

        using IFrameSource source = MediaSource.Open(At("both.ts"));
        string[] expected = PictureHashes("p.ts");

        List<Seen> frames = ReadAll(source);
        Assert.Equal(30, frames.Count);
        Assert.Equal(expected, frames.Skip(20).Select(frame => frame.Hash));
    }

    [Fact]
    public void A_change_of_size_loses_no_picture()
    {
        Interlaced("i.ts", "-c:v mpeg2video -q:v 2 -g 10");
        Ffmpeg("-f lavfi -i testsrc2=size=160x96:rate=50:duration=0.4 -vf tinterlace=interleave_top,fieldorder=tff -pix_fmt yuv420p -c:v mpeg2video -q:v 2 -flags +ildct+ilme -output_ts_offset 0.8 p.ts");
        File.WriteAllBytes(At("both.ts"), [.. File.ReadAllBytes(At("i.ts")), .. File.ReadAllBytes(At("p.ts"))]);

        // A decoder may need a key picture to go on in another size: what it gives without deinterlacing is what there is.
        int there = ReadAll("both.ts", new SourceOptions { Deinterlace = false }).Count;

        List<Seen> frames = ReadAll("both.ts");
        Assert.Equal(there, frames.Count);
        Assert.InRange(there, 25, 30);
        Assert.All(frames, frame => Assert.Equal((320, 180), (frame.Width, frame.Height)));
        Assert.Equal(frames.Select(frame => frame.Time).Order(), frames.Select(frame => frame.Time));
    }

    [Theory]
    [InlineData("mp4")]
    [InlineData("mkv")]
    [InlineData("mov")]
    public void A_deinterlaced_output_says_that_it_is_progressive(string extension)
    {
        Interlaced("i.mp4");

        Copy("i.mp4", $"o.{extension}", deinterlace: true);

        Assert.Equal("progressive", Probe($"o.{extension}", "stream=field_order"));
        Assert.DoesNotContain("1", Ffprobe($"-select_streams v -show_entries frame=interlaced_frame -of csv=p=0 o.{extension}").Select(line => line.TrimEnd(',')));
    }

    [Theory]
    [InlineData("interleave_top", "mp4", "tt", "1")]
    [InlineData("interleave_bottom", "mkv", "bb", "0")]
    [InlineData("interleave_top", "mov", "tt", "1")]
    public void An_output_that_stays_interlaced_has_the_order_of_its_fields(string order, string extension, string expected, string topFirst)
    {
        Interlaced("i.mkv", order: order);

        Copy("i.mkv", $"o.{extension}", deinterlace: false);

        Assert.Equal(expected, Probe($"o.{extension}", "stream=field_order"));
        string[] frames = Ffprobe($"-select_streams v -show_entries frame=interlaced_frame,top_field_first -of csv=p=0 o.{extension}");
        Assert.Equal(20, frames.Length);
        Assert.All(frames, line => Assert.Equal($"1,{topFirst}", line.TrimEnd(',')));
        // Lossless: each field is what it was.
        Assert.Equal(PictureHashes("i.mkv"), PictureHashes($"o.{extension}"));
    }

    private string Probe(string name, string entry) =>
        Assert.Single(Ffprobe($"-select_streams v -show_entries {entry} -of csv=p=0 {name}").Distinct()).TrimEnd(',');

    private void Copy(string from, string to, bool deinterlace)
    {
        using IFrameSource source = MediaSource.Open(At(from), new SourceOptions { Deinterlace = deinterlace });
        using VideoWriter writer = VideoWriter.Create(At(to), source, new VideoWriterOptions { Quality = 0, Preset = "ultrafast" });
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) writer.Write(frame);
        }
        writer.Complete();
    }

    /// <summary>How far rows differ from the mean of their neighbours beyond what those differ from each other: mean of samples.</summary>
    private static double CombStrength(FramePlane luma)
    {
        double sum = 0;
        for (int y = 1; y < luma.Height - 1; y++)
        {
            Span<byte> above = luma.Row(y - 1), row = luma.Row(y), below = luma.Row(y + 1);
            for (int x = 0; x < row.Length; x++)
            {
                if (Math.Abs(above[x] - below[x]) < 10) sum += Math.Abs(row[x] - (above[x] + below[x]) / 2.0);
            }
        }
        return sum / ((luma.Height - 2) * (double)luma.Width);
    }
}
