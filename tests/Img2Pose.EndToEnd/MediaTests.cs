using System.Globalization;
using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>What a video can be, through the command line: its frames, times, sound, shape and colour come out, and poses for each.</summary>
public sealed class MediaTests : IDisposable
{
    private const int Frames = 20;

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("a.mp4", "out.mp4", "aac", "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -c:a aac")]
    [InlineData("a.mov", "out.mp4", "aac", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac")]
    [InlineData("a.ts", "out.mp4", "aac", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac")]
    [InlineData("a.mkv", "out.mkv", "mp3", "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -c:a libmp3lame")]
    [InlineData("ten.mkv", "out.mkv", "mp3", "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le -c:a libmp3lame")]
    [InlineData("a.webm", "out.mkv", "opus", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -c:a libopus")]
    // Not into mp4: FFmpeg 7 plays the encoder's first 23 ms, before time zero, of AAC in Matroska, and none of it in mp4.
    [InlineData("av1.mkv", "out.mkv", "aac", "-c:v libaom-av1 -usage realtime -cpu-used 8 -pix_fmt yuv420p -c:a aac")]
    [InlineData("a.avi", "out.mkv", "pcm_s16le", "-c:v mpeg4 -q:v 3 -pix_fmt yuv420p -c:a pcm_s16le")]
    [InlineData("b.avi", "out.mkv", "pcm_s16le", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a pcm_s16le")]
    public async Task Every_container_and_codec_comes_out_whole_with_its_sound_and_the_face(string name, string output, string sound, string encoder)
    {
        string clip = await _files.FaceClipAsync(name, Frames, encoder.Split(' '));

        JsonElement[] lines = await RunAsync(clip, output);

        Assert.Equal(["h264", sound], await Workspace.StreamsAsync(_files[output]));
        Assert.Equal(await SoundAsync(clip), await SoundAsync(_files[output]));
        Assert.Equal(Frames, await Workspace.CountFramesAsync(_files[output]));
        JsonElement[] frames = lines[1..^1];
        Assert.Equal(Frames, frames.Length);
        // Some containers begin their clock later than at zero; a frame lasts 50 ms in all of them, and Matroska counts in milliseconds.
        double first = Pts(frames[0]);
        for (int i = 0; i < Frames; i++) Assert.Equal(first + i / 20.0, Pts(frames[i]), 0.0011);
        Assert.All(frames, frame => Assert.Single(frame.GetProperty("faces").EnumerateArray()));
    }

    [Fact]
    public async Task Ten_bits_stay_ten_bits_in_hevc_and_become_eight_in_h264()
    {
        string clip = await _files.FaceClipAsync(
            "ten.mp4", 4, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "-an");

        await RunAsync(clip, "hevc.mp4", "--codec", "hevc", "--preset", "ultrafast");
        await RunAsync(clip, "h264.mp4");

        Assert.Equal("hevc,yuv420p10le", await StreamAsync("hevc.mp4", "codec_name,pix_fmt"));
        Assert.Equal("h264,yuv420p", await StreamAsync("h264.mp4", "codec_name,pix_fmt"));
    }

    [Fact]
    public async Task A_turned_video_is_posed_and_written_upright()
    {
        string lying = await _files.FaceClipAsync("lying.mp4", Frames, "-filter:v", "transpose=2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an");
        TurnedVideo.Write(lying, _files["turned.mp4"], 90);

        JsonElement[] lines = await RunAsync(_files["turned.mp4"], "out.mp4");

        Assert.Equal((320, 240), (lines[0].GetProperty("width").GetInt32(), lines[0].GetProperty("height").GetInt32()));
        Assert.Equal("320,240", await StreamAsync("out.mp4", "width,height"));
        Assert.DoesNotContain("rotation", await CommandLine.ToolAsync("ffprobe", "-v", "error", "-show_streams", _files["out.mp4"]), StringComparison.Ordinal);
        Assert.All(lines[1..^1], frame => Assert.InRange(
            Math.Abs(Assert.Single(frame.GetProperty("faces").EnumerateArray()).GetProperty("euler").GetProperty("roll").GetDouble()), 0, 20));
    }

    [Fact]
    public async Task A_turned_picture_is_posed_and_written_upright()
    {
        await DrawnFace.SaveAsync(_files["face.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", _files["face.png"], "-vf", "transpose=2", "-q:v", "2", _files["lying.jpg"]);
        byte[] lying = await File.ReadAllBytesAsync(_files["lying.jpg"], TestContext.Current.CancellationToken);
        // EXIF 2.32: a TIFF directory with one entry, Orientation (0x0112) = 6, "row 0 is the right side", in a segment after the start.
        byte[] exif = [.. "Exif\0\0II"u8, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        byte[] turned = [.. lying[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. lying[2..]];
        await File.WriteAllBytesAsync(_files["turned.jpg"], turned, TestContext.Current.CancellationToken);

        JsonElement[] lines = await RunAsync(_files["turned.jpg"], "out.jpg");

        Assert.Equal((320, 240), (lines[0].GetProperty("width").GetInt32(), lines[0].GetProperty("height").GetInt32()));
        Assert.Equal("320,240", await StreamAsync("out.jpg", "width,height"));
        Assert.InRange(Math.Abs(Assert.Single(lines[1].GetProperty("faces").EnumerateArray()).GetProperty("euler").GetProperty("roll").GetDouble()), 0, 20);
    }

    [Fact]
    public async Task Wide_samples_keep_their_shape_and_poses_are_in_square_pixels()
    {
        // Squeezed to 240 columns, each 4:3 as wide as high.
        string clip = await _files.FaceClipAsync(
            "wide.mp4", Frames, "-filter:v", "scale=240:240,setsar=4/3", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an");

        JsonElement[] lines = await RunAsync(clip, "out.mp4");

        Assert.Equal((320, 240), (lines[0].GetProperty("width").GetInt32(), lines[0].GetProperty("height").GetInt32()));
        Assert.Equal("240,240,4:3", await StreamAsync("out.mp4", "width,height,sample_aspect_ratio"));
        double[] box = Box(lines[1]);
        Assert.InRange(box[0], DrawnFace.Box.Left - 12, DrawnFace.Box.Left + 12);
        Assert.InRange(box[2], DrawnFace.Box.Right - 12, DrawnFace.Box.Right + 12);
    }

    [Fact]
    public async Task An_odd_size_is_padded_to_even_and_poses_do_not_notice()
    {
        string clip = await _files.FaceClipAsync(
            "odd.mkv", Frames, "-filter:v", "crop=319:239:0:0:exact=1", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-an");

        JsonElement[] lines = await RunAsync(clip, "out.mp4");

        Assert.Equal((319, 239), (lines[0].GetProperty("width").GetInt32(), lines[0].GetProperty("height").GetInt32()));
        Assert.Equal("320,240", await StreamAsync("out.mp4", "width,height"));
        Assert.All(lines[1..^1], frame => Assert.Single(frame.GetProperty("faces").EnumerateArray()));
    }

    [Fact]
    public async Task A_variable_frame_rate_keeps_its_times()
    {
        string clip = await _files.FaceClipAsync(
            "vfr.mp4", 40, "-filter:v", @"select=not(mod(n\,3))+lt(n\,10)", "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an");

        JsonElement[] lines = await RunAsync(clip, "out.mp4");

        double[] written = await TimesAsync("out.mp4"), read = await TimesAsync("vfr.mp4");
        Assert.Equal(20, read.Length);
        Assert.True(read.Zip(read.Skip(1), (a, b) => b - a).Distinct().Count() > 1, "the clip's rate does not vary");
        Assert.Equal(read, written);
        Assert.Equal(read, lines[1..^1].Select(Pts), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public async Task A_stream_without_times_whose_size_changes_is_fitted_into_the_first_size()
    {
        string[] bare = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an", "-f", "h264"];
        byte[] large = await File.ReadAllBytesAsync(await _files.FaceClipAsync("a.h264", 10, bare), TestContext.Current.CancellationToken);
        byte[] small = await File.ReadAllBytesAsync(await _files.FaceClipAsync("b.h264", 10, ["-filter:v", "scale=160:120", .. bare]), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(_files["both.h264"], [.. large, .. small], TestContext.Current.CancellationToken);

        JsonElement[] lines = await RunAsync(_files["both.h264"], "out.mp4");

        JsonElement[] frames = lines[1..^1];
        Assert.Equal("320,240", await StreamAsync("out.mp4", "width,height"));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i / 20.0), frames.Select(Pts), (a, b) => Math.Abs(a - b) < 1e-5);
        // The face is where it was: the smaller pictures have the same shape.
        Assert.All(frames, frame => Assert.InRange(Box(frame)[0], DrawnFace.Box.Left - 15, DrawnFace.Box.Left + 30));
    }

    [Theory]
    [InlineData("", "tv,smpte170m,smpte170m,smpte170m")]
    [InlineData("-color_range pc -colorspace bt709 -color_primaries bt709 -color_trc bt709", "pc,bt709,bt709,bt709")]
    public async Task Colour_is_written_as_the_source_says_or_by_its_height(string tags, string expected)
    {
        string clip = await _files.FaceClipAsync(
            "tagged.mp4", 4, ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-an", .. tags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        await RunAsync(clip, "out.mp4");

        Assert.Equal(expected, await StreamAsync("out.mp4", "color_range,color_space,color_transfer,color_primaries"));
    }

    /// <summary>Runs the program on a source; returns the lines of its JSON, which says that the run was complete.</summary>
    private async Task<JsonElement[]> RunAsync(string source, string output, params string[] more)
    {
        string json = _files["poses.jsonl"];
        Finished run = (await CommandLine.Img2PoseAsync(["run", source, "--out", _files[output], "--json", json, "--quiet", .. more])).ShouldSucceed();
        Assert.Empty(run.Error);
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.True(lines[^1].GetProperty("complete").GetBoolean());
        Assert.Equal(0, lines[^1].GetProperty("damaged").GetInt32());
        return lines;
    }

    private static double Pts(JsonElement frame) => frame.GetProperty("pts").GetDouble();

    private static double[] Box(JsonElement frame) =>
        [.. Assert.Single(frame.GetProperty("faces").EnumerateArray()).GetProperty("box").EnumerateArray().Select(side => side.GetDouble())];

    /// <summary>Entries of the first video stream, in ffprobe's order.</summary>
    private async Task<string> StreamAsync(string name, string entries) => (await CommandLine.ToolAsync(
        "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", $"stream={entries}", "-of", "csv=p=0", _files[name])).Trim().TrimEnd(',');

    /// <summary>Presentation times of the video's packets, in order.</summary>
    private async Task<double[]> TimesAsync(string name) =>
    [
        .. (await CommandLine.ToolAsync("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", _files[name]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line.Trim().TrimEnd(','), CultureInfo.InvariantCulture)).Order(),
    ];

    /// <summary>One hash over all decoded samples: copied packets may be wrapped in another way, as AAC of a transport stream is.</summary>
    private static Task<string> SoundAsync(string path) =>
        CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a", "-f", "md5", "-");
}
