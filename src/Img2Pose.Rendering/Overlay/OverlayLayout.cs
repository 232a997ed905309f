using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Overlay;

/// <summary>A face's mesh as the graphics device reads it: pose, camera within the region, depth range and opacity.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MeshInstance
{
    public Vector4 Row0, Row1, Row2, Camera, Depth;
}

/// <summary>One face of the picture being laid out.</summary>
internal struct FaceDrawing
{
    public bool HasMesh;
    public MeshLibrary.Level Level;
    public MeshInstance Instance;

    /// <summary>Its strokes: from <see cref="FirstStroke"/> those in the face's depth, from <see cref="FirstFlat"/> those on top of all.</summary>
    public int FirstStroke, FirstFlat, EndStroke;
}

/// <summary>What is drawn over: a picture's samples, or the part of a window that shows it.</summary>
/// <param name="Width">Columns that there are.</param>
/// <param name="Height">Rows that there are.</param>
/// <param name="DisplayWidth">Width of the picture in display pixels, in which faces are told.</param>
/// <param name="DisplayHeight">Its height.</param>
/// <param name="Detail">How many times finer than in display pixels the drawing is looked at: 1 for a picture's samples.</param>
internal readonly record struct OverlayTarget(int Width, int Height, int DisplayWidth, int DisplayHeight, float Detail = 1);

/// <summary>
/// Decides, for one picture, what is drawn where: faces from far to near, their meshes, lines and lettering, the regions
/// they touch, and the cameras that map into those. Reuses its lists from picture to picture.
/// </summary>
internal sealed class OverlayLayout(OverlayOptions options, MeshLibrary meshes)
{
    private const double NearestDepth = 0.1;
    private const float AxisLength = 0.75f;
    private readonly ReferenceFace _reference = options.Reference ?? ReferenceFace.Default;
    private readonly List<int> _order = [];
    private readonly List<FaceDrawing> _faces = [];
    private OverlayTarget _target;
    private int _displayWidth, _displayHeight;
    private CameraIntrinsics _camera;
    private float _lineRadius;
    private OverlayLayers _layers;
    private float _alpha;

    /// <summary>The faces that are drawn, far to near.</summary>
    public Span<FaceDrawing> Faces => CollectionsMarshal.AsSpan(_faces);

    /// <summary>All lines, in the order of <see cref="Faces"/>.</summary>
    public StrokeList Strokes { get; } = new();

    /// <summary>The regions; <see cref="RegionPlanner.RegionOf"/> takes an index into <see cref="Faces"/>.</summary>
    public RegionPlanner Regions { get; } = new();

    public void Arrange(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Arrange(frame, faces, options.Layers, options.Alpha);

    public void Arrange(VideoFrame frame, ReadOnlySpan<TrackedFace> faces, OverlayLayers layers, float alpha) =>
        Arrange(new OverlayTarget(frame.Width, frame.Height, frame.DisplayWidth, frame.DisplayHeight), faces, layers, alpha);

    public void Arrange(in OverlayTarget target, ReadOnlySpan<TrackedFace> faces, OverlayLayers layers, float alpha)
    {
        (_target, _layers, _alpha) = (target, layers, alpha);
        _displayWidth = target.DisplayWidth;
        _displayHeight = target.DisplayHeight;
        _camera = CameraIntrinsics.ForImage(_displayWidth, _displayHeight);
        _lineRadius = Math.Max(0.7f, Math.Min(_displayWidth, _displayHeight) / 720f);
        Strokes.Clear();
        Regions.Clear();
        _faces.Clear();
        SortFarToNear(faces);

        float scaleX = target.Width / (float)_displayWidth, scaleY = target.Height / (float)_displayHeight;
        double nearest = double.MaxValue, farthest = 0;
        foreach (int index in _order)
        {
            double z = faces[index].Face.Pose.Translation.Z;
            nearest = Math.Min(nearest, z);
            farthest = Math.Max(farthest, z);
        }
        foreach (int index in _order) Add(faces[index], scaleX, scaleY);
        Regions.Pack();

        // A head reaches less than two units from its middle.
        double near = Math.Max(0.05, nearest - 2), far = farthest + 2;
        float depthScale = (float)((far + near) / (far - near)), depthOffset = (float)(-2 * far * near / (far - near));
        Span<FaceDrawing> drawings = Faces;
        for (int i = 0; i < drawings.Length; i++)
        {
            int region = Regions.RegionOf(i);
            if (region >= 0) SetCameras(ref drawings[i], Regions[region], scaleX, scaleY, depthScale, depthOffset);
        }
    }

    private bool Has(OverlayLayers layer) => (_layers & layer) != 0;

    private void SortFarToNear(ReadOnlySpan<TrackedFace> faces)
    {
        _order.Clear();
        for (int i = 0; i < faces.Length; i++)
        {
            Pose pose = faces[i].Face.Pose;
            if (!pose.IsFinite || pose.Translation.Z < NearestDepth) continue;
            int at = _order.Count;
            while (at > 0 && faces[_order[at - 1]].Face.Pose.Translation.Z < pose.Translation.Z) at--;
            _order.Insert(at, i);
        }
    }

    private void Add(in TrackedFace face, float scaleX, float scaleY)
    {
        Pose pose = face.Face.Pose;
        Matrix3x3d r = RotationVector.ToMatrix(pose.Rotation);
        FaceDrawing drawing = new()
        {
            HasMesh = Has(OverlayLayers.Mesh) && _alpha > 0,
            FirstStroke = Strokes.Count,
        };
        drawing.Instance.Row0 = new Vector4((float)r.M11, (float)r.M12, (float)r.M13, (float)pose.Translation.X);
        drawing.Instance.Row1 = new Vector4((float)r.M21, (float)r.M22, (float)r.M23, (float)pose.Translation.Y);
        drawing.Instance.Row2 = new Vector4((float)r.M31, (float)r.M32, (float)r.M33, (float)pose.Translation.Z);
        Strokes.ResetBounds();
        float pixelsPerUnit = (float)(_camera.FocalLength / pose.Translation.Z);
        PixelBounds bounds = PixelBounds.Empty;
        if (drawing.HasMesh)
        {
            drawing.Level = meshes.Choose(pixelsPerUnit * _target.Detail);
            bounds = MeshBounds(drawing.Instance);
        }

        if (Has(OverlayLayers.Axes)) AddAxes(r, pose.Translation);
        if (Has(OverlayLayers.Points)) AddPoints(r, pose.Translation, pixelsPerUnit);
        drawing.FirstFlat = Strokes.Count;
        Tint tint = Palette(face.Id).WithAlpha(face.IsFound ? 1 : 0.6f);
        if (Has(OverlayLayers.Box)) AddBox(face.Face.Box, tint);
        if (Has(OverlayLayers.Label)) AddLabel(face, tint);
        drawing.EndStroke = Strokes.Count;
        _faces.Add(drawing);

        bounds = bounds.Union(Strokes.Bounds);
        Regions.Add(
            new PixelBounds(bounds.Left * scaleX, bounds.Top * scaleY, bounds.Right * scaleX, bounds.Bottom * scaleY),
            _target.Width, _target.Height);
    }

    private PixelBounds MeshBounds(in MeshInstance instance)
    {
        PixelBounds bounds = PixelBounds.Empty;
        float focal = (float)_camera.FocalLength, centreX = (float)_camera.CenterX, centreY = (float)_camera.CenterY;
        foreach (Vector3 point in meshes.Hull)
        {
            Vector4 p = new(point, 1);
            float z = Vector4.Dot(instance.Row2, p);
            if (z < 0.05f) return new PixelBounds(0, 0, _displayWidth, _displayHeight);
            bounds = bounds.Including(
                focal * Vector4.Dot(instance.Row0, p) / z + centreX, focal * Vector4.Dot(instance.Row1, p) / z + centreY);
        }
        // The hull's points are a sample of the outline; one hundredth covers what lies between them.
        float marginX = 1 + 0.01f * (bounds.Right - bounds.Left), marginY = 1 + 0.01f * (bounds.Bottom - bounds.Top);
        return new PixelBounds(bounds.Left - marginX, bounds.Top - marginY, bounds.Right + marginX, bounds.Bottom + marginY);
    }

    private void AddAxes(in Matrix3x3d r, Vector3d t)
    {
        ReadOnlySpan<(Vector3d End, Tint Tint)> axes =
        [
            (new Vector3d(AxisLength, 0, 0), new Tint(235, 60, 50, 255)),
            (new Vector3d(0, AxisLength, 0), new Tint(60, 200, 70, 255)),
            (new Vector3d(0, 0, -1.7 * AxisLength), new Tint(70, 110, 245, 255)),
        ];
        // Three axes from one origin: the one that ends farthest away is drawn first.
        Span<int> order = [0, 1, 2];
        for (int i = 1; i < 3; i++)
        {
            for (int j = i; j > 0 && (r * axes[order[j]].End).Z > (r * axes[order[j - 1]].End).Z; j--)
                (order[j], order[j - 1]) = (order[j - 1], order[j]);
        }
        foreach (int axis in order)
        {
            Vector3d end = r * axes[axis].End + t;
            if (end.Z < NearestDepth) continue;
            (double x0, double y0) = _camera.Project(t);
            (double x1, double y1) = _camera.Project(end);
            Strokes.Add((float)x0, (float)y0, (float)x1, (float)y1, 1.6f * _lineRadius, axes[axis].Tint);
        }
    }

    private void AddPoints(in Matrix3x3d r, Vector3d t, float pixelsPerUnit)
    {
        float radius = Math.Clamp(0.013f * pixelsPerUnit, 0.8f, 3 * _lineRadius);
        foreach (Vector3d point in _reference.Points68)
        {
            Vector3d p = r * point + t;
            if (p.Z < NearestDepth) continue;
            (double x, double y) = _camera.Project(p);
            Strokes.Add((float)x, (float)y, (float)x, (float)y, radius, new Tint(255, 214, 64, 255));
        }
    }

    private void AddBox(in Box box, Tint tint)
    {
        (float l, float t, float r, float b) = ((float)box.Left, (float)box.Top, (float)box.Right, (float)box.Bottom);
        Strokes.Add(l, t, r, t, _lineRadius, tint);
        Strokes.Add(r, t, r, b, _lineRadius, tint);
        Strokes.Add(r, b, l, b, _lineRadius, tint);
        Strokes.Add(l, b, l, t, _lineRadius, tint);
    }

    private void AddLabel(in TrackedFace face, Tint tint)
    {
        Pose pose = options.Camera?.Express(face.Face.Pose, _displayWidth, _displayHeight) ?? face.Face.Pose;
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        Span<char> text = stackalloc char[96];
        // Capitals of 8 pixels still read well; beyond that the lettering grows with the picture.
        float unit = Math.Max(8, Math.Min(_displayWidth, _displayHeight) / 54f) / StrokeFont.CapHeight;
        int shortLength = WriteIdentity(text, face);
        int length = shortLength + WriteAngles(text[shortLength..], angles);
        float width = StrokeFont.Width(text[..length]) * unit;
        if (width > 2.2f * Math.Max(face.Face.Box.Width, 0.02 * _displayWidth))
        {
            // Beside a small face the full line would cover its neighbours.
            length = shortLength;
            width = StrokeFont.Width(text[..length]) * unit;
        }
        if (length == 0) return;

        float half = 5.6f * unit, left = (float)face.Face.Box.Left, top = (float)face.Face.Box.Top - 2 * half - 2 * _lineRadius;
        if (top < 0) top = Math.Min((float)Math.Max(face.Face.Box.Bottom, 0) + 2 * _lineRadius, _displayHeight - 2 * half);
        left = Math.Clamp(left, 0, Math.Max(0, _displayWidth - width - 2 * half));
        if (!float.IsFinite(left + top)) return;
        float middle = top + half;
        Strokes.Add(left + half, middle, left + half + width, middle, half, new Tint(16, 18, 22, 190));
        StrokeFont.Write(
            text[..length], left + half, middle - StrokeFont.CapHeight / 2f * unit, unit, Math.Max(0.6f, 0.42f * unit), tint, Strokes);
    }

    private static int WriteIdentity(Span<char> text, in TrackedFace face)
    {
        int length = 0;
        if (face.Id > 0 && text.TryWrite(CultureInfo.InvariantCulture, $"#{face.Id} ", out int written)) length = written;
        if (text[length..].TryWrite(CultureInfo.InvariantCulture, $"{face.Face.Score:0.00}", out written)) length += written;
        return length;
    }

    private static int WriteAngles(Span<char> text, in EulerAngles angles)
    {
        bool fits = text.TryWrite(
            CultureInfo.InvariantCulture,
            $" yaw {angles.Yaw:+0;-0;0} pitch {angles.Pitch:+0;-0;0} roll {angles.Roll:+0;-0;0}", out int written);
        return fits ? written : 0;
    }

    private void SetCameras(
        ref FaceDrawing drawing, in OverlayRegion region, float scaleX, float scaleY, float depthScale, float depthOffset)
    {
        // Display pixels to the region's clip space: coded = display · scale, then [X, X + Width] to [−1, 1].
        float clipX = 2 * scaleX / region.Width, clipY = 2 * scaleY / region.Height;
        float offsetX = -2f * region.X / region.Width - 1, offsetY = -2f * region.Y / region.Height - 1;
        float focal = (float)_camera.FocalLength;
        drawing.Instance.Camera = new Vector4(
            clipX * focal, clipX * (float)_camera.CenterX + offsetX, clipY * focal, clipY * (float)_camera.CenterY + offsetY);
        // A sphere of radius R pixels faces the eye by sqrt(2 d / R) at d pixels inside its outline. Cheek and forehead have
        // R of a quarter unit and more, so this reaches full opacity about two pixels inside.
        float steepness = MathF.Sqrt(0.12f * focal * _target.Detail / drawing.Instance.Row2.W);
        drawing.Instance.Depth = new Vector4(depthScale, depthOffset, _alpha, steepness);
        foreach (ref Stroke stroke in Strokes.Items[drawing.FirstStroke..drawing.EndStroke])
        {
            stroke.Scale = Math.Min(scaleX, scaleY);
            (stroke.CameraX, stroke.OffsetX, stroke.CameraY, stroke.OffsetY) = (clipX, offsetX, clipY, offsetY);
        }
    }

    private static Tint Palette(int id) => (id % 8) switch
    {
        1 => new Tint(255, 255, 255, 255),
        2 => new Tint(120, 200, 255, 255),
        3 => new Tint(255, 190, 90, 255),
        4 => new Tint(150, 235, 150, 255),
        5 => new Tint(255, 150, 170, 255),
        6 => new Tint(200, 170, 255, 255),
        7 => new Tint(250, 240, 120, 255),
        _ => new Tint(225, 228, 232, 255),
    };
}
