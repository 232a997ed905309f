using System.Globalization;

namespace Img2Pose.Media.Tests;

/// <summary>What goes from a video into its output besides the pictures.</summary>
public sealed class SourceExtrasTests : ClipTests
{
    private readonly List<string> _warnings = [];

    private void Copy(string from, string to, string codec = "auto")
    {
        using IFrameSource source = MediaSource.Open(At(from));
        using VideoWriter writer = VideoWriter.Create(At(to), source, new VideoWriterOptions { Warning = _warnings.Add, Codec = codec, Preset = "ultrafast" });
        _ = Copy(source, writer);
    }

    [Theory]
    [InlineData("flac", "out.mp4")]
    [InlineData("flac", "out.mov")]
    [InlineData("flac", "out.m4v")]
    [InlineData("truehd", "out.mp4")]
    [InlineData("libopus", "out.mov")]
    [InlineData("pcm_s16le", "out.mp4")]
    public void Sound_that_a_container_does_not_take_never_ends_the_output(string codec, string output)
    {
        Ffmpeg($"-f lavfi -i testsrc2=duration=0.4:size=64x48 -f lavfi -i sine=duration=0.4:sample_rate=48000 -c:v mpeg4 -c:a {codec} -strict -2 a.mkv");

        Copy("a.mkv", output);

        Assert.Equal(10, PacketTimes(output).Length);
        bool kept = Ffprobe($"-select_streams a -show_entries stream=codec_name -of csv=p=0 {output}").Length == 1;
        Assert.Equal(kept ? [] : ["left out"], _warnings.Select(warning => warning.Contains("left out", StringComparison.Ordinal) ? "left out" : warning));
    }

    [Fact]
    public void Subtitles_chapters_and_title_are_copied()
    {
        File.WriteAllText(At("a.srt"), "1\n00:00:00,100 --> 00:00:01,000\nhello\n");
        File.WriteAllText(At("m.txt"), ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=two\n");
        Ffmpeg("-f lavfi -i testsrc2=duration=2:size=64x48 -i a.srt -i m.txt -map 0 -map 1 -map_metadata 2 -map_chapters 2 -c:v mpeg4 -c:s srt a.mkv");

        foreach (string output in new[] { "out.mkv", "out.mp4" })
        {
            Copy("a.mkv", output);

            Assert.Equal(["0.000000", "1.000000"], Ffprobe($"-show_entries chapter=start_time -of csv=p=0 {output}").Select(line => line.Trim(',')));
            Assert.Equal(["A title"], Ffprobe($"-show_entries format_tags=title -of csv=p=0 {output}"));
        }
        Assert.Equal(["subrip"], Ffprobe("-select_streams s -show_entries stream=codec_name -of csv=p=0 out.mkv"));
        Assert.Contains("subtitles", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Subtitles_without_a_pause_between_them_come_out_of_the_fragments_with_the_chapters()
    {
        File.WriteAllText(At("a.srt"), "1\n00:00:00,000 --> 00:00:01,000\nhello\n\n2\n00:00:01,000 --> 00:00:02,000\nthere\n");
        File.WriteAllText(At("m.txt"), ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n");
        Ffmpeg("-f lavfi -i testsrc2=duration=2:size=64x48 -i a.srt -i m.txt -map 0 -map 1 -map_chapters 2 -c:v mpeg4 -c:s mov_text a.mp4");

        Copy("a.mp4", "out.mp4");

        Assert.Empty(_warnings);
        Assert.Single(Ffprobe("-show_entries chapter=start_time -of csv=p=0 out.mp4"));
        Assert.Equal(["mov_text"], Ffprobe("-select_streams s -show_entries stream=codec_name -of csv=p=0 out.mp4"));
    }

    [Fact]
    public void A_timecode_is_copied()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=1:size=64x48:rate=25 -timecode 10:00:00:05 -c:v mpeg4 a.mov");

        Copy("a.mov", "out.mov");

        Assert.Contains("10:00:00:05", Ffprobe("-show_entries stream_tags=timecode -of csv=p=0 out.mov"));
    }

    [Theory]
    [InlineData("out.mp4")]
    [InlineData("out.mkv")]
    public void The_last_picture_is_shown_as_long_as_in_the_source(string output)
    {
        // Pictures at 0, 0.1 and 0.2 s; the last one stays for 3 s.
        Ffmpeg("-f lavfi -i testsrc2=size=32x32:rate=10:duration=0.3 -final_delay 300 a.gif");

        Copy("a.gif", output);

        string duration = Ffprobe($"-show_entries format=duration -of csv=p=0 {output}").Single();
        Assert.Equal(3.2, double.Parse(duration, CultureInfo.InvariantCulture), 0.05);
    }

    [Fact]
    public void The_mastering_display_and_light_level_are_kept()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=64x64 -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -c:v libx265 "
            + "-x265-params log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400 a.mp4");

        Copy("a.mp4", "out.mp4", "libx265");

        string[] entries = Ffprobe("-read_intervals %+#1 -show_frames -show_entries side_data=red_x,max_luminance,max_content,max_average -of default=nw=1 out.mp4");
        Assert.Contains("red_x=34000/50000", entries);
        Assert.Contains("max_luminance=10000000/10000", entries);
        Assert.Contains("max_content=1000", entries);
        Assert.Contains("max_average=400", entries);
    }
}
