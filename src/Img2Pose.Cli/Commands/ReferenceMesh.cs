using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Cli.Commands;

/// <summary>The face mesh that <c>align --obj</c> poses.</summary>
/// <param name="Vertices">In the frame of the reference face.</param>
/// <param name="Triangles">Three 0-based vertex indices a triangle, counter-clockwise seen from outside.</param>
internal sealed record ReferenceMesh(Vector3d[] Vertices, int[] Triangles)
{
    /// <summary>The face surface that comes with the program, at its finest.</summary>
    /// <exception cref="InputException">Its file is missing or broken.</exception>
    public static ReferenceMesh Default()
    {
        FaceMesh mesh = FaceSurface.LoadDefault().Tessellate(1);
        Vector3d[] vertices = new Vector3d[mesh.Positions.Length];
        for (int i = 0; i < vertices.Length; i++) vertices[i] = new Vector3d(mesh.Positions[i].X, mesh.Positions[i].Y, mesh.Positions[i].Z);
        return new ReferenceMesh(vertices, mesh.Triangles.ToArray());
    }

    /// <summary>Reads the original's mesh from a folder of the user's: <c>vertices_trans.npy</c> and <c>triangles.npy</c>.</summary>
    /// <exception cref="InputException">A file is missing, unreadable, of another shape, or the indices are outside the mesh.</exception>
    public static ReferenceMesh Load(string folder)
    {
        string vertexPath = Path.Combine(folder, "vertices_trans.npy");
        NpyArray points = NpyArray.Read(vertexPath);
        if (points.Shape is not [> 0, 3]) throw new InputException($"{vertexPath}: holds an array of shape ({string.Join(", ", points.Shape)}) where (N, 3) is needed.");
        double[] values = points.ToDoubles();
        Vector3d[] vertices = new Vector3d[points.Shape[0]];
        for (int i = 0; i < vertices.Length; i++) vertices[i] = new Vector3d(values[3 * i], values[3 * i + 1], values[3 * i + 2]);

        string trianglePath = Path.Combine(folder, "triangles.npy");
        NpyArray corners = NpyArray.Read(trianglePath);
        if (corners.Shape is not [3, > 0]) throw new InputException($"{trianglePath}: holds an array of shape ({string.Join(", ", corners.Shape)}) where (3, N) is needed.");
        int[] indices = corners.ToInt32s();
        if (Array.Exists(indices, i => (uint)i >= (uint)vertices.Length)) throw new InputException($"{trianglePath}: refers to a vertex that {vertexPath} does not have.");
        int count = corners.Shape[1];
        int[] triangles = new int[3 * count];
        for (int i = 0; i < count; i++)
        {
            for (int corner = 0; corner < 3; corner++) triangles[3 * i + corner] = indices[corner * count + i];
        }
        return new ReferenceMesh(vertices, triangles);
    }
}
