using Img2Pose.Monitor.Configuration;
using Img2Pose.Pipeline;

namespace Img2Pose.Monitor.Cameras;

/// <summary>The cameras that are watched now, on one engine. Thread-safe.</summary>
internal sealed class CameraHub : IAsyncDisposable
{
    private readonly PoseEngine _engine;
    private readonly CameraEnvironment _environment;
    private readonly SemaphoreSlim _changing = new(1);
    private volatile Camera[] _cameras = [];
    private bool _disposed;

    public CameraHub(PoseEngine engine, CameraEnvironment environment) => (_engine, _environment) = (engine, environment);

    /// <summary>The cameras, by name.</summary>
    public IReadOnlyList<Camera> Cameras => _cameras;

    /// <summary>Raised when there are others; quick handlers only.</summary>
    public event Action? Changed;

    /// <summary>The camera of a name, or null.</summary>
    public Camera? Find(string name) => Array.Find(_cameras, camera => camera.Name == name);

    /// <summary>Takes a configuration: cameras that say what they said go on untouched.</summary>
    /// <returns>How many were added, removed and kept; one that changed counts as both of the first.</returns>
    public async Task<(int Added, int Removed, int Kept)> ApplyAsync(IReadOnlyList<CameraConfiguration> wanted)
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Dictionary<string, CameraConfiguration> byText = wanted.ToDictionary(camera => camera.Fingerprint(), StringComparer.Ordinal);
            List<Camera> kept = [], gone = [];
            foreach (Camera camera in _cameras)
            {
                if (byText.Remove(camera.Configuration.Fingerprint())) kept.Add(camera);
                else gone.Add(camera);
            }
            _cameras = [.. kept];
            // A name is free again once its session has ended.
            await Task.WhenAll(gone.Select(camera => camera.DisposeAsync().AsTask())).ConfigureAwait(false);
            Camera[] added = [.. byText.Values.Select(camera => new Camera(camera, _engine, _environment))];
            _cameras = [.. kept.Concat(added).OrderBy(camera => camera.Name, StringComparer.OrdinalIgnoreCase)];
            Changed?.Invoke();
            return (added.Length, gone.Count, kept.Count);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            _disposed = true;
            Camera[] all = _cameras;
            _cameras = [];
            await Task.WhenAll(all.Select(camera => camera.DisposeAsync().AsTask())).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }
}
