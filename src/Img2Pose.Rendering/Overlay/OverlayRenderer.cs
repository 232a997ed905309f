using System.Numerics;
using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Egl;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;
using Veldrid;

namespace Img2Pose.Rendering.Overlay;

/// <summary>
/// Draws posed faces over pictures. The overlay is rendered off screen, only where it lies, in the picture's own colour
/// space, and blended into the picture's planes; every other sample keeps its exact value. Thread-safe: it draws for one caller
/// at a time.
/// </summary>
public sealed class OverlayRenderer : IFrameComposer, IDisposable
{
    /// <summary>What Mesa's drivers call themselves that draw on the processor.</summary>
    private static readonly string[] s_rasterisers = ["llvmpipe", "softpipe", "swrast", "Software Rasterizer"];

    private readonly OverlayOptions _options;
    private readonly GraphicsDevice _device;
    private readonly MeshLibrary _meshes;
    private readonly DrawResources _draw;
    private readonly RenderTileCache _tiles;
    private readonly OverlayLayout _layout;
    private readonly Lock _lock = new();
    private FrontalInsets? _insets;
    private DeviceOverlay? _overDevice;
    private bool? _isShared;
    private bool _disposed;

    private OverlayRenderer(OverlayOptions options, GraphicsDevice device, IReadOnlyList<FaceMesh> meshes)
    {
        _options = options;
        _device = device;
        Meshes = meshes;
        _meshes = new MeshLibrary(device, meshes);
        IsSoftware = IsRasteriser(device.DeviceName);
        (TextureSampleCount samples, RenderTile first) = FirstTile(device, options.Samples);
        _draw = new DrawResources(device, first.Framebuffer.OutputDescription);
        first.Dispose();
        _tiles = new RenderTileCache(device, samples, GiveUp);
        _layout = new OverlayLayout(options, _meshes);
        RendererName = device.GetOpenGLInfo(out BackendInfoOpenGL info) ? $"{device.DeviceName}, OpenGL {info.Version}" : device.DeviceName;
    }

    /// <summary>The graphics device, as its driver calls it, and the OpenGL version.</summary>
    public string RendererName { get; }

    /// <summary>Whether the processor draws, not a graphics card.</summary>
    public bool IsSoftware { get; }

    /// <summary>The mesh at its levels of detail, for whoever draws it on a device of his own.</summary>
    internal IReadOnlyList<FaceMesh> Meshes { get; }

    /// <summary>What is drawn unless a caller asks for something else.</summary>
    public OverlayOptions Options => _options;

    /// <summary>Opens the graphics device, without a window.</summary>
    /// <exception cref="UsageException">An option is out of its range.</exception>
    /// <exception cref="ModelException">EGL or OpenGL 4.5 is not there.</exception>
    /// <exception cref="InputException">The default face surface is missing or broken.</exception>
    public static OverlayRenderer Create(OverlayOptions? options = null)
    {
        options ??= new OverlayOptions();
        options.Validate();
        IReadOnlyList<FaceMesh> meshes = options.Meshes ?? DefaultMeshes();
        try
        {
            GraphicsDevice device = GraphicsDevice.CreateOpenGL(
                new GraphicsDeviceOptions(debug: false), EglPlatform.CreateContext(options.RasteriserThreads), 0, 0);
            try
            {
                return new OverlayRenderer(options, device, meshes);
            }
            catch
            {
                device.Dispose();
                throw;
            }
        }
        catch (VeldridException e)
        {
            throw new ModelException($"The overlay cannot be drawn here: {e.Message}", e);
        }
    }

    /// <summary>Every level of detail of the default face surface.</summary>
    /// <exception cref="InputException">It is missing or broken.</exception>
    public static IReadOnlyList<FaceMesh> DefaultMeshes() => FaceSurface.LoadDefault().Levels();

    /// <summary>
    /// Whether pictures in device memory are drawn on with textures that stay on the device, too; null until the first such picture.
    /// </summary>
    public bool? SharesTextures => _isShared;

    /// <inheritdoc/>
    /// <remarks>Frontal views are made on the host, of the picture's samples.</remarks>
    public bool DrawsOn(MemoryKind memory) => memory == MemoryKind.Host || (_options.Layers & OverlayLayers.Frontal) == 0;

    /// <summary>Draws the faces into the frame, in place. Faces at or behind the camera are left out.</summary>
    /// <param name="frame">The picture, which only the caller holds.</param>
    /// <param name="faces">Poses and boxes in display pixels of this frame.</param>
    /// <exception cref="InvalidOperationException">The frame may not be written.</exception>
    /// <exception cref="ModelException">The graphics device failed.</exception>
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Compose(frame, faces, _options.Layers, _options.Alpha);

    /// <summary>Draws the faces into the frame, in place, with other layers and another opacity of the mesh than the renderer's own.</summary>
    /// <param name="frame">The picture, which only the caller holds.</param>
    /// <param name="faces">Poses and boxes in display pixels of this frame.</param>
    /// <param name="layers">What is drawn.</param>
    /// <param name="alpha">Opacity of the mesh in [0, 1].</param>
    /// <inheritdoc cref="Compose(VideoFrame, ReadOnlySpan{TrackedFace})"/>
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces, OverlayLayers layers, float alpha)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (!frame.IsWritable) throw new InvalidOperationException("The frame belongs to others too; compose into a copy.");
        if (faces.IsEmpty || layers == OverlayLayers.None) return;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // Views show the picture without what is drawn on it.
            FrontalInsets? insets = (layers & OverlayLayers.Frontal) != 0 ? _insets ??= new FrontalInsets(IsSoftware ? null : new FaceViewDevice(_device)) : null;
            insets?.Take(frame, faces);
            _layout.Arrange(frame, faces, layers, alpha);
            if (_layout.Regions.Count > 0) Draw(frame);
            insets?.Paint(frame);
        }
    }

    private void Draw(VideoFrame frame)
    {
        try
        {
            RenderTile tile = _tiles.Get(_layout.Regions.TileWidth, _layout.Regions.TileHeight);
            if (frame.Memory == MemoryKind.Cuda)
            {
                DrawOnDevice(frame, tile);
                return;
            }
            _draw.Record(tile, _layout, _meshes, OverlayColor.Rows(frame.Format, frame.Color));
            _device.SubmitCommands(_draw.Commands);
            MappedResource pixels = _device.Map(tile.Staging, MapMode.Read);
            Blend(frame, pixels);
            _device.Unmap(tile.Staging);
        }
        catch (VeldridException e)
        {
            throw Failure(e);
        }
    }

    /// <summary>As <see cref="Draw"/>, for a picture in device memory: the tile goes there, and the device blends.</summary>
    private unsafe void DrawOnDevice(VideoFrame frame, RenderTile tile)
    {
        CudaDevice device = CudaOrder.Of(frame).Device;
        if (_overDevice is null || _overDevice.Device != device)
        {
            GiveUpDevice();
            _overDevice = new DeviceOverlay(device);
        }
        RegionPlanner regions = _layout.Regions;
        bool shared = _isShared ??= IsShared(device);
        _draw.Record(tile, _layout, _meshes, OverlayColor.Rows(frame.Format, frame.Color), toHost: !shared);
        _device.SubmitCommands(_draw.Commands);
        if (shared && !TryTake(tile, _overDevice))
        {
            // Refused although the device is the same: from now on the tile goes by the host.
            _isShared = shared = false;
            _draw.Record(tile, _layout, _meshes, OverlayColor.Rows(frame.Format, frame.Color));
            _device.SubmitCommands(_draw.Commands);
        }
        if (!shared)
        {
            MappedResource pixels = _device.Map(tile.Staging, MapMode.Read);
            _overDevice.Upload((byte*)pixels.Data, pixels.RowPitch, regions.TileWidth, regions.TileHeight);
            _device.Unmap(tile.Staging);
        }
        _overDevice.Blend(frame, regions);
    }

    private bool IsShared(CudaDevice device)
    {
        bool shared = false;
        _device.GetOpenGLInfo().ExecuteOnGLThread(() => shared = GlTextureMemory.IsShared(device));
        return shared;
    }

    private bool TryTake(RenderTile tile, DeviceOverlay overlay)
    {
        BackendInfoOpenGL info = _device.GetOpenGLInfo();
        CudaDeviceException? refused = null;
        info.ExecuteOnGLThread(() =>
        {
            try
            {
                tile.Shared ??= new GlTextureMemory(overlay.Device, info.GetTextureName(tile.Drawn));
                overlay.Take(tile.Shared, _layout.Regions.TileWidth, _layout.Regions.TileHeight);
            }
            catch (CudaDeviceException error)
            {
                refused = error;
            }
        });
        if (refused is { Failure: not CudaFailure.Refused }) throw refused;
        return refused is null;
    }

    /// <summary>Before a tile is disposed of: a device that shares its texture lets go of it first.</summary>
    private void GiveUp(RenderTile tile)
    {
        if (tile.Shared is not { } shared) return;
        tile.Shared = null;
        _device.GetOpenGLInfo().ExecuteOnGLThread(shared.Dispose);
    }

    private void GiveUpDevice()
    {
        _tiles.GiveUpShared();
        _overDevice?.Dispose();
        (_overDevice, _isShared) = (null, null);
    }

    /// <summary>Draws lines, such as lettering, on nothing.</summary>
    /// <param name="strokes">The lines, in pixels of the picture that is made.</param>
    /// <param name="width">Width of that picture, pixels.</param>
    /// <param name="height">Its height.</param>
    /// <param name="pixels">Receives width × height pixels, B, G, R and opacity in memory order, colours multiplied by opacity.</param>
    /// <exception cref="ModelException">The graphics device failed.</exception>
    internal unsafe void DrawStrokes(StrokeList strokes, int width, int height, Span<uint> pixels)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            try
            {
                RenderTile tile = _tiles.Get(width, height);
                _draw.RecordStrokes(tile, strokes, width, height, (Vector4.UnitZ, Vector4.UnitY, Vector4.UnitX));
                _device.SubmitCommands(_draw.Commands);
                MappedResource drawn = _device.Map(tile.Staging, MapMode.Read);
                if (drawn.SizeInBytes < (height - 1L) * drawn.RowPitch + 4L * width)
                    throw new ModelException($"The graphics device gave {drawn.SizeInBytes} bytes for {width}×{height} pixels.");
                for (int y = 0; y < height; y++)
                    new ReadOnlySpan<uint>((byte*)drawn.Data + (long)y * drawn.RowPitch, width).CopyTo(pixels[(y * width)..]);
                _device.Unmap(tile.Staging);
            }
            catch (VeldridException e)
            {
                throw Failure(e);
            }
        }
    }

    /// <summary>Frees the graphics device and everything on it.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            _insets?.Dispose();
            GiveUpDevice();
            _tiles.Dispose();
            _draw.Dispose();
            _meshes.Dispose();
            _device.Dispose();
        }
    }

    private static ModelException Failure(VeldridException cause) => new($"Drawing the overlay failed: {cause.Message}", cause);

    private unsafe void Blend(VideoFrame frame, in MappedResource pixels)
    {
        for (int i = 0; i < _layout.Regions.Count; i++)
        {
            OverlayRegion region = _layout.Regions[i];
            long offset = checked((long)region.TileY * pixels.RowPitch + 4L * region.TileX);
            OverlayBlender.Blend(frame, (byte*)pixels.Data + offset, checked((int)pixels.RowPitch), pixels.SizeInBytes - offset, region);
        }
    }

    internal static bool IsRasteriser(string deviceName) =>
        s_rasterisers.Any(name => deviceName.Contains(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Finds the largest number of samples up to the one wanted (null: as <see cref="OverlayOptions.Samples"/> says) that the driver takes,
    /// and a tile of it, which is the caller's.
    /// </summary>
    internal static (TextureSampleCount Samples, RenderTile Tile) FirstTile(GraphicsDevice device, int? wanted)
    {
        int most = wanted ?? (IsRasteriser(device.DeviceName) ? 1 : 4);
        for (TextureSampleCount samples = (TextureSampleCount)BitOperations.Log2((uint)most); ; samples--)
        {
            try
            {
                return (samples, new RenderTile(device, 64, 64, samples));
            }
            catch (VeldridException) when (samples > TextureSampleCount.Count1)
            {
                // The driver cannot do this many; try half.
            }
        }
    }
}
