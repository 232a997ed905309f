using System.Runtime.InteropServices;

namespace Img2Pose.Cuda.Kernels;

/// <summary>Four values one after the other, as a C array.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Quadruple<T>
    where T : unmanaged
{
    /// <summary>The first.</summary>
    public T First;

    /// <summary>The second.</summary>
    public T Second;

    /// <summary>The third.</summary>
    public T Third;

    /// <summary>The fourth.</summary>
    public T Fourth;
}

/// <summary>One level of a feature pyramid in device memory: float32, [pictures, height, width, channels].</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RegionMap
{
    /// <summary>The first value.</summary>
    public nint Data;

    /// <summary>Cells of a row.</summary>
    public int Width;

    /// <summary>Rows.</summary>
    public int Height;

    /// <summary>Cells per pixel of the picture.</summary>
    public float Scale;

    /// <summary>Nothing; keeps the size a multiple of eight.</summary>
    public int Reserved;
}

/// <summary>What the <c>pool_regions</c> kernel is launched with: regions to rows of channels · side² values.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PoolParameters
{
    /// <summary>The levels, finest first.</summary>
    public Quadruple<RegionMap> Levels;

    /// <summary>Left, top, right, bottom of each region in pixels of the batch (float32).</summary>
    public nint Boxes;

    /// <summary>Picture of each region (int64).</summary>
    public nint Pictures;

    /// <summary>Room for the rows (float32).</summary>
    public nint Rows;

    /// <summary>Least √area / <see cref="CanonicalSize"/> of regions that are pooled from the second level and those above it.</summary>
    public Quadruple<float> Thresholds;

    /// <summary>What √area is divided by.</summary>
    public float CanonicalSize;

    /// <summary>How many levels there are, 1 to 4.</summary>
    public int LevelCount;

    /// <summary>Channels of every level.</summary>
    public int Channels;

    /// <summary>Cells of a pooled region along each axis.</summary>
    public int Side;

    /// <summary>Samples per pooled cell along each axis, 1 to 4.</summary>
    public int Samples;

    /// <summary>Nothing; keeps the size a multiple of eight.</summary>
    public int Reserved;
}
