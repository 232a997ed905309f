using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cuda.Tests;

/// <summary>A clip of 320×240 with a drawn face that moves, cut to a picture without one; the default model finds it.</summary>
internal static class FaceClip
{
    public const int Width = 320, Height = 240, Frames = 24;

    /// <summary>The clip; its pictures come out of the emulated decoder from then on.</summary>
    public static string Make()
    {
        string face = TestClip.At("face.png");
        if (!File.Exists(face)) Draw(face);
        // The face goes to and fro; a quarter of the clip is another scene.
        return TestClip.Make(
            $"-loop 1 -t 1.5 -r 12 -i {face} -f lavfi -t 0.5 -i testsrc2=size={Width}x{Height}:rate=12 -filter_complex "
            + $"[0:v]crop={Width}:{Height}:x=20+20*sin(3*t):y=10+10*cos(2*t),setsar=1[a];[1:v]setsar=1[b];[a][b]concat=n=2",
            Width, Height);
    }

    private static void Draw(string path)
    {
        Pose pose = new(new Vector3d(0.1, 0.15, 0.05), new Vector3d(-0.3, 0.1, 8));
        Box box = FaceBox.FromPose(pose, CameraIntrinsics.ForImage(Width + 40, Height + 20), Width + 40, Height + 20, ReferenceFace.Default, FaceBoxFactors.Default);
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, Width + 40, Height + 20);
        for (int y = 0; y < frame.Height; y++) frame.GetPlane(0).Row(y).Fill(96);
        using (OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions { Layers = OverlayLayers.Mesh, Alpha = 1 }))
            renderer.Compose(frame, [new TrackedFace(1, new FaceDetection(box, 1, pose), pose, Detected: true)]);
        ImageFile.Write(path, frame);
    }
}
