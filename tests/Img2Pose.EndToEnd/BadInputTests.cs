using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>What bad input gets: the exit code and one line on standard error that names the file.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    private Task<Finished> RunAsync(string source, params string[] more) =>
        CommandLine.Img2PoseAsync(["run", source, "--json", _files["poses.jsonl"], .. more]);

    private void NothingLooksComplete() =>
        Assert.DoesNotContain(Directory.GetFiles(_files.Folder, "*", SearchOption.AllDirectories), file => Path.GetFileName(file) is "poses.jsonl" or "out.mp4");

    [Fact]
    public async Task A_missing_file()
    {
        (await RunAsync(_files["absent.mp4"])).ShouldFailWith(3, "absent.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_folder_without_pictures_or_videos()
    {
        Directory.CreateDirectory(_files["empty"]);
        (await RunAsync(_files["empty"])).ShouldFailWith(3, _files["empty"]);
        NothingLooksComplete();
    }

    [Fact]
    public async Task An_empty_file()
    {
        await File.WriteAllBytesAsync(_files["empty.mp4"], [], TestContext.Current.CancellationToken);
        (await RunAsync(_files["empty.mp4"])).ShouldFailWith(3, "empty.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_text_file_called_a_video()
    {
        await File.WriteAllTextAsync(_files["notes.mp4"], string.Concat(Enumerable.Repeat("These are notes.\n", 500)), TestContext.Current.CancellationToken);
        (await RunAsync(_files["notes.mp4"])).ShouldFailWith(3, "notes.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_video_cut_short_before_its_index()
    {
        string clip = await _files.ClipAsync();
        byte[] bytes = await File.ReadAllBytesAsync(clip, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(_files["short.mp4"], bytes[..(bytes.Length / 2)], TestContext.Current.CancellationToken);
        (await RunAsync(_files["short.mp4"])).ShouldFailWith(3, "short.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_video_cut_short_after_its_index_is_done_as_far_as_it_goes()
    {
        string clip = await _files.ClipAsync("front.mp4", 40, "320x240", "-c:v", "libx264", "-preset", "ultrafast", "-an", "-movflags", "faststart");
        byte[] bytes = await File.ReadAllBytesAsync(clip, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(_files["short.mp4"], bytes[..(bytes.Length / 2)], TestContext.Current.CancellationToken);

        Finished run = (await RunAsync(_files["short.mp4"], "--out", _files["out.mp4"])).ShouldSucceed();

        Assert.Contains(run.ErrorLines, line => line.Contains("short.mp4: it ends early"));
        System.Text.Json.JsonElement summary = Workspace.ParseLines(
            await File.ReadAllTextAsync(_files["poses.jsonl"], TestContext.Current.CancellationToken))[^1];
        Assert.False(summary.GetProperty("complete").GetBoolean());
        int frames = summary.GetProperty("frames").GetInt32();
        Assert.InRange(frames, 5, 39);
        Assert.InRange(summary.GetProperty("damaged").GetInt32(), 39 - frames, 41 - frames);
        Assert.Equal(frames, await Workspace.CountFramesAsync(_files["out.mp4"]));
    }

    [Fact]
    public async Task A_file_with_sound_alone()
    {
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=duration=1", _files["sound.mp4"]);
        (await RunAsync(_files["sound.mp4"])).ShouldFailWith(3, "sound.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_video_without_frames()
    {
        string clip = await _files.ClipAsync();
        // An mkv that declares its streams and holds no packet.
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-c", "copy", "-an", "-frames:v", "0", _files["none.mkv"]);
        (await RunAsync(_files["none.mkv"])).ShouldFailWith(3, "none.mkv");
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_picture_of_16k_by_16k_pixels_names_the_limit()
    {
        await File.WriteAllBytesAsync(_files["huge.png"], PngHeader(16384, 16384), TestContext.Current.CancellationToken);
        (await RunAsync(_files["huge.png"])).ShouldFailWith(3, "limit of 134217728 pixels");
        NothingLooksComplete();
    }

    [Fact]
    public async Task An_output_folder_that_does_not_exist()
    {
        string clip = await _files.ClipAsync();
        (await RunAsync(clip, "--out", _files["no/such/out.mp4"], "--quiet")).ShouldFailWith(1, "no/such/out.mp4");
        NothingLooksComplete();
    }

    [Fact]
    public async Task An_output_that_may_not_be_written()
    {
        string clip = await _files.ClipAsync();
        await File.WriteAllTextAsync(_files["file"], "", TestContext.Current.CancellationToken);
        (await RunAsync(clip, "--out", _files["file"] + "/out.mp4", "--quiet")).ShouldFailWith(1, "file/out.mp4");
        // Not even root creates a file there.
        (await RunAsync(clip, "--out", "/sys/out.mp4", "--quiet")).ShouldFailWith(1, "/sys/out.mp4: cannot be written: permission denied");
        NothingLooksComplete();
    }

    [Fact]
    public async Task Poses_that_may_not_be_written()
    {
        string clip = await _files.ClipAsync();
        (await CommandLine.Img2PoseAsync("run", clip, "--json", _files["no/such/poses.jsonl"], "--quiet"))
            .ShouldFailWith(1, "no/such/poses.jsonl");
        (await CommandLine.Img2PoseAsync("run", clip, "--json", "/dev/full", "--quiet"))
            .ShouldFailWith(1, "/dev/full");
    }

    [Fact]
    public async Task A_full_disk_leaves_only_partial_files()
    {
        string clip = await _files.FaceClipAsync();
        Directory.CreateDirectory(_files["small"]);
        using SmallDisk disk = new(_files["small"], kibibytes: 16);

        (await RunAsync(clip, "--out", _files["small/out.mp4"], "--quiet")).ShouldFailWith(1, "out.mp4: cannot be written: no space left on device");

        NothingLooksComplete();
        string last = (await File.ReadAllLinesAsync(_files["poses.partial.jsonl"], TestContext.Current.CancellationToken))[^1];
        Assert.Contains("\"complete\":false", last, StringComparison.Ordinal);
        Assert.Contains("no space left", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_equal_to_the_input_by_any_name()
    {
        string clip = await _files.ClipAsync();
        byte[] before = await File.ReadAllBytesAsync(clip, TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(_files["link.mp4"], clip);

        (await RunAsync(clip, "--out", clip)).ShouldFailWith(2, "would replace the source");
        (await RunAsync(clip, "--out", _files["link.mp4"])).ShouldFailWith(2, "would replace the source");
        (await RunAsync(clip, "--out", _files["../" + Path.GetFileName(_files.Folder) + "/clip.mp4"])).ShouldFailWith(2, "would replace the source");

        Assert.Equal(before, await File.ReadAllBytesAsync(clip, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Pictures_that_would_replace_themselves()
    {
        string folder = Directory.CreateDirectory(_files["pictures"]).FullName, picture = await DrawnFace.SaveAsync(Path.Combine(folder, "a.png"));
        byte[] before = await File.ReadAllBytesAsync(picture, TestContext.Current.CancellationToken);

        (await RunAsync(picture, "--out", picture)).ShouldFailWith(2, "would replace the source");
        (await RunAsync(folder, "--out", folder)).ShouldFailWith(2, "would replace the source");
        (await RunAsync(Path.Combine(folder, "*.png"), "--out", folder)).ShouldFailWith(2, "would replace the source");

        Assert.Equal(before, await File.ReadAllBytesAsync(picture, TestContext.Current.CancellationToken));
        NothingLooksComplete();
    }

    [Fact]
    public async Task An_unknown_model()
    {
        string clip = await _files.ClipAsync();
        (await CommandLine.Img2PoseAsync("run", clip, "--json", "-", "--model", "no-such-model")).ShouldFailWith(4, "no-such-model");
        (await CommandLine.Img2PoseAsync("run", clip, "--json", "-", "--model", _files["absent.onnx"])).ShouldFailWith(4, "absent.onnx");
    }

    [Fact]
    public async Task A_model_with_another_contract()
    {
        string clip = await _files.ClipAsync();
        ConstantModel.Save(_files["wrong.onnx"], leaveOut: "poses");
        (await RunAsync(clip, "--model", _files["wrong.onnx"])).ShouldFailWith(4, "poses");
        NothingLooksComplete();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(0.5)]
    [InlineData(-1)]
    public async Task A_model_file_cut_short(double where)
    {
        string clip = await _files.ClipAsync();
        byte[] bytes = await File.ReadAllBytesAsync(
            Path.Combine(AppContext.BaseDirectory, "models", "img2pose-nano.onnx"), TestContext.Current.CancellationToken);
        int length = where < 0 ? bytes.Length - 1 : where < 1 ? (int)(where * bytes.Length) : (int)where;
        await File.WriteAllBytesAsync(_files["short.onnx"], bytes[..length], TestContext.Current.CancellationToken);
        (await RunAsync(clip, "--model", _files["short.onnx"])).ShouldFailWith(4, "short.onnx");
        NothingLooksComplete();
    }

    [Theory]
    [InlineData("--score", "1.5")]
    [InlineData("--score", "abc")]
    [InlineData("--score", "NaN")]
    [InlineData("--nms", "-0.1")]
    [InlineData("--size", "7")]
    [InlineData("--size", "99999999999")]
    [InlineData("--every", "0")]
    [InlineData("--alpha", "2")]
    [InlineData("--quality", "-1")]
    [InlineData("--quality", "52")]
    [InlineData("--preset", "warp")]
    [InlineData("--start", "yesterday")]
    [InlineData("--start", "-5")]
    [InlineData("--duration", "0")]
    [InlineData("--frames", "0")]
    [InlineData("--threads", "0")]
    [InlineData("--overlay", "mesh,halo")]
    [InlineData("--device", "abacus")]
    [InlineData("--codec", "theora-of-everything")]
    [InlineData("--no-such-option", "1")]
    public async Task Absurd_option_values(string option, string value)
    {
        string clip = await _files.ClipAsync();

        Finished run = await CommandLine.Img2PoseAsync("run", clip, "--out", _files["out.mp4"], option, value);

        // The writer of videos knows no options of a command line; it names the value.
        run.ShouldFailWith(2, option is "--codec" or "--preset" || value == "52" ? value : option);
        NothingLooksComplete();
    }

    [Fact]
    public async Task A_start_after_the_end()
    {
        (await RunAsync(await _files.ClipAsync(), "--start", "1:00")).ShouldFailWith(3, "clip.mp4: it ends before 00:01:00");
        NothingLooksComplete();
    }

    [Fact]
    public async Task The_help_names_outputs_and_window()
    {
        Finished help = (await CommandLine.Img2PoseAsync("run", "--help")).ShouldSucceed();
        Assert.Contains("--json", help.Output, StringComparison.Ordinal);
        Assert.Contains("--show", help.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("run")]
    public async Task Bad_usage(string arguments)
    {
        Finished run = await CommandLine.Img2PoseAsync(arguments.Split(' '));

        run.ShouldFailWith(2, "--help");
    }

    [Fact]
    public async Task Nothing_to_write()
    {
        (await CommandLine.Img2PoseAsync("run", await _files.ClipAsync())).ShouldFailWith(2, "--out");
    }

    [Fact]
    public async Task A_video_written_as_something_that_is_none()
    {
        (await RunAsync(await _files.ClipAsync(), "--out", _files["out.docx"])).ShouldFailWith(2, "out.docx");
    }

    [Fact]
    public async Task A_network_stream_never_shows_its_password()
    {
        // "-" is no host's name, so that nobody is asked where it is.
        Finished run = await CommandLine.Img2PoseAsync("run", "rtsp://user:hunter2@-/stream?token=abc", "--json", "-", "--no-reconnect");

        Assert.Equal(3, run.Code);
        Assert.DoesNotContain("hunter2", run.Error);
        Assert.DoesNotContain("abc", run.Error);
    }

    [Fact]
    public async Task Boxes_that_are_not_there()
    {
        (await RunAsync(await _files.ClipAsync(), "--boxes", _files["absent.csv"])).ShouldFailWith(3, "absent.csv");
    }

    [Fact]
    public async Task A_line_of_the_boxes_that_is_wrong()
    {
        await File.WriteAllTextAsync(_files["boxes.csv"], "frame,l,t,r,b\n0,1,2,3\n", TestContext.Current.CancellationToken);
        (await RunAsync(await _files.ClipAsync(), "--boxes", _files["boxes.csv"])).ShouldFailWith(3, "boxes.csv:2");
    }

    /// <summary>A PNG file as far as its header goes: it claims a size and then ends.</summary>
    private static byte[] PngHeader(int width, int height)
    {
        byte[] png = new byte[33];
        ReadOnlySpan<byte> start = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R'];
        start.CopyTo(png);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        png[24] = 8;
        png[25] = 2;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        return png;
    }

    /// <summary>CRC-32 of ISO 3309, as PNG (ISO/IEC 15948, annex D) uses it.</summary>
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }
        return ~crc;
    }
}
