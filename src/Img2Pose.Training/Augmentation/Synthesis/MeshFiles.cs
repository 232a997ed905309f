using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation.Synthesis;

/// <summary>Reads arrays of the face-mesh pack and checks their shapes.</summary>
internal static class MeshFiles
{
    /// <summary>Vertices of shape [n,3].</summary>
    /// <exception cref="InputException">The file is missing or has another shape.</exception>
    public static Vector3d[] Points(string folder, string name)
    {
        float[] values = Singles(folder, name, out int[] shape);
        Require(folder, name, shape.Length == 2 && shape[1] == 3, "[n,3]");
        Vector3d[] points = new Vector3d[shape[0]];
        for (int i = 0; i < points.Length; i++) points[i] = new Vector3d(values[3 * i], values[3 * i + 1], values[3 * i + 2]);
        return points;
    }

    /// <summary>Floating-point values and their shape.</summary>
    /// <exception cref="InputException">The file is missing.</exception>
    public static float[] Singles(string folder, string name, out int[] shape)
    {
        NpyArray array = Read(folder, name);
        shape = array.Shape;
        return array.ToSingles();
    }

    /// <summary>Indices below <paramref name="limit"/>.</summary>
    /// <exception cref="InputException">The file is missing or an index is out of range.</exception>
    public static int[] Indices(string folder, string name, int limit)
    {
        int[] values = Read(folder, name).ToInt32s();
        Require(folder, name, values.All(v => (uint)v < (uint)limit), $"indices below {limit}");
        return values;
    }

    /// <summary>Throws unless <paramref name="holds"/>.</summary>
    public static void Require(string folder, string name, bool holds, string expected)
    {
        if (!holds) throw new InputException($"{Path.Combine(folder, name)}.npy: does not hold {expected}; is this the face-mesh pack?");
    }

    private static NpyArray Read(string folder, string name)
    {
        string path = Path.Combine(folder, name + ".npy");
        if (!File.Exists(path)) throw new InputException($"{path}: not found; --mesh wants the folder of the face-mesh pack");
        return NpyArray.Read(path);
    }
}
