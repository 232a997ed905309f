using System.Text.Json;
using Img2Pose.Testing;

namespace Img2Pose.EndToEnd;

/// <summary>What users do to themselves: outputs in the way of inputs, names that meet, standard error that is gone, videos of few frames.</summary>
public sealed class CarelessHandsTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Nothing_that_is_read_is_written()
    {
        string folder = Directory.CreateDirectory(_files["pictures"]).FullName;
        string picture = await DrawnFace.SaveAsync(Path.Combine(folder, "a.png")), boxes = _files["b.csv"], list = _files["list.txt"];
        await File.WriteAllTextAsync(boxes, "file,l,t,r,b\na.png,80,60,180,180\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(list, "pictures/a.png\n", TestContext.Current.CancellationToken);
        string mesh = _files["x.obj"];
        await File.WriteAllTextAsync(mesh, "v 0 0 0\n", TestContext.Current.CancellationToken);
        string[] inputs = [picture, boxes, list, mesh, _files.Model];
        byte[][] before = [.. inputs.Select(File.ReadAllBytes)];
        string[][] commands =
        [
            ["run", folder, "--json", picture],
            ["run", list, "--json", list],
            ["run", picture, "--boxes", boxes, "--json", boxes],
            ["run", picture, "--json", _files.Model],
            ["align", folder, "--out", _files.Folder],
            ["mesh", "fit", mesh, "--out", mesh],
            ["models", "export", _files.Model, "--out", _files.Model],
            ["models", "average", "img2pose-nano", _files.Model, "--out", _files.Model],
        ];

        foreach (string[] command in commands)
        {
            string[] model = command[0] is "run" or "align" ? ["--model", _files.Model, "--device", "cpu"] : [];
            (await CommandLine.Img2PoseAsync([.. command, .. model])).ShouldFailWith(2, "would replace");
        }

        Assert.Equal(before, inputs.Select(File.ReadAllBytes));
    }

    [Fact]
    public async Task An_empty_value_and_a_folder_for_a_file_are_named_at_once()
    {
        string picture = await DrawnFace.SaveAsync(_files["a.png"]);
        (await CommandLine.Img2PoseAsync("run", picture, "--json", "-", "--boxes", "")).ShouldFailWith(2, "--boxes is empty");
        (await CommandLine.Img2PoseAsync("align", picture, "--out", "")).ShouldFailWith(2, "--out is empty");
        (await CommandLine.Img2PoseAsync("run", picture, "--json", _files.Folder)).ShouldFailWith(2, "--json takes a file");
    }

    [Fact]
    public async Task Too_few_open_files_are_named_before_the_runtime_misses_one_of_its_libraries()
    {
        Finished run = await CommandLine.Img2PoseAfterAsync("ulimit -n 32", "doctor");

        run.ShouldFailWith(4, "ulimit -n");
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exec 2>/dev/full")]
    [InlineData("exec 2>&-")]
    public async Task A_job_goes_on_when_nobody_can_be_told(string preparation)
    {
        string clip = await _files.ClipAsync();

        Finished run = await CommandLine.Img2PoseAfterAsync(
            preparation, "run", clip, "--out", _files["out.mp4"], "--json", _files["out.jsonl"], "--model", _files.Model, "--device", "cpu");

        run.ShouldSucceed();
        Assert.Equal(40, await Workspace.CountFramesAsync(_files["out.mp4"]));
        JsonElement[] lines = Workspace.ParseLines(await File.ReadAllTextAsync(_files["out.jsonl"], TestContext.Current.CancellationToken));
        Assert.True(lines[^1].GetProperty("complete").GetBoolean());
        Assert.Equal(42, lines.Length);
    }

    [Fact]
    public async Task One_output_that_fails_does_not_end_a_folder()
    {
        string source = Directory.CreateDirectory(_files["in"]).FullName, output = Directory.CreateDirectory(_files["out"]).FullName;
        await _files.ClipAsync("in/a.mp4", frames: 5);
        await _files.ClipAsync("in/b.mp4", frames: 5);
        await File.WriteAllTextAsync(Path.Combine(output, "a.posed.mp4"), "kept", TestContext.Current.CancellationToken);
        await CommandLine.ToolAsync("chmod", "400", Path.Combine(output, "a.posed.mp4"));

        Finished run = await CommandLine.Img2PoseAsync("run", source, "--out", output, "--quiet", "--model", _files.Model, "--device", "cpu");

        Assert.Equal(1, run.Code);
        Assert.Contains("a.posed.mp4", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(5, await Workspace.CountFramesAsync(Path.Combine(output, "b.posed.mp4")));
    }

    [Fact]
    public async Task A_source_that_is_called_like_the_partial_output_is_left_alone()
    {
        string source = await _files.ClipAsync("clip.partial.mp4", frames: 5);
        byte[] before = await File.ReadAllBytesAsync(source, TestContext.Current.CancellationToken);

        (await CommandLine.Img2PoseAsync("run", source, "--out", _files["clip.mp4"], "--quiet", "--model", _files.Model, "--device", "cpu")).ShouldSucceed();

        Assert.Equal(before, await File.ReadAllBytesAsync(source, TestContext.Current.CancellationToken));
        Assert.Equal(5, await Workspace.CountFramesAsync(_files["clip.mp4"]));
    }

    [Fact]
    public async Task The_longest_name_has_outputs()
    {
        string name = new('n', 251), source = await _files.ClipAsync(frames: 5);
        Directory.CreateDirectory(_files["in"]);
        Directory.CreateDirectory(_files["out"]);
        File.Move(source, _files[$"in/{name}.mp4"]);

        (await CommandLine.Img2PoseAsync("run", _files["in"], "--out", _files["out/"], "--quiet", "--model", _files.Model, "--device", "cpu")).ShouldSucceed();
        (await CommandLine.Img2PoseAsync("run", _files["in"], "--json", _files[name + ".csv"], "--quiet", "--model", _files.Model, "--device", "cpu")).ShouldSucceed();

        Assert.EndsWith(".posed.mp4", Assert.Single(Directory.GetFiles(_files["out"])), StringComparison.Ordinal);
        Assert.True(File.Exists(_files[name + ".csv"]));
    }

    [Fact]
    public async Task Align_keeps_pictures_of_one_name_apart()
    {
        foreach (string folder in (string[])["one/people", "two/people"])
        {
            Directory.CreateDirectory(_files[folder]);
            await DrawnFace.SaveAsync(_files[folder + "/p.png"]);
        }
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-i", _files["one/people/p.png"], _files["one/people/p.bmp"]);
        await File.WriteAllLinesAsync(_files["list.txt"], ["one/people/p.png", "one/people/p.bmp", "two/people/p.png"], TestContext.Current.CancellationToken);

        (await CommandLine.Img2PoseAsync("align", _files["list.txt"], "--out", _files["crops"], "--obj", "--model", _files.Model, "--device", "cpu", "--roll", "upright")).ShouldSucceed();

        Assert.Equal(
            ["p.obj", "p.png", "p_2.obj", "p_2.png", "p_3.obj", "p_3.png"],
            Directory.GetFiles(_files["crops/people"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Align_finds_the_face_that_the_models_own_threshold_lets_through()
    {
        string picture = SharedData.Require("faults", "align_finds_no_face_with_the_default_model.jpg");

        (await CommandLine.Img2PoseAsync("align", picture, "--out", _files["crops"], "--device", "cpu")).ShouldSucceed();

        Assert.Single(Directory.GetFiles(_files["crops"], "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("doubtful_face_is_never_reported_at_half_a_frame_a_second.mp4")]
    [InlineData("new_id_in_every_frame_at_half_a_frame_a_second.mp4")]
    public async Task A_face_at_half_a_frame_a_second_is_there_in_every_frame_and_one_and_the_same(string video)
    {
        Finished run = await CommandLine.Img2PoseAsync("run", SharedData.Require("faults", video), "--json", "-", "--quiet", "--device", "cpu");

        JsonElement[] frames = [.. Workspace.ParseLines(run.ShouldSucceed().Output)[1..^1]];
        Assert.Equal(8, frames.Length);
        Assert.All(frames, frame => Assert.Equal(1, Assert.Single(frame.GetProperty("faces").EnumerateArray()).GetProperty("id").GetInt32()));
    }

    [Fact]
    public async Task What_a_model_says_of_itself_cannot_drive_the_terminal()
    {
        string model = SharedData.Require("faults", "attack", "esc.onnx");

        Finished info = await CommandLine.Img2PoseAsync("models", "info", model);

        Assert.DoesNotContain('\u001b', info.Output + info.Error);
        // The metadata's reader has put the replacement character where the escapes were.
        Assert.Contains("\uFFFD]0;owned", info.Output + info.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.0 404 \u001b[2Jgone\r\nServer: \u001b]0;owned\u0007\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Type: text/\u001b[2J\r\nicy-name: \u001b]0;owned\u0007\r\nicy-metaint: 1\r\n\r\n\u001b[2J\u009b2J not a video")]
    [InlineData("HTTP/1.0 302 \u001b[2J\r\nLocation: gopher://\u001b]0;owned\u0007/\r\n\r\n")]
    public async Task What_a_server_says_cannot_drive_the_terminal(string answer)
    {
        using System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        CancellationToken stop = TestContext.Current.CancellationToken;
        Task serving = ServeAsync();

        Finished run = await CommandLine.Img2PoseAsync(
            "run", $"http://127.0.0.1:{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}/x", "--json", _files["j.jsonl"], "--model", _files.Model, "--no-reconnect", "--verbose", "--device", "cpu");

        Assert.InRange(run.Code, 2, 3);
        foreach (char control in "\u001b\u0007\u009b") Assert.DoesNotContain(control, run.Output + run.Error);
        listener.Stop();
        await serving;

        // Answers whoever comes, until the listener stops.
        async Task ServeAsync()
        {
            byte[] request = new byte[4096];
            while (true)
            {
                try
                {
                    using System.Net.Sockets.TcpClient client = await listener.AcceptTcpClientAsync(stop);
                    await client.GetStream().ReadAtLeastAsync(request, 1, throwOnEndOfStream: false, stop);
                    await client.GetStream().WriteAsync(System.Text.Encoding.UTF8.GetBytes(answer), stop);
                }
                catch (Exception error) when (error is System.Net.Sockets.SocketException or IOException)
                {
                    if (error is System.Net.Sockets.SocketException) return;
                }
            }
        }
    }

    [Fact]
    public async Task Rows_and_index_count_frames_of_the_source_where_a_part_is_taken()
    {
        string clip = await _files.ClipAsync();
        await File.WriteAllTextAsync(_files["b.csv"], "frame,l,t,r,b\n20,80,60,180,180\n", TestContext.Current.CancellationToken);

        Finished run = await CommandLine.Img2PoseAsync(
            "run", clip, "--json", "-", "--quiet", "--start", "1", "--frames", "3", "--no-track", "--boxes", _files["b.csv"], "--model", _files.Model, "--device", "cpu");

        JsonElement[] frames = Workspace.ParseLines(run.ShouldSucceed().Output)[1..^1];
        Assert.Equal([20, 21, 22], frames.Select(frame => frame.GetProperty("index").GetInt32()));
        Assert.Equal([1, 0, 0], frames.Select(frame => frame.GetProperty("faces").GetArrayLength()));
    }
}
