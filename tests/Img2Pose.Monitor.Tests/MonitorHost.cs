using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Img2Pose.Pipeline;
using Img2Pose.Testing;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Tests;

/// <summary>A monitor in this process, with a folder of its own and a port that the system gives.</summary>
internal sealed class MonitorHost : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-monitor").FullName;

    private MonitorHost()
    {
    }

    /// <summary>Longer than anything takes on a busy machine.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(2);

    public MonitorService Service { get; private set; } = null!;

    public LogLines Log { get; } = new();

    /// <summary>The monitor's own folder.</summary>
    public string Data => Path.Combine(_folder, "data");

    /// <summary>The user's file.</summary>
    public string ConfigurationFile => Path.Combine(_folder, "cameras.yaml");

    public string Address => Service.Address;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Starts one.</summary>
    /// <param name="yaml">The user's file; null: none.</param>
    /// <param name="change">Changes how it is started.</param>
    public static async Task<MonitorHost> StartAsync(string? yaml = null, Func<MonitorOptions, MonitorOptions>? change = null)
    {
        MonitorHost host = new();
        try
        {
            if (yaml is not null) await File.WriteAllTextAsync(host.ConfigurationFile, yaml, TestContext.Current.CancellationToken);
            MonitorOptions options = new()
            {
                ConfigurationFile = yaml is null ? null : host.ConfigurationFile,
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Folder = host.Data,
                Logger = host.Log,
                Engine = new PoseEngineOptions { Detection = new Inference.PoseDetectorOptions { Device = "cpu" } },
                Tune = environment => environment with { RetryAfter = _ => TimeSpan.FromSeconds(0.3), Times = Media.LiveTimes.Parse("retry=0.2/0.5,password=1,health=5,silence=3") },
            };
            host.Service = await MonitorService.StartAsync(change?.Invoke(options) ?? options);
            host.Client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(host.Address), Timeout = Limit };
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gets JSON.</summary>
    public async Task<JsonElement> GetAsync(string path) => await Client.GetFromJsonAsync<JsonElement>(path, TestContext.Current.CancellationToken);

    /// <summary>Waits until something holds; fails after the limit, with what the monitor logged.</summary>
    public async Task UntilAsync(Func<bool> holds, string what)
    {
        // What is waited for raises no event that all of it goes through.
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        while (!holds())
        {
            if (limit.IsCancellationRequested) Assert.Fail($"{what}: not within {Limit.TotalSeconds} s; log: {Log}; cameras: {string.Join("; ", Service.Hub.Cameras.Select(camera => camera.Status))}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a camera has been looked at a number of times.</summary>
    public Task UntilLookedAtAsync(string camera, int looks = 3) => UntilAsync(() => Service.Hub.Find(camera)?.Status is { } status && status.LooksDone >= looks, $"{looks} looks at {camera}");

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (Service is not null) await Service.DisposeAsync();
        TestOutputs.Keep(Log.ToString());
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>What was logged.</summary>
internal sealed class LogLines : ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        lock (_lines) _lines.Add($"{eventId.Id} {formatter(state, exception)} {exception}");
    }

    public override string ToString() => string.Join('\n', Lines);
}
