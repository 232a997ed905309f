using System.Runtime.InteropServices;

namespace Img2Pose.Inference;

/// <summary>Native memory on a cache-line boundary, freed with its owner.</summary>
internal sealed unsafe class AlignedBuffer : SafeHandle
{
    private const int Alignment = 64;

    /// <summary>Allocates <paramref name="bytes"/> bytes, uninitialised.</summary>
    public AlignedBuffer(long bytes) : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Length = bytes;
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, Alignment), Alignment));
    }

    /// <summary>Size in bytes.</summary>
    public long Length { get; }

    /// <summary>First byte.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (byte*)handle;
        }
    }

    /// <summary>Makes room for at least <paramref name="bytes"/> bytes; what was there is lost where it has to grow.</summary>
    public static void Reserve(ref AlignedBuffer buffer, long bytes)
    {
        if (buffer.Length >= bytes) return;
        AlignedBuffer larger = new(bytes);
        buffer.Dispose();
        buffer = larger;
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
