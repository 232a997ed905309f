using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Live;
using Img2Pose.Monitor.Safety;
using Img2Pose.Monitor.Storage;
using Img2Pose.Monitor.Telling;
using Img2Pose.Monitor.Web;
using Img2Pose.Pipeline;

namespace Img2Pose.Monitor;

/// <summary>
/// Watches cameras and serves the page: one engine with a session for each camera, the store of events, those who are told, and the web
/// server. Disposing it ends all of it within three seconds.
/// </summary>
public sealed class MonitorService : IAsyncDisposable
{
    /// <summary>Seconds without a look after which nobody knows whether what was seen goes on; cameras that are looked at less often have more.</summary>
    private const double SilentSeconds = 5;

    /// <summary>Milliseconds from one return of memory to the next.</summary>
    private const long ReturnEvery = 30_000;

    private static readonly TimeSpan s_settling = TimeSpan.FromMilliseconds(400);

    private readonly MonitorOptions _options;
    private readonly ConfigurationFiles _files;
    private readonly PoseEngine _engine;
    private readonly ConcurrentDictionary<Camera, EventRecorder> _recorders = new();
    private readonly SemaphoreSlim _loading = new(1);
    private readonly CancellationTokenSource _ending = new();
    private readonly List<IDisposable> _watching = [];
    private readonly ITimer _beat;
    private MonitorServer? _server;
    private ITimer? _settle;
    private volatile MonitorConfiguration _configuration = new();
    private volatile string? _refused;
    private long _outagesSeen, _returnAt;
    private bool _mayReturn;
    private int _disposed;

    private MonitorService(MonitorOptions options)
    {
        _options = options;
        NativeMemory.LimitArenas();
        CameraRoute.ForgetProxies();
        options.Validate();
        options.RequireSafety();
        MakeFolder(options.Folder);
        WarnOfReaders(options);
        _files = new ConfigurationFiles(options.ConfigurationFile, options.Sources, options.Folder);
        MonitorConfiguration configuration = _files.Load();
        string? administrator = null;
        if (!options.IsPrivate && configuration.Users.Count == 0)
        {
            administrator = Passwords.FirstAdministrator(options.Folder, out string? created);
            if (created is not null) MonitorLog.PasswordMade(options.Logger, created);
        }
        Accounts = new Accounts(administrator, options.IsPrivate, options.Clock);
        Accounts.Configure(configuration.Users, configuration.Tokens);
        Guard = new AddressGuard(options.Resolve) { Allowed = configuration.AllowedAddresses };
        Audit = new AuditLog(options.Folder, message => MonitorLog.Warning(options.Logger, message));
        _engine = PoseEngine.Create(options.Engine with { Sessions = Math.Max(1, configuration.Cameras.Count) });
        Store = new EventStore(options.Folder, configuration.Storage, options.Logger);
        Tellers = new Tellers(Guard, options.Logger);
        CameraEnvironment environment = new() { Guard = Guard, Logger = options.Logger, Looked = Looked, Ended = Ended };
        Hub = new CameraHub(_engine, options.Tune?.Invoke(environment) ?? environment);
        _configuration = configuration;
        _beat = TimeProvider.System.CreateTimer(_ => Beat(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Where the page is, such as <c>http://127.0.0.1:8080</c>.</summary>
    public string Address => _server?.Address ?? "";

    /// <summary>The web server, for tests.</summary>
    internal MonitorServer Server => _server!;

    internal CameraHub Hub { get; }

    internal LiveHub Live { get; } = new();

    internal EventStore Store { get; }

    internal Accounts Accounts { get; }

    internal AddressGuard Guard { get; }

    internal AuditLog Audit { get; }

    internal Tellers Tellers { get; }

    internal MonitorOptions Options => _options;

    internal MonitorConfiguration Configuration => _configuration;

    internal PoseEngine Engine => _engine;

    /// <summary>Why the configuration on the disk is not the one that is used, or null.</summary>
    internal string? RefusedConfiguration => _refused;

    /// <summary>Fires when the monitor ends.</summary>
    internal CancellationToken Ending => _ending.Token;

    /// <summary>Starts watching and serving.</summary>
    /// <exception cref="UsageException">Options or configuration have mistakes; the port is taken.</exception>
    /// <exception cref="InputException">A file cannot be read.</exception>
    /// <exception cref="OutputException">The monitor's own folder cannot be written to.</exception>
    /// <exception cref="ModelException">Model, device or a native library is at fault.</exception>
    public static async Task<MonitorService> StartAsync(MonitorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        MonitorService service = new(options);
        try
        {
            // The port first: a monitor that runs already is told before cameras are asked.
            service._server = await MonitorServer.StartAsync(service).ConfigureAwait(false);
            await service.TakeAsync(service._configuration).ConfigureAwait(false);
            service.WatchFiles();
            MonitorLog.Listening(options.Logger, service.Address);
            return service;
        }
        catch
        {
            await service.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>All mistakes of a configuration file, a line each; empty where there is none.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public static IReadOnlyList<string> Check(string path) => [.. new ConfigurationFiles(path, [], Path.GetDirectoryName(Path.GetFullPath(path))!).Check().Errors.Select(found => $"{found.File}: {found.Error}")];

    /// <summary>Reads the configuration again, and takes it where it has no mistakes: unchanged cameras go on untouched.</summary>
    public async Task ReloadAsync()
    {
        await _loading.WaitAsync().ConfigureAwait(false);
        try
        {
            MonitorConfiguration configuration = _files.Load();
            await TakeAsync(configuration).ConfigureAwait(false);
            _refused = null;
        }
        catch (Img2PoseException error)
        {
            _refused = error.Message;
            MonitorLog.ConfigurationRefused(_options.Logger, error.Message);
        }
        catch (ObjectDisposedException)
        {
            // The monitor ends.
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Changes the cameras that were entered in the page.</summary>
    /// <param name="change">Gets them, and gives what they shall be; throws where that cannot be.</param>
    /// <exception cref="Img2PoseException">It cannot be, or not be kept.</exception>
    internal async Task ChangeLocalAsync(Func<List<CameraConfiguration>, List<CameraConfiguration>> change)
    {
        await _loading.WaitAsync().ConfigureAwait(false);
        try
        {
            List<ConfigurationError> errors = [];
            List<CameraConfiguration> local = [.. _files.ReadLocal(errors)];
            if (errors.Count > 0) throw new UsageException($"{_files.LocalPath}: {errors[0]}");
            List<CameraConfiguration> changed = change(local);
            int others = _configuration.Cameras.Count(camera => camera.Origin == CameraOrigin.Disk);
            if (others + changed.Count > ConfigurationReader.MostCameras) throw new UsageException($"{ConfigurationReader.MostCameras} cameras are the most");
            await TakeAsync(_files.WriteLocal(changed)).ConfigureAwait(false);
            _refused = null;
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Ends watching and serving.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _ending.CancelAsync().ConfigureAwait(false);
        foreach (IDisposable watching in _watching) watching.Dispose();
        if (_settle is not null) await _settle.DisposeAsync().ConfigureAwait(false);
        await _beat.DisposeAsync().ConfigureAwait(false);
        if (_server is not null) await _server.DisposeAsync().ConfigureAwait(false);
        await Hub.DisposeAsync().ConfigureAwait(false);
        await _engine.DisposeAsync().ConfigureAwait(false);
        await Tellers.DisposeAsync().ConfigureAwait(false);
        await Store.DisposeAsync().ConfigureAwait(false);
        Audit.Dispose();
        Accounts.Dispose();
        _ending.Dispose();
    }

    /// <summary>The state of everything, as pages get it every second.</summary>
    internal byte[] StateMessage() => JsonSerializer.SerializeToUtf8Bytes(new { Type = "state", Cameras = Hub.Cameras.Select(camera => camera.Status), Problems = Problems() }, Answers.Json);

    /// <summary>What whoever runs this should know, for people.</summary>
    internal IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        if (Store.Problem is { } storage) problems.Add($"Nothing is stored: {storage}");
        if (_refused is { } refused) problems.Add($"The configuration on the disk is not used: {refused}");
        if (Hub.Cameras.Any(camera => camera.Status.IsShort)) problems.Add("The machine is short: cameras are looked at less often than asked for.");
        problems.AddRange(Tellers.Problems);
        return problems;
    }

    private async Task TakeAsync(MonitorConfiguration configuration)
    {
        _configuration = configuration;
        Guard.Allowed = configuration.AllowedAddresses;
        Accounts.Configure(configuration.Users, configuration.Tokens);
        Store.Configure(configuration.Storage);
        Tellers.Configure(configuration, Hub);
        Camera[] before = [.. Hub.Cameras];
        // Where faces or areas are hidden from now on, pictures of before that wait to be kept or shown are not.
        // One that goes on as it is keeps what it kept, whatever another one at its address hides.
        HashSet<string> unchanged = [.. configuration.Cameras.Select(camera => camera.Fingerprint())];
        foreach (Camera camera in before.Where(camera => !unchanged.Contains(camera.Configuration.Fingerprint())))
        {
            if (configuration.Cameras.Any(wanted => IsSame(wanted, camera.Configuration) && wanted.HidesMoreThan(camera.Configuration))) camera.KeepNothing();
        }
        (int added, int removed, int kept) = await Hub.ApplyAsync(configuration.Cameras).ConfigureAwait(false);
        foreach (Camera gone in before.Except(Hub.Cameras)) Live.Forget(gone.Name);
        foreach (Camera gone in _recorders.Keys.Where(camera => !Hub.Cameras.Contains(camera)))
        {
            if (_recorders.TryRemove(gone, out EventRecorder? recorder)) recorder.Finish();
        }
        // Rules that say what they said go on, with what is under way.
        foreach (EventRecorder recorder in _recorders.Values) recorder.Configure(configuration.Rules);
        Store.SetCameras(configuration.Cameras.Select(camera => camera.Name));
        if (added + removed > 0)
        {
            MonitorLog.CamerasChanged(_options.Logger, added, removed, kept);
        }
        // Also where nothing of cameras has changed: users, roles and addresses are of it, too.
        Audit.Note(null, null, "configuration", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{added} cameras added, {removed} removed, {kept} unchanged"));
        Live.Show(JsonSerializer.SerializeToUtf8Bytes(new { Type = "changed" }, Answers.Json));
    }

    private static bool IsSame(CameraConfiguration one, CameraConfiguration other) => one.Name == other.Name || one.Url == other.Url;

    /// <summary>Once a second: pages get the state, and what is under way at cameras that are not seen any more ends.</summary>
    private void Beat()
    {
        try
        {
            EndUnseen();
            ReturnMemory();
            if (Live.Clients > 0) Live.ShowState(StateMessage());
        }
        catch (Exception error) when (error is ObjectDisposedException or Img2PoseException)
        {
            // A session that ends at this moment; the next second asks again.
        }
    }

    /// <summary>While connections end, and once after that, what they had is given back.</summary>
    private void ReturnMemory()
    {
        CameraStatus[] all = [.. Hub.Cameras.Select(camera => camera.Status)];
        long outages = all.Sum(status => status.Outages), now = Environment.TickCount64;
        if (outages != _outagesSeen || all.Any(status => status.State is not ("live" or "off"))) _mayReturn = true;
        _outagesSeen = outages;
        if (!_mayReturn || now < _returnAt) return;
        (_mayReturn, _returnAt) = (false, now + ReturnEvery);
        NativeMemory.Return();
    }

    private void EndUnseen()
    {
        foreach ((Camera camera, EventRecorder recorder) in _recorders)
        {
            if (camera.Status.Silent is not { } silent || silent > Math.Max(SilentSeconds, 3 / camera.Configuration.Looks)) recorder.Finish();
            camera.Feed.EndOverdue();
        }
    }

    private void Looked(Camera camera, CameraLook look)
    {
        Live.Show(look);
        _recorders.GetOrAdd(camera, Follow).Look(look);
    }

    private EventRecorder Follow(Camera camera)
    {
        camera.Pictures.TileMade += tile => Live.Show(camera.Name, tile);
        return new EventRecorder(camera, _configuration.Rules, Store, Happened);
    }

    private void Ended(Camera camera)
    {
        if (_recorders.TryGetValue(camera, out EventRecorder? recorder)) recorder.Finish();
    }

    private void Happened(PoseEvent happened)
    {
        if (happened.End is null) MonitorLog.EventHappened(_options.Logger, happened.Rule, happened.Camera);
        byte[] message = JsonSerializer.SerializeToUtf8Bytes(new { Type = "event", Event = Answers.Of(happened) }, Answers.Json);
        Live.Show(message);
        Tellers.Tell(happened);
    }

    private void WatchFiles()
    {
        if (_files.UserPath is { } path)
        {
            FileSystemWatcher watcher = new(Path.GetDirectoryName(path)!, Path.GetFileName(path)) { NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName | NotifyFilters.Size };
            _watching.Add(watcher);
            // Editors write in several steps, or put another file into its place.
            _settle = TimeProvider.System.CreateTimer(_ => _ = ReloadAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            watcher.Changed += (_, _) => _settle.Change(s_settling, Timeout.InfiniteTimeSpan);
            watcher.Created += (_, _) => _settle.Change(s_settling, Timeout.InfiniteTimeSpan);
            watcher.Renamed += (_, _) => _settle.Change(s_settling, Timeout.InfiniteTimeSpan);
            // Some changes were not told.
            watcher.Error += (_, _) => _settle.Change(s_settling, Timeout.InfiniteTimeSpan);
            try
            {
                watcher.EnableRaisingEvents = true;
            }
            catch (IOException error)
            {
                // The system's watches are used up.
                MonitorLog.Warning(_options.Logger, $"{path}: changes are not noticed by themselves ({error.Message.TrimEnd('.')}); SIGHUP reads it again");
            }
        }
    }

    /// <summary>What is kept shows people: others of this machine should not read it.</summary>
    private static void WarnOfReaders(MonitorOptions options)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Windows) && (File.GetUnixFileMode(options.Folder) & others) != 0)
            MonitorLog.Warning(options.Logger, $"{options.Folder}: others of this machine can read what is kept; chmod 700 keeps it private");
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            if (Directory.Exists(folder)) return;
            if (!RuntimeInformation.IsOSPlatform(OSPlatform.Windows)) Directory.CreateDirectory(folder, mode);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: the monitor's folder cannot be made: {error.Message.TrimEnd('.')}; name another one with --data.", error);
        }
    }
}
