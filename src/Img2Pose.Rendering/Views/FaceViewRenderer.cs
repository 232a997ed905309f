using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Renders a face anew from another direction, as FacePoseNet does (Chang et al., ICCVW 2017, after Hassner et al., CVPR 2015), with
/// the pose of the full frame and with regard to what the picture shows. A depth buffer of the posed surface decides which parts
/// are seen; hidden parts come from earlier pictures of the face, then from the mirrored side, with their colours matched at low
/// frequency; what nothing shows is filled smoothly. All on the CPU.
/// </summary>
/// <remarks>
/// Not thread-safe: one renderer draws one face at a time. <see cref="Prepare"/> takes a face, after which any number of views of it
/// can be drawn; nothing of the frame is needed any more. Buffers are kept from face to face.
/// </remarks>
public sealed class FaceViewRenderer
{
    /// <summary>Focal length of the default view over its size, FacePoseNet's 2880 / 224: nearly without perspective.</summary>
    private const double FocalPerSize = 2880.0 / 224;

    /// <summary>Part of the view's side that one unit of the reference face takes: a face of 1.47 units fills three fifths.</summary>
    private const double UnitPerSize = 0.40;

    /// <summary>What the views turn about and show in their middle: between eyes and mouth, inside the head.</summary>
    private static readonly Vector3d s_middle = new(0, -0.08, 0.1);

    /// <summary>How far around the face a default view looks, units: half its diagonal, and what turning brings in.</summary>
    private const float Reach = 2f;

    /// <summary>Part of the face that a picture must show for views to be made of it.</summary>
    private const float LeastSeen = 0.02f;

    // Colours are compared on a grid coarser by this power of two: shading, not features.
    private const int LightingLevels = 4;

    /// <summary>Logarithm of the strongest correction of a colour: a factor of two.</summary>
    private const float LargestGain = 0.7f;

    /// <summary>How far inside its outline a profile is doubted, units of the reference face; a less turned face less.</summary>
    private const float OutlineReach = 0.3f;

    // Logarithms of the ratio to the mirror image between which a colour stops being the face's.
    private const float LikeMirror = 0.12f, UnlikeMirror = 0.25f;

    /// <summary>Added to colours before their logarithm, so that dark noise does not become large ratios.</summary>
    private const float Dark = 8;

    private readonly FaceViewOptions _options;
    private readonly FaceGrid _grid;
    private readonly SourceFace _face;
    private readonly Vector4[] _colours;
    private readonly Vector4[] _logarithms;
    private readonly Vector4[] _memoryLogarithms;
    private readonly Vector4[] _mirrorGain;
    private readonly Vector4[] _memoryGain;
    private readonly Vector4[] _memory;
    private readonly float[] _remembered;
    private readonly float[] _trust;
    private readonly Vector4[] _filled;
    private readonly Vector3[] _target;
    private readonly GridField _field;
    private readonly SurroundingRing _ring = new();
    private readonly Vector3[] _ringTarget;
    private readonly DepthRaster _raster = new();
    private readonly DepthRaster _behind = new();
    private FaceTexture? _texture;
    private GridField? _holes;
    private int _holesWidth;
    private Vector2 _middle;
    private float _softness, _excerptScale;
    private bool _prepared, _hasRing, _mirrored;
    private int _pictureWidth;

    /// <summary>Prepares to draw views with the default face surface.</summary>
    /// <exception cref="UsageException">An option is out of range.</exception>
    /// <exception cref="InputException">The surface is missing or broken.</exception>
    public FaceViewRenderer(FaceViewOptions options) : this(options, FaceSurface.LoadDefault())
    {
    }

    /// <summary>Prepares to draw views with the given face surface.</summary>
    /// <exception cref="UsageException">An option is out of range.</exception>
    public FaceViewRenderer(FaceViewOptions options, FaceSurface surface)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(surface);
        options.Validate();
        _options = options;
        _grid = new FaceGrid(surface, options.Live ? 3 : 1);
        _face = new SourceFace(_grid, options.Live ? 128 : 320);
        int count = _grid.Count;
        (_target, _colours, _mirrorGain, _filled) = (new Vector3[count], new Vector4[count], new Vector4[count], new Vector4[count]);
        (_memory, _memoryGain, _remembered) = (new Vector4[count], new Vector4[count], new float[count]);
        (_trust, _logarithms, _memoryLogarithms) = (new float[count], new Vector4[count], new Vector4[count]);
        _field = new GridField(_grid.Rows, _grid.Columns);
        _ringTarget = new Vector3[_ring.Model.Length];
    }

    /// <summary>Side of the views, pixels.</summary>
    public int Size => _options.Size;

    /// <summary>Takes a face of a picture.</summary>
    /// <param name="frame">The whole picture, in host memory; only read, and only during this call.</param>
    /// <param name="pose">Pose of the face under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the picture in displayed pixels.</param>
    /// <param name="texture">What has been seen of this face before, to which this picture is added; null: nothing.</param>
    /// <param name="pixelsPerUnit">
    /// Pixels that a unit of the reference face will take in the views, by which a larger picture is averaged; null: those of
    /// <see cref="Render(double, double, Span{byte})"/>.
    /// </param>
    /// <returns>False where the pose puts no part of the face before the camera and into the picture; nothing can be drawn then.</returns>
    public bool Prepare(VideoFrame frame, Pose pose, CameraIntrinsics camera, FaceTexture? texture = null, double? pixelsPerUnit = null)
    {
        ArgumentNullException.ThrowIfNull(frame);
        _prepared = false;
        // The surface reaches 1 unit towards the camera.
        if (!pose.IsFinite || !(pose.Translation.Z > 1.2) || !(camera.FocalLength > 0)) return false;
        double scale = camera.FocalLength / pose.Translation.Z, ratio = scale / (pixelsPerUnit ?? UnitPerSize * Size);
        if (!double.IsFinite(ratio)) return false;
        // Always the same side: a face turned to the other one is worked on mirrored, so that a mirrored picture gives the mirrored
        // views to the last bit.
        (_mirrored, _pictureWidth) = (RotationVector.ToMatrix(pose.Rotation).M31 > 0, frame.DisplayWidth);
        (pose, camera) = Canonical(pose, camera, _pictureWidth);
        int factor = (int)Math.Clamp(_options.Live ? Math.Round(ratio) : Math.Floor(ratio), 1, 256);
        _softness = !_options.Live && ratio / factor > 1.25 ? (float)(0.25 * ratio / factor) : 0;
        (double x, double y) = camera.Project(pose.Translation);
        _middle = new Vector2((float)x, (float)y);
        _excerptScale = (float)(scale / (UnitPerSize * Size));
        Vector2 reach = new(_options.Live ? Reach * (float)scale : float.MaxValue);
        if (!_face.Picture.Take(frame, _middle - reach, _middle + reach, factor, _mirrored)) return false;
        _face.Place(pose, camera);
        if (_face.SeenShare < LeastSeen) return false;
        for (int i = 0; i < _colours.Length; i++)
        {
            _colours[i] = _face.Seen[i] > 0 ? SampleAt(SourceFace.Flat(_face.Points[i])) : Vector4.Zero;
            _logarithms[i] = _face.Seen[i] > 0 ? Logarithm(_colours[i]) : Vector4.Zero;
        }
        if (_options.Symmetry)
        {
            if (_face.Turned > 0.03f) DistrustOutline();
            MatchColours(_logarithms, _face.Seen, mirrored: true, _mirrorGain);
            ToFactors(_mirrorGain);
        }
        Recall(texture);
        FillTheRest();
        texture?.Add(_face, _mirrored);
        _hasRing = _options.Background != ViewBackground.None && _ring.Build(_face.Points, _grid.Weights, pose, camera);
        _prepared = true;
        return true;
    }

    /// <summary>Draws the prepared face as seen from a direction, by the default camera.</summary>
    /// <param name="yaw">Degrees, AFLW convention, −90 to 90.</param>
    /// <param name="pitch">Degrees, −60 to 60.</param>
    /// <param name="rgb">Receives <see cref="Size"/>² interleaved RGB pixels.</param>
    /// <exception cref="InvalidOperationException">No face is prepared.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An angle is out of range.</exception>
    public FaceViewReport Render(double yaw, double pitch, Span<byte> rgb)
    {
        (Pose pose, CameraIntrinsics camera) = DefaultView(yaw, pitch, Size);
        return Render(pose, camera, Size, Size, rgb);
    }

    /// <summary>Draws the prepared face at any pose.</summary>
    /// <param name="pose">Pose of the face under <paramref name="camera"/>.</param>
    /// <param name="camera">Camera of the drawn picture.</param>
    /// <param name="width">Width of the drawn picture, pixels.</param>
    /// <param name="height">Height of the drawn picture, pixels.</param>
    /// <param name="rgb">Receives interleaved RGB pixels, without padding.</param>
    /// <exception cref="InvalidOperationException">No face is prepared.</exception>
    /// <exception cref="ArgumentException">The buffer is smaller than the picture.</exception>
    public FaceViewReport Render(Pose pose, CameraIntrinsics camera, int width, int height, Span<byte> rgb)
    {
        if (!_prepared) throw new InvalidOperationException("No face is prepared.");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (rgb.Length < 3L * width * height) throw new ArgumentException("The buffer is smaller than the view.", nameof(rgb));
        (pose, camera) = Canonical(pose, camera, width);
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        _grid.Project(rotation, pose.Translation, camera, _target);
        _raster.Clear(width, height);
        _raster.Draw(_target, _grid.Triangles, frontOnly: true);
        _behind.Clear(width, height);
        if (_hasRing)
        {
            for (int i = 0; i < _ringTarget.Length; i++) _ringTarget[i] = FaceGrid.Project(_ring.Model[i], rotation, pose.Translation, camera);
            _behind.Draw(_ringTarget, SurroundingRing.Triangles, frontOnly: false);
        }
        FaceViewReport report = Shade(rgb);
        if (_mirrored) MirrorRows(rgb, width, height);
        return report;
    }

    /// <summary>
    /// The picture itself around the prepared face, at the scale of the default view, neither turned nor warped: to compare
    /// views with.
    /// </summary>
    /// <param name="rgb">Receives <see cref="Size"/>² interleaved RGB pixels.</param>
    /// <exception cref="InvalidOperationException">No face is prepared.</exception>
    public void Excerpt(Span<byte> rgb)
    {
        if (!_prepared) throw new InvalidOperationException("No face is prepared.");
        if (rgb.Length < 3L * Size * Size) throw new ArgumentException("The buffer is smaller than the picture.", nameof(rgb));
        for (int y = 0; y < Size; y++)
        {
            for (int x = 0; x < Size; x++)
            {
                Vector2 point = _middle + _excerptScale * new Vector2(x + 0.5f - 0.5f * Size, y + 0.5f - 0.5f * Size);
                Store(SampleAt(point), rgb.Slice(3 * (y * Size + x), 3));
            }
        }
        if (_mirrored) MirrorRows(rgb, Size, Size);
    }

    /// <summary>
    /// How good a source the prepared picture is for frontal views of its face, for choosing among pictures of one face: higher for
    /// sharper, larger, less turned and less hidden ones.
    /// </summary>
    /// <param name="pose">The pose that was prepared.</param>
    public double Quality(Pose pose)
    {
        if (!_prepared) throw new InvalidOperationException("No face is prepared.");
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double facing = Math.Max(0, rotation.M33), seen = 0, all = 0;
        for (int i = 0; i < _grid.Count; i++)
        {
            seen += _grid.Weights[i] * Math.Max(_face.Seen[i], _remembered[i]);
            all += _grid.Weights[i];
        }
        return facing * facing * (seen / all) * Math.Min(1, 1 / _excerptScale) * (1 + _face.Picture.Sharpness(_middle, 0.35f * Size * _excerptScale));
    }

    /// <summary>Pose and camera of a default view.</summary>
    internal static (Pose Pose, CameraIntrinsics Camera) DefaultView(double yaw, double pitch, int size)
    {
        if (!(Math.Abs(yaw) <= 90)) throw new ArgumentOutOfRangeException(nameof(yaw), yaw, "A view's yaw lies from −90 to 90 degrees.");
        if (!(Math.Abs(pitch) <= 60)) throw new ArgumentOutOfRangeException(nameof(pitch), pitch, "A view's pitch lies from −60 to 60 degrees.");
        Vector3d rotation = new EulerAngles(yaw, pitch, 0).ToRotationVector();
        double focal = FocalPerSize * size;
        Vector3d translation = new Vector3d(0, 0, focal / (UnitPerSize * size)) - RotationVector.ToMatrix(rotation) * s_middle;
        return (new Pose(rotation, translation), new CameraIntrinsics(focal, 0.5 * size, 0.5 * size));
    }

    /// <summary>Pose and camera in the mirrored picture, where that is worked on.</summary>
    private (Pose Pose, CameraIntrinsics Camera) Canonical(Pose pose, CameraIntrinsics camera, int width) => !_mirrored ? (pose, camera) :
        (new Pose(new Vector3d(pose.Rotation.X, -pose.Rotation.Y, -pose.Rotation.Z), new Vector3d(-pose.Translation.X, pose.Translation.Y, pose.Translation.Z)),
            camera with { CenterX = width - camera.CenterX });

    private float TextureColumn(float column) => _mirrored ? 1 - column : column;

    private static void MirrorRows(Span<byte> rgb, int width, int height)
    {
        for (int y = 0; y < height; y++)
        {
            for (int left = 3 * y * width, right = left + 3 * (width - 1); left < right; left += 3, right -= 3)
            {
                for (int channel = 0; channel < 3; channel++) (rgb[left + channel], rgb[right + channel]) = (rgb[right + channel], rgb[left + channel]);
            }
        }
    }

    /// <summary>
    /// The logarithm of what other colours are multiplied by to fit where they go: known where both are seen, completed by a
    /// membrane, which is how Poisson blending carries the difference at a seam inward (Pérez et al. 2003; Farbman et al. 2009).
    /// </summary>
    private void MatchColours(ReadOnlySpan<Vector4> others, ReadOnlySpan<float> weights, bool mirrored, Span<Vector4> gain)
    {
        for (int i = 0; i < gain.Length; i++)
        {
            int other = mirrored ? _grid.Mirror(i) : i;
            float both = _face.Seen[i] * weights[other];
            _field.Weights[i] = both;
            _field.Values[i] = both > 0 ? _logarithms[i] - others[other] : Vector4.Zero;
        }
        if (!_field.Complete(LightingLevels))
        {
            gain.Clear();
            return;
        }
        for (int i = 0; i < gain.Length; i++) gain[i] = Vector4.Clamp(_field.Values[i], new Vector4(-LargestGain), new Vector4(LargestGain));
    }

    /// <summary>
    /// Near the outline of a turned face the picture may show what is behind it, since pose and shape are never exact. A face is
    /// nearly symmetric: what differs there from its mirror image more than light explains is not trusted.
    /// </summary>
    private void DistrustOutline()
    {
        float reach = OutlineReach * _face.Turned;
        for (int i = 0; i < _trust.Length; i++) _trust[i] = _face.Seen[i] * SourceFace.Step(0.5f * reach, reach, _face.Inside[i]);
        MatchColours(_logarithms, _trust, mirrored: true, _mirrorGain);
        for (int i = 0; i < _trust.Length; i++)
        {
            int other = _grid.Mirror(i);
            float near = 1 - SourceFace.Step(0.5f * reach, reach, _face.Inside[i]);
            if (near == 0 || _face.Seen[i] == 0 || _face.Seen[other] == 0 || _face.Inside[other] < reach)
            {
                _trust[i] = 1;
                continue;
            }
            Vector4 difference = Vector4.Abs(_logarithms[i] - _logarithms[other] - _mirrorGain[i]);
            float most = Math.Max(difference.X, Math.Max(difference.Y, difference.Z));
            _trust[i] = 1 - near * _face.Seen[other] * SourceFace.Step(LikeMirror, UnlikeMirror, most);
        }
        _face.Distrust(_trust);
    }

    /// <summary>Looks up what earlier pictures showed of each vertex.</summary>
    private void Recall(FaceTexture? texture)
    {
        _texture = texture is { Pictures: > 0 } ? texture : null;
        if (_texture is null)
        {
            _remembered.AsSpan().Clear();
            return;
        }
        float down = 1f / (_grid.Rows - 1), across = 1f / (_grid.Columns - 1);
        for (int i = 0; i < _memory.Length; i++)
            _memory[i] = _texture.Sample(i / _grid.Columns * down, TextureColumn(i % _grid.Columns * across), out _remembered[i]);
        for (int i = 0; i < _memory.Length; i++) _memoryLogarithms[i] = _remembered[i] > 0 && _face.Seen[i] > 0 ? Logarithm(_memory[i]) : Vector4.Zero;
        MatchColours(_memoryLogarithms, _remembered, mirrored: false, _memoryGain);
        ToFactors(_memoryGain);
    }

    /// <summary>A colour for every vertex: seen, remembered, mirrored, or from what is around it.</summary>
    private void FillTheRest()
    {
        for (int i = 0; i < _filled.Length; i++)
        {
            int other = _grid.Mirror(i);
            float own = _face.Seen[i], left = 1 - own;
            float remembered = left * _remembered[i];
            left -= remembered;
            float mirrored = _options.Symmetry ? left * _face.Seen[other] : 0;
            left -= mirrored;
            float both = _options.Symmetry ? left * _remembered[other] : 0;
            float sum = own + remembered + mirrored + both;
            _field.Weights[i] = sum;
            if (!(sum > 0)) continue;
            Vector4 colour = own * _colours[i];
            if (remembered > 0) colour += remembered * Apply(_memory[i], _memoryGain[i]);
            if (mirrored > 0) colour += mirrored * Apply(_colours[other], _mirrorGain[i]);
            if (both > 0) colour += both * Apply(Apply(_memory[other], _memoryGain[other]), _mirrorGain[i]);
            _field.Values[i] = colour / sum;
        }
        _field.Complete();
        _field.Values.CopyTo(_filled);
    }

    private static Vector4 Logarithm(Vector4 colour) => new(MathF.Log(colour.X + Dark), MathF.Log(colour.Y + Dark), MathF.Log(colour.Z + Dark), 0);

    /// <summary>Turns logarithms into what colours are multiplied by.</summary>
    private static void ToFactors(Span<Vector4> gain)
    {
        for (int i = 0; i < gain.Length; i++) gain[i] = new Vector4(MathF.Exp(gain[i].X), MathF.Exp(gain[i].Y), MathF.Exp(gain[i].Z), 1);
    }

    private static Vector4 Apply(Vector4 colour, Vector4 factors) => (colour + new Vector4(Dark)) * factors - new Vector4(Dark);

    private FaceViewReport Shade(Span<byte> rgb)
    {
        ShareCount shares = default;
        bool hasHoles = false;
        for (int at = 0; at < _raster.Width * _raster.Height; at++)
        {
            int triangle = _raster.Triangle[at];
            float opacity = 0;
            Vector4 colour = Vector4.Zero;
            if (triangle >= 0) colour = FaceColour(triangle, _raster.Place[at], out opacity, ref shares);
            if (opacity < 1)
            {
                colour = Vector4.Lerp(BackgroundColour(at), colour, opacity);
                hasHoles |= _behind.Triangle[at] < 0;
            }
            Store(colour, rgb.Slice(3 * at, 3));
        }
        if (hasHoles && _hasRing && _options.Background == ViewBackground.Full) FillHoles(rgb);
        return shares.Report;
    }

    /// <summary>Gives a smooth continuation to what lies beyond the ring, where the view looks past the picture's edge.</summary>
    private void FillHoles(Span<byte> rgb)
    {
        if (_holes is null || _holes.Values.Length != _raster.Width * _raster.Height || _holesWidth != _raster.Width)
            (_holes, _holesWidth) = (new GridField(_raster.Height, _raster.Width), _raster.Width);
        Span<Vector4> values = _holes.Values;
        Span<float> weights = _holes.Weights;
        for (int at = 0; at < values.Length; at++)
        {
            weights[at] = _behind.Triangle[at] >= 0 ? 1 : 0;
            values[at] = weights[at] * new Vector4(rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2], 0);
        }
        if (!_holes.Complete()) return;
        for (int at = 0; at < values.Length; at++)
        {
            if (weights[at] > 0) continue;
            int triangle = _raster.Triangle[at];
            float opacity = 0;
            if (triangle >= 0)
            {
                ReadOnlySpan<int> corners = _grid.Triangles.Slice(3 * triangle, 3);
                opacity = Mix(_grid.Weights[corners[0]], _grid.Weights[corners[1]], _grid.Weights[corners[2]], _raster.Place[at]);
            }
            // The face was laid over black.
            if (opacity < 1) Store(new Vector4(rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2], 0) + (1 - opacity) * values[at] - new Vector4(0.5f), rgb.Slice(3 * at, 3));
        }
    }

    private static void Store(Vector4 colour, Span<byte> pixel)
    {
        colour = Vector4.Clamp(colour + new Vector4(0.5f), Vector4.Zero, new Vector4(255));
        (pixel[0], pixel[1], pixel[2]) = ((byte)colour.X, (byte)colour.Y, (byte)colour.Z);
    }

    private Vector4 BackgroundColour(int at)
    {
        int triangle = _behind.Triangle[at];
        if (triangle < 0) return Vector4.Zero;
        ReadOnlySpan<int> corners = SurroundingRing.Triangles.AsSpan(3 * triangle, 3);
        Vector2 place = _behind.Place[at];
        float light = _options.Background == ViewBackground.Face
            ? Mix(SurroundingRing.Closeness(corners[0]), SurroundingRing.Closeness(corners[1]), SurroundingRing.Closeness(corners[2]), place)
            : 1;
        return light > 0 ? light * SampleAt(Mix(_ring.Source[corners[0]], _ring.Source[corners[1]], _ring.Source[corners[2]], place)) : Vector4.Zero;
    }

    private Vector4 FaceColour(int triangle, Vector2 place, out float opacity, ref ShareCount shares)
    {
        ReadOnlySpan<int> corners = _grid.Triangles.Slice(3 * triangle, 3);
        (int a, int b, int c) = (corners[0], corners[1], corners[2]);
        (int ma, int mb, int mc) = (_grid.Mirror(a), _grid.Mirror(b), _grid.Mirror(c));
        opacity = Mix(_grid.Weights[a], _grid.Weights[b], _grid.Weights[c], place);
        float remembered = _texture is null ? 0 : Mix(_remembered[a], _remembered[b], _remembered[c], place);
        if (opacity > 0.5f)
        {
            bool visible = Mix(_face.Visible[a], _face.Visible[b], _face.Visible[c], place) > 0.5f;
            bool symmetric = _options.Symmetry && Mix(_face.Visible[ma], _face.Visible[mb], _face.Visible[mc], place) > 0.5f;
            shares.Add(visible, remembered > 0.5f, symmetric);
        }
        ReadOnlySpan<float> seen = _face.Seen;
        float own = SourceFace.Step(0, 1, Mix(seen[a], seen[b], seen[c], place));
        if (own == 1) return SampleAt(PointAt(a, b, c, place));

        // What everything below is laid over: the colours of the vertices.
        Vector4 colour = Mix(_filled[a], _filled[b], _filled[c], place);
        float mirrored = _options.Symmetry ? SourceFace.Step(0, 0.6f, Mix(seen[ma], seen[mb], seen[mc], place)) : 0;
        if (mirrored > 0)
        {
            Vector4 other = Apply(SampleAt(PointAt(ma, mb, mc, place)), Mix(_mirrorGain[a], _mirrorGain[b], _mirrorGain[c], place));
            colour = Vector4.Lerp(colour, other, mirrored);
        }
        if (remembered > 0)
        {
            float row = Mix(a / _grid.Columns, b / _grid.Columns, c / _grid.Columns, place) / (_grid.Rows - 1);
            float column = Mix(a % _grid.Columns, b % _grid.Columns, c % _grid.Columns, place) / (_grid.Columns - 1);
            Vector4 earlier = _texture!.Sample(row, TextureColumn(column), out float known);
            if (known > 0) colour = Vector4.Lerp(colour, Apply(earlier, Mix(_memoryGain[a], _memoryGain[b], _memoryGain[c], place)), SourceFace.Step(0, 0.6f, known));
        }
        return own > 0 ? Vector4.Lerp(colour, SampleAt(PointAt(a, b, c, place)), own) : colour;
    }

    private Vector2 PointAt(int a, int b, int c, Vector2 place) =>
        Mix(SourceFace.Flat(_face.Points[a]), SourceFace.Flat(_face.Points[b]), SourceFace.Flat(_face.Points[c]), place);

    /// <summary>Colour of the picture at a point; the mean of four where the picture is finer than the view.</summary>
    private Vector4 SampleAt(Vector2 point)
    {
        Vector2 place = _face.Picture.Place(point);
        if (_options.Live) return _face.Picture.SampleLinear(place);
        if (_softness == 0) return _face.Picture.Sample(place);
        Vector2 diagonal = new(_softness), other = new(_softness, -_softness);
        return 0.25f * (_face.Picture.Sample(place - diagonal) + _face.Picture.Sample(place + diagonal) + _face.Picture.Sample(place - other) + _face.Picture.Sample(place + other));
    }

    private static Vector2 Mix(Vector2 a, Vector2 b, Vector2 c, Vector2 place) => a + place.X * (b - a) + place.Y * (c - a);

    private static Vector4 Mix(Vector4 a, Vector4 b, Vector4 c, Vector2 place) => a + place.X * (b - a) + place.Y * (c - a);

    private static float Mix(float a, float b, float c, Vector2 place) => a + place.X * (b - a) + place.Y * (c - a);
}
