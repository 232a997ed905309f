using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Views;

/// <summary>Draws prepared faces on the CPU. Buffers grow and are kept.</summary>
internal sealed class ViewPainter(FaceGrid grid) : IViewPainter
{
    private static readonly Vector128<byte> s_lowest = Vector128.Create((byte)0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);

    private readonly Vector3[] _target = new Vector3[grid.Count];
    private readonly Vector3[] _ringTarget = new Vector3[SurroundingRing.VertexCount];
    private readonly DepthRaster _raster = new();
    private readonly DepthRaster _behind = new();
    private readonly ViewHoles _holes = new();

    /// <inheritdoc/>
    public FaceViewReport Paint(PreparedFace face, Pose pose, CameraIntrinsics camera, int width, int height, Span<byte> rgb)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        grid.Project(rotation, pose.Translation, camera, _target);
        _raster.Clear(width, height);
        _raster.Draw(_target, grid.Triangles, frontOnly: true);
        _behind.Clear(width, height);
        if (face.HasRing)
        {
            face.Ring.Project(rotation, pose.Translation, camera, _ringTarget);
            _behind.Draw(_ringTarget, SurroundingRing.Triangles, frontOnly: false);
        }
        bool hasHoles = false;
        ShareCount shares = default;
        if (face.Options.Live) Shade(face, new Linear(), rgb, ref shares, ref hasHoles);
        else if (face.Softness == 0) Shade(face, new Cubic(), rgb, ref shares, ref hasHoles);
        else Shade(face, new Soft(face.Softness), rgb, ref shares, ref hasHoles);
        if (hasHoles && face.HasRing && face.Options.Background == ViewBackground.Full) FillHoles(face, width, height, rgb);
        return shares.Report;
    }

    private void Shade<TSampler>(PreparedFace face, TSampler sampler, Span<byte> rgb, ref ShareCount shares, ref bool hasHoles)
        where TSampler : struct, ISampler
    {
        ReadOnlySpan<int> front = _raster.Triangle, behind = _behind.Triangle, ringCorners = SurroundingRing.Triangles;
        // Neighbouring pixels mostly lie in one triangle of the ring, whose triangles are large; the same for the face's costs more
        // than it saves.
        int patched = -1;
        Patch patch = default;
        for (int at = 0; at < front.Length; at++)
        {
            float opacity = 0;
            Vector4 colour = Vector4.Zero;
            if (front[at] >= 0) colour = FaceColour(face, sampler, front[at], _raster.PlaceAt(at), out opacity, ref shares);
            if (opacity < 1)
            {
                Vector4 background = Vector4.Zero;
                int triangle = behind[at];
                if (triangle >= 0)
                {
                    if (triangle != patched)
                    {
                        patched = triangle;
                        patch = new Patch(face.RingSource, ringCorners.Slice(3 * triangle, 3));
                    }
                    Vector4 ring = patch.At(_behind.PlaceAt(at));
                    if (ring.Z > 0) background = (ring.Z < 1 ? ring.Z : 1) * sampler.At(face.Picture, ring);
                }
                else
                {
                    hasHoles = true;
                }
                colour = opacity > 0 ? Vector4.Lerp(background, colour, opacity) : background;
            }
            Store(colour, rgb, at);
        }
    }

    private static Vector4 FaceColour<TSampler>(PreparedFace face, TSampler sampler, int triangle, Vector2 place, out float opacity, ref ShareCount shares)
        where TSampler : struct, ISampler
    {
        FaceGrid grid = face.Grid;
        ReadOnlySpan<int> corners = grid.Triangles.Slice(3 * triangle, 3);
        Vector4 own = Mix(face.Own, corners, place);
        opacity = own.W;
        // Rounding may leave a hair of what is seen completely. Only what is visible is seen so.
        if (own.Z > 0.9999f)
        {
            if (opacity > 0.5f) shares.Add(visible: true, remembered: false, symmetric: false);
            return sampler.At(face.Picture, own);
        }
        Vector4 known = Mix(face.Shares, corners, place);
        if (opacity > 0.5f) shares.Add(known.X > 0.5f, known.Z > 0.5f, known.Y > 0.5f);
        float seen = SourceFace.Step(0, 1, own.Z);

        // What everything below is laid over: the colours of the vertices.
        Vector4 colour = Mix(face.Filled, corners, place);
        if (face.Options.Symmetry)
        {
            Vector4 other = Mix(face.Own[grid.Mirror(corners[0])], face.Own[grid.Mirror(corners[1])], face.Own[grid.Mirror(corners[2])], place);
            float mirrored = SourceFace.Step(0, 0.6f, other.Z);
            if (mirrored > 0) colour = Vector4.Lerp(colour, PreparedFace.Apply(sampler.At(face.Picture, other), Mix(face.MirrorGain, corners, place)), mirrored);
        }
        if (known.Z > 0)
        {
            (float row, float column) = TexturePlace(face, corners, place);
            Vector4 earlier = face.Texture!.Sample(row, face.TextureColumn(column), out float quality);
            if (quality > 0) colour = Vector4.Lerp(colour, PreparedFace.Apply(earlier, Mix(face.MemoryGain, corners, place)), SourceFace.Step(0, 0.6f, quality));
        }
        return seen > 0 ? Vector4.Lerp(colour, sampler.At(face.Picture, own), seen) : colour;
    }

    private static (float Row, float Column) TexturePlace(PreparedFace face, ReadOnlySpan<int> corners, Vector2 place)
    {
        int columns = face.Grid.Columns;
        Vector4 cell = Mix(Cell(corners[0]), Cell(corners[1]), Cell(corners[2]), place);
        return (cell.X / (face.Grid.Rows - 1), cell.Y / (columns - 1));

        Vector4 Cell(int vertex) => new(vertex / columns, vertex % columns, 0, 0);
    }

    private void FillHoles(PreparedFace face, int width, int height, Span<byte> rgb)
    {
        _holes.Begin(width, height);
        for (int at = 0; at < width * height; at++)
        {
            float opacity = 0;
            if (_behind.Triangle[at] < 0 && _raster.Triangle[at] is >= 0 and int triangle)
                opacity = Mix(face.Own, grid.Triangles.Slice(3 * triangle, 3), _raster.PlaceAt(at)).W;
            _holes.Set(at, _behind.Triangle[at] >= 0, opacity);
        }
        _holes.Fill(rgb);
    }

    /// <summary>Stores a colour, rounded. A pixel's fourth byte is the next one's first, which is stored after it; the last has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector4 colour, Span<byte> rgb, int at)
    {
        Vector128<int> whole = Vector128.ConvertToInt32Native(Vector128.ClampNative((colour + new Vector4(0.5f)).AsVector128(), Vector128<float>.Zero, Vector128.Create(255f)));
        uint pixel = Vector128.Shuffle(whole.AsByte(), s_lowest).AsUInt32()[0];
        Span<byte> target = rgb[(3 * at)..];
        if (target.Length >= 4) BinaryPrimitives.WriteUInt32LittleEndian(target, pixel);
        else (target[0], target[1], target[2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
    }

    private static Vector4 Mix(Vector4[] values, ReadOnlySpan<int> corners, Vector2 place) => Mix(values[corners[0]], values[corners[1]], values[corners[2]], place);

    private static Vector4 Mix(Vector4 a, Vector4 b, Vector4 c, Vector2 place) => a + place.X * (b - a) + place.Y * (c - a);

    /// <summary>Values of the three corners of a triangle: the first's, and how the others differ.</summary>
    private readonly struct Patch
    {
        private readonly Vector4 _first, _second, _third;

        public Patch(Vector4[] values, ReadOnlySpan<int> corners)
        {
            _first = values[corners[0]];
            (_second, _third) = (values[corners[1]] - _first, values[corners[2]] - _first);
        }

        public Vector4 At(Vector2 place) => _first + place.X * _second + place.Y * _third;
    }

    /// <summary>How a colour is looked up in the picture; a type, so that each way has code of its own.</summary>
    private interface ISampler
    {
        Vector4 At(SourcePicture picture, Vector4 place);
    }

    private readonly struct Linear : ISampler
    {
        public Vector4 At(SourcePicture picture, Vector4 place) => picture.SampleLinear(place);
    }

    private readonly struct Cubic : ISampler
    {
        public Vector4 At(SourcePicture picture, Vector4 place) => picture.Sample(new Vector2(place.X, place.Y));
    }

    /// <summary>The mean of four points where the picture is finer than the view.</summary>
    private readonly struct Soft(float softness) : ISampler
    {
        public Vector4 At(SourcePicture picture, Vector4 place) => picture.SampleSoft(new Vector2(place.X, place.Y), softness);
    }
}
