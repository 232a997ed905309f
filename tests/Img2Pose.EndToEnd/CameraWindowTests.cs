using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.EndToEnd;

/// <summary>What <c>run 0 --show</c> is asked for first: a webcam in a window. The camera is the kernel's stand-in, the display nobody sees.</summary>
public sealed class CameraWindowTests : IDisposable
{
    private static readonly (int R, int G, int B) s_alert = (255, 190, 90);

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_webcam_is_shown_with_a_mesh_on_the_face_and_its_picture_stays_when_it_is_unplugged()
    {
        await using Display display = await Display.StartAsync();
        string devices = await CameraAsync();
        using VideoFrame plain = ImageFile.Read(_files["plain.png"]), drawn = ImageFile.Read(_files["face.png"]);
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", .. CameraStandIn.Variables(devices)],
            "run", "0", "--show", "--captures", _files["captures"], "--live-times", "retry=0.2", "--device", "cpu", "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        WindowShots shots = new(display, await display.WindowAsync(ended), ended, _files["shot.png"]);

        // The camera's picture around the face; on the face, which is tinted, the mesh, as grey as the face was drawn.
        using VideoFrame shown = await shots.UntilAsync("the mesh was on the face", shot => shot is { Width: 320, Height: > 240 and < 300 }
            && WindowShots.Difference(shot, plain, 0, 190, 320, 240) < 3 && WindowShots.Difference(shot, plain, 220, 0, 320, 240) < 3
            && OnFace(shot, drawn) < OnFace(plain, drawn) / 2);
        using (await shots.UntilAsync("the status line was there", shot => WindowShots.Lettering(shot, 0, 242, 160, shot.Height) > 20))
        {
        }

        await File.WriteAllTextAsync(_files["control"], "unplug", TestContext.Current.CancellationToken);
        using (await shots.UntilAsync("its loss was told", shot => WindowShots.Count(shot, s_alert, 0, 241, 320, shot.Height) > 20))
        {
        }
        await display.PressAsync("i");
        using VideoFrame mirrored = await shots.UntilAsync("the picture was mirrored", shot =>
            WindowShots.Difference(shot, shown, 0, 0, 320, 240, mirrored: true) < WindowShots.Difference(shot, shown, 0, 0, 320, 240) / 2);
        await display.PressAsync("s");
        await shots.UntilAsync("the picture was saved", () => Directory.Exists(_files["captures"]) && Directory.GetFiles(_files["captures"], "video0-*.json").Length > 0);
        await display.PressAsync("q");
        (await ended).ShouldSucceed();

        // What is saved is not mirrored.
        using VideoFrame saved = ImageFile.Read(Assert.Single(Directory.GetFiles(_files["captures"], "*.png")));
        Assert.InRange(WindowShots.Difference(saved, shown, 0, 0, 320, 240), 0, 2);
        using JsonDocument poses = JsonDocument.Parse(await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(_files["captures"], "*.json")), TestContext.Current.CancellationToken));
        Assert.Equal(1, poses.RootElement.GetProperty("faces").GetArrayLength());

        static double OnFace(VideoFrame shot, VideoFrame drawn) => WindowShots.Difference(shot, drawn, 110, 80, 175, 165);
    }

    [Fact]
    public async Task A_stream_of_a_list_has_its_place_and_its_state_in_the_window_before_it_has_come()
    {
        await using Display display = await Display.StartAsync();
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        silent.Close();
        string devices = await CameraAsync();
        await File.WriteAllLinesAsync(_files["cameras.txt"], [string.Create(CultureInfo.InvariantCulture, $"udp://127.0.0.1:{port}"), "0"], TestContext.Current.CancellationToken);
        using VideoFrame plain = ImageFile.Read(_files["plain.png"]);
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}", .. CameraStandIn.Variables(devices)],
            "run", _files["cameras.txt"], "--show", "--overlay", "none", "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        WindowShots shots = new(display, await display.WindowAsync(ended), ended, _files["shot.png"]);

        // A list's window keeps its size: the camera, second in it, has the right half; in the left one, else black, stands what is waited for.
        using VideoFrame shown = await shots.UntilAsync("both tiles were there", shot =>
            Grey(shot, shot.Width / 2, shot.Width) > shot.Width * shot.Height / 10 && WindowShots.Count(shot, s_alert, 0, 0, shot.Width / 2, shot.Height - 30) > 20);
        Assert.Equal(0, Grey(shown, 0, shown.Width / 2));
        await display.PressAsync("q");
        (await ended).ShouldSucceed();

        int Grey(VideoFrame shot, int left, int right)
        {
            ReadOnlySpan<byte> corner = plain.GetPlane(0).Row(5);
            return WindowShots.Count(shot, (corner[15], corner[16], corner[17]), left, 0, right, shot.Height - 30);
        }
    }

    [Fact]
    public async Task Crops_of_a_camera_are_written_while_it_runs()
    {
        string devices = await CameraAsync();
        using Process process = CommandLine.StartWith(CameraStandIn.Variables(devices), "run", "0", "--crops", _files["crops"], "--model", _files.Model, "--quiet");

        await CommandLine.WaitUntilAsync(process, () => File.Exists(_files["crops/video0-1.png"]));
        using (VideoFrame crop = ImageFile.Read(_files["crops/video0-1.png"])) Assert.Equal((224, 224), (crop.Width, crop.Height));
        await CommandLine.SignalAsync(process, "INT");

        Assert.Equal(130, (await CommandLine.FinishAsync(process)).Code);
        Assert.Equal("video0-1.png", Path.GetFileName(Assert.Single(Directory.GetFiles(_files["crops"]))));
    }

    /// <summary>A camera that sees the drawn face in a tint that the mesh does not have, and plain.png, what it sees.</summary>
    private async Task<string> CameraAsync()
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", picture, "-vf", "colorchannelmixer=rr=1.3:gg=0.7:bb=0.5", "-pix_fmt", "yuyv422", "-f", "rawvideo", _files["camera.yuyv"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", "320x240", "-i", _files["camera.yuyv"], _files["plain.png"]);
        await File.WriteAllTextAsync(_files["devices"], $"/dev/video0 card=Webcam mode=YUYV:320x240:10:{_files["camera.yuyv"]} control={_files["control"]}\n", TestContext.Current.CancellationToken);
        return _files["devices"];
    }
}
