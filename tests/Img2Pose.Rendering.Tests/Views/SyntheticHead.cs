using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Tests.Views;

/// <summary>
/// The face surface with a colour that is known at every point of it, painted by a plain z-buffer of its own: the truth that
/// views are held against.
/// </summary>
internal sealed class SyntheticHead
{
    private readonly FaceMesh _mesh = FaceSurface.LoadDefault().Tessellate(1);

    /// <summary>A painted picture, and what each of its pixels shows: RGB, the point of the surface or null, 1/z or 0.</summary>
    public sealed record Painting(byte[] Pixels, Vector3?[] Points, float[] Nearness, int Width, int Height);

    /// <summary>A smooth pattern that is nearly the same on both sides, as faces are: the odd part has some 8 levels.</summary>
    public static Vector3 Pattern(Vector3 p) => SymmetricPattern(p) + new Vector3(8 * MathF.Sin(7 * p.X), 8 * MathF.Sin(5 * p.X) * MathF.Cos(6 * p.Y), 6 * MathF.Sin(9 * p.X));

    /// <summary>The same on both sides.</summary>
    public static Vector3 SymmetricPattern(Vector3 p)
    {
        float x = MathF.Abs(p.X);
        return new(130 + 40 * MathF.Sin(7 * x + 5 * p.Y) + 20 * MathF.Cos(9 * p.Y), 110 + 40 * MathF.Cos(8 * p.Y + 3 * x), 100 + 35 * MathF.Sin(6 * x - 7 * p.Y));
    }

    /// <summary>Paints the head, where its opacity is above the given one, over a background.</summary>
    public Painting Paint(Pose pose, CameraIntrinsics camera, int width, int height, Func<Vector3, Vector3> pattern, float fadesAt = 0.5f)
    {
        byte[] pixels = new byte[3 * width * height];
        Vector3?[] points = new Vector3?[width * height];
        float[] nearness = new float[width * height];
        for (int i = 0; i < width * height; i++) Put(pixels, i, Background(i % width, i / width));
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        for (int t = 0; t < _mesh.Triangles.Length; t += 3)
        {
            int a = _mesh.Triangles[t], b = _mesh.Triangles[t + 1], c = _mesh.Triangles[t + 2];
            Vector3d pa = Place(a, rotation, pose, camera), pb = Place(b, rotation, pose, camera), pc = Place(c, rotation, pose, camera);
            double area = (pb.X - pa.X) * (pc.Y - pa.Y) - (pb.Y - pa.Y) * (pc.X - pa.X);
            if (area >= 0) continue; // seen from behind
            int top = Math.Max(0, (int)Math.Min(pa.Y, Math.Min(pb.Y, pc.Y)) - 1), bottom = Math.Min(height - 1, (int)Math.Max(pa.Y, Math.Max(pb.Y, pc.Y)) + 1);
            int left = Math.Max(0, (int)Math.Min(pa.X, Math.Min(pb.X, pc.X)) - 1), right = Math.Min(width - 1, (int)Math.Max(pa.X, Math.Max(pb.X, pc.X)) + 1);
            for (int y = top; y <= bottom; y++)
            {
                for (int x = left; x <= right; x++)
                {
                    double u = ((x + 0.5 - pa.X) * (pc.Y - pa.Y) - (y + 0.5 - pa.Y) * (pc.X - pa.X)) / area;
                    double v = ((pb.X - pa.X) * (y + 0.5 - pa.Y) - (pb.Y - pa.Y) * (x + 0.5 - pa.X)) / area;
                    if (u < 0 || v < 0 || u + v > 1) continue;
                    double near = (1 - u - v) / pa.Z + u / pb.Z + v / pc.Z;
                    if (near <= nearness[y * width + x]) continue;
                    // Weights corrected for perspective.
                    float wb = (float)(u / pb.Z / near), wc = (float)(v / pc.Z / near), wa = 1 - wb - wc;
                    float opacity = wa * _mesh.Weights[a] + wb * _mesh.Weights[b] + wc * _mesh.Weights[c];
                    if (opacity <= fadesAt) continue;
                    nearness[y * width + x] = (float)near;
                    Vector3 point = wa * _mesh.Positions[a] + wb * _mesh.Positions[b] + wc * _mesh.Positions[c];
                    points[y * width + x] = point;
                    Put(pixels, y * width + x, pattern(point));
                }
            }
        }
        return new Painting(pixels, points, nearness, width, height);
    }

    /// <summary>Whether a point of the surface is the nearest one where it lies in a painting.</summary>
    public static bool IsVisible(Painting painting, Vector3 point, Pose pose, CameraIntrinsics camera)
    {
        Vector3d seen = RotationVector.ToMatrix(pose.Rotation) * new Vector3d(point.X, point.Y, point.Z) + pose.Translation;
        (double x, double y) = camera.Project(seen);
        if (!(x >= 0 && y >= 0 && x < painting.Width && y < painting.Height)) return false;
        float nearness = painting.Nearness[(int)y * painting.Width + (int)x];
        return nearness > 0 && seen.Z - 1 / nearness < 0.03;
    }

    /// <summary>A frame with the pixels of a painting.</summary>
    public static VideoFrame Frame(FramePool pool, ReadOnlySpan<byte> pixels, int width, int height)
    {
        VideoFrame frame = pool.Rent(PixelFormat.Rgb24, width, height);
        for (int y = 0; y < height; y++) pixels.Slice(3 * y * width, 3 * width).CopyTo(frame.GetPlane(0).Row(y));
        return frame;
    }

    private static Vector3 Background(int x, int y) => new(40 + x % 32, 60 + y % 32, 90);

    private Vector3d Place(int vertex, in Matrix3x3d rotation, Pose pose, CameraIntrinsics camera)
    {
        Vector3 p = _mesh.Positions[vertex];
        Vector3d seen = rotation * new Vector3d(p.X, p.Y, p.Z) + pose.Translation;
        (double x, double y) = camera.Project(seen);
        return new Vector3d(x, y, seen.Z);
    }

    private static void Put(byte[] pixels, int at, Vector3 colour)
    {
        pixels[3 * at] = (byte)Math.Clamp(colour.X + 0.5f, 0, 255);
        pixels[3 * at + 1] = (byte)Math.Clamp(colour.Y + 0.5f, 0, 255);
        pixels[3 * at + 2] = (byte)Math.Clamp(colour.Z + 0.5f, 0, 255);
    }
}
