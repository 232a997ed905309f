namespace Img2Pose.Geometry;

/// <summary>
/// The three-dimensional face that poses refer to: 68 landmarks in ibug order and 5 (eye centres, nose tip, mouth corners;
/// picture-left first). Axes x right, y down, z away from the camera; about 1.5 units wide, nose tip near z = −0.73.
/// </summary>
public sealed partial class ReferenceFace
{
    /// <summary>File name of the 68 points in a folder of reference data.</summary>
    public const string Points68FileName = "reference_3d_68_points_trans.npy";

    /// <summary>File name of the 5 points in a folder of reference data.</summary>
    public const string Points5FileName = "reference_3d_5_points_trans.npy";

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

    /// <summary>
    /// Reads the original's two files, <see cref="Points68FileName"/> and <see cref="Points5FileName"/>, from a folder.
    /// </summary>
    /// <exception cref="InputException">A file is missing, unreadable, of another shape, or holds numbers that are not finite.</exception>
    public static ReferenceFace Load(string folder) => new(
        "official",
        ReadPoints(Path.Combine(folder, Points68FileName), 68),
        ReadPoints(Path.Combine(folder, Points5FileName), 5));

    private static Vector3d[] ReadPoints(string path, int count)
    {
        NpyArray array = NpyArray.Read(path);
        if (!array.Shape.AsSpan().SequenceEqual([count, 3]))
        {
            throw new InputException(
                $"{path}: holds an array of shape ({string.Join(", ", array.Shape)}) where ({count}, 3) is needed; point at a folder with the original's reference files.");
        }

        double[] values = array.ToDoubles();
        Vector3d[] points = new Vector3d[count];
        for (int i = 0; i < count; i++)
        {
            points[i] = new Vector3d(values[3 * i], values[3 * i + 1], values[3 * i + 2]);
            if (!points[i].IsFinite) throw new InputException($"{path}: point {i} is not finite; the file is damaged.");
        }
        return points;
    }
}
