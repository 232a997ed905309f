using System.Diagnostics.CodeAnalysis;

namespace ManagedCuda.BasicTypes;

public struct SizeT
{
    private readonly nuint _value;

    public SizeT(ulong value) => _value = checked((nuint)value);

    public SizeT(long value) => _value = checked((nuint)value);

    public static implicit operator long(SizeT t) => checked((long)t._value);

    public static implicit operator SizeT(int value) => new((long)value);

    public static implicit operator SizeT(long value) => new(value);

    public static implicit operator SizeT(ulong value) => new(value);

    public static implicit operator ulong(SizeT t) => t._value;
}

public struct CUdevice
{
    public int Pointer;
}

public struct CUcontext
{
    public nint Pointer;
}

public struct CUmodule
{
    public nint Pointer;
}

public struct CUfunction
{
    public nint Pointer;
}

public struct CUevent
{
    public nint Pointer;
}

public struct CUstream
{
    public nint Pointer;
}

public struct CUarray
{
    public nint Pointer;
}

public struct CUgraphicsResource
{
    public nint Pointer;
}

public enum CUGLDeviceList
{
    All = 1,
    CurrentFrame = 2,
    NextFrame = 3,
}

[Flags]
public enum CUGraphicsRegisterFlags
{
    None = 0,
    ReadOnly = 1,
    WriteDiscard = 2,
    SurfaceLDST = 4,
    TextureGather = 8,
}

[Flags]
public enum CUGraphicsMapResourceFlags
{
    None = 0,
    ReadOnly = 1,
    WriteDiscard = 2,
}

[SuppressMessage("Performance", "CA1815", Justification = "As the package.")]
public struct CUdeviceptr
{
    public SizeT Pointer;

    public CUdeviceptr(SizeT pointer) => Pointer = pointer;

    public static CUdeviceptr operator +(CUdeviceptr src, SizeT value) => new((ulong)src.Pointer + (ulong)value);
}

[Flags]
public enum CUStreamFlags : uint
{
    Default = 0,
    NonBlocking = 1,
}

[Flags]
public enum CUEventFlags
{
    Default = 0,
    DisableTiming = 2,
}

/// <summary>Passed between the stand-in and the driver only.</summary>
internal enum CUMemoryType : uint
{
    Host = 1,
    Device = 2,
}

/// <summary>Passed between the stand-in and the driver only.</summary>
internal enum CUDeviceAttribute
{
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
}
