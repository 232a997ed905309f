using System.Globalization;
using System.Numerics;
using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>Reads face meshes that users bring.</summary>
public static class MeshFile
{
    private const int MaximumVertices = 4_000_000;

    /// <summary>
    /// Reads a mesh: an <c>.obj</c> file (y up, z to the viewer, as modelling programs write it), a folder with img2pose's
    /// <c>vertices_trans.npy</c> and <c>triangles.npy</c>, or a folder with <c>mask_full_verts.npy</c> and
    /// <c>mask_full_tris.npy</c>. Positions come back in the reference face's axes, triangles outward.
    /// </summary>
    /// <exception cref="InputException">The path does not exist, is of another kind, or its content is broken.</exception>
    public static FaceMesh Load(string path)
    {
        try
        {
            if (Directory.Exists(path)) return LoadFolder(path);
            if (!File.Exists(path)) throw new InputException($"{path} does not exist; give an .obj file or a folder with mesh arrays.");
            if (!path.EndsWith(".obj", StringComparison.OrdinalIgnoreCase))
                throw new InputException($"{path} is not an .obj file; give one, or a folder with mesh arrays.");
            return ReadObj(File.ReadLines(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    internal static FaceMesh ReadObj(IEnumerable<string> lines, string name)
    {
        List<Vector3> positions = [];
        List<int> triangles = [];
        List<int> polygon = [];
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            ReadOnlySpan<char> text = line.AsSpan().Trim();
            if (text.StartsWith("v ") || text.StartsWith("v\t"))
            {
                if (positions.Count == MaximumVertices) throw new InputException($"{name} has more than {MaximumVertices} vertices.");
                Vector3 p = ParseVertex(text[2..], name, number);
                positions.Add(new Vector3(p.X, -p.Y, -p.Z));
            }
            else if (text.StartsWith("f ") || text.StartsWith("f\t"))
            {
                polygon.Clear();
                foreach (Range range in text[2..].SplitAny(' ', '\t'))
                {
                    ReadOnlySpan<char> corner = text[2..][range];
                    if (corner.IsEmpty) continue;
                    int slash = corner.IndexOf('/');
                    if (slash >= 0) corner = corner[..slash];
                    if (!int.TryParse(corner, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index) || index == 0)
                        throw new InputException($"{name}, line {number}: '{corner}' is not a vertex index.");
                    index = index > 0 ? index - 1 : positions.Count + index;
                    if ((uint)index >= (uint)positions.Count)
                        throw new InputException($"{name}, line {number}: a face names a vertex that the file has not defined.");
                    polygon.Add(index);
                }
                if (polygon.Count < 3) throw new InputException($"{name}, line {number}: a face needs three vertices.");
                for (int i = 2; i < polygon.Count; i++) triangles.AddRange([polygon[0], polygon[i - 1], polygon[i]]);
            }
        }
        if (triangles.Count == 0) throw new InputException($"{name} has no faces; a triangle mesh is needed.");
        return new FaceMesh([.. positions], [.. triangles]).TurnedOutward();
    }

    private static Vector3 ParseVertex(ReadOnlySpan<char> text, string name, int number)
    {
        Span<float> values = stackalloc float[3];
        int count = 0;
        foreach (Range range in text.SplitAny(' ', '\t'))
        {
            ReadOnlySpan<char> part = text[range];
            if (part.IsEmpty || count == 3) continue;
            if (!float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out values[count]) || !float.IsFinite(values[count]))
                throw new InputException($"{name}, line {number}: '{part}' is not a coordinate.");
            count++;
        }
        if (count < 3) throw new InputException($"{name}, line {number}: a vertex needs three coordinates.");
        return new Vector3(values[0], values[1], values[2]);
    }

    private static FaceMesh LoadFolder(string folder)
    {
        string official = Path.Combine(folder, "vertices_trans.npy");
        if (File.Exists(official))
        {
            // img2pose negates x once after loading and stores one triangle per column.
            return FromArrays(official, Path.Combine(folder, "triangles.npy"), -1, trianglesAreColumns: true);
        }
        string mask = Path.Combine(folder, "mask_full_verts.npy");
        if (File.Exists(mask)) return FromArrays(mask, Path.Combine(folder, "mask_full_tris.npy"), 1, trianglesAreColumns: false);
        throw new InputException($"{folder} holds no mesh: neither vertices_trans.npy with triangles.npy nor mask_full_verts.npy with mask_full_tris.npy.");
    }

    private static FaceMesh FromArrays(string verticesPath, string trianglesPath, float signX, bool trianglesAreColumns)
    {
        NpyArray vertices = NpyArray.Read(verticesPath);
        NpyArray indices = NpyArray.Read(trianglesPath);
        if (vertices.Shape is not [_, 3]) throw new InputException($"{verticesPath} is not an array of three columns.");
        if (trianglesAreColumns ? indices.Shape is not [3, _] : indices.Shape is not [_, 3])
            throw new InputException($"{trianglesPath} is not an array of triangles ({(trianglesAreColumns ? "3 × n" : "n × 3")}).");

        float[] values = vertices.ToSingles();
        int[] flat = indices.ToInt32s();
        Vector3[] positions = new Vector3[vertices.Shape[0]];
        for (int i = 0; i < positions.Length; i++)
            positions[i] = new Vector3(signX * values[3 * i], values[3 * i + 1], values[3 * i + 2]);
        int count = flat.Length / 3;
        int[] triangles = new int[flat.Length];
        for (int i = 0; i < count; i++)
        {
            for (int corner = 0; corner < 3; corner++)
                triangles[3 * i + corner] = trianglesAreColumns ? flat[corner * count + i] : flat[3 * i + corner];
        }
        try
        {
            return new FaceMesh(positions, triangles).TurnedOutward();
        }
        catch (ArgumentException e)
        {
            throw new InputException($"{trianglesPath} does not fit {verticesPath}: {e.Message}", e);
        }
    }
}
