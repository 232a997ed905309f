using System.Buffers;
using System.Runtime.Intrinsics;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>
/// Renders random heads of a morphable model before a picture without faces: random identity, expression, colours of
/// skin, lips, brows, hair and eyes, light and pose. The labels come from the model, free of any estimate.
/// </summary>
internal sealed class HeadRenderer(MorphableHead head)
{
    private const int Size = 288;

    /// <summary>The triangles of skin, of both eyes and of the mouth.</summary>
    private readonly int[][] _triangles = [.. Enumerable.Range(0, 4).Select(group => TrianglesOf(head, group))];

    /// <summary>Eye centres and radii in the reference frame, for painting the iris.</summary>
    private const double EyeX = 0.31, EyeY = -0.39, IrisRadius = 0.062, PupilRadius = 0.027;

    /// <summary>Draws one head.</summary>
    /// <param name="background">A picture without faces, or null for a plain colour.</param>
    /// <param name="loans">Lends the picture's pixels.</param>
    /// <param name="random">The sample's random numbers.</param>
    public (RgbPicture Picture, AnnotatedImage Image) Render(RgbPicture? background, PixelLoans loans, ref SampleRandom random)
    {
        Canvas canvas = new(Size, Size, loans.Rent(3 * Size * Size));
        Array.Clear(canvas.Pixels, 0, 3 * Size * Size);
        DrawBackground(canvas, background, ref random);

        float[] identity = new float[head.IdentityCount], expression = new float[head.ExpressionCount];
        for (int i = 0; i < identity.Length; i++) identity[i] = (float)Math.Clamp(random.Normal(), -2.5, 2.5);
        for (int i = 0; i < expression.Length; i++)
        {
            if (random.Chance(0.12)) expression[i] = (float)(random.Uniform() * random.Uniform());
        }
        Vector3d[] vertices = ArrayPool<Vector3d>.Shared.Rent(2 * head.VertexCount);
        Span<Vector3d> shape = vertices.AsSpan(0, head.VertexCount), normals = vertices.AsSpan(head.VertexCount, head.VertexCount);
        Vector3d[] inner = new Vector3d[head.InnerLandmarkCount];
        head.Shape(identity, expression, shape, inner);
        head.Normals(shape, normals);

        CameraIntrinsics camera = CameraIntrinsics.ForImage(Size, Size);
        Pose drawn = DrawPose(camera, ref random);
        Pose label = head.CorrectLabelOf(inner, drawn);
        Rasterize(canvas, vertices, drawn, camera, ref random);
        ArrayPool<Vector3d>.Shared.Return(vertices);

        Box box = FaceBox.FromPose(label, camera, Size, Size, ReferenceFace.Default, FaceBoxFactors.Default);
        AnnotatedImage image = new()
        {
            Image = "rendered",
            Path = "rendered",
            Width = Size,
            Height = Size,
            Set = "rendered",
            Complete = true,
            Faces = [new AnnotatedFace { Box = box, Pose = label, Label = "rendered", Ignore = false, Agreement = 0 }],
        };
        return (RgbPicture.Borrow(canvas.Pixels, Size, Size), image);
    }

    private static Pose DrawPose(CameraIntrinsics camera, ref SampleRandom random)
    {
        double yaw = random.Chance(0.6) ? random.Uniform(-90, 90) : 30 * random.Normal();
        double pitch = Math.Clamp(16 * random.Normal(), -45, 45);
        double roll = Math.Clamp(9 * random.Normal(), -30, 30);
        Vector3d rotation = new EulerAngles(Math.Clamp(yaw, -90, 90), pitch, roll).ToRotationVector();
        double depth = random.Uniform(6.2, 9.5);
        double x = Size * random.Uniform(0.4, 0.6), y = Size * random.Uniform(0.4, 0.55);
        return new Pose(rotation, new Vector3d(
            (x - camera.CenterX) / camera.FocalLength * depth, (y - camera.CenterY) / camera.FocalLength * depth, depth));
    }

    private static void DrawBackground(Canvas canvas, RgbPicture? background, ref SampleRandom random)
    {
        if (background is null)
        {
            canvas.Fill((byte)random.Below(256), (byte)random.Below(256), (byte)random.Below(256));
            return;
        }
        double cover = Math.Max(Size / (double)background.Width, Size / (double)background.Height);
        double scale = cover * random.LogUniform(1, 1.8);
        double spareX = background.Width * scale - Size, spareY = background.Height * scale - Size;
        SimilarityWarp warp = SimilarityWarp.Taking(
            0.5 * background.Width, 0.5 * background.Height,
            0.5 * Size + random.Uniform(-0.5, 0.5) * spareX, 0.5 * Size + random.Uniform(-0.5, 0.5) * spareY, scale, 0, random.Chance(0.5));
        canvas.Draw(background, warp, LayerShape.Whole, canvas.Bounds);
    }

    /// <summary>Draws the head; <paramref name="vertices"/> holds its vertices, and its normals after them.</summary>
    private void Rasterize(Canvas canvas, Vector3d[] vertices, Pose pose, CameraIntrinsics camera, ref SampleRandom random)
    {
        int count = head.VertexCount;
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        ScreenVertex[] screen = ArrayPool<ScreenVertex>.Shared.Rent(count);
        for (int i = 0; i < count; i++)
        {
            Vector3d p = rotation * vertices[i] + pose.Translation;
            (double x, double y) = camera.Project(p);
            screen[i] = new ScreenVertex((float)x, (float)y, (float)p.Z);
        }
        Palette palette = Palette.Draw(ref random);
        Vector128<float>[] light = ArrayPool<Vector128<float>>.Shared.Rent(count), colours = ArrayPool<Vector128<float>>.Shared.Rent(count);
        Light(vertices.AsSpan(count, count), rotation, light, ref random);
        for (int i = 0; i < count; i++)
            colours[i] = Single(Linear(palette.SkinAt(head.Maps.AsSpan(i * MorphableHead.MapCount, MorphableHead.MapCount))));

        float[] depth = ArrayPool<float>.Shared.Rent(Size * Size);
        Array.Fill(depth, float.PositiveInfinity, 0, Size * Size);
        for (int group = 0; group < _triangles.Length; group++)
        {
            SurfaceShader shader = new(group, colours, light, vertices, palette);
            TriangleRasterizer.Draw(canvas.Pixels, depth, Size, Size, screen, _triangles[group], cullBack: true, shader);
        }
        ArrayPool<float>.Shared.Return(depth);
        ArrayPool<Vector128<float>>.Shared.Return(colours);
        ArrayPool<Vector128<float>>.Shared.Return(light);
        ArrayPool<ScreenVertex>.Shared.Return(screen);
    }

    private static int[] TrianglesOf(MorphableHead head, int group)
    {
        List<int> triangles = [];
        for (int i = 0; i < head.Groups.Length; i++)
        {
            if (head.Groups[i] == group) triangles.AddRange(head.Triangles.AsSpan(3 * i, 3));
        }
        return [.. triangles];
    }

    /// <summary>Ambient light, one coloured lamp before the face and one weaker from anywhere, a little gloss; per vertex.</summary>
    private void Light(ReadOnlySpan<Vector3d> normals, in Matrix3x3d rotation, Span<Vector128<float>> light, ref SampleRandom random)
    {
        Vector3d main = Direction(random.Uniform(-1.2, 1.2), random.Uniform(-1.1, 0.4));
        Vector3d second = Direction(random.Uniform(-3, 3), random.Uniform(-1.2, 1.2));
        Vector3d mainColour = Tint(random.Uniform(0.35, 0.95), ref random), secondColour = Tint(random.Uniform(0, 0.35), ref random);
        Vector3d ambient = Tint(random.Uniform(0.2, 0.6), ref random);
        double gloss = random.Uniform(0, 0.25);
        Vector3d half = main + new Vector3d(0, 0, -1);
        half /= half.Length;
        // Directions as the unturned head has them.
        Matrix3x3d back = rotation.Transposed;
        (main, second, half) = (back * main, back * second, back * half);
        Vector128<float> ambientColour = Single(ambient), mainTint = Single(mainColour), secondTint = Single(secondColour);
        for (int i = 0; i < normals.Length; i++)
        {
            Vector3d normal = normals[i];
            float occlusion = 0.35f + 0.65f * head.Maps[i * MorphableHead.MapCount + 3];
            // The cosine to the power of 24.
            double shine = Math.Max(0, Vector3d.Dot(normal, half));
            shine *= shine * shine;
            shine *= shine;
            shine *= shine;
            shine *= shine;
            light[i] = occlusion * (ambientColour
                + (float)Math.Max(0, Vector3d.Dot(normal, main)) * mainTint
                + (float)Math.Max(0, Vector3d.Dot(normal, second)) * secondTint)
                + Vector128.Create((float)(gloss * shine));
        }
    }

    private static Vector128<float> Single(Vector3d v) => Vector128.Create((float)v.X, (float)v.Y, (float)v.Z, 0);

    /// <summary>Toward a lamp: azimuth from the viewer's direction, elevation negative above (y points down).</summary>
    private static Vector3d Direction(double azimuth, double elevation) => new(
        Math.Sin(azimuth) * Math.Cos(elevation), Math.Sin(elevation), -Math.Cos(azimuth) * Math.Cos(elevation));

    private static Vector3d Tint(double strength, ref SampleRandom random) => new(
        strength * random.Uniform(0.85, 1.1), strength * random.Uniform(0.9, 1.05), strength * random.Uniform(0.85, 1.1));

    /// <summary>A displayed colour as linear light, with gamma 2.</summary>
    private static Vector3d Linear(Vector3d colour) => new(colour.X * colour.X, colour.Y * colour.Y, colour.Z * colour.Z);

    /// <summary>Colours of one head, as displayed, 0…1.</summary>
    private readonly record struct Palette(Vector3d Skin, Vector3d Lips, Vector3d Hair, Vector3d Iris, bool Bald)
    {
        public static Palette Draw(ref SampleRandom random)
        {
            Vector3d light = new(0.93, 0.76, 0.66), dark = new(0.32, 0.2, 0.14);
            Vector3d skin = Vector3d.Lerp(dark, light, random.Uniform());
            Vector3d lips = new(skin.X * random.Uniform(0.75, 1), skin.Y * random.Uniform(0.5, 0.8), skin.Z * random.Uniform(0.55, 0.85));
            Vector3d hair = Vector3d.Lerp(new Vector3d(0.06, 0.05, 0.04), new Vector3d(0.62, 0.47, 0.3), Math.Pow(random.Uniform(), 2.5));
            if (random.Chance(0.15)) hair = new Vector3d(0.6, 0.6, 0.6) * random.Uniform(0.7, 1.3);
            Vector3d iris = Vector3d.Lerp(new Vector3d(0.2, 0.11, 0.05), new Vector3d(0.35, 0.5, 0.6), random.Chance(0.6) ? 0 : random.Uniform());
            return new Palette(skin, lips, hair, iris, random.Chance(0.2));
        }

        public Vector3d SkinAt(ReadOnlySpan<float> maps)
        {
            Vector3d colour = Vector3d.Lerp(Skin, Lips, maps[4]);
            colour = Vector3d.Lerp(colour, Hair, 0.85 * maps[5]);
            return Bald ? colour : Vector3d.Lerp(colour, Hair, maps[0]);
        }
    }

    /// <summary>Interpolates colour and light; paints the iris by the place on the undeformed eye.</summary>
    private readonly struct SurfaceShader(int group, Vector128<float>[] colours, Vector128<float>[] light, Vector3d[] shape, Palette palette) : IFragmentShader
    {
        public void Shade(Span<byte> pixels, int at, int a, int b, int c, float weightA, float weightB, float weightC)
        {
            Vector128<float> colour = group switch
            {
                1 or 2 => Single(EyeAt(weightA * shape[a] + weightB * shape[b] + weightC * shape[c])),
                3 => Vector128.Create(0.03f, 0.004f, 0.004f, 0),
                _ => weightA * colours[a] + weightB * colours[b] + weightC * colours[c],
            };
            Vector128<float> lit = weightA * light[a] + weightB * light[b] + weightC * light[c];
            // Linear light to display by gamma 2; full light shows at 0.8 of white, so that gloss has room.
            Vector128<float> value = Vector128.Min(Vector128.Max(0.64f * (colour * lit), Vector128<float>.Zero), Vector128<float>.One);
            Vector128<int> shown = Vector128.ConvertToInt32(255f * Vector128.Sqrt(value) + Vector128.Create(0.5f));
            pixels[at] = (byte)shown[0];
            pixels[at + 1] = (byte)shown[1];
            pixels[at + 2] = (byte)shown[2];
        }

        private Vector3d EyeAt(Vector3d place)
        {
            double distance = double.Hypot(Math.Abs(place.X) - EyeX, place.Y - EyeY);
            return distance < PupilRadius ? new Vector3d(0.002, 0.002, 0.002) : distance < IrisRadius ? Linear(palette.Iris) : new Vector3d(0.8, 0.77, 0.74);
        }
    }
}
