using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference.TwoStage;

/// <summary>Time that the parts of the last run took.</summary>
internal readonly record struct TwoStageTimes(TimeSpan Dense, TimeSpan Proposals, TimeSpan Pooling, TimeSpan Heads);

/// <summary>
/// A two-stage network cut at its proposals: backbone, pyramid and proposal head in ONNX Runtime, selection and pooling
/// here, the region heads in ONNX Runtime again. The same numbers as the whole graph's up to rounding, sooner.
/// </summary>
internal sealed unsafe class TwoStageNetwork : PoseNetwork, IProposing
{
    private static readonly string[] s_results = ["scores", "pose_index", "poses"];

    private readonly ModelPackage _model;
    private TwoStageLayout _layout;
    private ProposalSelection _selection;
    private readonly RegionPooling _pooling;
    private readonly DensePart _proposing;
    private readonly InferenceSession _heads;
    private readonly OrtIoBinding _headBinding;
    private readonly NetworkInput _input;
    private readonly AlignedBuffer _threshold = new(sizeof(float));
    private readonly OrtValue _thresholdValue;
    private readonly int _threads;
    private DensePart? _features;
    private AlignedBuffer _pooled = new(0);
    private AlignedBuffer _rows = new(0);
    private float[] _proposals = [];
    private long[] _pictures = [];
    private OrtValue? _pooledValue;
    private OrtValue? _rowsValue;
    private (int Count, int Length) _headShape;
    private bool _disposed;

    private TwoStageNetwork(ModelPackage model, TwoStageLayout layout, InferenceSession dense, InferenceSession heads, int threads, RunGuard guard, NetworkInput input)
    {
        _input = input;
        (_model, _layout, _heads, _threads, Guard) = (model, layout, heads, threads, guard);
        _proposing = new DensePart(dense, [.. layout.Objectness, .. layout.Deltas, .. layout.Levels.Select(OnnxParts.ChannelsLast)]);
        _headBinding = heads.CreateIoBinding();
        _selection = new ProposalSelection(layout);
        _pooling = new RegionPooling(layout, threads);
        _thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)_threshold.Pointer, sizeof(float));
    }

    /// <inheritdoc/>
    public override RunGuard Guard { get; }

    /// <summary>Times of the last run.</summary>
    public TwoStageTimes Times { get; private set; }

    /// <summary>The last run's input, for what runs a part alone.</summary>
    public OrtValue Image => _input.ImageValue;

    /// <summary>The last run's pooled regions, and the row of each proposal.</summary>
    public (OrtValue Pooled, OrtValue RowOf, OrtValue Threshold) HeadInputs => (_pooledValue!, _rowsValue!, _thresholdValue);

    /// <summary>Loads a model; null where it is not a two-stage network of this program's builder.</summary>
    /// <exception cref="OnnxRuntimeException">ONNX Runtime cannot load a part.</exception>
    /// <exception cref="ModelException">The file cannot be read.</exception>
    public static TwoStageNetwork? TryCreate(ModelPackage model, SessionOptions options, int threads, RunGuard? guard = null, NetworkInput? input = null)
    {
        TwoStageNetwork? network = Load(model, options, threads, guard ?? new RunGuard(RunGuard.TimeLimit, CancellationToken.None), input ?? new NetworkInput());
        // The sessions have copied the weights: without this their bytes would count against the first frames' memory.
        if (network is not null) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        return network;
    }

    /// <inheritdoc/>
    public void LimitProposals(int? before, int? after)
    {
        _layout = _layout with { Before = before ?? _layout.Before, After = after ?? _layout.After };
        _selection = new ProposalSelection(_layout);
    }

    /// <summary>What the heads put out.</summary>
    internal static ReadOnlySpan<string> Results => s_results;

    /// <summary>The part up to the pyramid and <paramref name="outputs"/>.</summary>
    internal static byte[] DenseModel(OnnxParts parts, TwoStageLayout layout, string[] outputs) =>
        parts.Extract([], Array.ConvertAll(outputs, name => (name, (int)TensorElementType.Float)), layout.Levels);

    /// <summary>The part from pooled regions on.</summary>
    internal static byte[] HeadModel(OnnxParts parts) => parts.Extract(
        [(TwoStageLayout.Pooled, (int)TensorElementType.Float), (TwoStageLayout.RowOf, (int)TensorElementType.Int64)],
        [(s_results[0], (int)TensorElementType.Float), (s_results[1], (int)TensorElementType.Int64), (s_results[2], (int)TensorElementType.Float)], []);

    /// <inheritdoc/>
    public override NetworkInput Shape(int count, int height, int width)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _input.Shape(count, height, width);
        return _input;
    }

    /// <inheritdoc/>
    public override void Run(in NetworkRequest request, NetworkResults results)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        *(float*)_threshold.Pointer = request.ScoreThreshold;
        bool given = request.Boxes.Length > 0;
        _input.Fetch();
        long start = Stopwatch.GetTimestamp();
        // Given boxes need no proposal head; the part without it is loaded when it is first used.
        DensePart dense = given ? _features ??= OpenFeatures() : _proposing;
        ReadOnlySpan<FeatureMap> maps = dense.Run(_input.ImageValue, Guard.Options);
        RequireBatch(maps);
        long densed = Stopwatch.GetTimestamp();
        int count = given ? TakeGiven(request.Boxes.Span) : Propose(maps);
        long proposed = Stopwatch.GetTimestamp();
        if (count == 0)
        {
            Times = new TwoStageTimes(Stopwatch.GetElapsedTime(start, densed), Stopwatch.GetElapsedTime(densed, proposed), default, default);
            results.Clear();
            return;
        }
        ReadOnlySpan<FeatureMap> levels = maps[^_layout.Levels.Length..];
        ShapeHeads(count, (long)levels[0].Channels * _layout.PooledSide * _layout.PooledSide);
        fixed (float* boxes = _proposals)
        fixed (long* pictures = _pictures)
            _pooling.Pool(levels, boxes, pictures, count, (float*)_pooled.Pointer);
        long pooled = Stopwatch.GetTimestamp();
        _headBinding.ClearBoundOutputs();
        foreach (string output in s_results) _headBinding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        _heads.RunWithBinding(Guard.Options, _headBinding);
        using IDisposableReadOnlyCollection<OrtValue> values = _headBinding.GetOutputValues();
        Times = new TwoStageTimes(
            Stopwatch.GetElapsedTime(start, densed), Stopwatch.GetElapsedTime(densed, proposed), Stopwatch.GetElapsedTime(proposed, pooled),
            Stopwatch.GetElapsedTime(pooled));
        results.Set(
            _proposals.AsSpan(0, 4 * count), _pictures.AsSpan(0, count), values[0].GetTensorDataAsSpan<float>(),
            values[1].GetTensorDataAsSpan<long>(), values[2].GetTensorDataAsSpan<float>());
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _proposing.Dispose();
        _features?.Dispose();
        _headBinding.Dispose();
        _heads.Dispose();
        _pooling.Dispose();
        _input.Dispose();
        _pooledValue?.Dispose();
        _rowsValue?.Dispose();
        _thresholdValue.Dispose();
        Guard.Dispose();
        _pooled.Dispose();
        _rows.Dispose();
        _threshold.Dispose();
    }

    private static TwoStageNetwork? Load(ModelPackage model, SessionOptions options, int threads, RunGuard guard, NetworkInput input)
    {
        OnnxParts parts = OnnxParts.Open(model);
        if (TwoStageLayout.TryRead(parts) is not { } layout) return null;
        InferenceSession dense = new(DenseModel(parts, layout, [.. layout.Objectness, .. layout.Deltas]), options);
        try
        {
            return new TwoStageNetwork(model, layout, dense, new InferenceSession(HeadModel(parts), options), threads, guard, input);
        }
        catch
        {
            dense.Dispose();
            throw;
        }
    }

    private DensePart OpenFeatures()
    {
        OnnxParts parts = OnnxParts.Open(_model);
        using SessionOptions options = InferenceDevice.CreateOptions(_threads);
        return new DensePart(new InferenceSession(DenseModel(parts, _layout, []), options), [.. _layout.Levels.Select(OnnxParts.ChannelsLast)]);
    }

    // Every map is of the batch that was put in.
    private void RequireBatch(ReadOnlySpan<FeatureMap> maps)
    {
        foreach (FeatureMap map in maps)
        {
            if (map.Count != _input.Count) throw new NetworkOutputException($"the network gave maps of {map.Count} pictures for {_input.Count}");
        }
    }

    private int TakeGiven(ReadOnlySpan<float> given)
    {
        int count = given.Length / 5;
        Reserve(count);
        for (int i = 0; i < count; i++)
        {
            _pictures[i] = (long)given[5 * i];
            given.Slice(5 * i + 1, 4).CopyTo(_proposals.AsSpan(4 * i));
        }
        return count;
    }

    private int Propose(ReadOnlySpan<FeatureMap> maps)
    {
        int levels = _layout.Objectness.Length, count = 0;
        for (int picture = 0; picture < _input.Count; picture++)
        {
            int found = _selection.Select(
                maps[..levels], maps.Slice(levels, levels), picture, (int)_input.Sizes[2 * picture + 1], (int)_input.Sizes[2 * picture], _input.Width, _input.Height);
            Reserve(count + found);
            _selection.Boxes.AsSpan(0, 4 * found).CopyTo(_proposals.AsSpan(4 * count));
            _pictures.AsSpan(count, found).Fill(picture);
            count += found;
        }
        return count;
    }

    private void Reserve(int count)
    {
        if (_pictures.Length >= count) return;
        Array.Resize(ref _pictures, count);
        Array.Resize(ref _proposals, 4 * count);
    }

    /// <summary>Numbers of a pooled region, where so many of them keep to the limit of memory.</summary>
    /// <exception cref="NetworkOutputException">They do not.</exception>
    internal static int RequireRoom(int count, long values)
    {
        int length = values <= int.MaxValue ? (int)values : 0;
        if (length == 0 || (long)count * length > OnnxRuntimeLibrary.MemoryLimit / sizeof(float))
            throw new NetworkOutputException($"{count} regions of {values} numbers are above the limit of {OnnxRuntimeLibrary.MemoryLimit >> 20} MiB; keep fewer proposals");
        return length;
    }

    private void ShapeHeads(int count, long values)
    {
        int length = RequireRoom(count, values);
        if (_headShape == (count, length)) return;
        _pooledValue?.Dispose();
        _rowsValue?.Dispose();
        (_pooledValue, _rowsValue, _headShape) = (null, null, default);
        long bytes = (long)count * length * sizeof(float);
        AlignedBuffer.Reserve(ref _pooled, bytes);
        AlignedBuffer.Reserve(ref _rows, (long)count * sizeof(long));
        // Regions are pooled in the proposals' order.
        for (int i = 0; i < count; i++) ((long*)_rows.Pointer)[i] = i;
        _pooledValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [count, length], (nint)_pooled.Pointer, bytes);
        _rowsValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Int64, [count], (nint)_rows.Pointer, (long)count * sizeof(long));
        _headBinding.ClearBoundInputs();
        _headBinding.BindInput(TwoStageLayout.Pooled, _pooledValue);
        _headBinding.BindInput(TwoStageLayout.RowOf, _rowsValue);
        _headBinding.BindInput("score_threshold", _thresholdValue);
        _headShape = (count, length);
    }
}
