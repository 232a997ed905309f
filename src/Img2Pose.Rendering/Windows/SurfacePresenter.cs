using Img2Pose.Frames;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// Writes pixels into the window's surface, which on X11 is memory shared with the display: where the processor draws anyway, each
/// pixel is made once, with colours converted and scaled in one go, and OpenGL's rasteriser draws nothing but faces and lettering.
/// </summary>
internal sealed unsafe class SurfacePresenter : IWindowPresenter
{
    private readonly SdlWindow _window;
    private readonly WindowPainter _painter;
    private SdlNative.Surface* _surface;

    public SurfacePresenter(SdlWindow window, WindowPainter painter)
    {
        _window = window;
        _painter = painter;
    }

    public string Name => "shared memory";

    public bool DrawsAll => false;

    public bool Begin(bool clear)
    {
        // SDL makes a new one whenever the size has changed.
        _surface = SdlNative.GetWindowSurface(_window.Handle);
        if (_surface is null) return false;
        if (*_surface->Format is not (SdlNative.FormatXrgb or SdlNative.FormatArgb))
            throw new ModelException($"--show: the display has pixels of a kind (0x{*_surface->Format:X8}) that is not written here; it needs 24 or 32 bits of colour.");
        if (!clear) return true;
        for (int y = 0; y < _surface->Height; y++) new Span<byte>(_surface->Pixels + (long)y * _surface->Pitch, 4 * _surface->Width).Clear();
        return true;
    }

    public void Draw(WindowFeed feed, in WindowView view)
    {
        WindowArea area = feed.Area;
        // The surface may have shrunk since the places were given.
        if (area.Width < 1 || area.Height < 1 || area.X + area.Width > _surface->Width || area.Y + area.Height > _surface->Height) return;
        using VideoFrame picture = _painter.Paint(feed, view);
        feed.Scaler.Scale(picture, (nint)(_surface->Pixels + (long)area.Y * _surface->Pitch + 4L * area.X), _surface->Pitch, area.Width, area.Height);
    }

    public void Draw(TextPanel panel, int x, int y)
    {
        int columns = _surface->Width - x, rows = _surface->Height - y;
        if (x < 0 || y < 0 || columns < 1 || rows < 1) return;
        panel.Blend(_surface->Pixels + (long)y * _surface->Pitch + 4L * x, _surface->Pitch, columns, rows);
    }

    public void Present()
    {
        if (SdlNative.UpdateWindowSurface(_window.Handle) != 0) throw new ModelException($"--show: the window cannot be drawn: {SdlNative.LastError}.");
    }

    public void Dispose()
    {
        // The surface is the window's.
    }
}
