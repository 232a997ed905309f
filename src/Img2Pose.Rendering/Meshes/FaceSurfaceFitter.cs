using System.Numerics;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Meshes;

/// <summary>
/// Makes a <see cref="FaceSurface"/> of a triangle mesh: rays from a vertical axis give a fine height field, a spring grid
/// contracts where that field bends (eyelids, nostrils, lips), and the field is sampled at the grid's nodes. Deterministic.
/// </summary>
public static class FaceSurfaceFitter
{
    /// <summary>Columns of the stored half.</summary>
    public const int HalfColumns = 61;

    /// <summary>Rows.</summary>
    public const int Rows = 145;

    /// <summary>Distance from the border over which the surface fades in, in units of the reference face.</summary>
    public const float BorderWidth = 0.09f;

    private const int Relaxations = 600;
    // Each is measured from every node; a face of ten thousand vertices has some three hundred.
    private const int MostBorderEdges = 20_000;

    /// <summary>Fits a surface to a mesh in the axes and units of the reference face, its triangles outward.</summary>
    /// <param name="mesh">The mesh; seen from the axis behind the face, its outermost layer is kept.</param>
    /// <param name="reference">The landmarks to store with it.</param>
    /// <exception cref="InputException">The mesh is not a face in these axes: most rays to its front miss it.</exception>
    public static FaceSurface Fit(FaceMesh mesh, ReferenceFace reference)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(reference);
        CylinderField field = new(mesh);
        int hits = 0;
        for (int row = 0; row < CylinderField.Rows; row++)
        {
            for (int column = 0; column < CylinderField.Columns; column++)
            {
                if (field.Hit(column, row)) hits++;
            }
        }
        if (hits < CylinderField.Rows * CylinderField.Columns / 4)
        {
            throw new InputException(
                "The mesh is not a face in the reference frame (x right, y down, z away from the camera, symmetric about x = 0, about 1.5 units wide).");
        }

        Vector2[] nodes = Relax(field, Density(field));
        int count = nodes.Length;
        float[] radius = new float[count];
        for (int i = 0; i < count; i++) radius[i] = field.Radius(nodes[i].X, nodes[i].Y);
        float[] weights = BorderWeights(mesh, field, nodes);
        float[] openness = new float[count];
        for (int i = 0; i < count; i++) openness[i] = Openness(field, nodes[i]);

        Vector3[] points = new Vector3[73];
        for (int i = 0; i < 68; i++) points[i] = ToVector3(reference.Points68[i]);
        for (int i = 0; i < 5; i++) points[68 + i] = ToVector3(reference.Points5[i]);
        float minimumRadius = radius.Min(), maximumRadius = radius.Max();
        return new FaceSurface(new FaceSurfaceSamples
        {
            HalfColumns = HalfColumns,
            Rows = Rows,
            AxisZ = field.AxisZ,
            MaximumTheta = field.MaximumTheta,
            MinimumY = field.MinimumY,
            MaximumY = field.MaximumY,
            MinimumRadius = minimumRadius,
            MaximumRadius = maximumRadius,
            Theta = Array.ConvertAll(nodes, node => Quantise(node.X, 0, field.MaximumTheta)),
            Y = Array.ConvertAll(nodes, node => Quantise(node.Y, field.MinimumY, field.MaximumY)),
            Radius = Array.ConvertAll(radius, r => Quantise(r, minimumRadius, maximumRadius)),
            Weight = Array.ConvertAll(weights, weight => (byte)MathF.Round(255 * weight)),
            Openness = Array.ConvertAll(openness, value => (byte)MathF.Round(255 * value)),
            Points = points,
        });
    }

    private static ushort Quantise(float value, float low, float high) =>
        (ushort)MathF.Round(Math.Clamp((value - low) / (high - low), 0, 1) * 65535);

    private static Vector3 ToVector3(Vector3d v) => new((float)v.X, (float)v.Y, (float)v.Z);

    /// <summary>How closely nodes should lie at each fine grid point: more where the surface is steep or bends.</summary>
    private static float[] Density(CylinderField field)
    {
        const int columns = CylinderField.Columns, rows = CylinderField.Rows, reach = 4;
        float[] density = new float[columns * rows];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                if (!field.Hit(column, row))
                {
                    density[row * columns + column] = 0.35f;
                    continue;
                }
                int left = Math.Abs(column - reach), right = Math.Min(columns - 1, column + reach);
                int up = Math.Max(0, row - reach), down = Math.Min(rows - 1, row + reach);
                float r = field.Radius(column, row);
                float width = 2 * reach * field.ThetaStep * r, height = 2 * reach * field.YStep;
                float across = (field.Radius(right, row) - field.Radius(left, row)) / width;
                float along = (field.Radius(column, down) - field.Radius(column, up)) / height;
                float bendAcross = (field.Radius(right, row) + field.Radius(left, row) - 2 * r) / (0.25f * width * width);
                float bendAlong = (field.Radius(column, down) + field.Radius(column, up) - 2 * r) / (0.25f * height * height);
                float slope = MathF.Sqrt(across * across + along * along);
                float bend = MathF.Sqrt(bendAcross * bendAcross + bendAlong * bendAlong);
                density[row * columns + column] = 1 + 1.2f * Math.Min(slope, 2.5f) + 0.10f * Math.Min(bend, 45);
            }
        }
        Blur(density, 7, passes: 2);
        return density;
    }

    private static void Blur(float[] values, int radius, int passes)
    {
        const int columns = CylinderField.Columns, rows = CylinderField.Rows;
        float[] line = new float[Math.Max(columns, rows)];
        for (int pass = 0; pass < passes; pass++)
        {
            for (int row = 0; row < rows; row++) BlurLine(values, row * columns, 1, columns, mirrorStart: true);
            for (int column = 0; column < columns; column++) BlurLine(values, column, columns, rows, mirrorStart: false);
        }

        void BlurLine(float[] data, int start, int stride, int length, bool mirrorStart)
        {
            for (int i = 0; i < length; i++)
            {
                float sum = 0;
                for (int k = -radius; k <= radius; k++)
                {
                    int at = i + k;
                    if (at < 0) at = mirrorStart ? -at : 0;
                    sum += data[start + Math.Min(at, length - 1) * stride];
                }
                line[i] = sum / (2 * radius + 1);
            }
            for (int i = 0; i < length; i++) data[start + i * stride] = line[i];
        }
    }

    /// <summary>
    /// Lets a grid of springs, stiff in proportion to the density, come to rest. Nodes on the midline and on the outer edges
    /// slide along them.
    /// </summary>
    private static Vector2[] Relax(CylinderField field, float[] density)
    {
        Vector2[] nodes = new Vector2[HalfColumns * Rows];
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < HalfColumns; column++)
            {
                nodes[row * HalfColumns + column] = new Vector2(
                    field.MaximumTheta * column / (HalfColumns - 1),
                    field.MinimumY + (field.MaximumY - field.MinimumY) * row / (Rows - 1));
            }
        }
        ReadOnlySpan<(int, int)> neighbours = [(1, 0), (-1, 0), (0, 1), (0, -1)];
        for (int pass = 0; pass < Relaxations; pass++)
        {
            for (int row = 0; row < Rows; row++)
            {
                for (int column = 0; column < HalfColumns; column++)
                {
                    ref Vector2 node = ref nodes[row * HalfColumns + column];
                    Vector2 sum = Vector2.Zero;
                    float total = 0;
                    foreach ((int dx, int dy) in neighbours)
                    {
                        int x = Math.Abs(column + dx), y = row + dy;
                        if (x >= HalfColumns || (uint)y >= Rows) continue;
                        Vector2 other = nodes[y * HalfColumns + x];
                        if (column + dx < 0) other.X = -other.X;
                        Vector2 middle = 0.5f * (node + other);
                        float stiffness = field.Interpolate(density, middle.X, middle.Y);
                        sum += stiffness * other;
                        total += stiffness;
                    }
                    Vector2 rest = sum / total;
                    if (column is 0 or HalfColumns - 1) rest.X = node.X;
                    if (row is 0 or Rows - 1) rest.Y = node.Y;
                    node = rest;
                }
            }
        }
        return nodes;
    }

    /// <summary>0 at the border of the mesh and outside, rising smoothly to 1 at <see cref="BorderWidth"/> from it.</summary>
    private static float[] BorderWeights(FaceMesh mesh, CylinderField field, Vector2[] nodes)
    {
        List<(Vector3 From, Vector3 To)> border = Border(mesh);
        float[] weights = new float[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (!field.Hit(nodes[i].X, nodes[i].Y)) continue;
            Vector3 point = field.Point(nodes[i].X, nodes[i].Y);
            // Where the mesh goes on past the grid (a whole head), the grid's edge is the border.
            float distance = (field.MaximumTheta - nodes[i].X) * field.Radius(nodes[i].X, nodes[i].Y);
            foreach ((Vector3 start, Vector3 end) in border)
            {
                Vector3 edge = end - start;
                float along = Math.Clamp(Vector3.Dot(point - start, edge) / Math.Max(edge.LengthSquared(), 1e-12f), 0, 1);
                distance = Math.Min(distance, Vector3.Distance(point, start + along * edge));
            }
            float t = Math.Clamp(distance / BorderWidth, 0, 1);
            weights[i] = t * t * (3 - 2 * t);
        }
        return weights;
    }

    /// <summary>The edges that belong to one triangle only, and their mirror images.</summary>
    private static List<(Vector3 From, Vector3 To)> Border(FaceMesh mesh)
    {
        Dictionary<(int, int), int> uses = [];
        ReadOnlySpan<int> triangles = mesh.Triangles;
        for (int i = 0; i < triangles.Length; i += 3)
        {
            for (int corner = 0; corner < 3; corner++)
            {
                int a = triangles[i + corner], b = triangles[i + (corner + 1) % 3];
                (int, int) key = (Math.Min(a, b), Math.Max(a, b));
                uses[key] = uses.GetValueOrDefault(key) + 1;
            }
        }
        List<(Vector3, Vector3)> border = [];
        foreach (((int a, int b), int count) in uses)
        {
            if (count != 1) continue;
            if (border.Count == 2 * MostBorderEdges)
                throw new InputException($"The mesh has more than {MostBorderEdges} open edges, the limit; weld the vertices of its triangles.");
            Vector3 start = mesh.Positions[a], end = mesh.Positions[b];
            border.Add((start, end));
            border.Add((new Vector3(-start.X, start.Y, start.Z), new Vector3(-end.X, end.Y, end.Z)));
        }
        return border;
    }

    /// <summary>
    /// One minus the mean sine of the horizon: how much of the sky above a point its surroundings leave open, in twelve
    /// directions and up to 0.25 units away.
    /// </summary>
    private static float Openness(CylinderField field, Vector2 node)
    {
        const float delta = 0.004f, reach = 0.25f;
        const int directions = 12, steps = 14;
        Vector3 point = field.Point(node.X, node.Y);
        Vector3 normal = Vector3.Normalize(Vector3.Cross(
            field.Point(node.X + delta, node.Y) - field.Point(node.X - delta, node.Y),
            field.Point(node.X, node.Y + delta) - field.Point(node.X, node.Y - delta)));
        if (normal.Z > 0) normal = -normal;
        float scale = 1 / field.Radius(node.X, node.Y), closed = 0;
        for (int d = 0; d < directions; d++)
        {
            (float sin, float cos) = MathF.SinCos((d + 0.5f) * MathF.Tau / directions);
            float horizon = 0;
            for (int s = 1; s <= steps; s++)
            {
                float distance = reach * s * s / (steps * steps);
                Vector3 other = field.Point(node.X + distance * cos * scale, node.Y + distance * sin) - point;
                float length = other.Length();
                if (length > 1e-5f) horizon = Math.Max(horizon, Vector3.Dot(other, normal) / length * (1 - distance / (1.2f * reach)));
            }
            closed += horizon;
        }
        return Math.Clamp(1 - closed / directions, 0, 1);
    }
}
