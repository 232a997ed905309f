using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Views;

/// <summary>Draws prepared faces. Not thread-safe.</summary>
internal interface IViewPainter
{
    /// <summary>Draws a view.</summary>
    /// <param name="face">The face, as it was prepared: mirrored or not.</param>
    /// <param name="pose">Where it is drawn, under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the drawn picture.</param>
    /// <param name="width">Width of the drawn picture, pixels.</param>
    /// <param name="height">Height of the drawn picture, pixels.</param>
    /// <param name="rgb">Receives interleaved RGB pixels, without padding.</param>
    FaceViewReport Paint(PreparedFace face, Pose pose, CameraIntrinsics camera, int width, int height, Span<byte> rgb);
}
