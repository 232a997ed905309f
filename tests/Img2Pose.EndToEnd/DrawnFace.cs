using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.EndToEnd;

/// <summary>
/// A picture of 320×240 pixels with one face of known pose: the project's own surface, drawn by its own renderer on grey. The
/// default model finds it as it finds people, so that tests of the main job need nobody's picture.
/// </summary>
internal static class DrawnFace
{
    private static readonly Lazy<byte[]> s_picture = new(Draw);

    /// <summary>Where the face is and how it looks: slightly down, slightly to the side.</summary>
    public static Pose Pose { get; } = new(new Vector3d(0.1, 0.15, 0.05), new Vector3d(-0.3, 0.1, 8));

    /// <summary>The box around the posed face.</summary>
    public static Box Box { get; } =
        FaceBox.FromPose(Pose, CameraIntrinsics.ForImage(320, 240), 320, 240, ReferenceFace.Default, FaceBoxFactors.Default);

    /// <summary>Writes the picture as a PNG file; returns its path.</summary>
    public static async Task<string> SaveAsync(string path)
    {
        await File.WriteAllBytesAsync(path, s_picture.Value, TestContext.Current.CancellationToken);
        return path;
    }

    private static byte[] Draw()
    {
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 320, 240);
        for (int y = 0; y < 240; y++) frame.GetPlane(0).Row(y).Fill(96);
        using (OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions { Layers = OverlayLayers.Mesh, Alpha = 1 }))
            renderer.Compose(frame, [new TrackedFace(1, new FaceDetection(Box, 1, Pose), Pose, Detected: true)]);
        string path = Path.Combine(Path.GetTempPath(), $"img2pose-face-{Guid.NewGuid():N}.png");
        try
        {
            ImageFile.Write(path, frame);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
