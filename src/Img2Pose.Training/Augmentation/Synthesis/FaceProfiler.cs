using System.Buffers;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>
/// Turns a near-frontal face of a photograph to a large yaw or pitch: the picture is laid on the face surface under the
/// labelled pose, the surface is turned about the neck, and what surrounds it (ears, hair, background) is pulled along,
/// less and less with the distance, as in the face profiling of Zhu et al., "Face Alignment Across Large Poses" (CVPR
/// 2016), and the renderer of FacePoseNet. The new label is exact as far as the old one is.
/// </summary>
internal sealed class FaceProfiler
{
    /// <summary>The turning point on the neck's axis, in the reference face's frame: the head stays on its shoulders.</summary>
    private static readonly Vector3d Pivot = new(0, 0.2, 0.55);

    private const int Rings = 10;

    /// <summary>Where the pull ends, in distances of the surface's border from its middle.</summary>
    private const double Reach = 2.3;

    private readonly Vector3d[] _vertices;
    private readonly int[] _triangles;
    private readonly int[] _border;

    private FaceProfiler(Vector3d[] vertices, int[] triangles)
    {
        _vertices = vertices;
        _triangles = triangles;
        _border = BorderLoop(triangles);
    }

    /// <summary>Reads the coarse face surface of the mesh pack.</summary>
    /// <exception cref="InputException">A file is missing or malformed.</exception>
    public static FaceProfiler Load(string folder)
    {
        Vector3d[] vertices = MeshFiles.Points(folder, "mask_2k5_verts");
        return new FaceProfiler(vertices, MeshFiles.Indices(folder, "mask_2k5_tris", vertices.Length));
    }

    /// <summary>Whether a face can be turned: alone in its picture, near the front, well labelled, wholly seen, not tiny.</summary>
    public static bool Suits(AnnotatedImage image, AnnotatedFace face)
    {
        if (image.Faces.Count != 1 || face.Pose is not { } pose || face.Size < 36 || FaceLabels.Trust(face) < 0.7f) return false;
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        return Math.Abs(angles.Yaw) < 25 && Math.Abs(angles.Pitch) < 25
            && face.Box.Left > 1 && face.Box.Top > 1 && face.Box.Right < image.Width - 1 && face.Box.Bottom < image.Height - 1;
    }

    /// <summary>
    /// Draws new angles: mostly a profile, whose turn goes on in the direction that the face already has, so that nothing
    /// unseen comes up; else a nod, mostly downward.
    /// </summary>
    /// <returns>Turn about the face's vertical axis and about its horizontal one, radians.</returns>
    public static (double Yaw, double Pitch) DrawTurn(Pose pose, ref SampleRandom random)
    {
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        if (random.Chance(0.35))
        {
            double nod = random.Chance(0.75) ? random.Uniform(-42, -12) : random.Uniform(10, 28);
            return (double.DegreesToRadians(8 * random.Normal()), double.DegreesToRadians(nod - 0.5 * angles.Pitch));
        }
        double side = Math.Abs(angles.Yaw) < 6 ? (random.Chance(0.5) ? 1 : -1) : Math.Sign(angles.Yaw);
        double target = side * random.Uniform(25, 72);
        double pitch = random.Chance(0.6) ? 0 : Math.Clamp(9 * random.Normal(), -20, 20);
        return (double.DegreesToRadians(target - angles.Yaw), double.DegreesToRadians(pitch));
    }

    /// <summary>Renders the picture with its one face turned.</summary>
    /// <param name="picture">The photograph.</param>
    /// <param name="image">Its record; its only face has a pose.</param>
    /// <param name="yaw">Turn about the face's vertical axis, radians; positive toward the image's left.</param>
    /// <param name="pitch">Turn about the face's horizontal axis, radians; positive up.</param>
    /// <param name="size">Longer side that the face will be drawn at, pixels; infinite: the picture in full.</param>
    /// <param name="loans">Lends the pixels of the new picture.</param>
    public (RgbPicture Picture, AnnotatedImage Image) Turn(
        RgbPicture picture, AnnotatedImage image, double yaw, double pitch, double size, PixelLoans loans)
    {
        AnnotatedFace face = image.Faces[0];
        Pose oldPose = face.Pose ?? throw new ArgumentException("The face has no pose.", nameof(image));
        CameraIntrinsics camera = image.Camera;
        Matrix3x3d oldRotation = RotationVector.ToMatrix(oldPose.Rotation);
        Matrix3x3d newRotation = oldRotation * RotationVector.ToMatrix(new Vector3d(0, yaw, 0)) * RotationVector.ToMatrix(new Vector3d(-pitch, 0, 0));
        Vector3d newTranslation = oldPose.Translation + oldRotation * Pivot + -(newRotation * Pivot);
        Pose newPose = new(RotationVector.FromMatrix(newRotation), newTranslation);

        Box box = FaceBox.FromPose(newPose, camera, image.Width, image.Height, ReferenceFace.Default, FaceBoxFactors.Default);
        // Twice as fine as it will be sampled at, so that turning costs no sharpness.
        int octave = Math.Max(0, ReducedPicture.OctaveFor(size / Math.Max(box.Width, box.Height)) - 1);
        RgbPicture level = picture.Halved(octave);
        double scale = Math.ScaleB(1, -octave);

        int count = _vertices.Length;
        int total = count + Rings * _border.Length;
        ScreenVertex[] from = new ScreenVertex[total], to = new ScreenVertex[total];
        for (int i = 0; i < count; i++)
        {
            from[i] = Project(camera, scale, oldRotation * _vertices[i] + oldPose.Translation);
            to[i] = Project(camera, scale, newRotation * _vertices[i] + newTranslation);
        }
        int[] surroundings = PlaceRings(from, to, count);

        byte[] pixels = loans.Rent(level.Pixels.Length);
        level.Pixels.CopyTo(pixels, 0);
        TexturedShader shader = new(level, from);
        TriangleRasterizer.Draw(pixels, null, level.Width, level.Height, to, surroundings, cullBack: false, shader);
        float[] depth = ArrayPool<float>.Shared.Rent(level.Width * level.Height);
        (int top, int bottom) = Rows(to.AsSpan(0, count), level.Height);
        depth.AsSpan(top * level.Width, (bottom - top) * level.Width).Fill(float.PositiveInfinity);
        TriangleRasterizer.Draw(pixels, depth, level.Width, level.Height, to, _triangles, cullBack: true, shader);
        ArrayPool<float>.Shared.Return(depth);

        AnnotatedFace turned = face with { Pose = newPose, Box = box, Landmarks = null };
        RgbPicture drawn = RgbPicture.Borrow(pixels, level.Width, level.Height);
        return (RgbPicture.OfLevel(drawn, octave, picture.Width, picture.Height), image with { Faces = [turned] });
    }

    /// <summary>The rows of a picture that vertices may reach.</summary>
    private static (int Top, int Bottom) Rows(ReadOnlySpan<ScreenVertex> vertices, int height)
    {
        float top = height, bottom = 0;
        foreach (ScreenVertex vertex in vertices) (top, bottom) = (Math.Min(top, vertex.Y), Math.Max(bottom, vertex.Y));
        if (!float.IsFinite(top) || !float.IsFinite(bottom)) return (0, height);
        int first = (int)Math.Clamp(MathF.Floor(top) - 1, 0, height);
        return (first, (int)Math.Clamp(MathF.Ceiling(bottom) + 1, first, height));
    }

    /// <summary>
    /// Rings around the border: in the photograph they widen evenly; in the new picture each keeps the border's shift,
    /// fading to none at the last. Returned triangles run from the outermost ring inward, so that nearer ones cover.
    /// </summary>
    private int[] PlaceRings(ScreenVertex[] from, ScreenVertex[] to, int first)
    {
        int length = _border.Length;
        float middleX = 0, middleY = 0;
        foreach (int v in _border)
        {
            middleX += from[v].X / length;
            middleY += from[v].Y / length;
        }
        for (int ring = 0; ring < Rings; ring++)
        {
            double part = (ring + 1.0) / Rings;
            float grow = (float)(1 + part * (Reach - 1));
            float pull = (float)(0.5 + 0.5 * Math.Cos(Math.PI * part));
            for (int i = 0; i < length; i++)
            {
                ScreenVertex a = from[_border[i]], b = to[_border[i]];
                ScreenVertex outer = new(middleX + grow * (a.X - middleX), middleY + grow * (a.Y - middleY), a.Z);
                from[first + ring * length + i] = outer;
                to[first + ring * length + i] = new(outer.X + pull * (b.X - a.X), outer.Y + pull * (b.Y - a.Y), b.Z);
            }
        }

        int[] triangles = new int[Rings * length * 6];
        int at = 0;
        for (int ring = Rings - 1; ring >= 0; ring--)
        {
            for (int i = 0; i < length; i++)
            {
                int next = (i + 1) % length;
                int innerA = ring == 0 ? _border[i] : first + (ring - 1) * length + i;
                int innerB = ring == 0 ? _border[next] : first + (ring - 1) * length + next;
                int outerA = first + ring * length + i, outerB = first + ring * length + next;
                (triangles[at], triangles[at + 1], triangles[at + 2]) = (innerA, outerA, innerB);
                (triangles[at + 3], triangles[at + 4], triangles[at + 5]) = (innerB, outerA, outerB);
                at += 6;
            }
        }
        return triangles;
    }

    private static ScreenVertex Project(CameraIntrinsics camera, double scale, Vector3d point)
    {
        (double x, double y) = camera.Project(point);
        return new ScreenVertex((float)(scale * x), (float)(scale * y), (float)point.Z);
    }

    /// <summary>The one closed chain of edges that belong to a single triangle.</summary>
    private static int[] BorderLoop(int[] triangles)
    {
        HashSet<(int, int)> edges = [];
        for (int i = 0; i < triangles.Length; i += 3)
        {
            for (int k = 0; k < 3; k++) edges.Add((triangles[i + k], triangles[i + (k + 1) % 3]));
        }
        Dictionary<int, int> next = edges.Where(e => !edges.Contains((e.Item2, e.Item1))).ToDictionary(e => e.Item1, e => e.Item2);
        if (next.Count == 0) throw new InputException("the face surface has no border; it must be an open mask");
        List<int> loop = [next.Keys.Min()];
        while (next.TryGetValue(loop[^1], out int following) && following != loop[0] && loop.Count <= next.Count) loop.Add(following);
        if (loop.Count != next.Count) throw new InputException("the face surface has more than one border; it must be one open mask");
        return [.. loop];
    }

    /// <summary>Takes colours from the photograph, bilinearly, at the place that the surface point had there.</summary>
    private readonly struct TexturedShader(RgbPicture texture, ScreenVertex[] places) : IFragmentShader
    {
        public unsafe void Shade(Span<byte> pixels, int at, int a, int b, int c, float weightA, float weightB, float weightC)
        {
            float u = weightA * places[a].X + weightB * places[b].X + weightC * places[c].X - 0.5f;
            float v = weightA * places[a].Y + weightB * places[b].Y + weightC * places[c].Y - 0.5f;
            fixed (byte* source = texture.Pixels)
            fixed (byte* to = pixels.Slice(at, 3))
                PictureSampler.One(source, texture.Width, texture.Height, u, v, to);
        }
    }
}
