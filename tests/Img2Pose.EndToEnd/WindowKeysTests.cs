using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Img2Pose.Frames;

namespace Img2Pose.EndToEnd;

/// <summary>Keys of the window that change what is seen, and the one that changes what other programs are told.</summary>
public sealed class WindowKeysTests : IDisposable
{
    /// <summary>Rows of the clip in which nothing moves; below them something always does.</summary>
    private const int StillRows = 288;

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Each_key_changes_what_it_is_for_and_pressed_again_it_changes_it_back()
    {
        await using Display display = await Display.StartAsync();
        using UdpClient listener = new(new IPEndPoint(IPAddress.Loopback, 0));
        ConstantModel.Save(_files["turned.onnx"], null, ([80, 60, 180, 180], [0.2f, 0.4f, 0.1f, 0.2f, 0.1f, 3.3f]));
        using Process process = CommandLine.StartWith([$"DISPLAY={display.Name}"],
            "run", await ClipAsync(), "--realtime", "--show", "--overlay", "mesh", "--look", "every", "--model", _files["turned.onnx"], "--quiet",
            "--send", string.Create(CultureInfo.InvariantCulture, $"opentrack:127.0.0.1:{((IPEndPoint)listener.Client.LocalEndPoint!).Port}"));
        Task<Finished> ended = CommandLine.FinishAsync(process);
        WindowShots shots = new(display, await display.WindowAsync(ended), ended, _files["shot.png"]);
        using VideoFrame plain = await shots.UntilAsync("the picture was there", shot => shot is { Width: 800, Height: > 320 } && shot.GetPlane(0).Row(5)[5] > 20);
        await display.PressAsync("m");
        using (await shots.UntilAsync("m had changed the mesh", shot => DiffersFrom(shot, plain)))
        {
        }
        await display.PressAsync("m");
        using VideoFrame mesh = await shots.UntilAsync("m had changed it back", shot => !DiffersFrom(shot, plain));

        List<VideoFrame> layers = [];
        foreach (string key in (string[])["b", "x", "p", "l", "m", "o"])
        {
            await display.PressAsync(key);
            layers.Add(await shots.UntilAsync($"{key} had changed the picture", shot => DiffersFrom(shot, mesh)));
            // There are four opacities.
            await display.PressAsync(key == "o" ? ["o", "o", "o"] : [key]);
            using (await shots.UntilAsync($"{key} had changed it back", shot => !DiffersFrom(shot, mesh)))
            {
            }
        }
        for (int i = 0; i < layers.Count; i++) Assert.All(layers[..i], earlier => Assert.True(DiffersFrom(earlier, layers[i]), "two keys do the same"));
        layers.ForEach(shot => shot.Dispose());

        await display.PressAsync("space");
        using VideoFrame paused = await shots.UntilAsync("space had paused", SaysPaused);
        Assert.False(SaysPaused(mesh));
        await ToldAsync(6);
        using (await shots.UntilAsync("a second look", _ => true))
        using (VideoFrame still = await shots.UntilAsync("a third look", _ => true))
            Assert.Equal(0, WindowShots.Difference(still, paused, 0, 0, 800, 320));
        await display.PressAsync("space");
        using (await shots.UntilAsync("space had let it go on", shot => !SaysPaused(shot) && WindowShots.Difference(shot, paused, 0, StillRows, 800, 320) > 1))
        {
        }

        double[] before = await ToldAsync(1);
        Assert.InRange(before[2], 10, 1000);
        Assert.InRange(Math.Abs(before[3]) + Math.Abs(before[4]), 10, 180);
        await display.PressAsync("c");
        double[] after = before;
        while (after.Any(value => Math.Abs(value) > 0.5)) after = await ToldAsync(1);
        await display.PressAsync("q");
        (await ended).ShouldSucceed();

        // x, y, z, yaw, pitch, roll of the newest of so many datagrams that are yet to come.
        async Task<double[]> ToldAsync(int further)
        {
            while (listener.Available > 0) await listener.ReceiveAsync(TestContext.Current.CancellationToken);
            byte[] told = [];
            for (int i = 0; i < further; i++)
            {
                Task<UdpReceiveResult> next = listener.ReceiveAsync(TestContext.Current.CancellationToken).AsTask();
                if (await Task.WhenAny(next, ended) == ended) Assert.Fail($"the program has ended: {(await ended).Error}");
                told = (await next).Buffer;
            }
            return [.. Enumerable.Range(0, 6).Select(i => BinaryPrimitives.ReadDoubleLittleEndian(told.AsSpan(8 * i)))];
        }
    }

    /// <summary>In what does not move, around the face. What is the same is so to the last bit.</summary>
    private static bool DiffersFrom(VideoFrame shot, VideoFrame other) =>
        shot.Width == other.Width && shot.Height == other.Height && WindowShots.Difference(shot, other, 40, 20, 360, StillRows) > 0.02;

    /// <summary>Between the numbers and the hint.</summary>
    private static bool SaysPaused(VideoFrame shot) => WindowShots.Lettering(shot, 660, 322, 735, shot.Height) > 15;

    /// <summary>The drawn face in a picture that is wide enough for the whole status line, above a row of patterns that move.</summary>
    private async Task<string> ClipAsync()
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);
        await CommandLine.ToolAsync("ffmpeg", "-nostdin", "-v", "error", "-y", "-loop", "1", "-framerate", "10", "-i", picture, "-f", "lavfi", "-i", "testsrc2=size=800x32:rate=10",
            "-filter_complex", $"[0]pad=800:320:0:0:0x606060[face];[face][1]overlay=0:{StillRows}", "-t", "300", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", _files["face.mp4"]);
        return _files["face.mp4"];
    }
}
