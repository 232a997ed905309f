using System.Globalization;
using System.Text;
using Img2Pose.Core;

namespace Img2Pose.Geometry;

/// <summary>Face meshes placed in a picture by their poses, and their export as Wavefront OBJ.</summary>
public static class PosedMesh
{
    /// <summary>How many widths plus heights of the projected face the depth is moved by, so that it is mostly positive.</summary>
    private const double DepthOffset = 3;

    /// <summary>
    /// Places a mesh in picture space as the original's renderer does: x and y are pixels, z is the negative distance in
    /// pixels (f/tz a unit), larger towards the camera, moved by three times the projected width and height.
    /// </summary>
    /// <param name="vertices">Vertices in the frame of the reference face.</param>
    /// <param name="pose">Pose under <paramref name="camera"/>, in front of it.</param>
    /// <param name="camera">Camera of the picture.</param>
    /// <param name="placed">Receives as many vertices.</param>
    /// <exception cref="ArgumentException">There is too little room.</exception>
    public static void ToPicture(ReadOnlySpan<Vector3d> vertices, Pose pose, CameraIntrinsics camera, Span<Vector3d> placed)
    {
        if (placed.Length < vertices.Length) throw new ArgumentException("There must be room for every vertex.", nameof(placed));
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double left = double.PositiveInfinity, right = double.NegativeInfinity, top = left, bottom = right;
        for (int i = 0; i < vertices.Length; i++)
        {
            Vector3d point = rotation * vertices[i] + pose.Translation;
            (double x, double y) = camera.Project(point);
            placed[i] = new Vector3d(x, y, point.Z);
            (left, right) = (Math.Min(left, x), Math.Max(right, x));
            (top, bottom) = (Math.Min(top, y), Math.Max(bottom, y));
        }

        double scale = camera.FocalLength / pose.Translation.Z, offset = DepthOffset * (right - left + (bottom - top));
        for (int i = 0; i < vertices.Length; i++) placed[i] = placed[i] with { Z = offset - scale * placed[i].Z };
    }

    /// <summary>
    /// Writes the faces of a picture as one Wavefront OBJ file: x to the right, y up from the picture's lower edge, z
    /// towards the camera, pixels. The file gets its name only when it is complete.
    /// </summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="faces">The vertices of each face, from <see cref="ToPicture"/>; all of one mesh.</param>
    /// <param name="triangles">Three 0-based vertex indices a triangle, counter-clockwise seen from outside.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="colors">For each face three bytes (RGB) a vertex, or null for no colours.</param>
    /// <exception cref="ArgumentException">An index is outside the mesh, or sizes do not fit.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void WriteObj(
        string path, IReadOnlyList<Vector3d[]> faces, ReadOnlySpan<int> triangles, int height, IReadOnlyList<byte[]>? colors = null)
    {
        int vertexCount = faces.Count > 0 ? faces[0].Length : 0;
        Validate(faces, triangles, colors, vertexCount);
        int[] corners = triangles.ToArray();
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\n" };
            for (int face = 0; face < faces.Count; face++) WriteVertices(writer, faces[face], height, colors?[face]);
            for (int face = 0; face < faces.Count; face++)
            {
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"o face_{face}"));
                int first = 1 + face * vertexCount; // OBJ counts from one, over the whole file
                for (int i = 0; i < corners.Length; i += 3)
                {
                    writer.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"f {first + corners[i]} {first + corners[i + 1]} {first + corners[i + 2]}"));
                }
            }
        });
    }

    /// <summary>
    /// The colours of a face's vertices: the picture's pixels that they lie on (nearest, at the border the outermost).
    /// </summary>
    /// <param name="placed">Vertices from <see cref="ToPicture"/>.</param>
    /// <param name="picture">Interleaved 8-bit RGB.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <returns>Three bytes a vertex.</returns>
    public static byte[] SampleColors(ReadOnlySpan<Vector3d> placed, ReadOnlySpan<byte> picture, int width, int height, int stride)
    {
        byte[] colors = new byte[3 * placed.Length];
        for (int i = 0; i < placed.Length; i++)
        {
            int column = (int)Math.Round(Math.Clamp(placed[i].X, 0, width - 1));
            int row = (int)Math.Round(Math.Clamp(placed[i].Y, 0, height - 1));
            picture.Slice(row * stride + 3 * column, 3).CopyTo(colors.AsSpan(3 * i));
        }
        return colors;
    }

    private static void Validate(IReadOnlyList<Vector3d[]> faces, ReadOnlySpan<int> triangles, IReadOnlyList<byte[]>? colors, int vertexCount)
    {
        if (triangles.Length % 3 != 0) throw new ArgumentException("Triangles have three corners.", nameof(triangles));
        foreach (int index in triangles)
        {
            if ((uint)index >= (uint)vertexCount && faces.Count > 0) throw new ArgumentException($"Vertex {index} is outside the mesh.", nameof(triangles));
        }
        foreach (Vector3d[] face in faces)
        {
            if (face.Length != vertexCount) throw new ArgumentException("All faces must be of one mesh.", nameof(faces));
        }
        if (colors is not null && (colors.Count != faces.Count || colors.Any(color => color.Length != 3 * vertexCount)))
        {
            throw new ArgumentException("There must be three bytes a vertex.", nameof(colors));
        }
    }

    private static void WriteVertices(StreamWriter writer, Vector3d[] vertices, int height, byte[]? colors)
    {
        for (int i = 0; i < vertices.Length; i++)
        {
            Vector3d v = vertices[i];
            writer.WriteLine(colors is null
                ? string.Create(CultureInfo.InvariantCulture, $"v {v.X:F2} {height - v.Y:F2} {v.Z:F2}")
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"v {v.X:F2} {height - v.Y:F2} {v.Z:F2} {colors[3 * i] / 255.0:F3} {colors[3 * i + 1] / 255.0:F3} {colors[3 * i + 2] / 255.0:F3}"));
        }
    }
}
