using System.Diagnostics;
using System.Runtime.CompilerServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.TwoStage;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>Time that the parts of the last call took.</summary>
/// <param name="Tensorise">Frames to the network's input.</param>
/// <param name="Network">ONNX Runtime.</param>
/// <param name="Select">Poses to faces.</param>
public readonly record struct DetectionTimes(TimeSpan Tensorise, TimeSpan Network, TimeSpan Select);

/// <summary>
/// Finds faces with their poses in frames. Buffers are kept from call to call, so that frames of one size cost no
/// allocation but the few result objects of ONNX Runtime. Not thread-safe; one detector a thread.
/// </summary>
public sealed class PoseDetector : IDisposable
{
    private readonly ModelPackage _model;
    private readonly PoseNetwork _graph;
    private readonly Tensoriser _tensoriser;
    private readonly PoseSelection _selection;
    private readonly VideoFrame[] _oneFrame = new VideoFrame[1];
    private readonly List<FaceDetection>[] _oneList = new List<FaceDetection>[1];
    private PictureSizes[] _sizes = new PictureSizes[1];

    private PoseDetector(ModelPackage model, PoseDetectorOptions options, SizeRule size, InferenceDevice.Opened opened)
    {
        _model = model;
        Size = size;
        Reference = options.Reference ?? ReferenceFace.Default;
        ScoreThreshold = options.ScoreThreshold ?? model.Metadata.ScoreThreshold;
        DeviceNote = opened.Note;
        _graph = opened.Network;
        if (options.ProposalsBefore is not null || options.ProposalsAfter is not null)
        {
            if (_graph is not TwoStageNetwork network)
                throw new UsageException($"The numbers of proposals of {model.Metadata.Name} are fixed on this device; 'img2pose models export' writes a package of the original's networks with others.");
            network.LimitProposals(options.ProposalsBefore, options.ProposalsAfter);
        }
        _tensoriser = new Tensoriser(model.Metadata.Normalisation, size.Prefilter, options.TensoriserThreads);
        bool originalArithmetic = options.OriginalArithmetic ?? model.Metadata.Size.Kind == SizeRuleKind.MinMax;
        _selection = new PoseSelection(
            Reference, options.Factors ?? model.Metadata.BoxFactors, options.NmsThreshold ?? model.Metadata.NmsThreshold,
            options.NestedThreshold, options.MaxDetections, originalArithmetic, options.OriginalCoordinates);
        string threads = options.Threads == 0 ? "a thread a core" : options.Threads == 1 ? "1 thread" : $"{options.Threads} threads";
        ProviderDescription = opened.Name == "cpu" ? $"cpu ({threads})" : opened.Name;
        if (opened.IsProfiling) Probe(opened.Name);
    }

    /// <summary>Where the network runs, for people: the device, and on a GPU which share of the graph's nodes it really runs.</summary>
    public string ProviderDescription { get; private set; }

    /// <summary>Why "auto" did not use the GPU that is there, or null.</summary>
    public string? DeviceNote { get; }

    /// <summary>The face whose projected points make the boxes.</summary>
    public ReferenceFace Reference { get; }

    /// <summary>The model.</summary>
    public ModelPackage Model => _model;

    /// <summary>How pictures are resized.</summary>
    public SizeRule Size { get; }

    /// <summary>Score that faces must exceed.</summary>
    public double ScoreThreshold { get; }

    /// <summary>Times of the last call.</summary>
    public DetectionTimes Times { get; private set; }

    /// <summary>The network, for what measures its parts.</summary>
    internal PoseNetwork Network => _graph;

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Options; null for the model's own.</param>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    /// <exception cref="ModelException">ONNX Runtime, the device or the model cannot be used.</exception>
    public static PoseDetector Create(ModelPackage model, PoseDetectorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new PoseDetectorOptions();
        options.Validate();
        SizeRule size = options.SizeRule ?? model.Metadata.Size;
        if (options.Size is { } wanted) size = size.WithSize(wanted);
        InferenceDevice.Opened opened = InferenceDevice.Open(model, options.Device, options.Threads);
        try
        {
            return Create(model, options, size, opened);
        }
        catch (ModelException error) when (options.Device == "auto" && opened.Name != "cpu")
        {
            // The GPU's provider loads but cannot run: a second library or memory is missing.
            opened = InferenceDevice.Open(model, "cpu", options.Threads) with { Note = error.Message };
            return Create(model, options, size, opened);
        }
    }

    /// <summary>Finds the faces of a frame, best first.</summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed, or the picture is too large for the limit.</exception>
    public int Detect(VideoFrame frame, List<FaceDetection> faces) => Detect(frame, Size, mirror: false, faces);

    /// <summary>As <see cref="Detect(VideoFrame, List{FaceDetection})"/>, with another score threshold for this frame.</summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="scoreThreshold">Faces score above this; in [0, 1).</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed, or the picture is too large for the limit.</exception>
    public int Detect(VideoFrame frame, double scoreThreshold, List<FaceDetection> faces)
    {
        _graph.UseProposals();
        Run(frame, Size, mirror: false, faces, Selecting.Best, (float)scoreThreshold);
        return faces.Count;
    }

    /// <summary>
    /// Finds the faces of several frames in one run of the network. Frames of different sizes are padded to a common one,
    /// which can change results slightly, as in the original (golden quirk Q11).
    /// </summary>
    /// <param name="frames">The frames, at least one.</param>
    /// <param name="faces">One list a frame, which receives its faces; cleared first.</param>
    /// <exception cref="ArgumentException">Not one list a frame, or no frame.</exception>
    /// <exception cref="ModelException">ONNX Runtime failed, or the pictures are too large for the limit.</exception>
    public void Detect(IReadOnlyList<VideoFrame> frames, IReadOnlyList<List<FaceDetection>> faces) => Detect(frames, ScoreThreshold, faces);

    /// <summary>As <see cref="Detect(IReadOnlyList{VideoFrame}, IReadOnlyList{List{FaceDetection}})"/>, with another score threshold for these frames.</summary>
    /// <inheritdoc cref="Detect(IReadOnlyList{VideoFrame}, IReadOnlyList{List{FaceDetection}})"/>
    public void Detect(IReadOnlyList<VideoFrame> frames, double scoreThreshold, IReadOnlyList<List<FaceDetection>> faces)
    {
        if (frames.Count == 0 || frames.Count != faces.Count) throw new ArgumentException("There must be one list for each of at least one frame.");
        _graph.UseProposals();
        Run(frames, Size, mirror: false, faces, Selecting.Best, (float)scoreThreshold);
    }

    /// <summary>
    /// The poses of faces at given boxes: one face a box, in the same order, whatever its score. The face's box is the one
    /// around the posed face.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="boxes">Boxes in displayed pixels.</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    /// <returns>The number of boxes.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed, or the model gave no pose for a box.</exception>
    public int PoseForBoxes(VideoFrame frame, ReadOnlySpan<Box> boxes, List<FaceDetection> faces)
    {
        if (boxes.IsEmpty)
        {
            faces.Clear();
            return 0;
        }
        (int width, int height) = Size.Resize(frame.DisplayWidth, frame.DisplayHeight);
        FillBoxes(boxes, (double)width / frame.DisplayWidth, (double)height / frame.DisplayHeight);
        Run(frame, Size, mirror: false, faces, Selecting.All, float.NegativeInfinity);
        return faces.Count;
    }

    /// <summary>
    /// Finds faces among given proposals instead of the network's own: they are scored, posed and selected as usual.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="proposals">Boxes in pixels of the resized picture.</param>
    /// <param name="faces">Receives the faces, best first; cleared first.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed.</exception>
    public int DetectAmong(VideoFrame frame, ReadOnlySpan<Box> proposals, List<FaceDetection> faces)
    {
        if (proposals.IsEmpty)
        {
            faces.Clear();
            return 0;
        }
        FillBoxes(proposals, 1, 1);
        Run(frame, Size, mirror: false, faces, Selecting.Best, (float)ScoreThreshold);
        return faces.Count;
    }

    /// <summary>Frees the model and all buffers.</summary>
    public void Dispose()
    {
        _graph.Dispose();
        _tensoriser.Dispose();
    }

    /// <summary>As <see cref="Detect(VideoFrame, List{FaceDetection})"/>, at another size, or in the mirrored picture (results are the mirrored picture's).</summary>
    internal int Detect(VideoFrame frame, SizeRule size, bool mirror, List<FaceDetection> faces)
    {
        _graph.UseProposals();
        Run(frame, size, mirror, faces, Selecting.Best, (float)ScoreThreshold);
        return faces.Count;
    }

    private static PoseDetector Create(ModelPackage model, PoseDetectorOptions options, SizeRule size, InferenceDevice.Opened opened)
    {
        try
        {
            return new PoseDetector(model, options, size, opened);
        }
        catch
        {
            opened.Network.Dispose();
            throw;
        }
    }

    private enum Selecting
    {
        Best,
        All,
    }

    private void FillBoxes(ReadOnlySpan<Box> boxes, double scaleX, double scaleY)
    {
        Span<float> rows = _graph.UseBoxes(boxes.Length);
        for (int i = 0; i < boxes.Length; i++)
        {
            rows[5 * i] = 0;
            rows[5 * i + 1] = (float)(boxes[i].Left * scaleX);
            rows[5 * i + 2] = (float)(boxes[i].Top * scaleY);
            rows[5 * i + 3] = (float)(boxes[i].Right * scaleX);
            rows[5 * i + 4] = (float)(boxes[i].Bottom * scaleY);
        }
    }

    private void Run(VideoFrame frame, SizeRule size, bool mirror, List<FaceDetection> faces, Selecting selecting, float threshold)
    {
        (_oneFrame[0], _oneList[0]) = (frame, faces);
        try
        {
            Run(_oneFrame, size, mirror, _oneList, selecting, threshold);
        }
        finally
        {
            // Nothing may keep a frame alive past its lease.
            (_oneFrame[0], _oneList[0]) = (null!, null!);
        }
    }

    private void Run(
        IReadOnlyList<VideoFrame> frames, SizeRule rule, bool mirror, IReadOnlyList<List<FaceDetection>> faces, Selecting selecting, float threshold)
    {
        for (int i = 0; i < faces.Count; i++) faces[i].Clear();
        long start = Stopwatch.GetTimestamp();
        Tensorise(frames, rule, mirror);
        _graph.ScoreThreshold = threshold;
        long tensorised = Stopwatch.GetTimestamp();
        try
        {
            using NetworkResults results = _graph.Run();
            long ran = Stopwatch.GetTimestamp();
            for (int i = 0; i < frames.Count; i++)
            {
                if (selecting == Selecting.All) _selection.TakeAll(results, results.Scores.Length, _sizes[i], faces[i]);
                else _selection.Select(results, i, _sizes[i], faces[i]);
            }
            Times = new DetectionTimes(
                Stopwatch.GetElapsedTime(start, tensorised), Stopwatch.GetElapsedTime(tensorised, ran), Stopwatch.GetElapsedTime(ran));
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelException($"{_model.Path}: the network failed: {OneLine.Of(error.Message)}", error);
        }
        catch (InvalidOperationException error) when (error is not ObjectDisposedException)
        {
            throw new ModelException($"{_model.Path}: {error.Message}", error);
        }
    }

    private void Tensorise(IReadOnlyList<VideoFrame> frames, SizeRule rule, bool mirror)
    {
        if (_sizes.Length < frames.Count) _sizes = new PictureSizes[frames.Count];
        int widest = 1, highest = 1;
        for (int i = 0; i < frames.Count; i++)
        {
            (int width, int height) = rule.Resize(frames[i].DisplayWidth, frames[i].DisplayHeight);
            _sizes[i] = new PictureSizes(width, height, frames[i].DisplayWidth, frames[i].DisplayHeight);
            (widest, highest) = (Math.Max(widest, width), Math.Max(highest, height));
        }
        int paddedWidth = rule.Pad(widest), paddedHeight = rule.Pad(highest);
        if ((long)paddedWidth * paddedHeight * frames.Count > SizeRule.PixelLimit)
        {
            throw new ModelException(
                $"The network's input of {frames.Count} × {paddedWidth}×{paddedHeight} pixels is above the limit of {SizeRule.PixelLimit} pixels; use a smaller --size or fewer pictures at once.");
        }
        _graph.Shape(frames.Count, paddedHeight, paddedWidth, out Span<float> image, out Span<long> sizes);
        int picture = 3 * paddedWidth * paddedHeight;
        for (int i = 0; i < frames.Count; i++)
        {
            sizes[2 * i] = _sizes[i].ResizedHeight;
            sizes[2 * i + 1] = _sizes[i].ResizedWidth;
            _tensoriser.Write(
                frames[i], _sizes[i].ResizedWidth, _sizes[i].ResizedHeight, image.Slice(i * picture, picture), paddedWidth, paddedHeight, mirror);
        }
    }

    /// <summary>Runs a small empty picture once and reads from the session's profile which provider ran what.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Probe(string name)
    {
        int side = Size.Pad(64);
        _graph.Shape(1, side, side, out Span<float> image, out Span<long> sizes);
        image.Clear();
        sizes[0] = sizes[1] = side;
        _graph.ScoreThreshold = (float)ScoreThreshold;
        try
        {
            _graph.Run().Dispose();
            string profile = ((PoseGraph)_graph).EndProfiling();
            Dictionary<string, int> nodes;
            using (FileStream stream = File.OpenRead(profile)) nodes = ProviderProbe.Count(stream);
            File.Delete(profile);
            ProviderProbe.Require(InferenceDevice.Cuda, nodes);
            ProviderDescription = $"{name} ({ProviderProbe.Summarise(nodes)})";
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelException($"{name} cannot be used: {OneLine.Of(error.Message)} Use --device cpu, or see 'img2pose doctor'.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
        {
            // The session works; only the report of its nodes could not be read.
            ProviderDescription = name;
        }
    }
}
