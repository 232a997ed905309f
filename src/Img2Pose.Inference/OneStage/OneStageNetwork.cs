using Img2Pose.Cuda;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference.OneStage;

/// <summary>
/// A one-stage network whose dense part runs on a GPU and whose choosing runs on the processor, on the few cells that can score enough:
/// a kernel picks them, and only they leave the device. What is found above the threshold is what the whole graph finds. Not
/// thread-safe.
/// </summary>
internal sealed unsafe class OneStageNetwork : PoseNetwork
{
    /// <summary>Shapes that are kept: whole pictures and crops of a few sizes, in batches of a few numbers.</summary>
    private const int MostShapes = 24;

    /// <summary>Cells of a picture that are fetched at most; the graph itself looks at no more.</summary>
    private const int MostCells = 400;

    /// <summary>A logit that no threshold lies below, for cells that were left out.</summary>
    private const float Nothing = -1e9f;

    /// <summary>Rounding between the kernel's bound and the graph's sigmoid.</summary>
    private const float Margin = 1e-3f;

    private static readonly string[] s_outputs = ["proposals", "image_index", "scores", "pose_index", "poses"];

    private readonly OneStageParts _parts;
    private readonly InferenceSession _dense;
    private readonly InferenceSession _choosing;
    private readonly CudaQueue _queue;
    private readonly OrtMemoryInfo _memoryInfo;
    private readonly CellSelection _cells;
    private readonly OrtIoBinding _binding;
    private readonly DeviceShapes _shapes;
    private readonly AlignedBuffer _threshold = new(sizeof(float));
    private readonly OrtValue _thresholdValue;
    private readonly List<PinnedBuffer> _host = [];
    private readonly List<OrtValue> _hostValues = [];
    private readonly List<(int Map, int At)> _filled = [];
    private DeviceMaps? _hostOf;
    private bool _isWhole;
    private bool _disposed;

    /// <summary>Takes over the sessions and <paramref name="memoryInfo"/>.</summary>
    /// <param name="parts">The network, cut.</param>
    /// <param name="dense">The dense part, which puts its maps where it is told.</param>
    /// <param name="choosing">The choosing part, on the processor.</param>
    /// <param name="queue">The queue that the dense part runs in.</param>
    /// <param name="memoryInfo">How the dense part's provider calls the memory of the device.</param>
    /// <param name="isFetched">Whether that provider reads the input on the host.</param>
    /// <param name="guard">Ends runs; taken over.</param>
    public OneStageNetwork(
        OneStageParts parts, InferenceSession dense, InferenceSession choosing, CudaQueue queue, OrtMemoryInfo memoryInfo, bool isFetched, RunGuard guard)
    {
        (_parts, _dense, _choosing, _queue, _memoryInfo, Guard) = (parts, dense, choosing, queue, memoryInfo, guard);
        _shapes = new DeviceShapes(dense, parts.Heads, queue, memoryInfo, isFetched, MostShapes, ForgetHostOf);
        _cells = new CellSelection(queue, MostCells);
        _binding = choosing.CreateIoBinding();
        _thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)_threshold.Pointer, sizeof(float));
    }

    /// <inheritdoc/>
    public override RunGuard Guard { get; }

    /// <summary>Runs whose maps came to the host whole, since too many cells were asked for.</summary>
    internal long WholeFetches { get; private set; }

    /// <inheritdoc/>
    public override NetworkInput Shape(int count, int height, int width)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _shapes.Shape(count, height, width);
    }

    /// <inheritdoc/>
    public override void Run(in NetworkRequest request, NetworkResults results)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        DeviceMaps maps = _shapes.Run(Guard.Options);
        ReserveHost(maps);
        int boxes = request.Boxes.Length / 5;
        // Given boxes are posed at cells of any score, and so is everything where no score is too low.
        if (boxes > 0 || !(request.ScoreThreshold > 0) || !_parts.IsScoreFirst || !TryFetchCells(maps, request.ScoreThreshold)) FetchMaps(maps);
        *(float*)_threshold.Pointer = request.ScoreThreshold;
        fixed (float* given = request.Boxes.Span)
        {
            using OrtValue? boxValue = boxes == 0 ? null : OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [boxes, 5], (nint)given, 5L * boxes * sizeof(float));
            _binding.ClearBoundInputs();
            _binding.ClearBoundOutputs();
            _binding.BindInput("sizes", maps.Input.SizesValue);
            _binding.BindInput("score_threshold", _thresholdValue);
            if (boxValue is not null) _binding.BindInput("boxes", boxValue);
            for (int i = 0; i < _parts.Heads.Length; i++) _binding.BindInput(_parts.Heads[i], _hostValues[i]);
            foreach (string output in s_outputs) _binding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
            _choosing.RunWithBinding(Guard.Options, _binding);
            using IDisposableReadOnlyCollection<OrtValue> values = _binding.GetOutputValues();
            results.Set(
                values[0].GetTensorDataAsSpan<float>(), values[1].GetTensorDataAsSpan<long>(), values[2].GetTensorDataAsSpan<float>(),
                values[3].GetTensorDataAsSpan<long>(), values[4].GetTensorDataAsSpan<float>());
        }
    }

    /// <inheritdoc/>
    public override void Trim()
    {
        ForgetHost();
        _shapes.Clear();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> EndProfiling() => [_dense.EndProfiling(), _choosing.EndProfiling()];

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _binding.Dispose();
        ForgetHost();
        _shapes.Dispose();
        _cells.Dispose();
        _thresholdValue.Dispose();
        Guard.Dispose();
        _choosing.Dispose();
        _dense.Dispose();
        _memoryInfo.Dispose();
        _threshold.Dispose();
    }

    private void ForgetHostOf(DeviceMaps maps)
    {
        if (_hostOf == maps) ForgetHost();
    }

    /// <summary>Maps on the host of the shape at hand, in which no cell scores anything.</summary>
    private void ReserveHost(DeviceMaps maps)
    {
        if (_hostOf == maps)
        {
            if (_isWhole) Blank(maps);
            foreach ((int map, int at) in _filled) MapOf(map)[at] = Nothing;
            _filled.Clear();
            return;
        }
        ForgetHost();
        for (int i = 0; i < maps.Shapes.Count; i++)
        {
            PinnedBuffer memory = new(_queue.Device, checked((int)maps.BytesOf(i)));
            _host.Add(memory);
            _hostValues.Add(OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, maps.Shapes[i], memory.Address, memory.Length));
        }
        _hostOf = maps;
        Blank(maps);
    }

    private void Blank(DeviceMaps maps)
    {
        for (int i = 0; i < _host.Count; i++)
        {
            Span<float> map = MapOf(i);
            map.Clear();
            int cells = (int)(maps.Shapes[i][2] * maps.Shapes[i][3]), values = (int)maps.Shapes[i][1];
            for (int picture = 0; picture < maps.Shapes[i][0]; picture++) map.Slice(picture * values * cells, cells).Fill(Nothing);
        }
        _filled.Clear();
        _isWhole = false;
    }

    private void ForgetHost()
    {
        _hostValues.ForEach(value => value.Dispose());
        _host.ForEach(memory => memory.Dispose());
        _hostValues.Clear();
        _host.Clear();
        _filled.Clear();
        _hostOf = null;
    }

    /// <summary>Fetches the cells that can score more than the threshold; false where there are too many.</summary>
    private bool TryFetchCells(DeviceMaps maps, float threshold)
    {
        int levels = maps.Shapes.Count, values = (int)maps.Shapes[0][1], pictures = (int)maps.Shapes[0][0];
        if (levels > CellSelection.MostLevels) return false;
        Span<nint> addressRoom = stackalloc nint[CellSelection.MostLevels];
        Span<int> cellRoom = stackalloc int[CellSelection.MostLevels];
        Span<nint> addresses = addressRoom[..levels];
        Span<int> cells = cellRoom[..levels];
        for (int i = 0; i < levels; i++)
        {
            if (maps.Shapes[i][0] != pictures || maps.Shapes[i][1] != values) return false;
            (addresses[i], cells[i]) = (maps.Addresses[i], (int)(maps.Shapes[i][2] * maps.Shapes[i][3]));
        }
        float least = (float)_parts.LeastLogit(threshold) - Margin;
        if (!_cells.Select(addresses, cells, pictures, values, least)) return false;
        for (int picture = 0; picture < pictures; picture++)
        {
            for (int i = 0; i < _cells.CountOf(picture); i++)
            {
                int cell = _cells.CellOf(picture, i, out ReadOnlySpan<float> found), level = 0;
                for (; level < levels - 1 && cell >= cells[level]; level++) cell -= cells[level];
                Span<float> map = MapOf(level);
                int at = picture * values * cells[level] + cell;
                for (int value = 0; value < values; value++) map[at + value * cells[level]] = found[value];
                _filled.Add((level, at));
            }
        }
        return true;
    }

    private void FetchMaps(DeviceMaps maps)
    {
        WholeFetches++;
        for (int i = 0; i < _host.Count; i++) _queue.Download(maps.MemoryOf(i), 0, _host[i], 0, _host[i].Length);
        _queue.Synchronize();
        // The next run begins with blank maps again.
        _isWhole = true;
    }

    private Span<float> MapOf(int map) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(_host[map].Bytes);
}
