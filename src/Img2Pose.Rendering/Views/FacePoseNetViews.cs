using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// The views of Face-Pose-Net, step by step as its published code makes them (Chang et al., ICCVW 2017; rendering after Masi et al.,
/// "Do we really need to collect millions of faces", ECCV 2016): every output pixel has a point of a reference shape, which is projected
/// into the face's crop and looked up there, whether it is seen or not. The published shapes are not free; this face surface and a plane
/// behind it stand for them (docs/views.md says what differs).
/// </summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class FacePoseNetViews
{
    /// <summary>Side of the crop that pose and colours are taken from, pixels.</summary>
    public const int CropSide = 227;

    /// <summary>Side of the views, pixels.</summary>
    public const int ViewSide = 224;

    /// <summary>What the square box grows by on every side, of its own side.</summary>
    internal const double Growth = 0.25;

    /// <summary>Share of the face's left edge that points outside of the crop are stretched into.</summary>
    internal const double BorderShare = 0.25;

    /// <summary>Side and deviation of the Gaussian that smooths the counts of the soft symmetry, pixels.</summary>
    internal const int BlurSide = 15;

    internal const double BlurDeviation = 30;

    /// <summary>Depth of the plane that goes on where the face ends, across the face's own axis; units of the reference face: about the cheeks' border.</summary>
    internal const double PlaneDepth = 0.4;

    /// <summary>How far from the middle of the face the plane is looked at, units: a view from the side sees it edge on.</summary>
    internal const double PlaneReach = 12;

    /// <summary>Cubic convolution as OpenCV's, a = −¾.</summary>
    private const float Sharpness = -0.75f;

    private readonly FaceGrid _grid;
    private readonly Dictionary<int, ReferenceShape> _shapes = [];
    private readonly Vector2[] _places = new Vector2[ViewSide * ViewSide];
    private readonly bool[] _inside = new bool[ViewSide * ViewSide];
    private readonly float[] _shared = new float[ViewSide * ViewSide];
    private readonly float[] _blurred = new float[ViewSide * ViewSide];
    private readonly int[] _count = new int[CropSide * CropSide];
    private readonly SourcePicture _picture = new();

    /// <summary>Makes views with a face surface.</summary>
    public FacePoseNetViews(FaceSurface surface)
    {
        ArgumentNullException.ThrowIfNull(surface);
        _grid = new FaceGrid(surface, 1);
    }

    /// <summary>The angle by which the views are chosen: −asin of the rotation's third row, first column; degrees, 0 for a frontal face.</summary>
    public static double YawOf(Pose pose) => -Math.Asin(Math.Clamp(RotationVector.ToMatrix(pose.Rotation).M31, -1, 1)) * 180 / Math.PI;

    /// <summary>The views that are made of a face: degrees, to the side that it is turned to. Profiles are not made frontal.</summary>
    /// <param name="yaw">From <see cref="YawOf"/>; its sign does not count.</param>
    public static IReadOnlyList<int> ViewsFor(double yaw) => Math.Abs(yaw) switch
    {
        < 15 => [0, 22, 40, 55, 75],
        < 40 => [40, 55, 75],
        _ => [55, 75],
    };

    /// <summary>
    /// The square around a box, grown by a quarter of its side on every side, black where it leaves the picture, resized to
    /// <see cref="CropSide"/> pixels by cubic convolution.
    /// </summary>
    /// <param name="frame">The picture, in host memory, with square pixels; only read.</param>
    /// <param name="box">The face's box, pixels.</param>
    /// <param name="crop">Receives <see cref="CropSide"/>² interleaved RGB pixels.</param>
    /// <param name="mirror">Mirrors the crop.</param>
    /// <returns>The box inside the crop, pixels.</returns>
    /// <exception cref="InputException">The box is empty, not finite, outside the picture or absurdly large.</exception>
    public Box Crop(VideoFrame frame, Box box, Span<byte> crop, bool mirror)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (crop.Length < 3 * CropSide * CropSide) throw new ArgumentException("The buffer is smaller than the crop.", nameof(crop));
        double side = Math.Max(box.Right - box.Left, box.Bottom - box.Top);
        double middleX = 0.5 * (box.Left + box.Right), middleY = 0.5 * (box.Top + box.Bottom);
        if (!(side > 0) || !(side <= 4.0 * Math.Max(frame.DisplayWidth, frame.DisplayHeight)) || !double.IsFinite(middleX + middleY))
            throw new InputException(FormattableString.Invariant($"The box {box.Left},{box.Top},{box.Right},{box.Bottom} is empty or much larger than the picture."));
        double grown = (1 + 2 * Growth) * side;
        // Whole pixels as the original finds them: both corners rounded up.
        int left = (int)Math.Ceiling(middleX - 0.5 * grown), top = (int)Math.Ceiling(middleY - 0.5 * grown);
        int width = Math.Max((int)Math.Ceiling(middleX + 0.5 * grown) - left, (int)Math.Ceiling(middleY + 0.5 * grown) - top);
        if (left >= frame.DisplayWidth || top >= frame.DisplayHeight || left + width <= 0 || top + width <= 0)
            throw new InputException(FormattableString.Invariant($"The box {box.Left},{box.Top},{box.Right},{box.Bottom} lies outside the picture of {frame.DisplayWidth}×{frame.DisplayHeight} pixels."));
        if (frame.DisplayWidth != frame.Width || frame.DisplayHeight != frame.Height || !_picture.Take(frame, Vector2.Zero, new Vector2(float.MaxValue), 1))
            throw new InputException("The original's mode needs pictures with square pixels; write the video's pictures as files first.");

        double scale = (double)width / CropSide;
        for (int y = 0; y < CropSide; y++)
        {
            double v = (y + 0.5) * scale - 0.5;
            for (int x = 0; x < CropSide; x++)
            {
                double u = (x + 0.5) * scale - 0.5;
                Vector4 colour = Cubic(u, v, (i, j) => PixelOrBlack(left + Math.Clamp(i, 0, width - 1), top + Math.Clamp(j, 0, width - 1)));
                Write(crop, y * CropSide + (mirror ? CropSide - 1 - x : x), colour + new Vector4(0.5f));
            }
        }
        double from = (middleX - 0.5 * side - left) / scale, to = (middleX + 0.5 * side - left) / scale;
        double above = (middleY - 0.5 * side - top) / scale, below = (middleY + 0.5 * side - top) / scale;
        return mirror ? new Box(CropSide - to, above, CropSide - from, below) : new Box(from, above, to, below);
    }

    /// <summary>Draws a view of a crop.</summary>
    /// <param name="crop"><see cref="CropSide"/>² interleaved RGB pixels.</param>
    /// <param name="pose">Pose of the face in the crop under <see cref="CameraIntrinsics.ForImage"/> of the crop.</param>
    /// <param name="yaw">The view's angle, whole degrees, 0 to 90.</param>
    /// <param name="symmetry">Soft symmetry, which only the frontal view has.</param>
    /// <param name="rgb">Receives <see cref="ViewSide"/>² interleaved RGB pixels.</param>
    /// <exception cref="ArgumentException">A buffer is too small.</exception>
    public void Render(ReadOnlySpan<byte> crop, Pose pose, int yaw, bool symmetry, Span<byte> rgb)
    {
        if (crop.Length < 3 * CropSide * CropSide) throw new ArgumentException("The crop is too small.", nameof(crop));
        if (rgb.Length < 3 * ViewSide * ViewSide) throw new ArgumentException("The buffer is smaller than the view.", nameof(rgb));
        ReferenceShape shape = ShapeOf(yaw);
        ProjectInto(shape, pose);
        StretchOutside(shape);
        for (int i = 0; i < _places.Length; i++) Write(rgb, i, Cubic(crop, _places[i]));
        if (symmetry && yaw == 0) BlendMirrored(shape, rgb);
    }

    /// <summary>The points that the output pixels of a view stand for, and which of them are the face.</summary>
    internal (IReadOnlyList<Vector3> Points, IReadOnlyList<bool> IsFace) ShapeAt(int yaw) => (ShapeOf(yaw).Points, ShapeOf(yaw).IsFace);

    private ReferenceShape ShapeOf(int yaw)
    {
        if (!_shapes.TryGetValue(yaw, out ReferenceShape? shape)) _shapes.Add(yaw, shape = new ReferenceShape(_grid, yaw));
        return shape;
    }

    /// <summary>Places in the crop: pixel i has its centre at i. Inside is what lies between the centres of the outermost pixels.</summary>
    private void ProjectInto(ReferenceShape shape, Pose pose)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        CameraIntrinsics camera = CameraIntrinsics.ForImage(CropSide, CropSide);
        for (int i = 0; i < _places.Length; i++)
        {
            Vector3 place = FaceGrid.Project(shape.Points[i], rotation, pose.Translation, camera);
            _places[i] = new Vector2(place.X - 0.5f, place.Y - 0.5f);
            _inside[i] = _places[i].X >= 0 && _places[i].Y >= 0 && _places[i].X <= CropSide - 1 && _places[i].Y <= CropSide - 1;
        }
    }

    /// <summary>
    /// Points outside of the crop: stretched over its height, and over its width up to a share of the face's left edge; what would go
    /// beyond that is squeezed into the strip.
    /// </summary>
    private void StretchOutside(ReferenceShape shape)
    {
        Vector2 low = new(float.MaxValue), high = new(float.MinValue);
        float edge = float.MaxValue;
        for (int i = 0; i < _places.Length; i++)
        {
            if (_inside[i])
            {
                if (shape.IsFace[i]) edge = Math.Min(edge, _places[i].X);
                continue;
            }
            low = Vector2.Min(low, _places[i]);
            high = Vector2.Max(high, _places[i]);
        }
        if (low.X > high.X) return;
        Vector2 extent = high - low;
        if (extent.X == 0) extent.X = 1;
        if (extent.Y == 0) extent.Y = 1;
        // The original counts pixels from 1 here.
        float strip = edge == float.MaxValue ? 0 : (float)((edge + 1) / CropSide * BorderShare), furthest = 0;
        for (int i = 0; i < _places.Length; i++)
        {
            if (_inside[i]) continue;
            _places[i] = (_places[i] - low) / extent;
            if (_places[i].X > strip) furthest = Math.Max(furthest, _places[i].X);
        }
        for (int i = 0; i < _places.Length; i++)
        {
            if (_inside[i]) continue;
            if (_places[i].X > strip) _places[i].X *= strip / furthest;
            _places[i] *= CropSide;
        }
    }

    /// <summary>
    /// Soft symmetry: where many pixels of the view share one of the crop, the face is turned away, and the mirrored right half
    /// shines through on the left.
    /// </summary>
    private void BlendMirrored(ReferenceShape shape, Span<byte> rgb)
    {
        _count.AsSpan().Clear();
        for (int i = 0; i < _places.Length; i++)
        {
            if (_inside[i]) _count[PixelOf(_places[i])]++;
        }
        for (int i = 0; i < _places.Length; i++) _shared[i] = _inside[i] ? _count[PixelOf(_places[i])] : 0;
        GaussianBlur.Apply(_shared, _blurred, ViewSide, ViewSide, BlurSide, BlurDeviation);

        float least = float.MaxValue, most = float.MinValue;
        for (int i = 0; i < _shared.Length; i++)
        {
            if (!shape.IsFace[i]) continue;
            least = Math.Min(least, _shared[i]);
            most = Math.Max(most, _shared[i]);
        }
        if (!(most > least)) return;
        for (int y = 0; y < ViewSide; y++)
        {
            for (int x = 0; x < ViewSide / 2; x++)
            {
                int at = y * ViewSide + x, other = y * ViewSide + ViewSide - 1 - x;
                if (!shape.IsFace[at]) continue;
                float weight = (_shared[at] - least) / (most - least);
                for (int channel = 0; channel < 3; channel++)
                    rgb[3 * at + channel] = (byte)(rgb[3 * at + channel] * (1 - weight) + rgb[3 * other + channel] * weight);
            }
        }
    }

    private static int PixelOf(Vector2 place) => (int)MathF.Round(place.Y) * CropSide + (int)MathF.Round(place.X);

    private Vector4 PixelOrBlack(int x, int y) =>
        (uint)x < (uint)_picture.Width && (uint)y < (uint)_picture.Height ? _picture.Pixel(x, y) : Vector4.Zero;

    private static Vector4 Cubic(ReadOnlySpan<byte> crop, Vector2 place)
    {
        if (!(place.X > -2 && place.Y > -2 && place.X < CropSide + 1 && place.Y < CropSide + 1)) return Vector4.Zero;
        int left = (int)MathF.Floor(place.X), top = (int)MathF.Floor(place.Y);
        Vector4 across = CubicWeights(place.X - left), down = CubicWeights(place.Y - top), sum = Vector4.Zero;
        for (int j = 0; j < 4; j++)
        {
            for (int i = 0; i < 4; i++)
            {
                int x = left - 1 + i, y = top - 1 + j;
                if ((uint)x >= CropSide || (uint)y >= CropSide) continue;
                int at = 3 * (y * CropSide + x);
                sum += across[i] * down[j] * new Vector4(crop[at], crop[at + 1], crop[at + 2], 0);
            }
        }
        return sum;
    }

    private static Vector4 Cubic(double u, double v, Func<int, int, Vector4> pixel)
    {
        int left = (int)Math.Floor(u), top = (int)Math.Floor(v);
        Vector4 across = CubicWeights((float)(u - left)), down = CubicWeights((float)(v - top)), sum = Vector4.Zero;
        for (int j = 0; j < 4; j++)
        {
            for (int i = 0; i < 4; i++) sum += across[i] * down[j] * pixel(left - 1 + i, top - 1 + j);
        }
        return sum;
    }

    private static Vector4 CubicWeights(float t)
    {
        const float a = Sharpness;
        float u = 1 - t;
        float first = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a, second = ((a + 2) * t - (a + 3)) * t * t + 1;
        float third = ((a + 2) * u - (a + 3)) * u * u + 1;
        return new Vector4(first, second, third, 1 - first - second - third);
    }

    /// <summary>Stored as the original stores floats in bytes: cut off.</summary>
    private static void Write(Span<byte> rgb, int pixel, Vector4 colour)
    {
        colour = Vector4.Clamp(colour, Vector4.Zero, new Vector4(255));
        rgb[3 * pixel] = (byte)colour.X;
        rgb[3 * pixel + 1] = (byte)colour.Y;
        rgb[3 * pixel + 2] = (byte)colour.Z;
    }

    /// <summary>For every output pixel of a view the point that it stands for, in the axes of the reference face.</summary>
    private sealed class ReferenceShape
    {
        public ReferenceShape(FaceGrid grid, int yaw)
        {
            (Pose pose, CameraIntrinsics camera) = FaceViewRenderer.DefaultView(yaw, 0, ViewSide);
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation), back = rotation.Transposed;
            Vector3[] target = new Vector3[grid.Count];
            grid.Project(rotation, pose.Translation, camera, target);
            DepthRaster raster = new();
            raster.Clear(ViewSide, ViewSide);
            raster.Draw(target, grid.Triangles, frontOnly: true);
            for (int i = 0; i < Points.Length; i++)
            {
                if (raster.Triangle[i] is >= 0 and int triangle)
                {
                    ReadOnlySpan<int> corners = grid.Triangles.Slice(3 * triangle, 3);
                    Vector2 place = raster.PlaceAt(i);
                    float rest = 1 - place.X - place.Y;
                    float weight = rest * grid.Weights[corners[0]] + place.X * grid.Weights[corners[1]] + place.Y * grid.Weights[corners[2]];
                    if (weight > 0.5f)
                    {
                        Points[i] = rest * grid.Positions[corners[0]] + place.X * grid.Positions[corners[1]] + place.Y * grid.Positions[corners[2]];
                        IsFace[i] = true;
                        continue;
                    }
                }
                // The ray through the pixel, in the axes of the face, meets the plane z = PlaneDepth.
                Vector3d eye = back * (new Vector3d(0, 0, 0) - pose.Translation);
                Vector3d ray = back * new Vector3d((i % ViewSide + 0.5 - camera.CenterX) / camera.FocalLength, (i / ViewSide + 0.5 - camera.CenterY) / camera.FocalLength, 1);
                double length = ray.Z > 1e-6 ? (PlaneDepth - eye.Z) / ray.Z : double.MaxValue;
                double x = Math.Clamp(eye.X + length * ray.X, -PlaneReach, PlaneReach), y = Math.Clamp(eye.Y + length * ray.Y, -PlaneReach, PlaneReach);
                Points[i] = new Vector3((float)x, (float)y, (float)PlaneDepth);
            }
        }

        public Vector3[] Points { get; } = new Vector3[ViewSide * ViewSide];

        public bool[] IsFace { get; } = new bool[ViewSide * ViewSide];
    }
}
