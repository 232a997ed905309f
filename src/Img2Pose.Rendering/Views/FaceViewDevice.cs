using Img2Pose.Rendering.Egl;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Overlay;
using Veldrid;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// A graphics device that draws views of faces: what <see cref="FaceViewRenderer"/> does on the CPU otherwise, to within rounding.
/// Worth its uploads on a graphics card; on Mesa's rasteriser the CPU path is faster. Thread-safe: it draws for one renderer at
/// a time. Dispose it after the renderers that draw with it.
/// </summary>
public sealed class FaceViewDevice : IDisposable
{
    private readonly GraphicsDevice _device;
    private readonly bool _owns;
    private readonly Lock _gate = new();
    private readonly Dictionary<(FaceSurface Surface, int Vertices), DevicePainter> _painters = [];
    private bool _disposed;

    /// <summary>Draws on a device that somebody else opened.</summary>
    internal FaceViewDevice(GraphicsDevice device, bool owns = false)
    {
        (_device, _owns) = (device, owns);
        IsSoftware = OverlayRenderer.IsRasteriser(device.DeviceName);
    }

    /// <summary>The device, as its driver calls it.</summary>
    public string Name => _device.DeviceName;

    /// <summary>Whether the processor draws, not a graphics card.</summary>
    public bool IsSoftware { get; }

    /// <summary>Opens the graphics device, without a window.</summary>
    /// <exception cref="ModelException">EGL or OpenGL 4.5 is not there.</exception>
    public static FaceViewDevice Open()
    {
        try
        {
            return new FaceViewDevice(GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false), EglPlatform.CreateContext(rasteriserThreads: null), 0, 0), owns: true);
        }
        catch (VeldridException e)
        {
            throw new ModelException($"Views cannot be drawn with OpenGL here: {e.Message}", e);
        }
    }

    /// <summary>Opens a graphics card, where there is one: Mesa's rasteriser draws no faster than the CPU does by itself.</summary>
    /// <returns>Null without a card, or where its driver has no OpenGL 4.5.</returns>
    public static FaceViewDevice? OpenCard()
    {
        // A card has device files; without one neither EGL nor the rasteriser need be loaded.
        if (!Directory.Exists("/dev/dri") && !File.Exists("/dev/nvidiactl")) return null;
        try
        {
            FaceViewDevice device = Open();
            if (!device.IsSoftware) return device;
            device.Dispose();
        }
        catch (ModelException)
        {
            // The CPU draws then.
        }
        return null;
    }

    /// <summary>What draws a surface on this device; kept until the device is disposed.</summary>
    internal IViewPainter PainterOf(FaceSurface surface, FaceGrid grid)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_painters.TryGetValue((surface, grid.Count), out DevicePainter? painter))
            {
                try
                {
                    _painters.Add((surface, grid.Count), painter = new DevicePainter(_device, grid, _gate));
                }
                catch (VeldridException e)
                {
                    throw new ModelException($"Views cannot be drawn with {Name}: {e.Message}", e);
                }
            }
            return painter;
        }
    }

    /// <summary>Frees what is on the device, and the device if it was opened here.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (DevicePainter painter in _painters.Values) painter.Dispose();
            if (_owns) _device.Dispose();
        }
    }
}
