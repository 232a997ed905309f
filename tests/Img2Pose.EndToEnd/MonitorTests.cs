using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary><c>img2pose monitor</c> as a process; what it serves is tested beside it, in Img2Pose.Monitor.Tests.</summary>
public sealed class MonitorTests : IDisposable
{
    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Cameras that have been looked at; none while nobody answers.</summary>
    private static string[] Seen(HttpClient client)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/api/cameras");
            using HttpResponseMessage answer = client.Send(request, TestContext.Current.CancellationToken);
            using Stream body = answer.Content.ReadAsStream(TestContext.Current.CancellationToken);
            JsonElement list = JsonSerializer.Deserialize<JsonElement>(body);
            return [.. list.GetProperty("cameras").EnumerateArray().Where(camera => camera.GetProperty("status").GetProperty("looksDone").GetInt64() > 0).Select(camera => camera.GetProperty("name").GetString()!)];
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    [Fact]
    public async Task It_serves_reloads_on_SIGHUP_and_ends_on_SIGTERM()
    {
        string yaml = _files["cameras.yaml"], address = $"127.0.0.1:{FreePort()}";
        await File.WriteAllTextAsync(yaml, "cameras: [{ name: one, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 2 }]\n", TestContext.Current.CancellationToken);
        using Process process = CommandLine.StartWith([], "monitor", yaml, "--listen", address, "--data", _files["data"], "--model", _files.Model);
        Task<Finished> ended = CommandLine.FinishAsync(process);
        using HttpClient client = new() { BaseAddress = new Uri("http://" + address) };
        await CommandLine.WaitUntilAsync(process, () => Seen(client) is ["one"]);

        await File.WriteAllTextAsync(yaml, "cameras: [{ name: one, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 2 }, { name: two, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 2 }]\n", TestContext.Current.CancellationToken);
        await CommandLine.SignalAsync(process, "HUP");
        await CommandLine.WaitUntilAsync(process, () => Seen(client) is ["one", "two"]);
        await CommandLine.SignalAsync(process, "TERM");
        Finished run = await ended;

        Assert.Equal(143, run.Code);
        Assert.Contains($"The page is at http://{address}.", run.Error);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Every_mistake_of_a_configuration_is_named_with_line_and_field()
    {
        string yaml = _files["cameras.yaml"];
        await File.WriteAllTextAsync(yaml, "cameras:\n  - name: a\n    url: rtsp://me:secret77@h:x/1\n    looks: many\n", TestContext.Current.CancellationToken);

        Finished check = await CommandLine.Img2PoseAsync("monitor", yaml, "--check");
        Finished run = await CommandLine.Img2PoseAsync("monitor", yaml, "--data", _files["data"]);

        Assert.Equal(2, check.Code);
        Assert.Equal(2, check.ErrorLines.Length);
        Assert.Contains("line 4, cameras[0].looks: must be a number", check.Error);
        run.ShouldFailWith(2, "There is another mistake");
        Assert.DoesNotContain("secret77", check.Error + run.Error);
    }

    [Theory]
    [InlineData("nonsense", "--listen nonsense")]
    [InlineData("0.0.0.0", "--behind-proxy")]
    public async Task Where_it_cannot_listen_safely_is_told(string listen, string text) =>
        (await CommandLine.Img2PoseAsync("monitor", "--listen", listen, "--data", _files["data"])).ShouldFailWith(2, text);

    [Fact]
    public async Task Other_verbs_load_nothing_of_a_web_server()
    {
        using Process process = CommandLine.StartWith([], "run", "lavfi:testsrc2=size=320x240:rate=10", "--realtime", "--json", _files["poses.jsonl"], "--model", _files.Model, "--quiet");
        Task<Finished> ended = CommandLine.FinishAsync(process);
        await CommandLine.WaitUntilAsync(process, () => Directory.GetFiles(_files.Folder, "poses*.jsonl").Any(path => new FileInfo(path).Length > 0));

        string maps = await File.ReadAllTextAsync($"/proc/{process.Id}/maps", TestContext.Current.CancellationToken);
        await CommandLine.SignalAsync(process, "INT");
        await ended;

        Assert.Contains("img2pose.dll", maps);
        // The logging library may come from the web framework's folder, which has it, too.
        Assert.DoesNotMatch("/Microsoft\\.AspNetCore\\.[^/]*\\.dll", maps);
        Assert.DoesNotContain("Img2Pose.Monitor", maps);
    }
}
