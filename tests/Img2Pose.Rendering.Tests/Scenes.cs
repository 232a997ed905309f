using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Tests;

/// <summary>Faces, pictures and renderers that several tests draw with.</summary>
internal static class Scenes
{
    /// <summary>A renderer; skips the running test, visibly, where OpenGL is absent.</summary>
    public static OverlayRenderer Renderer(OverlayOptions options)
    {
        try
        {
            return OverlayRenderer.Create(options with { RasteriserThreads = 0 });
        }
        catch (ModelException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    public static IReadOnlyList<FaceMesh> FaceMeshes(int step = 3) => [FaceSurface.LoadDefault().Tessellate(step)];

    public static TrackedFace Face(Vector3d rotation, Vector3d translation, Box box = default, int id = 1)
    {
        Pose pose = new(rotation, translation);
        return new TrackedFace(id, new FaceDetection(box, 0.97, pose), pose, true);
    }

    /// <summary>A square of the given half side, facing the camera, around a point.</summary>
    public static FaceMesh Squares(float half, params ReadOnlySpan<Vector3> centres)
    {
        List<Vector3> positions = [];
        List<int> triangles = [];
        foreach (Vector3 c in centres)
        {
            int first = positions.Count;
            positions.AddRange(
            [
                c + new Vector3(-half, -half, 0), c + new Vector3(half, -half, 0), c + new Vector3(half, half, 0), c + new Vector3(-half, half, 0),
            ]);
            triangles.AddRange([first, first + 2, first + 1, first, first + 3, first + 2]);
        }
        return new FaceMesh([.. positions], [.. triangles]);
    }

    /// <summary>A frame of noise with every sample in its format's range.</summary>
    public static VideoFrame Noise(FramePool pool, PixelFormat format, int width, int height, int seed = 5)
    {
        VideoFrame frame = pool.Rent(format, width, height);
        frame.Color = new ColorDescription(ColorMatrix.Bt709, FullRange: false);
        Random random = new(seed);
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            for (int y = 0; y < plane.Height; y++)
            {
                Span<byte> row = plane.Row(y);
                random.NextBytes(row);
                if (format == PixelFormat.I420P10)
                {
                    for (int x = 1; x < row.Length; x += 2) row[x] &= 3;
                }
            }
        }
        return frame;
    }

    public static VideoFrame Flat(FramePool pool, int width, int height, byte value)
    {
        VideoFrame frame = pool.Rent(PixelFormat.Rgb24, width, height);
        for (int y = 0; y < height; y++) frame.GetPlane(0).Row(y).Fill(value);
        return frame;
    }

    public static byte[] Samples(VideoFrame frame)
    {
        List<byte> samples = [];
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            for (int y = 0; y < plane.Height; y++) samples.AddRange(plane.Row(y));
        }
        return [.. samples];
    }
}
