using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation;

/// <summary>Finds faces in single pictures; used by one thread at a time.</summary>
public interface IPictureDetector : IDisposable
{
    /// <summary>Adds the faces of a picture to <paramref name="faces"/>, boxes and poses in the pixels of the displayed picture.</summary>
    void Detect(VideoFrame picture, List<FaceDetection> faces);
}
