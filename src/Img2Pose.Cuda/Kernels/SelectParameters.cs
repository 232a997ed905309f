using System.Runtime.InteropServices;

namespace Img2Pose.Cuda.Kernels;

/// <summary>
/// What the <c>count_cells</c> and <c>select_cells</c> kernels are launched with: cells of a one-stage network's maps, float32
/// [pictures, values, cells] a level, whose first value is above a bound, to records.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SelectParameters
{
    /// <summary>The levels' maps.</summary>
    public Quadruple<nint> Maps;

    /// <summary>Cells of a picture in each level.</summary>
    public Quadruple<int> Cells;

    /// <summary>Room for a count (int32) for each chunk of each picture.</summary>
    public nint Counts;

    /// <summary>
    /// Room for what comes out: for each picture the number of cells above the bound (int32), then <see cref="Capacity"/> records of the
    /// cell's number (int32) and its values (float32).
    /// </summary>
    public nint Records;

    /// <summary>The bound on the first value.</summary>
    public float Least;

    /// <summary>How many levels there are, 1 to 4.</summary>
    public int LevelCount;

    /// <summary>Values of a cell.</summary>
    public int Values;

    /// <summary>Pictures.</summary>
    public int Pictures;

    /// <summary>Records of a picture at most.</summary>
    public int Capacity;

    /// <summary>Cells of a chunk.</summary>
    public int Chunk;

    /// <summary>Chunks of a picture.</summary>
    public int Chunks;

    /// <summary>Nothing; keeps the size a multiple of eight.</summary>
    public int Reserved;
}
