using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;

namespace Img2Pose.Evaluation;

/// <summary>A model of this program as a detector of faces of any roll, by four looks at each picture and crops of what is unsure.</summary>
public sealed class AnyRollPictureDetector : IPictureDetector
{
    private readonly PoseDetector _detector;
    private readonly AnyRollDetector _turning;

    /// <summary>Takes over a detector, which is disposed with this one.</summary>
    public AnyRollPictureDetector(PoseDetector detector) => (_detector, _turning) = (detector, new AnyRollDetector(detector));

    /// <inheritdoc/>
    public void Detect(VideoFrame picture, List<FaceDetection> faces) => _turning.Detect(picture, null, faces);

    /// <inheritdoc/>
    public void Dispose()
    {
        _turning.Dispose();
        _detector.Dispose();
    }
}
