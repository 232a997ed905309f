namespace Img2Pose.Geometry;

/// <summary>
/// The three-dimensional face that poses refer to: 68 landmarks in ibug order and 5 (eye centres, nose tip, mouth corners;
/// picture-left first). Axes x right, y down, z away from the camera; about 1.5 units wide, nose tip near z = −0.73.
/// </summary>
public sealed partial class ReferenceFace
{
    private readonly Vector3d[] _points68;
    private readonly Vector3d[] _points5;

    private ReferenceFace(string id, Vector3d[] points68, Vector3d[] points5)
    {
        Id = id;
        _points68 = points68;
        _points5 = points5;
    }

    /// <summary>The project's own reference: points on the ICT-FaceKit mean head (see NOTICE), id "default".</summary>
    public static ReferenceFace Default { get; } = new("default", CreateDefault68(), CreateDefault5());

    /// <summary>"default", or "official" for points read from the original's files.</summary>
    public string Id { get; }

    /// <summary>68 landmarks, ibug order.</summary>
    public ReadOnlySpan<Vector3d> Points68 => _points68;

    /// <summary>Eye (picture left), eye (right), nose tip, mouth corner (left), mouth corner (right).</summary>
    public ReadOnlySpan<Vector3d> Points5 => _points5;

    /// <summary>A reference face of other points.</summary>
    /// <param name="id">Its name, such as "official".</param>
    /// <param name="points68">68 landmarks, ibug order.</param>
    /// <param name="points5">5 landmarks in the order of <see cref="Points5"/>.</param>
    /// <exception cref="ArgumentException">Another number of points, or one that is not finite.</exception>
    public static ReferenceFace FromPoints(string id, ReadOnlySpan<Vector3d> points68, ReadOnlySpan<Vector3d> points5)
    {
        if (points68.Length != 68 || points5.Length != 5) throw new ArgumentException("A reference face has 68 points and 5.");
        foreach (Vector3d point in points68) RequireFinite(point);
        foreach (Vector3d point in points5) RequireFinite(point);
        return new ReferenceFace(id, points68.ToArray(), points5.ToArray());
    }

    private static void RequireFinite(Vector3d point)
    {
        if (!point.IsFinite) throw new ArgumentException("A point of the reference face is not finite.");
    }
}
