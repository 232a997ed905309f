using Img2Pose.Cuda;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference.OneStage;

/// <summary>
/// The dense part of a network for inputs of the shapes that were used last, each with maps of its own (<see cref="DeviceMaps"/>). Not
/// thread-safe.
/// </summary>
/// <param name="dense">The dense part; stays the caller's, and outlives this.</param>
/// <param name="outputs">Its outputs.</param>
/// <param name="queue">The queue that it runs in.</param>
/// <param name="memoryInfo">How its provider calls the memory of the device; stays the caller's.</param>
/// <param name="isFetched">Whether that provider reads the input on the host.</param>
/// <param name="most">Shapes that are kept at most.</param>
/// <param name="forgetting">Told of maps before they are freed for others; null: nobody.</param>
internal sealed class DeviceShapes(
    InferenceSession dense, string[] outputs, CudaQueue queue, OrtMemoryInfo memoryInfo, bool isFetched, int most, Action<DeviceMaps>? forgetting = null) : IDisposable
{
    private readonly Dictionary<(int Count, int Height, int Width), (DeviceMaps Maps, int Graph)> _shapes = [];
    private DeviceMaps? _current;
    private int _graph;
    private int _graphs;
    private int _recorded;
    private long _runs;

    /// <summary>Chooses the shape of the next run.</summary>
    /// <param name="count">Pictures.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <returns>The input to fill.</returns>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public NetworkInput Shape(int count, int height, int width)
    {
        if (!_shapes.TryGetValue((count, height, width), out (DeviceMaps Maps, int Graph) known))
        {
            if (_shapes.Count == most) ForgetOldest();
            known = (new DeviceMaps(dense, outputs, queue, memoryInfo, isFetched, (count, height, width)), ++_graphs);
            _shapes.Add((count, height, width), known);
        }
        (_current, _graph) = known;
        _current.LastUse = ++_runs;
        return _current.Input;
    }

    /// <summary>Runs the part on the input of the shape at hand.</summary>
    /// <param name="options">The network's own, the same at every call: they say what the provider records.</param>
    /// <returns>Input and maps of the run.</returns>
    /// <exception cref="InvalidOperationException">No shape was chosen.</exception>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    /// <exception cref="NetworkOutputException">A map is none.</exception>
    public DeviceMaps Run(RunOptions options)
    {
        DeviceMaps maps = _current ?? throw new InvalidOperationException("The input has no shape.");
        maps.Run(options, _graph, ref _recorded);
        return maps;
    }

    /// <summary>Frees the maps of all shapes.</summary>
    public void Clear()
    {
        foreach ((DeviceMaps maps, _) in _shapes.Values) maps.Dispose();
        _shapes.Clear();
        _current = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void ForgetOldest()
    {
        (int, int, int) oldest = _shapes.MinBy(shape => shape.Value.Maps.LastUse).Key;
        DeviceMaps maps = _shapes[oldest].Maps;
        _shapes.Remove(oldest);
        forgetting?.Invoke(maps);
        maps.Dispose();
    }
}
