using System.Runtime.InteropServices;

namespace Img2Pose.Cuda.Kernels;

/// <summary>How samples lie in a picture's planes on the device; numbers as in <c>native/cuda/parameters.h</c>.</summary>
public enum DevicePixelFormat
{
    /// <summary>Planes Y, U, V; 8 bit.</summary>
    I420 = 0,

    /// <summary>Planes Y and UV pairs; 8 bit.</summary>
    Nv12 = 1,

    /// <summary>Planes Y, U, V; 10 bit in the low bits of 16.</summary>
    I420P10 = 2,

    /// <summary>Triples; 8 bit.</summary>
    Rgb24 = 3,

    /// <summary>Planes Y and UV pairs; 10 bit in the high bits of 16: what NVDEC gives for 10-bit video.</summary>
    P010 = 4,
}

/// <summary>Three values one after the other, as a C array.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Triple<T>
    where T : unmanaged
{
    /// <summary>The first.</summary>
    public T First;

    /// <summary>The second.</summary>
    public T Second;

    /// <summary>The third.</summary>
    public T Third;
}

/// <summary>A resize axis in device memory: <c>ResizeAxisTable</c> of <c>native/cuda/parameters.h</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ResizeAxisTable
{
    /// <summary>Nearer block of each target pixel (int32).</summary>
    public nint First;

    /// <summary>Farther block of each target pixel (int32).</summary>
    public nint Second;

    /// <summary>Share of the farther block (float32).</summary>
    public nint Weights;

    /// <summary>Samples along the axis.</summary>
    public int Samples;

    /// <summary>Samples in a block.</summary>
    public int Block;
}

/// <summary>One picture on its way into a rectangle of a tensor: <c>TensorJob</c> of <c>native/cuda/parameters.h</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TensorJob
{
    /// <summary>First samples of the planes.</summary>
    public Triple<nint> Planes;

    /// <summary>Bytes from row to row of the planes.</summary>
    public Triple<long> Strides;

    /// <summary>Columns of luma, or of RGB.</summary>
    public ResizeAxisTable X;

    /// <summary>Rows of luma, or of RGB.</summary>
    public ResizeAxisTable Y;

    /// <summary>Columns of chroma.</summary>
    public ResizeAxisTable ChromaX;

    /// <summary>Rows of chroma.</summary>
    public ResizeAxisTable ChromaY;

    /// <summary>Factor on luma.</summary>
    public float Luma;

    /// <summary>Luma of black.</summary>
    public float LumaOffset;

    /// <summary>Chroma of grey.</summary>
    public float ChromaOffset;

    /// <summary>Factor on Cr in red.</summary>
    public float RedFromCr;

    /// <summary>Factor on Cb in green.</summary>
    public float GreenFromCb;

    /// <summary>Factor on Cr in green.</summary>
    public float GreenFromCr;

    /// <summary>Factor on Cb in blue.</summary>
    public float BlueFromCb;

    /// <summary>Factors of the normalisation, for red, green and blue.</summary>
    public Triple<float> Scale;

    /// <summary>What the normalisation adds.</summary>
    public Triple<float> Offset;

    /// <summary>Layout of the samples.</summary>
    public DevicePixelFormat Format;

    /// <summary>Where the rectangle's first red value goes.</summary>
    public nint Target;

    /// <summary>Values from row to row of the tensor.</summary>
    public long RowLength;

    /// <summary>Values from colour to colour of the tensor.</summary>
    public long PlaneLength;

    /// <summary>Width of the resized picture.</summary>
    public int Width;

    /// <summary>Height of the resized picture.</summary>
    public int Height;

    /// <summary>Width of the rectangle; what the picture does not cover becomes 0.</summary>
    public int PaddedWidth;

    /// <summary>Height of the rectangle.</summary>
    public int PaddedHeight;

    /// <summary>1 where the tensor is float16, 0 where it is float32.</summary>
    public int Half;

    /// <summary>Nothing; keeps the size a multiple of eight.</summary>
    public int Reserved;
}

/// <summary>What the <c>tensorise</c> kernel is launched with.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensoriseParameters
{
    /// <summary>One <see cref="TensorJob"/> for each layer of the grid.</summary>
    public nint Jobs;
}

/// <summary>What the <c>blend</c> kernel is launched with: an overlay's rectangle over a picture.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlendParameters
{
    /// <summary>First samples of the picture's planes.</summary>
    public Triple<nint> Planes;

    /// <summary>Bytes from row to row of the planes.</summary>
    public Triple<long> Strides;

    /// <summary>The rectangle's first pixel in the tile: the picture's components times the opacity, then the opacity.</summary>
    public nint Tile;

    /// <summary>Bytes from row to row of the tile.</summary>
    public long TileStride;

    /// <summary>Left side of the rectangle in the picture, even.</summary>
    public int X;

    /// <summary>Upper side of the rectangle in the picture, even.</summary>
    public int Y;

    /// <summary>Width of the rectangle inside the picture.</summary>
    public int Width;

    /// <summary>Height of the rectangle inside the picture.</summary>
    public int Height;

    /// <summary>Width of the rectangle in chroma samples.</summary>
    public int ChromaWidth;

    /// <summary>Height of the rectangle in chroma samples.</summary>
    public int ChromaHeight;

    /// <summary>Layout of the samples.</summary>
    public DevicePixelFormat Format;

    /// <summary>The 16.16 factor from eight bits to ten.</summary>
    public int TenBitScale;
}
