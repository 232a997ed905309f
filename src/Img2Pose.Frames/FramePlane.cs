namespace Img2Pose.Frames;

/// <summary>One plane of a frame, in memory of one kind. Valid only as long as the frame that it came from is held.</summary>
public readonly struct FramePlane
{
    /// <summary>Describes a plane.</summary>
    /// <param name="address">Where its first row begins; a device pointer for memory of a device.</param>
    /// <param name="memory">Kind of the memory.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="width">Elements in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="bytesPerElement">Bytes of an element.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or rows would overlap.</exception>
    public FramePlane(nint address, MemoryKind memory, int stride, int width, int height, int bytesPerElement)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerElement);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, checked(width * bytesPerElement));
        Address = address;
        Memory = memory;
        Stride = stride;
        Width = width;
        Height = height;
        BytesPerElement = bytesPerElement;
    }

    /// <summary>Where the first row begins, in memory of the kind <see cref="Memory"/>; for native engines.</summary>
    public nint Address { get; }

    /// <summary>Kind of the memory.</summary>
    public MemoryKind Memory { get; }

    /// <summary>Bytes from one row to the next; at least <see cref="RowBytes"/>.</summary>
    public int Stride { get; }

    /// <summary>Elements in a row: samples, or pairs in the chroma plane of NV12, or triples in RGB.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes of an element: 1, 2 (10-bit samples, NV12 pairs), 3 (RGB) or 4 (P010 pairs).</summary>
    public int BytesPerElement { get; }

    /// <summary>Bytes of a row that carry samples.</summary>
    public int RowBytes => Width * BytesPerElement;

    /// <summary>The bytes of row <paramref name="y"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="InvalidOperationException">The plane is not in host memory.</exception>
    public unsafe Span<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height);
        return new Span<byte>(Data + (long)y * Stride, RowBytes);
    }

    /// <summary>First byte of the first row, for the inner loops of this program's own assemblies.</summary>
    /// <exception cref="InvalidOperationException">The plane is not in host memory.</exception>
    internal unsafe byte* Data
    {
        get
        {
            if (Memory != MemoryKind.Host) throw new InvalidOperationException($"The plane lies in {Memory} memory, which the processor cannot read; copy the frame to host memory first.");
            return (byte*)Address;
        }
    }
}
