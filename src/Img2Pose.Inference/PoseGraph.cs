using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// The model's graph with inputs that stay bound to reused memory. Shapes may change from call to call; nothing is bound
/// anew while they do not. Not thread-safe.
/// </summary>
internal sealed unsafe class PoseGraph : PoseNetwork
{
    private static readonly string[] s_outputs = ["proposals", "image_index", "scores", "pose_index", "poses"];

    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _runOptions = new();
    private readonly bool _bindEveryRun;
    private readonly AlignedBuffer _threshold = new(sizeof(float));
    private readonly OrtValue _thresholdValue;
    private AlignedBuffer _image = new(0);
    private AlignedBuffer _sizes = new(0);
    private AlignedBuffer _boxes = new(0);
    private OrtValue? _imageValue;
    private OrtValue? _sizesValue;
    private OrtValue? _boxesValue;
    private (int Count, int Height, int Width) _shape;
    private int _boxCount;
    private bool _useBoxes;
    private bool _bound;

    /// <summary>Takes over the session.</summary>
    /// <param name="session">A session of a model that keeps the contract.</param>
    /// <param name="onCpu">Whether inputs are read where they lie; else they are copied to the device when bound, so each run binds.</param>
    public PoseGraph(InferenceSession session, bool onCpu)
    {
        _session = session;
        _binding = session.CreateIoBinding();
        _bindEveryRun = !onCpu;
        _thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)_threshold.Pointer, sizeof(float));
    }

    /// <summary>The last run's inputs, for what runs the graph in another session.</summary>
    public (OrtValue Image, OrtValue Sizes, OrtValue Threshold) Inputs => (_imageValue!, _sizesValue!, _thresholdValue);

    /// <inheritdoc/>
    public override float ScoreThreshold
    {
        set => *(float*)_threshold.Pointer = value;
    }

    /// <inheritdoc/>
    public override void Shape(int count, int height, int width, out Span<float> image, out Span<long> sizes)
    {
        long values = 3L * count * height * width;
        if (_imageValue is null || _shape != (count, height, width))
        {
            _imageValue?.Dispose();
            _sizesValue?.Dispose();
            (_imageValue, _sizesValue) = (null, null);
            Reserve(ref _image, values * sizeof(float));
            Reserve(ref _sizes, 2L * count * sizeof(long));
            _imageValue = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [count, 3, height, width], (nint)_image.Pointer, values * sizeof(float));
            _sizesValue = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Int64, [count, 2], (nint)_sizes.Pointer, 2L * count * sizeof(long));
            _shape = (count, height, width);
            _bound = false;
        }
        image = new Span<float>(_image.Pointer, checked((int)values));
        sizes = new Span<long>(_sizes.Pointer, 2 * count);
    }

    /// <inheritdoc/>
    public override void UseProposals()
    {
        if (!_useBoxes) return;
        _useBoxes = _bound = false;
    }

    /// <inheritdoc/>
    public override Span<float> UseBoxes(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        if (_boxesValue is null || count != _boxCount)
        {
            _boxesValue?.Dispose();
            _boxesValue = null;
            Reserve(ref _boxes, 5L * count * sizeof(float));
            _boxesValue = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [count, 5], (nint)_boxes.Pointer, 5L * count * sizeof(float));
            _boxCount = count;
            _bound = false;
        }
        if (!_useBoxes) _bound = false;
        _useBoxes = true;
        return new Span<float>(_boxes.Pointer, 5 * count);
    }

    /// <inheritdoc/>
    public override NetworkResults Run()
    {
        if (!_bound || _bindEveryRun) BindInputs();
        // Outputs change their shapes with every picture: bound anew, they are allocated by the library's arena.
        _binding.ClearBoundOutputs();
        foreach (string output in s_outputs) _binding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        _session.RunWithBinding(_runOptions, _binding);
        IDisposableReadOnlyCollection<OrtValue> values = _binding.GetOutputValues();
        return new NetworkResults(
            values[0].GetTensorDataAsSpan<float>(), values[1].GetTensorDataAsSpan<long>(), values[2].GetTensorDataAsSpan<float>(),
            values[3].GetTensorDataAsSpan<long>(), values[4].GetTensorDataAsSpan<float>(), values);
    }

    /// <summary>Ends profiling and returns the profile's path.</summary>
    public string EndProfiling() => _session.EndProfiling();

    /// <inheritdoc/>
    public override void Dispose()
    {
        _binding.Dispose();
        _imageValue?.Dispose();
        _sizesValue?.Dispose();
        _boxesValue?.Dispose();
        _thresholdValue.Dispose();
        _runOptions.Dispose();
        _session.Dispose();
        _image.Dispose();
        _sizes.Dispose();
        _boxes.Dispose();
        _threshold.Dispose();
    }

    private void BindInputs()
    {
        _binding.ClearBoundInputs();
        _binding.BindInput("image", _imageValue!);
        _binding.BindInput("sizes", _sizesValue!);
        _binding.BindInput("score_threshold", _thresholdValue);
        if (_useBoxes) _binding.BindInput("boxes", _boxesValue!);
        _bound = true;
    }

    private static void Reserve(ref AlignedBuffer buffer, long bytes)
    {
        if (buffer.Length >= bytes) return;
        buffer.Dispose();
        buffer = new AlignedBuffer(bytes);
    }
}
