using Img2Pose.Cuda;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Inference.OneStage;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference.TwoStage;

/// <summary>
/// A two-stage network on a GPU, cut at its proposals as <see cref="TwoStageNetwork"/> is on the processor: the dense part and the heads are
/// ONNX Runtime's, the choice of proposals and the pooling are kernels between them, in one queue. Maps and regions stay on the device;
/// scores come back, and boxes and poses of those above the threshold. Not thread-safe.
/// </summary>
internal sealed unsafe class DeviceTwoStageNetwork : PoseNetwork, IProposing
{
    /// <summary>Shapes of inputs whose maps are kept: a pyramid takes tens of megabytes a picture.</summary>
    private const int MostShapes = 4;

    // What the pooling kernel takes.
    private const int MostLevels = 4, MostSamples = 4;

    private readonly InferenceSession _dense;
    private readonly InferenceSession _heads;
    private readonly CudaQueue _queue;
    private readonly OrtMemoryInfo _memoryInfo;
    private readonly bool _isFetched;
    private readonly OrtIoBinding _headBinding;
    private readonly DeviceShapes _shapes;
    private readonly AlignedBuffer _threshold = new(sizeof(float));
    private readonly OrtValue _thresholdValue;
    private TwoStageLayout _layout;
    private DeviceProposals _proposals;
    private DeviceBuffer? _pooled;
    private AlignedBuffer _rows = new(0);
    private OrtValue? _pooledValue;
    private OrtValue? _rowsValue;
    private (int Count, int Length) _headShape;
    private long[] _pictures = [];
    private float[] _boxes = [];
    private bool _disposed;

    /// <summary>Takes over the sessions, <paramref name="memoryInfo"/> and <paramref name="guard"/>.</summary>
    /// <param name="layout">What stands between the parts; one that <see cref="Takes"/> is true of.</param>
    /// <param name="dense">The dense part, which puts its maps where it is told.</param>
    /// <param name="heads">The region heads, likewise.</param>
    /// <param name="queue">The queue that all of it runs in.</param>
    /// <param name="memoryInfo">How the sessions' provider calls the memory of the device.</param>
    /// <param name="isFetched">Whether that provider reads on the host, where the emulated device's memory is, too.</param>
    /// <param name="guard">Ends runs.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed; nothing was taken over.</exception>
    public DeviceTwoStageNetwork(
        TwoStageLayout layout, InferenceSession dense, InferenceSession heads, CudaQueue queue, OrtMemoryInfo memoryInfo, bool isFetched, RunGuard guard)
    {
        _proposals = Choose(queue, layout);
        (_layout, _dense, _heads, _queue, _memoryInfo, _isFetched, Guard) = (layout, dense, heads, queue, memoryInfo, isFetched, guard);
        _shapes = new DeviceShapes(dense, MapsOf(layout), queue, memoryInfo, isFetched, MostShapes);
        _headBinding = heads.CreateIoBinding();
        _thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)_threshold.Pointer, sizeof(float));
    }

    /// <inheritdoc/>
    public override RunGuard Guard { get; }

    /// <summary>Whether the kernels do what a layout says.</summary>
    public static bool Takes(TwoStageLayout layout) =>
        layout.Levels.Length <= MostLevels && layout.Samples <= MostSamples && layout.Before <= DeviceProposals.MostBefore;

    /// <summary>The dense part as a model: its outputs are <see cref="MapsOf"/>.</summary>
    public static byte[] DenseModel(OnnxParts parts, TwoStageLayout layout) => TwoStageNetwork.DenseModel(parts, layout, [.. layout.Objectness, .. layout.Deltas]);

    /// <inheritdoc/>
    public void LimitProposals(int? before, int? after)
    {
        TwoStageLayout limited = _layout with { Before = before ?? _layout.Before, After = after ?? _layout.After };
        if (!Takes(limited)) throw new UsageException($"On a GPU at most {DeviceProposals.MostBefore} candidates of a level can be compared, not {limited.Before}.");
        DeviceProposals proposals = Choose(_queue, limited);
        _proposals.Dispose();
        (_proposals, _layout) = (proposals, limited);
    }

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
        RequireFit(maps);
        if (request.Boxes.Length > 0) Give(request.Boxes.Span, maps.Input.Count);
        else Propose(maps);
        int count = _proposals.Count;
        if (count == 0)
        {
            results.Clear();
            return;
        }
        int first = 2 * _layout.Objectness.Length, channels = checked((int)maps.Shapes[first][3]);
        ShapeHeads(count, (long)channels * _layout.PooledSide * _layout.PooledSide);
        _queue.PoolRegions(Pooling(maps, first, channels), count);
        // The heads are behind the pooling in the queue, but where they are the processor's.
        if (_isFetched) _queue.Synchronize();
        *(float*)_threshold.Pointer = request.ScoreThreshold;
        // What lies on the host is copied to the device when it is bound.
        _headBinding.ClearBoundInputs();
        _headBinding.ClearBoundOutputs();
        _headBinding.BindInput(TwoStageLayout.Pooled, _pooledValue!);
        _headBinding.BindInput(TwoStageLayout.RowOf, _rowsValue!);
        _headBinding.BindInput("score_threshold", _thresholdValue);
        foreach (string output in TwoStageNetwork.Results) _headBinding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        _heads.RunWithBinding(Guard.Options, _headBinding);
        _headBinding.SynchronizeBoundOutputs();
        using IDisposableReadOnlyCollection<OrtValue> values = _headBinding.GetOutputValues();
        ReadOnlySpan<long> posed = values[1].GetTensorDataAsSpan<long>();
        foreach (long row in posed)
        {
            if (row < 0 || row >= count) throw new NetworkOutputException($"the network gave a pose for proposal {row} of {count}");
        }
        // The boxes of the others are nobody's business, and most of what would come down.
        _proposals.Fetch(posed);
        results.Set(
            _proposals.Boxes, _pictures.AsSpan(0, count), values[0].GetTensorDataAsSpan<float>(), posed,
            values[2].GetTensorDataAsSpan<float>());
    }

    /// <inheritdoc/>
    public override void Trim()
    {
        _shapes.Clear();
        _pooledValue?.Dispose();
        _rowsValue?.Dispose();
        (_pooledValue, _rowsValue, _headShape) = (null, null, default);
        _pooled?.Dispose();
        _pooled = null;
        _proposals.Trim();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> EndProfiling() => [_dense.EndProfiling(), _heads.EndProfiling()];

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _headBinding.Dispose();
        _pooledValue?.Dispose();
        _rowsValue?.Dispose();
        _thresholdValue.Dispose();
        _shapes.Dispose();
        _proposals.Dispose();
        Guard.Dispose();
        _heads.Dispose();
        _dense.Dispose();
        // After the sessions, which may have work in the queue that reads it.
        _pooled?.Dispose();
        _memoryInfo.Dispose();
        _rows.Dispose();
        _threshold.Dispose();
    }

    /// <summary>The maps that the dense part puts out: scores, moves, and the pyramid with its channels last.</summary>
    private static string[] MapsOf(TwoStageLayout layout) => [.. layout.Objectness, .. layout.Deltas, .. layout.Levels.Select(OnnxParts.ChannelsLast)];

    private static DeviceProposals Choose(CudaQueue queue, TwoStageLayout layout) => new(
        queue, new ProposalRules(layout.Anchors, layout.Before, layout.After, layout.SuppressionThreshold, layout.Shifted, ProposalSelection.DeltaLimit));

    // The maps' sides decide what the kernels read of them, and of the anchors.
    private void RequireFit(DeviceMaps maps)
    {
        int levels = _layout.Objectness.Length, count = maps.Input.Count;
        for (int i = 0; i < levels; i++)
        {
            long[] scores = maps.Shapes[i], moves = maps.Shapes[levels + i];
            int shapes = _layout.Anchors[i].Length / 4;
            if (scores[0] != count || moves[0] != count || scores[1] != shapes || moves[1] != 4L * shapes || scores[2] != moves[2] || scores[3] != moves[3])
            {
                throw new NetworkOutputException(
                    $"the network's maps of level {i} do not fit together: {string.Join('×', scores)} scores, {string.Join('×', moves)} moves, {shapes} anchors");
            }
        }
        for (int i = 0; i < _layout.Levels.Length; i++)
        {
            long[] level = maps.Shapes[2 * levels + i];
            if (level[0] != count) throw new NetworkOutputException($"the network gave maps of {level[0]} pictures for {count}");
            if (level[3] != maps.Shapes[2 * levels][3]) throw new NetworkOutputException("the network's levels differ in their channels");
        }
    }

    private void Propose(DeviceMaps maps)
    {
        int levels = _layout.Objectness.Length;
        Span<ProposalMaps> heads = stackalloc ProposalMaps[16];
        for (int i = 0; i < levels; i++)
            heads[i] = new ProposalMaps(maps.Addresses[i], maps.Addresses[levels + i], (int)maps.Shapes[i][3], (int)maps.Shapes[i][2]);
        NetworkInput input = maps.Input;
        _proposals.Select(heads[..levels], input.Sizes, input.Width, input.Height);
        Reserve(_proposals.Count);
        for (int picture = 0, at = 0; picture < input.Count; picture++)
        {
            int found = _proposals.CountOf(picture);
            _pictures.AsSpan(at, found).Fill(picture);
            at += found;
        }
    }

    private void Give(ReadOnlySpan<float> given, int pictures)
    {
        int count = given.Length / 5;
        Reserve(count);
        for (int i = 0; i < count; i++)
        {
            _pictures[i] = (long)given[5 * i];
            if (_pictures[i] < 0 || _pictures[i] >= pictures) throw new NetworkOutputException($"a box is in picture {_pictures[i]} of {pictures}");
            given.Slice(5 * i + 1, 4).CopyTo(_boxes.AsSpan(4 * i));
        }
        _proposals.Give(_boxes.AsSpan(0, 4 * count), _pictures.AsSpan(0, count));
    }

    private void Reserve(int count)
    {
        if (_pictures.Length >= count) return;
        Array.Resize(ref _pictures, count);
        Array.Resize(ref _boxes, 4 * count);
    }

    private PoolParameters Pooling(DeviceMaps maps, int first, int channels)
    {
        Span<RegionMap> levels = stackalloc RegionMap[MostLevels];
        levels.Clear();
        for (int i = 0; i < _layout.Levels.Length; i++)
        {
            levels[i] = new RegionMap
            {
                Data = maps.Addresses[first + i],
                Width = (int)maps.Shapes[first + i][2],
                Height = (int)maps.Shapes[first + i][1],
                Scale = _layout.Scales[i],
            };
        }
        ReadOnlySpan<float> thresholds = _layout.LevelThresholds;
        return new PoolParameters
        {
            Levels = new Quadruple<RegionMap> { First = levels[0], Second = levels[1], Third = levels[2], Fourth = levels[3] },
            Boxes = _proposals.BoxAddress,
            Pictures = _proposals.PictureAddress,
            Rows = _pooled!.Address,
            Thresholds = new Quadruple<float> { First = At(thresholds, 0), Second = At(thresholds, 1), Third = At(thresholds, 2) },
            CanonicalSize = _layout.CanonicalSize,
            LevelCount = _layout.Levels.Length,
            Channels = channels,
            Side = _layout.PooledSide,
            Samples = _layout.Samples,
        };

        static float At(ReadOnlySpan<float> list, int index) => index < list.Length ? list[index] : 0;
    }

    private void ShapeHeads(int count, long values)
    {
        int length = TwoStageNetwork.RequireRoom(count, values);
        if (_headShape == (count, length)) return;
        _pooledValue?.Dispose();
        _rowsValue?.Dispose();
        (_pooledValue, _rowsValue, _headShape) = (null, null, default);
        long bytes = (long)count * length * sizeof(float);
        if (_pooled is null || _pooled.Length < bytes)
        {
            _pooled?.Dispose();
            _pooled = null;
            _pooled = new DeviceBuffer(_queue.Device, bytes);
        }
        AlignedBuffer.Reserve(ref _rows, (long)count * sizeof(long));
        // Regions are pooled in the proposals' order.
        for (int i = 0; i < count; i++) ((long*)_rows.Pointer)[i] = i;
        _pooledValue = OrtValue.CreateTensorValueWithData(_memoryInfo, TensorElementType.Float, [count, length], _pooled.Address, bytes);
        _rowsValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Int64, [count], (nint)_rows.Pointer, (long)count * sizeof(long));
        _headShape = (count, length);
    }
}
