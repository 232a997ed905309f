using Img2Pose.Evaluation.Wider;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;

namespace Img2Pose.Evaluation;

/// <summary>A model of this program as a detector of single pictures, at its own size or at given ones.</summary>
public sealed class OnnxPictureDetector : IPictureDetector, IScaledDetector
{
    private readonly PoseDetector _detector;

    /// <summary>Takes over a detector, which is disposed with this one.</summary>
    public OnnxPictureDetector(PoseDetector detector) => _detector = detector;

    /// <inheritdoc/>
    public void Detect(VideoFrame picture, List<FaceDetection> faces) => _detector.Detect(picture, faces);

    /// <inheritdoc/>
    public void Detect(VideoFrame picture, (int Shorter, int Longer)? size, bool mirrored, List<FaceDetection> faces)
    {
        SizeRule rule = size is { } wanted ? _detector.Size.ForSides(wanted.Shorter, wanted.Longer) : _detector.Size;
        _detector.Detect(picture, rule, mirrored, faces);
    }

    /// <inheritdoc/>
    public void Dispose() => _detector.Dispose();
}
