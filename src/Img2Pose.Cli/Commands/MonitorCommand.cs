using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose monitor</c>: watches cameras and serves a page about them. Nothing of the web server is loaded by other verbs.</summary>
internal static class MonitorCommand
{
    private static readonly TimeSpan s_closing = TimeSpan.FromSeconds(3);

    /// <summary>Describes the verb.</summary>
    public static Command Create()
    {
        Argument<string[]> what = new("cameras") { Description = "A configuration (cameras.yaml), or addresses of cameras; none: cameras are entered in the page.", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> listen = new("--listen") { Description = "Where the page is served, ADDRESS[:PORT] or PORT. By default 127.0.0.1:8080; others need a password, and --tls or --behind-proxy." };
        Option<string?> tls = new("--tls") { Description = "A PEM file with certificate and key." };
        Option<string?> key = new("--tls-key") { Description = "A PEM file with the key, where it is in another one." };
        Option<bool> proxy = new("--behind-proxy") { Description = "A proxy in front does TLS and sets X-Forwarded-For and X-Forwarded-Proto." };
        Option<string[]> host = new("--host") { Description = "A name by which the page is reached; may be given several times.", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> data = new("--data") { Description = "The monitor's own folder: events, clips, passwords. By default in $STATE_DIRECTORY, or ~/.local/share/img2pose/monitor." };
        Option<bool> check = new("--check") { Description = "Only check the configuration, and name every mistake in it." };
        Option<string> log = new("--log") { Description = "How events are logged: text, or json, an object a line.", DefaultValueFactory = _ => "text" };
        log.AcceptOnlyFromAmong("text", "json");
        Option<string?> model = new("--model") { Description = "Name or file of the model." };
        Option<string> device = new("--device") { Description = "auto, cpu or cuda.", DefaultValueFactory = _ => "auto" };
        Command command = new("monitor", "Watch cameras: a page with all of them live, events with poses, clips, alarms.") { what, listen, tls, key, proxy, host, data, check, log, model, device };
        command.SetAction(async (parsed, stop) =>
        {
            string[] given = parsed.GetValue(what) ?? [];
            bool isFile = given is [{ } first] && !MediaSource.IsLive(first) && Path.GetExtension(first).ToLowerInvariant() is ".yaml" or ".yml";
            if (parsed.GetValue(check))
            {
                if (!isFile) throw new UsageException("--check wants a configuration file.");
                return Check(given[0]);
            }
            if (parsed.GetValue(log) == "json") ProgramLog.Open(parsed.GetValue(CommonOptions.Verbose), asJson: true);
            return await RunAsync(new Settings(isFile ? given[0] : null, isFile ? [] : given, EndPoint(parsed.GetValue(listen)), parsed.GetValue(tls), parsed.GetValue(key), parsed.GetValue(proxy),
                parsed.GetValue(host) ?? [], parsed.GetValue(data) ?? UsualFolder(), parsed.GetValue(model), parsed.GetValue(device)!), stop);
        });
        return command;
    }

    /// <summary>Reads where to listen.</summary>
    /// <exception cref="UsageException">It is no address.</exception>
    internal static IPEndPoint EndPoint(string? text)
    {
        const int usual = 8080;
        if (text is null) return new IPEndPoint(IPAddress.Loopback, usual);
        string spelled = text.Replace("localhost", "127.0.0.1", StringComparison.OrdinalIgnoreCase);
        if (int.TryParse(spelled, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and <= 65535) return new IPEndPoint(IPAddress.Loopback, port);
        if (IPEndPoint.TryParse(spelled, out IPEndPoint? point)) return point.Port == 0 && !spelled.EndsWith(":0", StringComparison.Ordinal) ? new IPEndPoint(point.Address, usual) : point;
        throw new UsageException($"--listen {text}: is no address; give for example 0.0.0.0:8443, [::]:8443 or 8081.");
    }

    private static string UsualFolder()
    {
        // What systemd makes for a service.
        if (Environment.GetEnvironmentVariable("STATE_DIRECTORY") is { Length: > 0 } state) return state.Split(':')[0];
        string home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        if (home.Length == 0) throw new UsageException("There is no home folder; name one for the monitor with --data.");
        return Path.Combine(home, "img2pose", "monitor");
    }

    // In methods of their own, so that what they use is loaded when they are called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Check(string path)
    {
        IReadOnlyList<string> mistakes = Monitor.MonitorService.Check(path);
        foreach (string mistake in mistakes) Console.Error.WriteLine($"img2pose: {ErrorReport.OneLine(mistake)}");
        if (mistakes.Count == 0) Console.Out.WriteLine($"{path}: no mistakes.");
        return mistakes.Count == 0 ? ExitCode.Done : ExitCode.Usage;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<int> RunAsync(Settings settings, CancellationToken stop)
    {
        Interruption? interruption = Interruption.Current;
        if (interruption is not null) interruption.Closing = s_closing;
        await using Monitor.MonitorService service = await Monitor.MonitorService.StartAsync(new Monitor.MonitorOptions
        {
            ConfigurationFile = settings.File,
            Sources = settings.Sources,
            Listen = settings.Listen,
            Certificate = settings.Certificate,
            CertificateKey = settings.Key,
            BehindProxy = settings.BehindProxy,
            Hosts = settings.Hosts,
            Folder = settings.Folder,
            Engine = new Pipeline.PoseEngineOptions { Model = settings.Model, Detection = new PoseDetectorOptions { Device = settings.Device } },
            Logger = ProgramLog.Logger,
        });
        if (interruption is not null) interruption.HungUp = () => _ = service.ReloadAsync();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, stop);
        }
        catch (OperationCanceledException)
        {
            // How a monitor is meant to end.
        }
        finally
        {
            if (interruption is not null) interruption.HungUp = null;
        }
        return ExitCode.Done;
    }

    private sealed record Settings(
        string? File, IReadOnlyList<string> Sources, IPEndPoint Listen, string? Certificate, string? Key, bool BehindProxy, IReadOnlyList<string> Hosts, string Folder, string? Model, string Device);
}
