using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// The model's graph with inputs that stay bound to reused memory. Shapes may change from call to call; nothing is bound
/// anew while they do not. Not thread-safe.
/// </summary>
internal sealed unsafe class PoseGraph : IDisposable
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

    /// <summary>Poses are computed for proposals with a score above this.</summary>
    public float ScoreThreshold
    {
        set => *(float*)_threshold.Pointer = value;
    }

    /// <summary>Sets the shape of the next run's input and returns it: 3 planes a picture, and height and width of each before padding.</summary>
    public void Shape(int count, int height, int width, out Span<float> image, out Span<long> sizes)
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

    /// <summary>Lets the next runs make their own proposals.</summary>
    public void UseProposals()
    {
        if (!_useBoxes) return;
        _useBoxes = _bound = false;
    }

    /// <summary>Sets the boxes that take the place of proposals, and returns them: picture index, left, top, right, bottom each.</summary>
    public Span<float> UseBoxes(int count)
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

    /// <summary>Runs the graph; the caller disposes of the results before the next run.</summary>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    public Results Run()
    {
        if (!_bound || _bindEveryRun) BindInputs();
        // Outputs change their shapes with every picture: bound anew, they are allocated by the library's arena.
        _binding.ClearBoundOutputs();
        foreach (string output in s_outputs) _binding.BindOutputToDevice(output, OrtMemoryInfo.DefaultInstance);
        _session.RunWithBinding(_runOptions, _binding);
        return new Results(_binding.GetOutputValues());
    }

    /// <summary>Ends profiling and returns the profile's path.</summary>
    public string EndProfiling() => _session.EndProfiling();

    /// <summary>Frees the session and all memory.</summary>
    public void Dispose()
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

    /// <summary>What the graph gave; spans are valid until it is disposed.</summary>
    internal readonly struct Results(IDisposableReadOnlyCollection<OrtValue> values) : IDisposable
    {
        /// <summary>Left, top, right, bottom of each proposal, pixels of the resized picture.</summary>
        public ReadOnlySpan<float> Proposals => values[0].GetTensorDataAsSpan<float>();

        /// <summary>Picture of each proposal.</summary>
        public ReadOnlySpan<long> ImageIndex => values[1].GetTensorDataAsSpan<long>();

        /// <summary>Face score of each proposal.</summary>
        public ReadOnlySpan<float> Scores => values[2].GetTensorDataAsSpan<float>();

        /// <summary>The proposals that have poses.</summary>
        public ReadOnlySpan<long> PoseIndex => values[3].GetTensorDataAsSpan<long>();

        /// <summary>Six box-relative pose numbers each.</summary>
        public ReadOnlySpan<float> Poses => values[4].GetTensorDataAsSpan<float>();

        public void Dispose() => values.Dispose();
    }
}
