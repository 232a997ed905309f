using System.Numerics;
using System.Runtime.Intrinsics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Renders a face anew from another direction, as FacePoseNet does (Chang et al., ICCVW 2017, after Hassner et al., CVPR 2015), with
/// the pose of the full frame and with regard to what the picture shows. A depth buffer of the posed surface decides which parts
/// are seen; hidden parts come from earlier pictures of the face, then from the mirrored side, with their colours matched at low
/// frequency; what nothing shows is filled smoothly. Drawn on the CPU, or by a
/// <see cref="FaceViewDevice"/>.
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
    private const float Reach = 1.75f;

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

    private readonly FaceViewOptions _options;
    private readonly FaceGrid _grid;
    private readonly SourceFace _face;
    private readonly Vector4[] _colours;
    private readonly Vector4[] _logarithms;
    private readonly Vector4[] _memoryLogarithms;
    private readonly Vector4[] _memory;
    private readonly float[] _remembered;
    private readonly float[] _trust;
    private readonly GridField _field;
    private readonly PreparedFace _ready;
    private readonly IViewPainter _painter;
    private Vector2 _middle;
    private float _excerptScale;
    private bool _prepared, _mirrored;
    private int _pictureWidth;

    /// <summary>Prepares to draw views with the default face surface.</summary>
    /// <exception cref="UsageException">An option is out of range.</exception>
    /// <exception cref="InputException">The surface is missing or broken.</exception>
    public FaceViewRenderer(FaceViewOptions options) : this(options, FaceSurface.LoadDefault())
    {
    }

    /// <summary>Prepares to draw views with the given face surface.</summary>
    /// <param name="options">How views are drawn.</param>
    /// <param name="surface">The face.</param>
    /// <param name="device">What draws them, which must outlive the renderer; null: the CPU.</param>
    /// <exception cref="UsageException">An option is out of range.</exception>
    /// <exception cref="ModelException">The device cannot draw them.</exception>
    public FaceViewRenderer(FaceViewOptions options, FaceSurface surface, FaceViewDevice? device = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(surface);
        options.Validate();
        _options = options;
        _grid = new FaceGrid(surface, options.Live ? 4 : 1);
        _face = new SourceFace(_grid, options.Live ? 96 : 320);
        int count = _grid.Count;
        (_colours, _memory, _remembered) = (new Vector4[count], new Vector4[count], new float[count]);
        (_trust, _logarithms, _memoryLogarithms) = (new float[count], new Vector4[count], new Vector4[count]);
        _field = new GridField(_grid.Rows, _grid.Columns);
        _ready = new PreparedFace(_grid, options, _face.Picture);
        _painter = device?.PainterOf(surface, _grid) ?? new ViewPainter(_grid);
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
        _ready.Softness = !_options.Live && ratio / factor > 1.25 ? (float)(0.25 * ratio / factor) : 0;
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
            MatchColours(_logarithms, _face.Seen, mirrored: true, _ready.MirrorGain);
            ToFactors(_ready.MirrorGain);
        }
        Recall(texture);
        FillTheRest();
        Pack();
        texture?.Add(_ready);
        _ready.HasRing = _options.Background != ViewBackground.None && _ready.Ring.Build(_face.Points, _grid.Weights, pose, camera);
        if (_ready.HasRing) PackRing();
        _ready.Version++;
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
        FaceViewReport report = _painter.Paint(_ready, pose, camera, width, height, rgb);
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
                Vector4 colour = Vector4.Clamp(SampleAt(point) + new Vector4(0.5f), Vector4.Zero, new Vector4(255));
                int at = 3 * (y * Size + x);
                (rgb[at], rgb[at + 1], rgb[at + 2]) = ((byte)colour.X, (byte)colour.Y, (byte)colour.Z);
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
        MatchColours(_logarithms, _trust, mirrored: true, _ready.MirrorGain);
        for (int i = 0; i < _trust.Length; i++)
        {
            int other = _grid.Mirror(i);
            float near = 1 - SourceFace.Step(0.5f * reach, reach, _face.Inside[i]);
            if (near == 0 || _face.Seen[i] == 0 || _face.Seen[other] == 0 || _face.Inside[other] < reach)
            {
                _trust[i] = 1;
                continue;
            }
            Vector4 difference = Vector4.Abs(_logarithms[i] - _logarithms[other] - _ready.MirrorGain[i]);
            float most = Math.Max(difference.X, Math.Max(difference.Y, difference.Z));
            _trust[i] = 1 - near * _face.Seen[other] * SourceFace.Step(LikeMirror, UnlikeMirror, most);
        }
        _face.Distrust(_trust);
    }

    /// <summary>Looks up what earlier pictures showed of each vertex.</summary>
    private void Recall(FaceTexture? texture)
    {
        _ready.Texture = texture is { Pictures: > 0 } ? texture : null;
        _ready.Mirrored = _mirrored;
        if (_ready.Texture is null)
        {
            _remembered.AsSpan().Clear();
            return;
        }
        float down = 1f / (_grid.Rows - 1), across = 1f / (_grid.Columns - 1);
        for (int i = 0; i < _memory.Length; i++)
            _memory[i] = _ready.Texture.Sample(i / _grid.Columns * down, _ready.TextureColumn(i % _grid.Columns * across), out _remembered[i]);
        for (int i = 0; i < _memory.Length; i++) _memoryLogarithms[i] = _remembered[i] > 0 && _face.Seen[i] > 0 ? Logarithm(_memory[i]) : Vector4.Zero;
        MatchColours(_memoryLogarithms, _remembered, mirrored: false, _ready.MemoryGain);
        ToFactors(_ready.MemoryGain);
    }

    /// <summary>A colour for every vertex: seen, remembered, mirrored, or from what is around it.</summary>
    private void FillTheRest()
    {
        for (int i = 0; i < _ready.Filled.Length; i++)
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
            if (remembered > 0) colour += remembered * PreparedFace.Apply(_memory[i], _ready.MemoryGain[i]);
            if (mirrored > 0) colour += mirrored * PreparedFace.Apply(_colours[other], _ready.MirrorGain[i]);
            if (both > 0) colour += both * PreparedFace.Apply(PreparedFace.Apply(_memory[other], _ready.MemoryGain[other]), _ready.MirrorGain[i]);
            _field.Values[i] = colour / sum;
        }
        _field.Complete();
        _field.Values.CopyTo(_ready.Filled);
    }

    private static Vector4 Logarithm(Vector4 colour) => Vector128.Log((colour + new Vector4(PreparedFace.Dark)).AsVector128()).AsVector4();

    /// <summary>Turns logarithms into what colours are multiplied by.</summary>
    private static void ToFactors(Span<Vector4> gain)
    {
        foreach (ref Vector4 factor in gain) factor = Vector128.Exp(factor.AsVector128()).AsVector4();
    }

    /// <summary>Packs what painters mix.</summary>
    private void Pack()
    {
        ReadOnlySpan<float> seen = _face.Seen, visible = _face.Visible, weights = _grid.Weights;
        ReadOnlySpan<Vector3> points = _face.Points;
        for (int i = 0; i < points.Length; i++)
        {
            _ready.Own[i] = new Vector4(_face.Picture.Place(SourceFace.Flat(points[i])), seen[i], weights[i]);
            _ready.Shares[i] = new Vector4(visible[i], _options.Symmetry ? visible[_grid.Mirror(i)] : 0, _remembered[i], 0);
        }
    }

    private void PackRing()
    {
        bool close = _options.Background == ViewBackground.Face;
        ReadOnlySpan<Vector2> source = _ready.Ring.Source;
        for (int i = 0; i < source.Length; i++) _ready.RingSource[i] = new Vector4(_face.Picture.Place(source[i]), close ? SurroundingRing.Closeness(i) : 1, 0);
    }

    private Vector4 SampleAt(Vector2 point)
    {
        Vector2 place = _face.Picture.Place(point);
        return _options.Live ? _face.Picture.SampleLinear(new Vector4(place, 0, 0)) : _face.Picture.SampleSoft(place, _ready.Softness);
    }
}
