using System.Diagnostics;
using Img2Pose.Cuda;
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
/// allocation but the few result objects of ONNX Runtime. One detector a thread: calls from several wait for each other, and so
/// does disposing.
/// </summary>
public sealed partial class PoseDetector : IDisposable
{
    /// <summary>Pictures that one launch prepares at most on a GPU: more are several launches.</summary>
    private const int MostOfOneLaunch = 64;

    private readonly ModelPackage _model;
    private readonly PoseNetwork _graph;
    private readonly ITensoriser _tensoriser;
    private readonly InferenceDevice.Opened _opened;
    private readonly PoseSelection _selection;
    private readonly VideoFrame[] _oneFrame = new VideoFrame[1];
    private readonly List<FaceDetection>[] _oneList = new List<FaceDetection>[1];
    private readonly NetworkResults _results = new();
    private readonly Lock _gate = new();
    private PictureSizes[] _sizes = new PictureSizes[1];
    private bool _disposed;

    private PoseDetector(ModelPackage model, PoseDetectorOptions options, SizeRule size, InferenceDevice.Opened opened)
    {
        _model = model;
        Size = size;
        Reference = options.Reference ?? ReferenceFace.Default;
        ScoreThreshold = options.ScoreThreshold ?? model.Metadata.ScoreThreshold;
        DeviceNote = opened.Note;
        _opened = opened;
        _graph = opened.Network;
        if (options.ProposalsBefore is not null || options.ProposalsAfter is not null)
        {
            if (_graph is not IProposing network)
                throw new UsageException($"The numbers of proposals of {model.Metadata.Name} are fixed on this device; 'img2pose models export' writes a package of the original's networks with others.");
            network.LimitProposals(options.ProposalsBefore, options.ProposalsAfter);
        }
        _tensoriser = opened.Queue is { } queue
            ? new CudaTensoriser(queue, model.Metadata.Normalisation, size.Prefilter, MostOfOneLaunch)
            : new Tensoriser(model.Metadata.Normalisation, size.Prefilter, options.TensoriserThreads);
        bool originalArithmetic = options.OriginalArithmetic ?? model.Metadata.Size.Kind == SizeRuleKind.MinMax;
        // Two stages have suppressed what says the same of a face before they pose it.
        bool votes = options.PoseVoting && !originalArithmetic && _graph is not IProposing;
        _selection = new PoseSelection(
            Reference, options.Factors ?? model.Metadata.BoxFactors, options.NmsThreshold ?? model.Metadata.NmsThreshold,
            options.NestedThreshold, options.MaxDetections, originalArithmetic, options.OriginalCoordinates, votes ? new PoseVoting(model.Metadata) : null);
        string threads = options.Threads == 0 ? "a thread a core" : options.Threads == 1 ? "1 thread" : $"{options.Threads} threads";
        ProviderDescription = opened.Name switch
        {
            "cpu" => $"cpu ({threads})",
            InferenceDevice.CudaThenCpu => $"cpu ({threads}), pictures on {opened.Queue!.Device.Name}",
            _ => opened.Name,
        };
        DeviceMemory = opened.Queue is null ? MemoryKind.Host : MemoryKind.Cuda;
        if (!opened.IsProfiling) return;
        try
        {
            Probe(opened.Name);
        }
        catch
        {
            _tensoriser.Dispose();
            throw;
        }
    }

    /// <summary>Where the network runs, for people: the device, and on a GPU which share of the graph's nodes it really runs.</summary>
    public string ProviderDescription { get; private set; }

    /// <summary>The memory that frames had best lie in; those in host memory are taken everywhere.</summary>
    public MemoryKind DeviceMemory { get; }

    /// <summary>The GPU that frames had best lie on; null: the host's memory.</summary>
    public CudaDevice? Cuda => _opened.Queue?.Device;

    /// <summary>Whether the network runs on the processor.</summary>
    public bool IsOnProcessor => _opened.Name != "cuda";

    /// <summary>Why the GPU that is there does not do what was asked for: that "auto" uses the processor, or that nothing is recorded; or null.</summary>
    public string? DeviceNote { get; }

    /// <summary>The face whose projected points make the boxes.</summary>
    public ReferenceFace Reference { get; }

    /// <summary>The model.</summary>
    public ModelPackage Model => _model;

    /// <summary>How pictures are resized.</summary>
    public SizeRule Size { get; }

    /// <summary>Score that faces must exceed.</summary>
    public double ScoreThreshold { get; }

    /// <summary>
    /// Whether looking at crops is cheaper than at pictures: with a network of one stage whose input may be as small. The original's
    /// networks pool hundreds of proposals from any picture.
    /// </summary>
    public bool CanFollow => Size.Kind == SizeRuleKind.LongSide && _graph is not IProposing
        && Size.Pad(FollowedSize.CloseSide) == FollowedSize.CloseSide && Size.Pad(FollowedSize.EnlargedSide) == FollowedSize.EnlargedSide;

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
        InferenceDevice.Opened opened = InferenceDevice.Open(model, options);
        try
        {
            return Create(model, options, size, opened);
        }
        catch (ModelException error) when (options.Device == "auto" && opened.Name != "cpu")
        {
            // The GPU's provider loads but cannot run: a second library or memory is missing.
            opened = InferenceDevice.Open(model, options with { Device = "cpu" }) with { Note = error.Message };
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
        Run(frame, Size, mirror: false, faces, Selecting.Best, new NetworkRequest((float)scoreThreshold));
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
    /// <param name="frames">The frames, at least one.</param>
    /// <param name="scoreThreshold">Faces score above this; in [0, 1).</param>
    /// <param name="faces">One list a frame, which receives its faces; cleared first.</param>
    /// <exception cref="ArgumentException">Not one list a frame, or no frame.</exception>
    /// <exception cref="ModelException">ONNX Runtime failed, or the pictures are too large for the limit.</exception>
    public void Detect(IReadOnlyList<VideoFrame> frames, double scoreThreshold, IReadOnlyList<List<FaceDetection>> faces)
    {
        if (frames.Count == 0 || frames.Count != faces.Count) throw new ArgumentException("There must be one list for each of at least one frame.");
        Run(frames, Size, mirror: false, faces, Selecting.Best, new NetworkRequest((float)scoreThreshold));
    }

    /// <summary>Gives back device memory that is kept for what may come again.</summary>
    internal void Trim()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _graph.Trim();
            (_tensoriser as CudaTensoriser)?.Trim();
        }
    }

    /// <summary>Frees the model and all buffers.</summary>
    /// <remarks>Waits for a call under way; later ones end with <see cref="ObjectDisposedException"/>.</remarks>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _graph.Dispose();
            _tensoriser.Dispose();
            _opened.Queue?.Dispose();
            _opened.Owned?.Dispose();
        }
    }

    /// <summary>
    /// Runs a grey picture, with the network's own proposals and with a given box, and checks what comes out: what loading alone
    /// cannot tell. Quick for a sound model; others meet the limits of any run.
    /// </summary>
    /// <exception cref="ModelException">The model fails, or what it puts out does not fit together.</exception>
    public void Verify()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int side = Size.Pad(64);
            NetworkInput input = _graph.Shape(1, side, side);
            input.Clear();
            input.Sizes.Fill(side);
            RunNetwork(new NetworkRequest(float.NegativeInfinity));
            RunNetwork(new NetworkRequest(float.NegativeInfinity, new float[] { 0, side / 4f, side / 4f, side / 2f, side / 2f }));
        }
    }

    /// <summary>As <see cref="Detect(VideoFrame, List{FaceDetection})"/>, at another size, or in the mirrored picture (results are the mirrored picture's).</summary>
    internal int Detect(VideoFrame frame, SizeRule size, bool mirror, List<FaceDetection> faces)
    {
        Run(frame, size, mirror, faces, Selecting.Best, new NetworkRequest((float)ScoreThreshold));
        return faces.Count;
    }

    /// <summary>As <see cref="Detect(VideoFrame, double, List{FaceDetection})"/>, at another size.</summary>
    internal void Detect(VideoFrame frame, SizeRule size, double scoreThreshold, List<FaceDetection> faces) =>
        Run(frame, size, mirror: false, faces, Selecting.Best, new NetworkRequest((float)scoreThreshold));

    /// <summary>
    /// Finds the faces in parts of pictures, which may be parts of several pictures, in one run. Each part is seen as a picture
    /// of its own. A face that lies in several parts is found several times.
    /// </summary>
    /// <param name="crops">The parts, at least one.</param>
    /// <param name="width">Width of the network's input, a multiple of what the model asks for; no crop is wider.</param>
    /// <param name="height">Height, likewise.</param>
    /// <param name="scoreThreshold">Faces score above this.</param>
    /// <param name="found">Receives the faces, crop by crop; cleared first.</param>
    /// <exception cref="ModelException">ONNX Runtime failed, or the input is too large for the limit.</exception>
    internal void DetectInCrops(IReadOnlyList<CropView> crops, int width, int height, double scoreThreshold, List<CropFace> found)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            found.Clear();
            long start = Stopwatch.GetTimestamp();
            RequireWithinLimit(crops.Count, width, height);
            NetworkInput input = _graph.Shape(crops.Count, height, width);
            for (int i = 0; i < crops.Count; i++)
                _tensoriser.Write(crops[i].Frame, crops[i].Region, crops[i].Width, crops[i].Height, input, i, mirror: false);
            _tensoriser.Finish();
            long tensorised = Stopwatch.GetTimestamp();
            RunNetwork(new NetworkRequest(_selection.LeastScore((float)scoreThreshold)));
            long ran = Stopwatch.GetTimestamp();
            for (int i = 0; i < crops.Count; i++)
            {
                (VideoFrame frame, PictureRegion region, int resizedWidth, int resizedHeight, CameraIntrinsics? camera) = crops[i];
                double column = (double)frame.DisplayWidth / frame.Width, row = (double)frame.DisplayHeight / frame.Height;
                _selection.SelectInCrop(
                    _results, i, (float)scoreThreshold, CropCamera.Of(region, resizedWidth, resizedHeight, column, row), region.ToBox().Scale(column, row),
                    camera ?? CameraIntrinsics.ForImage(frame.DisplayWidth, frame.DisplayHeight), frame.DisplayWidth, frame.DisplayHeight, found);
            }
            Times = new DetectionTimes(
                Stopwatch.GetElapsedTime(start, tensorised), Stopwatch.GetElapsedTime(tensorised, ran), Stopwatch.GetElapsedTime(ran));
        }
    }

    /// <summary>As <see cref="Detect(IReadOnlyList{VideoFrame}, double, IReadOnlyList{List{FaceDetection}})"/>, at another size.</summary>
    internal void Detect(IReadOnlyList<VideoFrame> frames, SizeRule size, double scoreThreshold, IReadOnlyList<List<FaceDetection>> faces) =>
        Run(frames, size, mirror: false, faces, Selecting.Best, new NetworkRequest((float)scoreThreshold));

    /// <summary>The rule of a look that asks for a size of its own; null: this detector's.</summary>
    internal SizeRule RuleOf(int? size) => size is { } own ? Size.WithSize(own) : Size;

    /// <summary>The grid in which a frame is looked at as a whole.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="size">A size of the look's own (<see cref="SizeRule.WithSize"/>), or null.</param>
    public LookGrid GridOf(VideoFrame frame, int? size = null)
    {
        (int width, int height) = RuleOf(size).Resize(frame.DisplayWidth, frame.DisplayHeight);
        return new LookGrid(frame.Width, frame.Height, width, height, Size.Multiple);
    }

    /// <summary>The face at another pose under the camera of the whole picture, with the box that belongs to it.</summary>
    internal FaceDetection WithPose(in FaceDetection face, Pose pose, VideoFrame frame) =>
        _selection.BoxOf(pose, frame.DisplayWidth, frame.DisplayHeight) is { IsEmpty: false } box ? new FaceDetection(box, face.Score, pose) : face;

    /// <summary>The square of a picture in which a face stands upright (<see cref="TurnedSquare.Around"/>), with the boxes of this detector.</summary>
    internal TurnedSquare UprightSquare(Pose pose, CameraIntrinsics camera, double share, out Box face) =>
        TurnedSquare.Around(pose, camera, share, Reference, _selection.Factors, out face);

    private static PoseDetector Create(ModelPackage model, PoseDetectorOptions options, SizeRule size, InferenceDevice.Opened opened)
    {
        try
        {
            return new PoseDetector(model, options, size, opened);
        }
        catch (Exception error)
        {
            opened.Dispose();
            if (error is not CudaDeviceException) throw;
            // "auto" goes on with the processor after such an error, wherever the device failed first.
            throw new ModelException($"CUDA cannot be used: {OneLine.Of(error.Message)}", error);
        }
    }

    private enum Selecting
    {
        Best,
        All,
    }

    private void Run(VideoFrame frame, SizeRule size, bool mirror, List<FaceDetection> faces, Selecting selecting, in NetworkRequest request)
    {
        lock (_gate)
        {
            try
            {
                (_oneFrame[0], _oneList[0]) = (frame, faces);
                Run(_oneFrame, size, mirror, _oneList, selecting, request);
            }
            finally
            {
                // Nothing may keep a frame alive past its lease.
                (_oneFrame[0], _oneList[0]) = (null!, null!);
            }
        }
    }

    private void Run(
        IReadOnlyList<VideoFrame> frames, SizeRule rule, bool mirror, IReadOnlyList<List<FaceDetection>> faces, Selecting selecting, in NetworkRequest request)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (int i = 0; i < faces.Count; i++) faces[i].Clear();
            long start = Stopwatch.GetTimestamp();
            Tensorise(frames, rule, mirror);
            long tensorised = Stopwatch.GetTimestamp();
            // Given boxes are taken as they are given: the cells of one do not vote on another.
            bool votes = request.Boxes.IsEmpty;
            RunNetwork(votes ? request with { ScoreThreshold = _selection.LeastScore(request.ScoreThreshold) } : request);
            long ran = Stopwatch.GetTimestamp();
            for (int i = 0; i < frames.Count; i++)
            {
                if (selecting == Selecting.Best) _selection.Select(_results, i, request.ScoreThreshold, votes, _sizes[i], faces[i]);
                else TakeAll(request.Boxes.Length / 5, faces[i]);
            }
            Times = new DetectionTimes(
                Stopwatch.GetElapsedTime(start, tensorised), Stopwatch.GetElapsedTime(tensorised, ran), Stopwatch.GetElapsedTime(ran));
        }
    }

    private void RunNetwork(in NetworkRequest request)
    {
        _graph.Guard.Begin();
        try
        {
            _graph.Run(request, _results);
        }
        catch (OnnxRuntimeException error)
        {
            throw _graph.Guard.Reason(error) switch
            {
                OperationCanceledException stopped => stopped,
                { } reason => new ModelException($"{_model.Path}: {reason.Message}.", error),
                null => new ModelException($"{_model.Path}: the network failed: {OneLine.Of(error.Message)}", error),
            };
        }
        catch (NetworkOutputException error)
        {
            throw new ModelException($"{_model.Path}: {error.Message}.", error);
        }
        finally
        {
            _graph.Guard.Complete();
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
        RequireWithinLimit(frames.Count, paddedWidth, paddedHeight);
        NetworkInput input = _graph.Shape(frames.Count, paddedHeight, paddedWidth);
        for (int i = 0; i < frames.Count; i++)
        {
            PictureRegion whole = PictureRegion.Whole(frames[i].Width, frames[i].Height);
            _tensoriser.Write(frames[i], whole, _sizes[i].ResizedWidth, _sizes[i].ResizedHeight, input, i, mirror);
        }
        _tensoriser.Finish();
    }

    private static void RequireWithinLimit(int pictures, int width, int height)
    {
        if ((long)width * height * pictures <= SizeRule.PixelLimit) return;
        throw new ModelException(
            $"The network's input of {pictures} × {width}×{height} pixels is above the limit of {SizeRule.PixelLimit} pixels; use a smaller --size or fewer pictures at once.");
    }
}
