using Veldrid;

namespace Img2Pose.Rendering.Windows;

/// <summary>Pixels on the window's graphics device that are drawn one by one. Used by the window's thread.</summary>
/// <param name="device">The window's device, which outlives this.</param>
/// <param name="layout">What the pipeline for pixels binds.</param>
/// <param name="place">Its buffer of numbers.</param>
internal sealed unsafe class PixelTexture(GraphicsDevice device, ResourceLayout layout, DeviceBuffer place) : IDisposable
{
    private Texture? _texture;
    private ResourceSet? _set;

    /// <summary>Columns and rows that are used.</summary>
    public (int Width, int Height) Size { get; private set; }

    /// <summary>The pixels, bound; after <see cref="Upload"/>.</summary>
    public ResourceSet Set => _set ??= device.ResourceFactory.CreateResourceSet(new ResourceSetDescription(layout, place, _texture!));

    /// <summary>Takes pixels over.</summary>
    /// <param name="pixels">B, G, R and opacity, colours multiplied by it; rows one after the other.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <exception cref="VeldridException">The device failed.</exception>
    public void Upload(ReadOnlySpan<uint> pixels, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(pixels.Length, checked(width * height));
        if (_texture is null || _texture.Width < width || _texture.Height < height)
        {
            uint columns = Math.Max(_texture?.Width ?? 0, (uint)width), rows = Math.Max(_texture?.Height ?? 0, (uint)height);
            Dispose();
            _texture = device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(columns, rows, 1, 1, PixelFormat.B8_G8_R8_A8_UNorm, TextureUsage.Sampled));
        }
        fixed (uint* data = pixels)
            device.UpdateTexture(_texture, (nint)data, checked((uint)(4L * width * height)), 0, 0, 0, (uint)width, (uint)height, 1, 0, 0);
        Size = (width, height);
    }

    public void Dispose()
    {
        _set?.Dispose();
        _texture?.Dispose();
        (_set, _texture) = (null, null);
    }
}
