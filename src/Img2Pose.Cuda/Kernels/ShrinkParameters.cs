using System.Runtime.InteropServices;

namespace Img2Pose.Cuda.Kernels;

/// <summary>What the <c>shrink</c> kernel is launched with: a picture's brightness to sums of four samples.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ShrinkParameters
{
    /// <summary>First sample of luma, or of RGB.</summary>
    public nint Plane;

    /// <summary>Bytes from row to row.</summary>
    public long Stride;

    /// <summary>Room for <see cref="Columns"/> times <see cref="Rows"/> sums (float32).</summary>
    public nint Cells;

    /// <summary>Samples in a row.</summary>
    public int Width;

    /// <summary>Rows of samples.</summary>
    public int Height;

    /// <summary>Sums in a row.</summary>
    public int Columns;

    /// <summary>Rows of sums.</summary>
    public int Rows;

    /// <summary>Layout of the samples.</summary>
    public DevicePixelFormat Format;

    /// <summary>Nothing; keeps the size a multiple of eight.</summary>
    public int Reserved;
}
