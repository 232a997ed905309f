using System.Diagnostics;
using Img2Pose.Testing;

namespace Img2Pose.Media.Tests;

/// <summary>GStreamer's RTSP server as a process (<c>tests/servers/rtsp_server.py</c>), which takes orders for faults.</summary>
internal sealed class RtspServer : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);
    private readonly Process _process;

    private RtspServer(Process process, int port) => (_process, Port) = (process, port);

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>Starts it; skips the test where GStreamer's server is missing.</summary>
    /// <param name="mounts">Such as "/a=/tmp/a.h264:15".</param>
    /// <param name="port">The port, or 0 for any.</param>
    /// <param name="arguments">Credentials and the like.</param>
    /// <param name="prefix">A command that it is run by, such as "ip netns exec NAME".</param>
    public static RtspServer Start(string mounts, int port = 0, string arguments = "", string prefix = "")
    {
        string script = Path.Combine(SharedData.RepositoryRoot, "tests", "servers", "rtsp_server.py");
        string[] words = $"{prefix} {Python} {script} --port {port} {arguments} {mounts}".Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.SkipUnless(File.Exists(Python), $"{Python} is not on this machine");
        ProcessStartInfo info = new(words[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in words[1..]) info.ArgumentList.Add(word);
        Process process = Process.Start(info)!;
        string? line = process.StandardOutput.ReadLine();
        if (line is null || !line.StartsWith("ready ", StringComparison.Ordinal))
        {
            string why = process.StandardError.ReadToEnd();
            process.Dispose();
            throw new InvalidOperationException($"the RTSP server does not start: {why}");
        }
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        return new RtspServer(process, int.Parse(line[6..], System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The URL of a mount.</summary>
    public string Url(string mount, string user = "", string scheme = "rtsp") => $"{scheme}://{(user.Length > 0 ? user + "@" : "")}127.0.0.1:{Port}{mount}";

    /// <summary>Gives an order and waits until it is carried out.</summary>
    public void Order(string order)
    {
        _process.StandardInput.WriteLine(order);
        _process.StandardInput.Flush();
        Task<string?> answer = _process.StandardOutput.ReadLineAsync();
        Assert.True(answer.Wait(s_long), $"the server does not {order}");
        Assert.Equal("done " + order, answer.Result);
    }

    /// <summary>Sends it a signal by name.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        if (name == "KILL") _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
