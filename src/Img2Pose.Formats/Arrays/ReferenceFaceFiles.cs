using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>Reads the reference face that the original keeps as two NumPy files.</summary>
public static class ReferenceFaceFiles
{
    /// <summary>File name of the 68 points in a folder of reference data.</summary>
    public const string Points68FileName = "reference_3d_68_points_trans.npy";

    /// <summary>File name of the 5 points in a folder of reference data.</summary>
    public const string Points5FileName = "reference_3d_5_points_trans.npy";

    /// <summary>
    /// Reads <see cref="Points68FileName"/> and <see cref="Points5FileName"/> from a folder, as the reference face "official".
    /// </summary>
    /// <exception cref="InputException">A file is missing, unreadable, of another shape, or holds numbers that are not finite.</exception>
    public static ReferenceFace Load(string folder) => ReferenceFace.FromPoints(
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
