using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Tests;

public class RunOptionsTests
{
    private static RunSettings Read(params string[] arguments)
    {
        RunOptions options = new();
        Command command = new("run");
        options.AddTo(command);
        RootCommand root = new() { command };
        ParseResult parsed = root.Parse(["run", .. arguments]);
        Assert.Empty(parsed.Errors);
        return options.Read(parsed);
    }

    [Fact]
    public void What_is_not_said_has_its_default()
    {
        RunSettings settings = Read("clip.mp4", "--json", "-");

        Assert.Equal(new SinkSettings(), settings.Sinks);
        Assert.Equal(new RunSettings { Source = "clip.mp4", Json = "-" }, settings);
        Assert.Equal((1, OverlayLayers.Mesh, true, true, "auto"), (settings.Every, settings.Overlay, settings.Track, settings.Smooth, settings.Device));
    }

    [Fact]
    public void Every_option_reaches_the_settings()
    {
        RunSettings settings = Read(
            "clip.mp4", "--out", "o.mp4", "--json", "p.jsonl", "--model", "m", "--device", "cpu", "--threads", "3", "--score", "0.25", "--nms", "0.4",
            "--size", "800", "--every", "2", "--overlay", "box, axes", "--alpha", "0.5", "--boxes", "b.csv", "--start", "1:30", "--duration", "2.5",
            "--frames", "9", "--codec", "hevc", "--quality", "20", "--preset", "fast", "--reference", "ref", "--views", "v", "--no-smooth", "--raw", "--quiet");

        Assert.Equal(
            new RunSettings
            {
                Source = "clip.mp4",
                Output = "o.mp4",
                Json = "p.jsonl",
                Model = "m",
                Device = "cpu",
                Threads = 3,
                Score = 0.25,
                Nms = 0.4,
                Size = 800,
                Every = 2,
                // A number says that faces are not followed, whatever the default becomes.
                Follow = false,
                Overlay = OverlayLayers.Box | OverlayLayers.Axes,
                Alpha = 0.5f,
                Boxes = "b.csv",
                Start = TimeSpan.FromSeconds(90),
                Duration = TimeSpan.FromSeconds(2.5),
                Frames = 9,
                Codec = "hevc",
                Quality = 20,
                Preset = "fast",
                Reference = "ref",
                Views = "v",
                Smooth = false,
                Raw = true,
                Quiet = true,
            },
            settings);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("12.5", 12.5)]
    [InlineData("90", 90)]
    [InlineData("1:30", 90)]
    [InlineData("1:02:03.25", 3723.25)]
    public void A_time_is_seconds_or_hours_minutes_and_seconds(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RunOptions.ParseTime("--start", text));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1:60")]
    [InlineData("1:2:3:4")]
    [InlineData("1.5:00")]
    [InlineData("1e9")]
    [InlineData("NaN")]
    [InlineData("999999999999999")]
    public void What_is_no_time_is_refused_by_name(string text) =>
        Assert.StartsWith("--start", Assert.Throws<UsageException>(() => RunOptions.ParseTime("--start", text)).Message);

    [Fact]
    public void None_stands_alone_among_the_layers()
    {
        Assert.Equal(OverlayLayers.None, RunOptions.ParseLayers("none"));
        Assert.Throws<UsageException>(() => RunOptions.ParseLayers("none,mesh"));
        Assert.Throws<UsageException>(() => RunOptions.ParseLayers(""));
    }

    [Fact]
    public void A_window_alone_plays_a_video_at_its_own_speed_and_beside_a_file_does_not()
    {
        Assert.True(Read("clip.mp4", "--show").PlaysInRealTime);
        Assert.True(Read("clip.mp4", "--send", "opentrack:localhost", "--send", "json:localhost:9000").PlaysInRealTime);
        Assert.False(Read("clip.mp4", "--show", "--json", "-").PlaysInRealTime);
        Assert.True(Read("clip.mp4", "--show", "--json", "-", "--realtime").PlaysInRealTime);
    }

    [Theory]
    [InlineData("--mirror")]
    [InlineData("--captures=here")]
    [InlineData("--neutral")]
    [InlineData("--face=nearest")]
    public void An_option_of_an_output_that_is_not_there_is_a_mistake(string option) =>
        Assert.Contains(option.Split('=')[0], Assert.Throws<UsageException>(() => Read("clip.mp4", "--json", "-", option)).Message);

    [Fact]
    public void There_is_one_camera() =>
        Assert.Contains("give one", Assert.Throws<UsageException>(() => Read("clip.mp4", "--json", "-", "--fov", "60", "--focal", "900")).Message);
}
