using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Egl;
using Img2Pose.Rendering.Meshes;
using Veldrid;

namespace Img2Pose.Rendering.Overlay;

/// <summary>
/// Draws posed faces over pictures. The overlay is rendered off screen, only where it lies, in the picture's own colour
/// space, and blended into the picture's planes; every other sample keeps its exact value. Use from one thread at a time.
/// </summary>
public sealed class OverlayRenderer : IFrameComposer, IDisposable
{
    private readonly OverlayOptions _options;
    private readonly GraphicsDevice _device;
    private readonly MeshLibrary _meshes;
    private readonly DrawResources _draw;
    private readonly RenderTileCache _tiles;
    private readonly OverlayLayout _layout;
    private bool _disposed;

    private OverlayRenderer(OverlayOptions options, GraphicsDevice device, IReadOnlyList<FaceMesh> meshes)
    {
        _options = options;
        _device = device;
        _meshes = new MeshLibrary(device, meshes);
        (TextureSampleCount samples, RenderTile first) = FirstTile(device, options.Samples ?? (IsSoftware(device.DeviceName) ? 1 : 4));
        _draw = new DrawResources(device, first.Framebuffer.OutputDescription);
        first.Dispose();
        _tiles = new RenderTileCache(device, samples);
        _layout = new OverlayLayout(options, _meshes);
        RendererName = device.GetOpenGLInfo(out BackendInfoOpenGL info) ? $"{device.DeviceName}, OpenGL {info.Version}" : device.DeviceName;
    }

    /// <summary>The graphics device, as its driver calls it, and the OpenGL version.</summary>
    public string RendererName { get; }

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
    public static IReadOnlyList<FaceMesh> DefaultMeshes()
    {
        FaceSurface surface = FaceSurface.LoadDefault();
        List<FaceMesh> meshes = [];
        foreach (int step in FaceSurface.Steps) meshes.Add(surface.Tessellate(step));
        return meshes;
    }

    /// <summary>Draws the faces into the frame, in place. Faces at or behind the camera are left out.</summary>
    /// <param name="frame">The picture, which only the caller holds.</param>
    /// <param name="faces">Poses and boxes in display pixels of this frame.</param>
    /// <exception cref="InvalidOperationException">The frame may not be written.</exception>
    /// <exception cref="ModelException">The graphics device failed.</exception>
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!frame.IsWritable) throw new InvalidOperationException("The frame belongs to others too; compose into a copy.");
        if (faces.IsEmpty || _options.Layers == OverlayLayers.None) return;
        _layout.Arrange(frame, faces);
        if (_layout.Regions.Count == 0) return;
        try
        {
            RenderTile tile = _tiles.Get(_layout.Regions.TileWidth, _layout.Regions.TileHeight);
            _draw.Record(tile, _layout, _meshes, OverlayColor.Rows(frame.Format, frame.Color));
            _device.SubmitCommands(_draw.Commands);
            MappedResource pixels = _device.Map(tile.Staging, MapMode.Read);
            Blend(frame, pixels);
            _device.Unmap(tile.Staging);
        }
        catch (VeldridException e)
        {
            throw new ModelException($"Drawing the overlay failed: {e.Message}", e);
        }
    }

    /// <summary>Frees the graphics device and everything on it.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _tiles.Dispose();
        _draw.Dispose();
        _meshes.Dispose();
        _device.Dispose();
    }

    private unsafe void Blend(VideoFrame frame, in MappedResource pixels)
    {
        for (int i = 0; i < _layout.Regions.Count; i++)
        {
            OverlayRegion region = _layout.Regions[i];
            byte* tile = (byte*)pixels.Data + (long)region.TileY * pixels.RowPitch + 4L * region.TileX;
            OverlayBlender.Blend(frame, tile, (int)pixels.RowPitch, region);
        }
    }

    private static bool IsSoftware(string deviceName) =>
        deviceName.Contains("llvmpipe", StringComparison.OrdinalIgnoreCase) || deviceName.Contains("softpipe", StringComparison.OrdinalIgnoreCase);

    /// <summary>Finds the largest number of samples up to the one wanted that the driver takes.</summary>
    private static (TextureSampleCount Samples, RenderTile Tile) FirstTile(GraphicsDevice device, int wanted)
    {
        for (TextureSampleCount samples = (TextureSampleCount)BitOperations.Log2((uint)wanted); ; samples--)
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
