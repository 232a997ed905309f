using System.Runtime.InteropServices;

namespace Img2Pose.Inference;

/// <summary>Native memory on a cache-line boundary, freed with its owner.</summary>
internal sealed unsafe class AlignedBuffer : SafeHandle
{
    private const int Alignment = 64;

    /// <summary>Allocates <paramref name="bytes"/> bytes, uninitialised.</summary>
    public AlignedBuffer(long bytes) : base(0, ownsHandle: true)
    {
        Length = bytes;
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, Alignment), Alignment));
    }

    /// <summary>Size in bytes.</summary>
    public long Length { get; }

    /// <summary>First byte.</summary>
    public byte* Pointer => (byte*)handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
