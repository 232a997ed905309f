using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Pipeline;
using Img2Pose.Pipeline.Views;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Cli.Views;

/// <summary>Finds, draws and writes the faces of single pictures, in either mode.</summary>
internal sealed class PictureViews : IDisposable
{
    private readonly PoseDetector _detector;
    private readonly AnyRollDetector? _turning;
    private readonly ViewFiles _files;
    private readonly ViewsSettings _settings;
    private readonly FaceViewDevice? _device;
    private readonly FaceViewRenderer? _renderer;
    private readonly FacePoseNetViews? _original;
    private readonly FramePool _pool = new(1);
    private readonly List<FaceDetection> _found = [], _posed = [];
    private readonly byte[] _crop = new byte[3 * FacePoseNetViews.CropSide * FacePoseNetViews.CropSide];

    /// <summary>Takes charge of the detector; the files stay the caller's.</summary>
    public PictureViews(PoseDetector detector, ViewFiles files, ViewsSettings settings)
    {
        (_detector, _files, _settings) = (detector, files, settings);
        if (settings.AnyRoll ?? AnyRollDetector.IsOf(detector)) _turning = new AnyRollDetector(detector);
        if (settings.Original)
        {
            _original = new FacePoseNetViews(FaceSurface.LoadDefault());
            return;
        }
        _device = FaceViewDevice.OpenCard();
        _renderer = new FaceViewRenderer(settings.Plan.Drawing, FaceSurface.LoadDefault(), _device);
    }

    /// <summary>Looks for the faces of a picture, and returns their number.</summary>
    public int Find(VideoFrame frame) => _turning is null ? _detector.Detect(frame, _found) : _turning.Detect(frame, null, _found);

    /// <summary>Writes the views of a face that <see cref="Find"/> found; false where it cannot be drawn.</summary>
    public bool WriteFound(VideoFrame frame, string source, int number) => Write(frame, source, _found[number], NameOf(source, _found.Count, number));

    /// <summary>Writes the views of a face that a table names; false where it cannot be drawn.</summary>
    public bool WriteListed(VideoFrame frame, string source, ListedFace listed, int count, int number)
    {
        string name = listed.Key ?? NameOf(source, count, number);
        Box inside = new(Math.Max(0, listed.Box.Left), Math.Max(0, listed.Box.Top), Math.Min(frame.DisplayWidth, listed.Box.Right), Math.Min(frame.DisplayHeight, listed.Box.Bottom));
        if (inside.IsEmpty)
        {
            throw new InputException(FormattableString.Invariant(
                $"the box {listed.Box.Left},{listed.Box.Top},{listed.Box.Right},{listed.Box.Bottom} lies outside the picture of {frame.DisplayWidth}×{frame.DisplayHeight} pixels."));
        }
        if (_original is not null) return WriteOriginal(frame, source, listed.Box, name);
        _detector.PoseForBoxes(frame, [listed.Box], _posed);
        return Write(frame, source, _posed[0] with { Box = listed.Box }, name);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _detector.Dispose();
        _turning?.Dispose();
        _device?.Dispose();
        _pool.Dispose();
    }

    private bool Write(VideoFrame frame, string source, FaceDetection face, string name)
    {
        if (_original is not null) return WriteOriginal(frame, source, face.Box, name);
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.DisplayWidth, frame.DisplayHeight);
        ViewPlan plan = _settings.Plan;
        if (!_renderer!.Prepare(frame, face.Pose, camera)) return false;
        List<DrawnView> views = [];
        foreach (double pitch in plan.Pitches)
        {
            foreach (double yaw in plan.Yaws)
            {
                byte[] pixels = new byte[3 * plan.Drawing.Size * plan.Drawing.Size];
                views.Add(new DrawnView(yaw, pitch, pixels, _renderer.Render(yaw, pitch, pixels)));
            }
        }
        byte[]? excerpt = null;
        if (plan.ContactSheet) _renderer.Excerpt(excerpt = new byte[3 * plan.Drawing.Size * plan.Drawing.Size]);
        _files.Write(new ViewedFace(_files.TakeName(name), source, null, null, face.Box, face.Pose), excerpt, plan.Drawing.Size, views);
        return true;
    }

    /// <summary>The crop, its pose, and where it is turned to the other side the mirrored crop with a pose of its own.</summary>
    private bool WriteOriginal(VideoFrame frame, string source, Box box, string name)
    {
        FaceDetection face = PoseInCrop(frame, box, mirror: false);
        double yaw = FacePoseNetViews.YawOf(face.Pose);
        bool mirrored = yaw < 0;
        if (mirrored) face = PoseInCrop(frame, box, mirror: true);
        if (!face.Pose.IsFinite || !(face.Pose.Translation.Z > 1.2)) return false;
        List<DrawnView> views = [];
        IEnumerable<int> yaws = _settings.HasYaws ? _settings.Plan.Yaws.Select(angle => (int)angle) : FacePoseNetViews.ViewsFor(yaw);
        foreach (int angle in yaws)
        {
            byte[] pixels = new byte[3 * FacePoseNetViews.ViewSide * FacePoseNetViews.ViewSide];
            _original!.Render(_crop, face.Pose, angle, _settings.Plan.Drawing.Symmetry, pixels);
            views.Add(new DrawnView(angle, 0, pixels, null));
        }
        byte[]? excerpt = null;
        if (_settings.Plan.ContactSheet)
        {
            // The middle of the crop, as large as the views.
            excerpt = new byte[3 * FacePoseNetViews.ViewSide * FacePoseNetViews.ViewSide];
            for (int y = 0; y < FacePoseNetViews.ViewSide; y++)
                _crop.AsSpan(3 * ((y + 1) * FacePoseNetViews.CropSide + 1), 3 * FacePoseNetViews.ViewSide).CopyTo(excerpt.AsSpan(3 * y * FacePoseNetViews.ViewSide));
        }
        _files.Write(new ViewedFace(_files.TakeName(name), source, null, null, box, face.Pose, mirrored), excerpt, FacePoseNetViews.ViewSide, views);
        return true;
    }

    private FaceDetection PoseInCrop(VideoFrame frame, Box box, bool mirror)
    {
        const int side = FacePoseNetViews.CropSide;
        Box inside = _original!.Crop(frame, box, _crop, mirror);
        using VideoFrame crop = _pool.Rent(PixelFormat.Rgb24, side, side);
        for (int y = 0; y < side; y++) _crop.AsSpan(3 * side * y, 3 * side).CopyTo(crop.GetPlane(0).Row(y));
        _detector.PoseForBoxes(crop, [inside], _posed);
        return _posed[0];
    }

    private static string NameOf(string source, int count, int number)
    {
        string stem = Path.GetFileNameWithoutExtension(source);
        return count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{stem}_{number}") : stem;
    }
}
