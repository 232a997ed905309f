using System.Buffers.Binary;
using System.Numerics;
using Img2Pose.Core;
using Img2Pose.Geometry;

namespace Img2Pose.Rendering.Meshes;

/// <summary>
/// The project's face: a height field in cylindrical coordinates, r(θ, y) about a vertical axis behind the face, sampled on
/// a grid that is finer where the surface bends. Only the half from the midline outward is stored; the other is its mirror
/// image. Each sample also has an opacity (0 at the border of the face, so that its edge is soft) and an openness (how much
/// ambient light reaches it). Levels of detail take some of the samples, with the normals of all.
/// </summary>
public sealed class FaceSurface
{
    /// <summary>Where the asset lies below the folder of the program or of the repository.</summary>
    public const string DefaultRelativePath = "models/face-surface.bin";

    // Levels of detail take every fourth and every sixth row and column.
    private const int GridUnit = 12;
    private const int HeaderBytes = 36;
    private const int SampleBytes = 8;
    private const int PointBytes = 73 * 12;

    /// <summary>What a cell of a level may show that is not there, pixels times radians; chosen by looking at twice the size.</summary>
    private const float UnseenError = 1.5f;

    // Pixels a unit up to which the levels are drawn.
    private static readonly float[] s_scales = [640, 470, 340, 230, 160, 113, 80];
    private static readonly (int Step, float Scale)[] s_small = [(4, 48), (6, 32)];
    private readonly Vector3[] _positions;
    private readonly Vector3[] _normals;
    private readonly float[] _weights;
    private readonly float[] _openness;

    /// <summary>Decodes samples; the arrays hold <see cref="Rows"/> rows of <see cref="HalfColumns"/> samples.</summary>
    internal FaceSurface(FaceSurfaceSamples samples)
    {
        Samples = samples;
        int columns = 2 * samples.HalfColumns - 1;
        _positions = new Vector3[samples.Rows * columns];
        _weights = new float[_positions.Length];
        _openness = new float[_positions.Length];
        for (int row = 0; row < samples.Rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                int side = column - (samples.HalfColumns - 1);
                int from = row * samples.HalfColumns + Math.Abs(side), to = row * columns + column;
                float theta = samples.Theta[from] / 65535f * samples.MaximumTheta;
                float y = samples.MinimumY + samples.Y[from] / 65535f * (samples.MaximumY - samples.MinimumY);
                float r = samples.MinimumRadius + samples.Radius[from] / 65535f * (samples.MaximumRadius - samples.MinimumRadius);
                _positions[to] = new Vector3(Math.Sign(side) * r * MathF.Sin(theta), y, samples.AxisZ - r * MathF.Cos(theta));
                _weights[to] = samples.Weight[from] / 255f;
                _openness[to] = samples.Openness[from] / 255f;
            }
        }
        _normals = FaceMesh.ComputeNormals(_positions, Grid(1));
        Points68 = samples.Points[..68];
        Points5 = samples.Points[68..];
    }

    /// <summary>Rows of the grid, forehead first.</summary>
    public int Rows => Samples.Rows;

    /// <summary>Columns of the stored half, midline first.</summary>
    public int HalfColumns => Samples.HalfColumns;

    /// <summary>The 68 landmarks of the reference face, ibug order.</summary>
    public IReadOnlyList<Vector3> Points68 { get; }

    /// <summary>The 5 landmarks of the reference face: eyes, nose tip, mouth corners; picture-left first.</summary>
    public IReadOnlyList<Vector3> Points5 { get; }

    internal FaceSurfaceSamples Samples { get; }

    /// <summary>Vertices of the finest grid, both halves: <see cref="Rows"/> rows of 2·<see cref="HalfColumns"/> − 1.</summary>
    internal ReadOnlySpan<Vector3> GridPositions => _positions;

    internal ReadOnlySpan<Vector3> GridNormals => _normals;

    internal ReadOnlySpan<float> GridWeights => _weights;

    internal ReadOnlySpan<float> GridOpenness => _openness;

    /// <summary>Reads an asset.</summary>
    /// <exception cref="InputException">The file is missing, unreadable, cut short or of another kind.</exception>
    public static FaceSurface Load(string path)
    {
        byte[] data;
        try
        {
            data = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The face surface {path} cannot be read: {e.Message}", e);
        }
        return Decode(data, path);
    }

    /// <summary>
    /// Reads the default asset: <see cref="DefaultRelativePath"/> beside the program, or in a folder above it.
    /// </summary>
    /// <exception cref="InputException">It is in none of these folders, or broken.</exception>
    public static FaceSurface LoadDefault()
    {
        if (FindDefault() is { } path) return Load(path);
        throw new InputException(
            $"{DefaultRelativePath} is neither beside the program nor above it; make it with: img2pose mesh fit MESH --out {DefaultRelativePath}");
    }

    /// <summary>The file of the default surface: beside the program or above it; null where it is missing.</summary>
    public static string? FindDefault()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, DefaultRelativePath);
            if (File.Exists(path)) return path;
        }
        return null;
    }

    /// <summary>Writes the asset, replacing the file in one step.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(Encode()));

    /// <summary>A mesh of every <paramref name="step"/>-th row and column, without triangles that are wholly transparent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step does not divide the grid.</exception>
    public FaceMesh Tessellate(int step)
    {
        if (step < 1 || (Rows - 1) % step != 0 || (HalfColumns - 1) % step != 0)
            throw new ArgumentOutOfRangeException(nameof(step), step, "The step must divide the grid.");
        return Mesh(Grid(step), null);
    }

    /// <summary>
    /// The levels of detail, finest first: the whole grid, then as few of its vertices as show the same up to a scale
    /// (<see cref="FaceMesh.LargestScale"/>), for small faces every fourth and sixth row and column.
    /// </summary>
    public IReadOnlyList<FaceMesh> Levels()
    {
        AdaptiveGrid cells = new(this);
        List<FaceMesh> levels = [Mesh(Grid(1), float.PositiveInfinity)];
        foreach (float scale in s_scales) levels.Add(Mesh(cells.Triangles(UnseenError / scale), scale));
        foreach ((int step, float scale) in s_small) levels.Add(Mesh(Grid(step), scale));
        return levels;
    }

    private FaceMesh Mesh(IReadOnlyList<int> grid, float? largestScale)
    {
        int[] renumbered = new int[_positions.Length];
        Array.Fill(renumbered, -1);
        List<int> used = [], triangles = new(grid.Count);
        for (int i = 0; i < grid.Count; i += 3)
        {
            if (_weights[grid[i]] == 0 && _weights[grid[i + 1]] == 0 && _weights[grid[i + 2]] == 0) continue;
            for (int corner = 0; corner < 3; corner++)
            {
                ref int number = ref renumbered[grid[i + corner]];
                if (number < 0)
                {
                    number = used.Count;
                    used.Add(grid[i + corner]);
                }
                triangles.Add(number);
            }
        }
        return new FaceMesh(
            [.. used.Select(i => _positions[i])], [.. triangles], [.. used.Select(i => _normals[i])],
            [.. used.Select(i => _weights[i])], [.. used.Select(i => _openness[i])])
        { LargestScale = largestScale };
    }

    internal static FaceSurface Decode(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length < HeaderBytes || !data[..4].SequenceEqual("I2PF"u8))
            throw new InputException($"{name} is not a face surface; make one with: img2pose mesh fit");
        int version = BinaryPrimitives.ReadInt32LittleEndian(data[4..]);
        if (version != 1) throw new InputException($"{name} is a face surface of version {version}; this program reads version 1.");
        int halfColumns = BinaryPrimitives.ReadUInt16LittleEndian(data[8..]), rows = BinaryPrimitives.ReadUInt16LittleEndian(data[10..]);
        long samplesHeld = (long)halfColumns * rows;
        if (halfColumns < 2 || rows < 2 || data.Length != HeaderBytes + samplesHeld * SampleBytes + PointBytes)
            throw new InputException($"{name} is cut short or damaged: {data.Length} bytes do not hold {rows} × {halfColumns} samples.");
        if ((halfColumns - 1) % GridUnit != 0 || (rows - 1) % GridUnit != 0)
            throw new InputException($"{name} is damaged: a grid of {rows} × {halfColumns} samples has no coarser levels; its sides must be multiples of {GridUnit}, plus 1.");
        int count = (int)samplesHeld;

        FaceSurfaceSamples samples = new()
        {
            HalfColumns = halfColumns,
            Rows = rows,
            AxisZ = BinaryPrimitives.ReadSingleLittleEndian(data[12..]),
            MaximumTheta = BinaryPrimitives.ReadSingleLittleEndian(data[16..]),
            MinimumY = BinaryPrimitives.ReadSingleLittleEndian(data[20..]),
            MaximumY = BinaryPrimitives.ReadSingleLittleEndian(data[24..]),
            MinimumRadius = BinaryPrimitives.ReadSingleLittleEndian(data[28..]),
            MaximumRadius = BinaryPrimitives.ReadSingleLittleEndian(data[32..]),
            Theta = new ushort[count],
            Y = new ushort[count],
            Radius = new ushort[count],
            Weight = new byte[count],
            Openness = new byte[count],
            Points = new Vector3[73],
        };
        int at = HeaderBytes;
        foreach (ushort[] plane in (ReadOnlySpan<ushort[]>)[samples.Theta, samples.Y, samples.Radius])
        {
            for (int i = 0; i < count; i++, at += 2) plane[i] = BinaryPrimitives.ReadUInt16LittleEndian(data[at..]);
        }
        data.Slice(at, count).CopyTo(samples.Weight);
        data.Slice(at + count, count).CopyTo(samples.Openness);
        at += 2 * count;
        for (int i = 0; i < samples.Points.Length; i++, at += 12)
        {
            samples.Points[i] = new Vector3(
                BinaryPrimitives.ReadSingleLittleEndian(data[at..]), BinaryPrimitives.ReadSingleLittleEndian(data[(at + 4)..]),
                BinaryPrimitives.ReadSingleLittleEndian(data[(at + 8)..]));
            if (!IsUsable(samples.Points[i])) throw new InputException($"{name} is damaged: point {i} is not finite.");
        }
        if (!IsUsable(new Vector3(samples.AxisZ, samples.MaximumTheta, samples.MinimumY))
            || !IsUsable(new Vector3(samples.MaximumY, samples.MinimumRadius, samples.MaximumRadius)))
            throw new InputException($"{name} is damaged: its extents are not finite.");
        return new FaceSurface(samples);
    }

    // Within single precision after products and sums of some of them.
    private static bool IsUsable(Vector3 v) => Math.Abs(v.X) < 1e6f && Math.Abs(v.Y) < 1e6f && Math.Abs(v.Z) < 1e6f;

    internal byte[] Encode()
    {
        FaceSurfaceSamples s = Samples;
        int count = s.HalfColumns * s.Rows;
        byte[] data = new byte[HeaderBytes + count * SampleBytes + PointBytes];
        "I2PF"u8.CopyTo(data);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(8), (ushort)s.HalfColumns);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(10), (ushort)s.Rows);
        int at = 12;
        foreach (float value in (ReadOnlySpan<float>)[s.AxisZ, s.MaximumTheta, s.MinimumY, s.MaximumY, s.MinimumRadius, s.MaximumRadius])
        {
            BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(at), value);
            at += 4;
        }
        foreach (ushort[] plane in (ReadOnlySpan<ushort[]>)[s.Theta, s.Y, s.Radius])
        {
            foreach (ushort value in plane)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(at), value);
                at += 2;
            }
        }
        s.Weight.CopyTo(data, at);
        s.Openness.CopyTo(data, at + count);
        at += 2 * count;
        foreach (Vector3 point in s.Points)
        {
            BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(at), point.X);
            BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(at + 4), point.Y);
            BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(at + 8), point.Z);
            at += 12;
        }
        return data;
    }

    /// <summary>Two triangles for each cell; the diagonals mirror at the midline, so that the mesh does too.</summary>
    private int[] Grid(int step)
    {
        int columns = 2 * HalfColumns - 1, middle = HalfColumns - 1;
        List<int> triangles = [];
        for (int row = 0; row + step < Rows; row += step)
        {
            for (int column = 0; column + step < columns; column += step)
            {
                int a = row * columns + column, b = a + step, c = a + step * columns, d = c + step;
                if (column < middle) triangles.AddRange([a, d, b, a, c, d]);
                else triangles.AddRange([a, c, b, b, c, d]);
            }
        }
        return [.. triangles];
    }
}

/// <summary>The numbers of a face surface as they are stored.</summary>
internal sealed class FaceSurfaceSamples
{
    public required int HalfColumns { get; init; }

    public required int Rows { get; init; }

    /// <summary>Depth of the cylinder's axis, which runs along y at x = 0.</summary>
    public required float AxisZ { get; init; }

    /// <summary>Largest angle from the forward direction, radians; stored angles are 65535ths of it.</summary>
    public required float MaximumTheta { get; init; }

    public required float MinimumY { get; init; }

    public required float MaximumY { get; init; }

    public required float MinimumRadius { get; init; }

    public required float MaximumRadius { get; init; }

    public required ushort[] Theta { get; init; }

    public required ushort[] Y { get; init; }

    public required ushort[] Radius { get; init; }

    public required byte[] Weight { get; init; }

    public required byte[] Openness { get; init; }

    /// <summary>68 landmarks, then 5.</summary>
    public required Vector3[] Points { get; init; }
}
