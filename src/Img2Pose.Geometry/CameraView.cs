namespace Img2Pose.Geometry;

/// <summary>
/// Poses as the user's own camera sees them, and lengths in millimetres. The network's poses are those of an assumed camera
/// (<see cref="CameraIntrinsics.ForImage"/>); the same pixels under the real camera say how far away the face really is. Immutable;
/// thread-safe but for a picture of a new size, which costs an allocation.
/// </summary>
public sealed class CameraView
{
    /// <summary>
    /// Mean distance of the outer corners of the eyes of adults, millimetres: 93.0 (men) and 88.4 (women) by Jayaratne, Deutsch and
    /// Zwahlen, "Normative findings for periocular anthropometric measurements among Chinese young adults in Hong Kong", BioMed
    /// Research International 2013, 821428, table 2 (biocular width, ex–ex); their mean.
    /// </summary>
    public const double MeanHeadSize = 90.7;

    /// <summary>Outer corners of the eyes among the 68 points of ibug.</summary>
    private const int OuterCornerLeft = 36, OuterCornerRight = 45;

    /// <summary>Any focal length will do for directions; this one keeps numbers those of pixels.</summary>
    private static readonly CameraIntrinsics s_directions = new(1000, 0, 0);

    private readonly CameraModel? _camera;
    private readonly double? _fieldOfView;
    private readonly ReferenceFace _reference;
    private volatile CameraModel? _ofPicture;

    /// <summary>Creates a view.</summary>
    /// <param name="camera">The user's camera; null: the assumed one, whose poses stay as they are.</param>
    /// <param name="headSize">Distance of the outer corners of the eyes, millimetres; null: <see cref="MeanHeadSize"/>.</param>
    /// <param name="reference">The face that poses refer to; null: the default.</param>
    /// <param name="fieldOfView">Instead of <paramref name="camera"/>: its horizontal field of view, degrees.</param>
    public CameraView(CameraModel? camera = null, double? headSize = null, ReferenceFace? reference = null, double? fieldOfView = null)
    {
        _camera = camera;
        _fieldOfView = fieldOfView;
        _reference = reference ?? ReferenceFace.Default;
        double units = (_reference.Points68[OuterCornerRight] - _reference.Points68[OuterCornerLeft]).Length;
        MillimetresPerUnit = (headSize ?? MeanHeadSize) / units;
    }

    /// <summary>Millimetres of a unit of the reference face.</summary>
    public double MillimetresPerUnit { get; }

    /// <summary>Whether poses are those of a camera of the user's.</summary>
    public bool HasCamera => _camera is not null || _fieldOfView is not null;

    /// <summary>The user's camera for a picture; null where the assumed one is kept.</summary>
    /// <exception cref="UsageException">The camera was calibrated with pictures of another shape.</exception>
    public CameraModel? CameraOf(int width, int height)
    {
        if (!HasCamera) return null;
        if (_ofPicture is { } known && known.Width == width && known.Height == height) return known;
        CameraModel camera = _camera ?? CameraModel.OfFieldOfView(_fieldOfView!.Value, width);
        return _ofPicture = camera.ForPicture(width, height) with { Width = width, Height = height };
    }

    /// <summary>A pose under the user's camera: the 68 points of the face appear where they did, as nearly as a rigid face can.</summary>
    /// <param name="pose">A pose under <see cref="CameraIntrinsics.ForImage"/>.</param>
    /// <param name="width">Width of the picture in displayed pixels.</param>
    /// <param name="height">Its height.</param>
    public Pose Express(Pose pose, int width, int height)
    {
        if (CameraOf(width, height) is not { } camera || !pose.IsFinite || pose.Translation.Z <= 0.1) return pose;
        CameraIntrinsics assumed = CameraIntrinsics.ForImage(width, height);
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        ReadOnlySpan<Vector3d> points = _reference.Points68;
        const int Count = 68;
        Span<(double X, double Y)> seen = stackalloc (double, double)[Count];
        for (int i = 0; i < Count; i++)
        {
            Vector3d point = rotation * points[i] + pose.Translation;
            if (point.Z <= 0.05) return pose;
            (double column, double row) = assumed.Project(point);
            (double x, double y) = camera.Direction(column, row);
            seen[i] = (s_directions.FocalLength * x, s_directions.FocalLength * y);
        }
        // As far away as makes it as large, in the direction that its middle is seen in.
        (double originX, double originY) = assumed.Project(pose.Translation);
        (double directionX, double directionY) = camera.Direction(originX, originY);
        double depth = pose.Translation.Z * Math.Sqrt(camera.FocalX * camera.FocalY) / assumed.FocalLength;
        Pose initial = new(pose.Rotation, new Vector3d(directionX * depth, directionY * depth, depth));
        Pose refined = PerspectiveNPoint.Refine(points, seen, s_directions, initial);
        return refined.IsFinite && refined.Translation.Z > 0 ? refined : initial;
    }

    /// <summary>A translation in millimetres.</summary>
    /// <param name="pose">A pose that <see cref="Express"/> gave.</param>
    public Vector3d Millimetres(Pose pose) => MillimetresPerUnit * pose.Translation;
}
