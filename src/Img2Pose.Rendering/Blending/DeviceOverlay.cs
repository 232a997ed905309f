using Img2Pose.Cuda;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Blending;

/// <summary>
/// Lays a drawn tile over a picture in device memory: the tile comes up from the host, or straight from OpenGL's texture where both
/// are on one device, and the kernel blends its regions into the picture's planes with the numbers of <see cref="OverlayBlender"/>. Nothing
/// waits for the device but the next tile from the host. One caller at a time; disposed before the device.
/// </summary>
internal sealed class DeviceOverlay : IDisposable
{
    private readonly CudaQueue _queue;
    private readonly CudaMarker _uploaded;
    private PinnedBuffer? _staging;
    private DeviceBuffer? _tile;

    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public DeviceOverlay(CudaDevice device)
    {
        Device = device;
        _queue = new CudaQueue(device);
        try
        {
            _uploaded = new CudaMarker(device);
        }
        catch (CudaDeviceException)
        {
            _queue.Dispose();
            throw;
        }
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>Brings a tile's pixels up.</summary>
    /// <param name="pixels">Its first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public unsafe void Upload(byte* pixels, long stride, int width, int height)
    {
        int bytes = checked(4 * width * height);
        DeviceBuffer tile = Reserve(bytes);
        // The staging memory is read when the queue gets there; the tile before this one must have left it.
        _uploaded.Wait();
        if (_staging is null || _staging.Length < bytes)
        {
            _staging?.Dispose();
            _staging = null;
            _staging = new PinnedBuffer(Device, bytes);
        }
        Span<byte> staged = _staging.Bytes;
        for (int y = 0; y < height; y++) new ReadOnlySpan<byte>(pixels + y * stride, 4 * width).CopyTo(staged[(4 * width * y)..]);
        _queue.Upload(_staging, 0, tile, 0, bytes);
        _queue.Mark(_uploaded);
    }

    /// <summary>Takes a tile's pixels from OpenGL's texture; called where its context is current.</summary>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public void Take(GlTextureMemory texture, int width, int height) =>
        texture.CopyTo(Reserve(checked(4 * width * height)), 4 * width, height, _queue);

    /// <summary>Blends the regions of the tile that was brought last.</summary>
    /// <param name="frame">The picture, which only the caller holds.</param>
    /// <param name="regions">The regions, and the tile's width.</param>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Blend(VideoFrame frame, RegionPlanner regions)
    {
        CudaOrder order = CudaOrder.Of(frame);
        DevicePicture picture = DevicePicture.Of(frame);
        int stride = 4 * regions.TileWidth;
        order.BeginRead(_queue);
        order.BeginWrite(_queue);
        for (int i = 0; i < regions.Count; i++)
        {
            OverlayRegion region = regions[i];
            _queue.Blend(new BlendParameters
            {
                Planes = picture.Planes,
                Strides = picture.Strides,
                Tile = _tile!.Address + (nint)((long)region.TileY * stride + 4L * region.TileX),
                TileStride = stride,
                X = region.X,
                Y = region.Y,
                Width = Math.Min(region.Width, frame.Width - region.X),
                Height = Math.Min(region.Height, frame.Height - region.Y),
                ChromaWidth = Math.Min(region.Width / 2, (frame.Width + 1) / 2 - region.X / 2),
                ChromaHeight = Math.Min(region.Height / 2, (frame.Height + 1) / 2 - region.Y / 2),
                Format = picture.Format,
                TenBitScale = OverlayBlender.TenBitScale(frame.Color.FullRange),
            });
        }
        order.EndWrite(_queue);
    }

    /// <summary>Frees what it has on the device.</summary>
    public void Dispose()
    {
        _staging?.Dispose();
        _tile?.Dispose();
        _uploaded.Dispose();
        _queue.Dispose();
    }

    private DeviceBuffer Reserve(int bytes)
    {
        if (_tile is not null && _tile.Length >= bytes) return _tile;
        _tile?.Dispose();
        _tile = null;
        return _tile = new DeviceBuffer(Device, bytes);
    }
}
