namespace Img2Pose.Frames;

/// <summary>One plane of a frame in CPU memory. Valid only as long as the frame that it came from is held.</summary>
public readonly unsafe struct FramePlane
{
    /// <summary>Describes a plane.</summary>
    public FramePlane(byte* data, int stride, int width, int height, int bytesPerElement)
    {
        Data = data;
        Stride = stride;
        Width = width;
        Height = height;
        BytesPerElement = bytesPerElement;
    }

    /// <summary>First byte of the first row.</summary>
    public byte* Data { get; }

    /// <summary>Bytes from one row to the next; at least <see cref="RowBytes"/>.</summary>
    public int Stride { get; }

    /// <summary>Elements in a row: samples, or pairs in the chroma plane of NV12, or triples in RGB.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes of an element: 1, 2 (10-bit samples, NV12 pairs) or 3 (RGB).</summary>
    public int BytesPerElement { get; }

    /// <summary>Bytes of a row that carry samples.</summary>
    public int RowBytes => Width * BytesPerElement;

    /// <summary>The bytes of row <paramref name="y"/>.</summary>
    public Span<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height);
        return new Span<byte>(Data + (long)y * Stride, RowBytes);
    }
}
