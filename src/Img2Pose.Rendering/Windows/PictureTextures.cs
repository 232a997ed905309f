using Img2Pose.Frames;
using Veldrid;
using SampleFormat = Img2Pose.Frames.PixelFormat;
using TextureFormat = Veldrid.PixelFormat;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// One feed's picture on the window's graphics device: a texture for each plane, kept from picture to picture. Planes go up from where
/// they are, without a copy between. Used by the window's thread.
/// </summary>
/// <param name="device">The window's device, which outlives this.</param>
/// <param name="layout">What the pipeline for pictures binds.</param>
/// <param name="place">Its buffer of numbers.</param>
internal sealed unsafe class PictureTextures(GraphicsDevice device, ResourceLayout layout, DeviceBuffer place) : IDisposable
{
    /// <summary>Largest side of a texture that every OpenGL 4.5 device takes.</summary>
    private const int LargestSide = 16384;

    private readonly Texture?[] _planes = new Texture?[3];
    private ResourceSet? _set;

    /// <summary>Layout of the samples.</summary>
    public SampleFormat Format { get; private set; }

    /// <summary>What they mean.</summary>
    public ColorDescription Color { get; private set; }

    /// <summary>Columns and rows of luma, or of the picture in RGB.</summary>
    public (int Width, int Height) Size { get; private set; }

    /// <summary>Columns and rows of chroma; those of the picture in RGB.</summary>
    public (int Width, int Height) ChromaSize { get; private set; }

    /// <summary>The textures, bound; after <see cref="Upload(VideoFrame)"/>.</summary>
    public ResourceSet Set => _set ??= device.ResourceFactory.CreateResourceSet(new ResourceSetDescription(layout, place, _planes[0]!, Plane(1), Plane(2)));

    /// <summary>Whether the planes of a frame fit into textures.</summary>
    public static bool Takes(VideoFrame frame)
    {
        if (frame.Memory != MemoryKind.Host) return false;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            int bytes = BytesOf(FormatOf(frame.Format, i));
            if (Math.Max(plane.Stride, plane.RowBytes) / bytes > LargestSide || plane.Height > LargestSide) return false;
        }
        return true;
    }

    /// <summary>Takes a picture over; when it returns the frame is not needed any more.</summary>
    /// <param name="frame">A frame that <see cref="Takes"/> says yes to; only read.</param>
    /// <exception cref="VeldridException">The device failed.</exception>
    public void Upload(VideoFrame frame)
    {
        if (frame.Format != Format) Clear();
        (Format, Color, Size) = (frame.Format, frame.Color, (frame.Width, frame.Height));
        FramePlane last = frame.GetPlane(frame.PlaneCount - 1);
        ChromaSize = (last.Width, last.Height);
        for (int i = 0; i < frame.PlaneCount; i++) Upload(i, frame.GetPlane(i), FormatOf(frame.Format, i));
    }

    public void Dispose() => Clear();

    private Texture Plane(int index) => _planes[index] ?? Plane(index - 1);

    private void Upload(int index, in FramePlane plane, TextureFormat format)
    {
        int bytes = BytesOf(format), columns = plane.RowBytes / bytes;
        // Rows with what lies between them are one piece of memory, of which the last row may be the end.
        bool whole = plane.Stride % bytes == 0 && plane.Height > 1;
        int across = whole ? plane.Stride / bytes : columns;
        Texture texture = Reserve(index, format, across, plane.Height);
        if (whole) Update(texture, plane.Data, bytes, across, 0, plane.Height - 1);
        for (int y = whole ? plane.Height - 1 : 0; y < plane.Height; y++) Update(texture, plane.Data + (long)y * plane.Stride, bytes, columns, y, 1);
    }

    private void Update(Texture texture, byte* data, int bytes, int columns, int y, int rows) => device.UpdateTexture(
        texture, (nint)data, checked((uint)((long)bytes * columns * rows)), 0, (uint)y, 0, (uint)columns, (uint)rows, 1, 0, 0);

    private Texture Reserve(int index, TextureFormat format, int columns, int rows)
    {
        Texture? texture = _planes[index];
        if (texture is not null && texture.Width >= columns && texture.Height >= rows) return texture;
        uint width = Math.Max(texture?.Width ?? 0, (uint)columns), height = Math.Max(texture?.Height ?? 0, (uint)rows);
        _set?.Dispose();
        _set = null;
        texture?.Dispose();
        _planes[index] = null;
        return _planes[index] = device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(width, height, 1, 1, format, TextureUsage.Sampled));
    }

    private void Clear()
    {
        _set?.Dispose();
        _set = null;
        foreach (Texture? texture in _planes) texture?.Dispose();
        Array.Clear(_planes);
    }

    /// <summary>A texel is a sample, or a pair of them; OpenGL has none of three bytes, so that RGB has three of one.</summary>
    private static TextureFormat FormatOf(SampleFormat format, int plane) => format switch
    {
        SampleFormat.Nv12 when plane == 1 => TextureFormat.R8_G8_UNorm,
        SampleFormat.P010 when plane == 1 => TextureFormat.R16_G16_UNorm,
        SampleFormat.P010 or SampleFormat.I420P10 => TextureFormat.R16_UNorm,
        _ => TextureFormat.R8_UNorm,
    };

    private static int BytesOf(TextureFormat format) => format switch
    {
        TextureFormat.R8_UNorm => 1,
        TextureFormat.R16_G16_UNorm => 4,
        _ => 2,
    };
}
