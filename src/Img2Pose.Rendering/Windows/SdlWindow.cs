using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Img2Pose.Rendering.Windows;

/// <summary>One window of the desktop. Made, used and disposed on one thread; <see cref="Wake"/> alone may be called on any.</summary>
internal sealed unsafe class SdlWindow : IDisposable
{
    /// <summary>Points per inch of a display that nothing is enlarged on.</summary>
    private const float UsualDpi = 96;

    /// <summary>How long a window manager gets to make a window fill the screen.</summary>
    private static readonly TimeSpan s_managersTime = TimeSpan.FromMilliseconds(400);

    private static readonly string[] s_invisible = ["offscreen", "dummy", "evdev"];
    private readonly string _title;
    private nint _window;
    private uint _flags;
    private int _woken;
    private bool _initialised;

    // Where the window was before it filled the screen, when that was asked for, and whether it does so by its size alone.
    private SdlNative.Rect _before;
    private long _fullscreenSince;
    private bool _fills;

    /// <summary>Connects to the display; the window appears with <see cref="Create"/>.</summary>
    /// <exception cref="ModelException">SDL is missing, or there is no display.</exception>
    public SdlWindow(string title)
    {
        _title = title;
        // Asked without a display to name, the libraries behind SDL tell their own tales on standard error.
        if (!IsNamed && Environment.GetEnvironmentVariable("SDL_VIDEODRIVER") is not { Length: > 0 }) throw NoDisplay("");
        try
        {
            // Signals are the program's own business, and a camera's picture is no reason to stop the desktop's compositor.
            _ = SdlNative.SetHint("SDL_NO_SIGNAL_HANDLERS", "1");
            _ = SdlNative.SetHint("SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR", "0");
            // The same EGL that draws without a window, so that nothing else has to be installed.
            _ = SdlNative.SetHint("SDL_VIDEO_X11_FORCE_EGL", "1");
            // Shared memory instead of a texture that a software rasteriser would copy once more.
            if (Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is null or "") _ = SdlNative.SetHint("SDL_FRAMEBUFFER_ACCELERATION", "0");
            if (SdlNative.InitSubSystem(SdlNative.Video) != 0) throw NoDisplay(SdlNative.LastError);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new ModelException("--show needs SDL 2, which cannot be loaded; install it with: apt-get install libsdl2-2.0-0", e);
        }
        _initialised = true;
        string driver = Marshal.PtrToStringUTF8((nint)SdlNative.GetCurrentVideoDriver()) ?? "";
        if (Array.IndexOf(s_invisible, driver) < 0 || Environment.GetEnvironmentVariable("SDL_VIDEODRIVER") == driver) return;
        Dispose();
        throw NoDisplay("nothing could be seen");
    }

    /// <summary>SDL's window.</summary>
    public nint Handle => _window;

    /// <summary>Whether it fills the screen.</summary>
    public bool IsFullscreen { get; private set; }

    /// <summary>Whether nothing of it can be seen.</summary>
    public bool IsMinimised => (SdlNative.GetWindowFlags(_window) & SdlNative.WindowMinimized) != 0;

    /// <summary>How many times larger than usual things are drawn on its display, at least 1.</summary>
    public float Scale
    {
        get
        {
            int width, height, pixels, rows;
            SdlNative.GetWindowSize(_window, &width, &height);
            SdlNative.GetDrawableSize(_window, &pixels, &rows);
            float factor = width > 0 ? (float)pixels / width : 1;
            if (factor > 1.01f) return Math.Min(factor, 4);
            // Where window and pixels are one, as on X11, the display's resolution tells.
            float dpi;
            if (SdlNative.GetDisplayDpi(SdlNative.GetWindowDisplayIndex(_window), null, &dpi, null) != 0) return 1;
            return Math.Clamp(MathF.Round(2 * dpi / UsualDpi) / 2, 1, 4);
        }
    }

    /// <summary>Size in pixels of the display.</summary>
    public (int Width, int Height) Size
    {
        get
        {
            int width, height;
            SdlNative.GetDrawableSize(_window, &width, &height);
            return (width, height);
        }
    }

    /// <summary>Makes the window, or makes it anew for another way of drawing.</summary>
    /// <param name="width">Width wanted.</param>
    /// <param name="height">Height wanted.</param>
    /// <param name="flags">SDL's flags besides those that every window has.</param>
    /// <exception cref="ModelException">It cannot be made.</exception>
    public void Create(int width, int height, uint flags)
    {
        if (_window != 0) SdlNative.DestroyWindow(_window);
        _flags = SdlNative.WindowResizable | SdlNative.WindowHighDpi | flags;
        _window = SdlNative.CreateWindow(_title, SdlNative.PositionUndefined, SdlNative.PositionUndefined, width, height, _flags);
        if (_window == 0) throw new ModelException($"--show: no window can be opened: {SdlNative.LastError}.");
        SdlNative.SetWindowMinimumSize(_window, 160, 120);
    }

    /// <summary>Lets a window that was made hidden be seen.</summary>
    public void Show() => SdlNative.ShowWindow(_window);

    /// <summary>Makes the window as large as asked for, as far as the display has room.</summary>
    public void Resize(int width, int height)
    {
        (width, height) = Fit(width, height);
        SdlNative.SetWindowSize(_window, width, height);
    }

    /// <summary>Switches between a window and the whole screen.</summary>
    public void ToggleFullscreen()
    {
        if (!IsFullscreen)
        {
            SdlNative.Rect before;
            SdlNative.GetWindowPosition(_window, &before.X, &before.Y);
            SdlNative.GetWindowSize(_window, &before.Width, &before.Height);
            if (SdlNative.SetWindowFullscreen(_window, SdlNative.WindowFullscreenDesktop) != 0) return;
            (_before, _fullscreenSince, IsFullscreen) = (before, Stopwatch.GetTimestamp(), true);
            return;
        }
        if (!_fills && SdlNative.SetWindowFullscreen(_window, 0) != 0) return;
        if (_fills)
        {
            SdlNative.SetWindowBordered(_window, 1);
            SdlNative.SetWindowSize(_window, _before.Width, _before.Height);
            SdlNative.SetWindowPosition(_window, _before.X, _before.Y);
        }
        IsFullscreen = _fills = false;
    }

    /// <summary>
    /// To be called now and then. On X11 it is the window manager that makes a window fill the screen; where none runs, as on a kiosk's display,
    /// nothing happens, and the window is laid over the screen here.
    /// </summary>
    public void SettleFullscreen()
    {
        if (!IsFullscreen || _fills || _fullscreenSince == long.MaxValue || Stopwatch.GetElapsedTime(_fullscreenSince) < s_managersTime) return;
        // Asked once: it takes a round trip to the display.
        _fullscreenSince = long.MaxValue;
        SdlNative.Rect screen;
        if (SdlNative.GetDisplayBounds(Math.Max(0, SdlNative.GetWindowDisplayIndex(_window)), &screen) != 0 || ShownSize() is not { } size
            || (size.Width >= screen.Width && size.Height >= screen.Height)) return;
        _ = SdlNative.SetWindowFullscreen(_window, 0);
        SdlNative.SetWindowBordered(_window, 0);
        SdlNative.SetWindowPosition(_window, screen.X, screen.Y);
        SdlNative.SetWindowSize(_window, screen.Width, screen.Height);
        _fills = true;
    }

    /// <summary>Waits for an event, a call of <see cref="Wake"/> or the time.</summary>
    public bool Wait(out SdlNative.Event received, int milliseconds)
    {
        fixed (SdlNative.Event* target = &received) return SdlNative.WaitEventTimeout(target, milliseconds) != 0;
    }

    /// <summary>Takes the next event that has come.</summary>
    public bool Next(out SdlNative.Event received)
    {
        fixed (SdlNative.Event* target = &received) return SdlNative.PollEvent(target) != 0;
    }

    /// <summary>Ends the wait of the window's thread. May be called on any thread while the window is there.</summary>
    public void Wake()
    {
        // One in the queue is enough.
        if (Interlocked.Exchange(ref _woken, 1) != 0) return;
        SdlNative.Event waking = new() { Type = SdlNative.UserEvent };
        _ = SdlNative.PushEvent(&waking);
    }

    /// <summary>To be called before looking at what a <see cref="Wake"/> was for.</summary>
    public void Woken() => Volatile.Write(ref _woken, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_window != 0) SdlNative.DestroyWindow(_window);
        _window = 0;
        if (_initialised) SdlNative.QuitSubSystem(SdlNative.Video);
        _initialised = false;
    }

    /// <summary>A size of the same aspect that leaves room for the desktop's own bars.</summary>
    public (int Width, int Height) Fit(int width, int height)
    {
        SdlNative.Rect room;
        int display = _window == 0 ? 0 : Math.Max(0, SdlNative.GetWindowDisplayIndex(_window));
        if (SdlNative.GetDisplayUsableBounds(display, &room) != 0 || room.Width <= 0 || room.Height <= 0) return (width, height);
        double scale = Math.Min(1, Math.Min((double)room.Width / width, (double)room.Height / height));
        return ((int)(width * scale), (int)(height * scale));
    }

    /// <summary>The size that the display's server knows, which SDL takes for done when it has asked for another; null elsewhere than on X11.</summary>
    private (int Width, int Height)? ShownSize()
    {
        SdlNative.WmInfo info = default;
        SdlNative.GetVersion(&info.Version);
        if (SdlNative.GetWindowWmInfo(_window, &info) == 0 || info.System != SdlNative.WmInfo.X11) return null;
        try
        {
            nint root;
            int x, y;
            uint width, height, border, depth;
            if (SdlNative.XGetGeometry(info.Display, info.Window, &root, &x, &y, &width, &height, &border, &depth) == 0) return null;
            return ((int)width, (int)height);
        }
        catch (DllNotFoundException)
        {
            return null;
        }
    }

    private static bool IsNamed =>
        Environment.GetEnvironmentVariable("DISPLAY") is { Length: > 0 } || Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is { Length: > 0 };

    private static ModelException NoDisplay(string reason) =>
        new(IsNamed
            ? $"--show: the display cannot be reached ({reason}); check DISPLAY or WAYLAND_DISPLAY, or leave --show out."
            : "--show: there is no display here: neither DISPLAY nor WAYLAND_DISPLAY is set; run it on a desktop, or leave --show out.");
}
