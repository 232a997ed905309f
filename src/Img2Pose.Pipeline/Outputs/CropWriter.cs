using System.Diagnostics;
using System.Globalization;
using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline;

/// <summary>
/// Writes the best aligned crop of each face that is tracked: NAME-ID.png in a folder, replaced as a whole when a clearly better one
/// comes. Good is a face that is large, sure and turned to the camera.
/// One thread at a time, as a session calls it. A crop that cannot be written is an <see cref="OutputException"/> with its name.
/// </summary>
public sealed class CropWriter : IPoseSink
{
    /// <summary>Side of a crop, pixels.</summary>
    public const int Side = 224;

    /// <summary>How much better a crop must be to take the place of one that is kept.</summary>
    private const double Better = 1.1;

    /// <summary>How long a face's file stands at least before it is replaced: each costs some milliseconds and a write.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Faces that may be unwritten or remembered; a street of people does not grow for ever.</summary>
    private const int MostRemembered = 4096;

    private readonly string _folder;
    private readonly string _name;
    private readonly ReferenceFace _reference;
    private readonly Func<string, string?> _readAs;
    private readonly DisplayConverter _converter = new();
    private readonly FramePool _crops = new(2);
    private readonly byte[] _crop = new byte[3 * Side * Side];
    private readonly Dictionary<int, Kept> _kept = [];
    private byte[] _picture = [];

    /// <summary>Makes the folder.</summary>
    /// <param name="folder">Where crops go.</param>
    /// <param name="name">Beginning of their names.</param>
    /// <param name="reference">The face that poses refer to; null: the default.</param>
    /// <param name="readAs">What a file is to the run, or null where it does not read it: such a file is never written.</param>
    /// <exception cref="OutputException">The folder cannot be made.</exception>
    public CropWriter(string folder, string name, ReferenceFace? reference = null, Func<string, string?>? readAs = null)
    {
        _folder = OutputFolder.Create(folder);
        _name = name;
        _reference = reference ?? ReferenceFace.Default;
        _readAs = readAs ?? (_ => null);
    }

    /// <inheritdoc/>
    public bool NeedsPicture => true;

    /// <summary>Files written, replacements included.</summary>
    public long Written { get; private set; }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        ArgumentNullException.ThrowIfNull(frame);
        VideoFrame? rgb = null;
        try
        {
            foreach (ref readonly TrackedFace face in faces)
            {
                if (!IsBetter(face, out Kept better)) continue;
                rgb ??= _converter.ToRgb(frame);
                Save(face, rgb);
                if (_kept.Count >= MostRemembered) _kept.Clear();
                _kept[face.Id] = better;
            }
        }
        finally
        {
            rgb?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
        // Every file was whole when it got its name.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _converter.Dispose();
        _crops.Dispose();
    }

    /// <summary>Height of the face in pixels, as far as it shows detail, times score, times how much of it faces the camera.</summary>
    internal static double Merit(in TrackedFace face)
    {
        Vector3d ahead = -(RotationVector.ToMatrix(face.Face.Pose.Rotation) * new Vector3d(0, 0, 1));
        double turned = Math.Max(0, -ahead.Z);
        return Math.Min(Side, face.Face.Box.Height) * Math.Clamp(face.Face.Score, 0, 1) * turned * turned;
    }

    private bool IsBetter(in TrackedFace face, out Kept better)
    {
        better = default;
        // Where a face was only predicted there may be something else; without tracking there are no identities.
        if (!face.Detected || face.Id <= 0 || !face.Face.Pose.IsFinite) return false;
        double merit = Merit(face);
        if (merit <= 0) return false;
        if (_kept.TryGetValue(face.Id, out Kept before) && (merit < Better * before.Merit || Stopwatch.GetElapsedTime(before.At) < s_interval)) return false;
        better = new Kept(merit, Stopwatch.GetTimestamp());
        return true;
    }

    private void Save(in TrackedFace face, VideoFrame rgb)
    {
        string path = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{_name}-{face.Id}.png"));
        if (_readAs(path) is { } role) throw new UsageException($"{path}: --crops would replace {role}; choose another folder.");
        FramePlane plane = rgb.GetPlane(0);
        int stride = 3 * rgb.Width;
        if (_picture.Length < stride * rgb.Height) _picture = new byte[stride * rgb.Height];
        for (int y = 0; y < rgb.Height; y++) plane.Row(y).CopyTo(_picture.AsSpan(y * stride));
        SimilarityTransform transform = FaceAlignment.FromPose(face.Face.Pose, CameraIntrinsics.ForImage(rgb.Width, rgb.Height), _reference, Side);
        FaceAlignment.Crop(_picture, rgb.Width, rgb.Height, stride, transform, _crop, Side);
        using VideoFrame crop = _crops.Rent(PixelFormat.Rgb24, Side, Side);
        for (int y = 0; y < Side; y++) _crop.AsSpan(3 * Side * y, 3 * Side).CopyTo(crop.GetPlane(0).Row(y));
        ImageFile.Write(path, crop);
        Written++;
    }

    private readonly record struct Kept(double Merit, long At);
}
