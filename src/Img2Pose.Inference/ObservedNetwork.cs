using Img2Pose.Frames;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// A model on the CPU that puts out values from inside it too, picture by picture: what calibration looks at. Not thread-safe.
/// </summary>
public sealed unsafe class ObservedNetwork : IDisposable
{
    private static readonly string[] s_inputs = ["image", "sizes", "score_threshold"];

    private readonly ModelPackage _model;
    private readonly InferenceSession _session;
    private readonly string[] _outputs;
    private readonly Tensoriser _tensoriser;

    /// <summary>Loads the model.</summary>
    /// <param name="model">A model whose graph has <paramref name="outputs"/> besides those of the contract.</param>
    /// <param name="outputs">Names of float32 outputs.</param>
    /// <exception cref="ModelException">ONNX Runtime cannot load the model.</exception>
    public ObservedNetwork(ModelPackage model, IReadOnlyList<string> outputs)
    {
        (_model, _outputs) = (model, [.. outputs]);
        OnnxRuntimeLibrary.Environment();
        using SessionOptions options = InferenceDevice.CreateOptions(threads: 0);
        try
        {
            _session = new InferenceSession(model.Path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelException($"{model.Path}: ONNX Runtime cannot load the model: {OneLine.Of(error.Message)}", error);
        }
        _tensoriser = new Tensoriser(model.Metadata.Normalisation, model.Metadata.Size.Prefilter, Environment.ProcessorCount);
    }

    /// <summary>Receives an output.</summary>
    /// <param name="output">Its position in the names given.</param>
    /// <param name="values">Its numbers, valid during the call.</param>
    public delegate void Observer(int output, ReadOnlySpan<float> values);

    /// <summary>Runs the model on a picture at its own size rule and score threshold.</summary>
    /// <exception cref="ModelException">ONNX Runtime failed, or the picture is too large for the limit.</exception>
    public void Run(VideoFrame frame, Observer observe)
    {
        SizeRule rule = _model.Metadata.Size;
        (int width, int height) = rule.Resize(frame.DisplayWidth, frame.DisplayHeight);
        int paddedWidth = rule.Pad(width), paddedHeight = rule.Pad(height);
        if ((long)paddedWidth * paddedHeight > SizeRule.PixelLimit)
            throw new ModelException($"The network's input of {paddedWidth}×{paddedHeight} pixels is above the limit of {SizeRule.PixelLimit} pixels.");
        long values = 3L * paddedWidth * paddedHeight;
        using AlignedBuffer image = new(values * sizeof(float)), sizes = new(2 * sizeof(long)), threshold = new(sizeof(float));
        _tensoriser.Write(frame, width, height, new Span<float>(image.Pointer, checked((int)values)), paddedWidth, paddedHeight, mirror: false);
        (((long*)sizes.Pointer)[0], ((long*)sizes.Pointer)[1]) = (height, width);
        *(float*)threshold.Pointer = (float)_model.Metadata.ScoreThreshold;
        using OrtValue imageValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [1, 3, paddedHeight, paddedWidth], (nint)image.Pointer, values * sizeof(float));
        using OrtValue sizesValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Int64, [1, 2], (nint)sizes.Pointer, 2 * sizeof(long));
        using OrtValue thresholdValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [], (nint)threshold.Pointer, sizeof(float));
        using RunGuard guard = new(RunGuard.TimeLimit, CancellationToken.None);
        guard.Begin();
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> results = _session.Run(guard.Options, s_inputs, [imageValue, sizesValue, thresholdValue], _outputs);
            for (int i = 0; i < _outputs.Length; i++) observe(i, results[i].GetTensorDataAsSpan<float>());
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelException($"{_model.Path}: {guard.Reason(error)?.Message ?? "the network failed: " + OneLine.Of(error.Message)}", error);
        }
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        _session.Dispose();
        _tensoriser.Dispose();
    }
}
