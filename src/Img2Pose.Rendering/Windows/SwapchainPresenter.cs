using Img2Pose.Frames;
using Img2Pose.Rendering.Overlay;
using Veldrid;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// Draws the window on a graphics device: pictures from the planes as they were decoded, faces over them as fine as the window is, and
/// lettering, into the swapchain of a Veldrid device.
/// </summary>
/// <remarks>
/// That device is the window's own, beside the renderer's that draws for encoders. In Veldrid a device of OpenGL is one context, its
/// swapchain is the window that the context was made for, and one thread carries out all of its work: with a single device an
/// exchange of buffers that waits for a display would hold up the session's other outputs, and the renderer, which needs no
/// display, could not outlive the window. Shared is what is the same for both, meshes and options; they are a few hundred kilobytes on
/// the card. The window's thread records and submits, and waits for uploads and exchanges; see <see cref="SdlContext"/> for who
/// calls OpenGL.
/// </remarks>
internal sealed unsafe class SwapchainPresenter : IWindowPresenter
{
    private readonly SdlWindow _window;
    private readonly WindowPainter _painter;
    private readonly GraphicsDevice _device;
    private readonly WindowCanvas _canvas;
    private readonly Dictionary<WindowFeed, Shown> _pictures = [];
    private readonly Dictionary<TextPanel, (PixelTexture Pixels, int Version)> _panels = [];
    private uint[] _scaled = [];

    /// <summary>Makes the window and its device; the window is seen when that has succeeded.</summary>
    /// <param name="window">The window, of which there is none yet.</param>
    /// <param name="painter">Draws what must be drawn on the host.</param>
    /// <param name="renderer">Whose meshes and options are taken.</param>
    /// <param name="width">Width of the window.</param>
    /// <param name="height">Its height.</param>
    /// <param name="onProcessor">Whether a device will do that is no graphics card.</param>
    /// <exception cref="ModelException">There is no such window, or no such device.</exception>
    /// <exception cref="VeldridException">The device cannot do it.</exception>
    public SwapchainPresenter(SdlWindow window, WindowPainter painter, OverlayRenderer renderer, int width, int height, bool onProcessor)
    {
        (_window, _painter) = (window, painter);
        SdlContext.CreateWindow(window, width, height);
        (int columns, int rows) = window.Size;
        _device = GraphicsDevice.CreateOpenGL(
            new GraphicsDeviceOptions(debug: false) { HasMainSwapchain = true }, SdlContext.Create(window), (uint)Math.Max(1, columns), (uint)Math.Max(1, rows));
        try
        {
            Name = $"{_device.DeviceName}, OpenGL {_device.GetOpenGLInfo().Version}";
            if (!onProcessor && OverlayRenderer.IsRasteriser(_device.DeviceName)) throw new ModelException($"the display's OpenGL draws on the processor ({_device.DeviceName}).");
            _canvas = new WindowCanvas(_device, _device.MainSwapchain.Framebuffer.OutputDescription, renderer);
        }
        catch
        {
            _device.Dispose();
            throw;
        }
        window.Show();
    }

    public string Name { get; }

    /// <summary>After an exchange of buffers the next one holds anything.</summary>
    public bool DrawsAll => true;

    public bool Begin(bool clear)
    {
        (int width, int height) = _window.Size;
        if (width < 1 || height < 1) return false;
        Swapchain swapchain = _device.MainSwapchain;
        if (swapchain.Framebuffer.Width != width || swapchain.Framebuffer.Height != height) swapchain.Resize((uint)width, (uint)height);
        _canvas.Begin(swapchain.Framebuffer);
        return true;
    }

    public void Draw(WindowFeed feed, in WindowView view)
    {
        if (feed.Area.Width < 1 || feed.Area.Height < 1) return;
        if (!_pictures.TryGetValue(feed, out Shown? shown)) _pictures.Add(feed, shown = new Shown(_canvas.CreatePicture()));
        VideoFrame picture = feed.Undrawn!;
        bool draws = !feed.Faces.IsEmpty && view.Layers != OverlayLayers.None;
        // Frontal views are made on the host, of the picture's samples.
        if (!PictureTextures.Takes(picture) || (draws && (view.Layers & OverlayLayers.Frontal) != 0))
        {
            DrawPainted(feed, view, shown);
            return;
        }
        if (shown.Number != feed.Number || shown.Painted is not null)
        {
            shown.Picture.Upload(picture);
            (shown.Number, shown.Painted) = (feed.Number, null);
        }
        _canvas.Draw(shown.Picture, feed.Area, view.Mirror);
        if (draws) _canvas.Draw(feed.Area, feed.Size, picture.Color, _painter.FacesOf(feed, view), view.Layers, view.Alpha);
    }

    public void Draw(TextPanel panel, int x, int y)
    {
        if (panel.Width < 1 || panel.Height < 1) return;
        _panels.TryGetValue(panel, out (PixelTexture Pixels, int Version) drawn);
        if (drawn.Pixels is null || drawn.Version != panel.Version)
        {
            drawn.Pixels ??= _canvas.CreatePixels();
            drawn.Pixels.Upload(panel.Pixels, panel.Width, panel.Height);
            _panels[panel] = (drawn.Pixels, panel.Version);
        }
        _canvas.Draw(drawn.Pixels, x, y);
    }

    public void Present()
    {
        _canvas.Submit();
        _device.SwapBuffers();
    }

    public void Dispose()
    {
        foreach (Shown shown in _pictures.Values) shown.Dispose();
        foreach ((PixelTexture pixels, _) in _panels.Values) pixels.Dispose();
        _canvas.Dispose();
        _device.Dispose();
    }

    /// <summary>Draws a picture that the host has drawn on, or scaled because it is larger than textures are.</summary>
    private void DrawPainted(WindowFeed feed, in WindowView view, Shown shown)
    {
        WindowArea area = feed.Area;
        bool same = shown.Number == feed.Number && shown.Painted == view, fits = PictureTextures.Takes(feed.Undrawn!);
        if (!same || (!fits && shown.Pixels?.Size != (area.Width, area.Height)))
        {
            using VideoFrame painted = _painter.Paint(feed, view);
            if (fits) shown.Picture.Upload(painted);
            else Scale(feed, painted, shown.Pixels ??= _canvas.CreatePixels());
            (shown.Number, shown.Painted) = (feed.Number, view);
        }
        if (fits) _canvas.Draw(shown.Picture, area, mirror: false);
        else _canvas.Draw(shown.Pixels!, area.X, area.Y);
    }

    private void Scale(WindowFeed feed, VideoFrame picture, PixelTexture pixels)
    {
        int width = feed.Area.Width, height = feed.Area.Height, count = checked(width * height);
        if (_scaled.Length < count) _scaled = new uint[count];
        Span<uint> scaled = _scaled.AsSpan(0, count);
        fixed (uint* first = scaled) feed.Scaler.Scale(picture, (nint)first, 4 * width, width, height);
        // The scaler leaves the fourth byte open.
        foreach (ref uint pixel in scaled) pixel |= 0xFF000000;
        pixels.Upload(scaled, width, height);
    }

    /// <summary>What the device has of a feed.</summary>
    private sealed class Shown(PictureTextures picture) : IDisposable
    {
        public PictureTextures Picture { get; } = picture;

        public PixelTexture? Pixels { get; set; }

        /// <summary>Number of the picture that is there.</summary>
        public long Number { get; set; }

        /// <summary>What the host has drawn on it; null: nothing.</summary>
        public WindowView? Painted { get; set; }

        public void Dispose()
        {
            Picture.Dispose();
            Pixels?.Dispose();
        }
    }
}
