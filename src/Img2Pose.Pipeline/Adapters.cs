using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>The network as a stage: it looks for faces, or poses the boxes that the user gave.</summary>
public sealed class NetworkDetector : IFrameDetector
{
    private const int BoxesOfOneLook = 256;

    private readonly PoseDetector _detector;
    private readonly BoxTable? _boxes;
    private readonly MultiScaleDetector? _scales;
    private readonly double? _lowestScore;
    private readonly List<FaceDetection> _slice = [];

    /// <summary>Uses <paramref name="detector"/>, which stays the caller's.</summary>
    /// <param name="detector">The network.</param>
    /// <param name="boxes">Boxes to pose instead of looking for faces, or null.</param>
    /// <param name="scales">What looks at several sizes with the same network, or null for one look.</param>
    /// <param name="lowestScore">
    /// The score above which one look reports faces, or null for the detector's own; a tracker wants to hear of faces below
    /// the threshold at which new ones start (<see cref="TrackerOptions.StartScore"/>).
    /// </param>
    public NetworkDetector(PoseDetector detector, BoxTable? boxes = null, MultiScaleDetector? scales = null, double? lowestScore = null)
    {
        _lowestScore = lowestScore;
        _detector = detector;
        _boxes = boxes;
        _scales = scales;
    }

    /// <inheritdoc/>
    public void Detect(VideoFrame frame, List<FaceDetection> faces)
    {
        if (_boxes is null)
        {
            if (_scales is null) _detector.Detect(frame, _lowestScore ?? _detector.ScoreThreshold, faces);
            else _scales.Detect(frame, faces);
            return;
        }
        PoseBoxes(frame, _boxes.For(frame.Index, frame.SourceName), faces);
    }

    /// <summary>Poses boxes in slices: the network's memory grows with the boxes of one look.</summary>
    private void PoseBoxes(VideoFrame frame, ReadOnlySpan<Box> boxes, List<FaceDetection> faces)
    {
        faces.Clear();
        foreach (ref readonly Box box in boxes)
        {
            if (box.Right <= 0 || box.Bottom <= 0 || box.Left >= frame.DisplayWidth || box.Top >= frame.DisplayHeight)
                throw new InputException(FormattableString.Invariant(
                    $"{_boxes!.Path}: the box {box.Left},{box.Top},{box.Right},{box.Bottom} of {frame.SourceName ?? $"frame {frame.Index}"} lies outside the picture of {frame.DisplayWidth}×{frame.DisplayHeight} pixels."));
        }
        if (boxes.Length <= BoxesOfOneLook)
        {
            if (!boxes.IsEmpty) _detector.PoseForBoxes(frame, boxes, faces);
            return;
        }
        for (int first = 0; first < boxes.Length; first += BoxesOfOneLook)
        {
            _detector.PoseForBoxes(frame, boxes.Slice(first, Math.Min(BoxesOfOneLook, boxes.Length - first)), _slice);
            faces.AddRange(_slice);
        }
    }
}

/// <summary>The tracker as a stage.</summary>
public sealed class TrackerStage : IFaceTracker
{
    private readonly FaceTracker _tracker;

    /// <summary>Uses <paramref name="tracker"/>.</summary>
    public TrackerStage(FaceTracker tracker) => _tracker = tracker;

    /// <inheritdoc/>
    public void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> faces) =>
        _tracker.Update(detections, time, width, height, faces);

    /// <inheritdoc/>
    public void Forget() => _tracker.Forget();

    /// <inheritdoc/>
    public void Predict(double time, int width, int height, List<TrackedFace> faces) =>
        _tracker.Predict(time, width, height, faces);
}

/// <summary>The overlay as a stage.</summary>
public sealed class OverlayStage : IFrameComposer
{
    private readonly OverlayRenderer _renderer;

    /// <summary>Uses <paramref name="renderer"/>, which stays the caller's.</summary>
    public OverlayStage(OverlayRenderer renderer) => _renderer = renderer;

    /// <inheritdoc/>
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => _renderer.Compose(frame, faces);
}

/// <summary>A video file, a picture or a folder of pictures as an output.</summary>
public sealed class VideoFileSink : IFrameSink
{
    private readonly VideoWriter _writer;

    /// <summary>Owns <paramref name="writer"/>.</summary>
    public VideoFileSink(VideoWriter writer) => _writer = writer;

    /// <inheritdoc/>
    public void Write(VideoFrame frame) => _writer.Write(frame);

    /// <inheritdoc/>
    public void Complete() => _writer.Complete();

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
