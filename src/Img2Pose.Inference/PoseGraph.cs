using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// The model's graph as it is, with inputs that stay bound to reused memory: nothing is bound anew while shapes do not change.
/// Not thread-safe.
/// </summary>
internal sealed unsafe class PoseGraph : PoseNetwork
{
    private static readonly string[] s_outputs = ["proposals", "image_index", "scores", "pose_index", "poses"];

    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly bool _bindEveryRun;
    private readonly NetworkInput _input;
    private readonly AlignedBuffer _threshold = new(sizeof(float));
    private readonly OrtValue _thresholdValue;
    private AlignedBuffer _boxes = new(0);
    private OrtValue? _boxesValue;
    private int _boxCount;
    private int _boundBoxes = -1;
    private bool _disposed;

    /// <summary>Takes over the session.</summary>
    /// <param name="session">A session of a model that keeps the contract.</param>
    /// <param name="onCpu">Whether inputs are read where they lie; else they are copied to the device when bound, so each run binds.</param>
    /// <param name="guard">Ends runs; taken over. Null for none that is told to stop.</param>
    /// <param name="input">Where its input lies; taken over. Null: host memory.</param>
    public PoseGraph(InferenceSession session, bool onCpu, RunGuard? guard = null, NetworkInput? input = null)
    {
        _input = input ?? new NetworkInput();
        _session = session;
        Guard = guard ?? new RunGuard(RunGuard.TimeLimit, CancellationToken.None);
        _binding = session.CreateIoBinding();
        _bindEveryRun = !onCpu;
        _thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)_threshold.Pointer, sizeof(float));
    }

    /// <inheritdoc/>
    public override RunGuard Guard { get; }

    /// <summary>The last run's inputs, for what runs the graph in another session.</summary>
    public (OrtValue Image, OrtValue Sizes, OrtValue Threshold) Inputs => (_input.ImageValue, _input.SizesValue, _thresholdValue);

    /// <inheritdoc/>
    public override NetworkInput Shape(int count, int height, int width)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_input.Shape(count, height, width)) _boundBoxes = -1;
        return _input;
    }

    /// <inheritdoc/>
    public override void Run(in NetworkRequest request, NetworkResults results)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        *(float*)_threshold.Pointer = request.ScoreThreshold;
        int boxes = request.Boxes.Length / 5;
        if (boxes > 0) SetBoxes(request.Boxes.Span, boxes);
        if (_boundBoxes != boxes || _bindEveryRun) BindInputs(boxes);
        // Outputs change their shapes with every picture: bound anew, they are allocated by the library's arena.
        _binding.ClearBoundOutputs();
        foreach (string output in s_outputs) _binding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        _input.Fetch();
        _session.RunWithBinding(Guard.Options, _binding);
        // What is computed on a device may still be on its way.
        if (_bindEveryRun) _binding.SynchronizeBoundOutputs();
        using IDisposableReadOnlyCollection<OrtValue> values = _binding.GetOutputValues();
        results.Set(
            values[0].GetTensorDataAsSpan<float>(), values[1].GetTensorDataAsSpan<long>(), values[2].GetTensorDataAsSpan<float>(),
            values[3].GetTensorDataAsSpan<long>(), values[4].GetTensorDataAsSpan<float>());
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> EndProfiling() => [_session.EndProfiling()];

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _binding.Dispose();
        _input.Dispose();
        _boxesValue?.Dispose();
        _thresholdValue.Dispose();
        Guard.Dispose();
        _session.Dispose();
        _boxes.Dispose();
        _threshold.Dispose();
    }

    private void SetBoxes(ReadOnlySpan<float> boxes, int count)
    {
        if (_boxesValue is null || count != _boxCount)
        {
            _boxesValue?.Dispose();
            _boxesValue = null;
            AlignedBuffer.Reserve(ref _boxes, 5L * count * sizeof(float));
            _boxesValue = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [count, 5], (nint)_boxes.Pointer, 5L * count * sizeof(float));
            _boxCount = count;
            _boundBoxes = -1;
        }
        boxes[..(5 * count)].CopyTo(new Span<float>(_boxes.Pointer, 5 * count));
    }

    private void BindInputs(int boxes)
    {
        _binding.ClearBoundInputs();
        _binding.BindInput("image", _input.ImageValue);
        _binding.BindInput("sizes", _input.SizesValue);
        _binding.BindInput("score_threshold", _thresholdValue);
        if (boxes > 0) _binding.BindInput("boxes", _boxesValue!);
        _boundBoxes = boxes;
    }
}
