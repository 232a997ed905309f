using System.Collections.Concurrent;
using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Windows;

/// <summary>What a window's thread does between two pictures: keys, pictures, the status line, and showing them.</summary>
internal sealed class WindowLoop : IDisposable
{
    /// <summary>How often the status line is written anew: as fast as it can be read.</summary>
    private const int StatusMilliseconds = 250;

    /// <summary>How long a message stays.</summary>
    private static readonly TimeSpan s_messageTime = TimeSpan.FromSeconds(4);

    private static readonly Tint s_ground = new(22, 24, 28, 255), s_ink = new(214, 218, 224, 255), s_alert = new(255, 190, 90, 255);
    private static readonly Tint s_shade = new(10, 12, 16, 215);

    private readonly PoseWindow _owner;
    private readonly WindowOptions _options;
    private readonly SdlWindow _window;
    private readonly WindowPainter _painter;
    private readonly IWindowPresenter _presenter;
    private readonly TextPanel _status, _help;
    private readonly List<(WindowFeed Feed, TextPanel Panel)> _captions = [];
    private readonly List<(WindowFeed Feed, long Number)> _taken = [];
    private readonly char[] _text = new char[1024];
    private WindowFeed[] _feeds = [];
    private (int Width, int Height)[] _sizes = [];
    private WindowView _view;
    private string? _message;
    private long _messageSince, _statusAt;
    private (int Width, int Height) _drawn;
    private (int Width, int Height)? _waiting;
    private bool _arranged, _showsHelp, _clear = true, _sized;

    public WindowLoop(PoseWindow owner, WindowOptions options, SdlWindow window)
    {
        (_owner, _options, _window) = (owner, options, window);
        _view = new WindowView(options.Layers, options.Alpha, options.Mirror);
        _painter = new WindowPainter(options);
        _presenter = WindowPresenters.Create(window, _painter, options);
        _status = new TextPanel(options.Renderer);
        _help = new TextPanel(options.Renderer);
    }

    /// <summary>How it draws, for people.</summary>
    public string PresenterName => _presenter.Name;

    /// <summary>Waits for something to do, and does it.</summary>
    public void Step(WindowFeed[] feeds, ConcurrentQueue<string> messages)
    {
        if (_window.Wait(out SdlNative.Event first, WaitFor()))
        {
            Handle(first);
            while (_window.Next(out SdlNative.Event next)) Handle(next);
        }
        _window.Woken();
        _window.SettleFullscreen();
        while (messages.TryDequeue(out string? message)) Say(message);
        if (feeds.Length != _feeds.Length)
        {
            _feeds = feeds;
            _arranged = false;
        }
        _taken.Clear();
        foreach (WindowFeed feed in _feeds)
        {
            long number = feed.Take();
            if (number > 0) _taken.Add((feed, number));
            else feed.Pace.Tick();
        }
        Record();
        Draw();
        foreach ((WindowFeed feed, long number) in _taken)
        {
            feed.Pace.Shown(feed.Frame!.CaptureTime);
            feed.Shown(number);
        }
    }

    public void Dispose() => _presenter.Dispose();

    private int WaitFor() => (int)Math.Clamp(StatusMilliseconds - Stopwatch.GetElapsedTime(_statusAt).TotalMilliseconds, 1, StatusMilliseconds);

    private void Handle(in SdlNative.Event received)
    {
        switch (received.Type)
        {
            case SdlNative.QuitEvent:
                _options.Quit?.Invoke();
                break;
            case SdlNative.WindowEvent when received.Window == SdlNative.WindowClose:
                _options.Quit?.Invoke();
                break;
            case SdlNative.WindowEvent when received.Window is SdlNative.WindowExposed or SdlNative.WindowSizeChanged or SdlNative.WindowRestored:
                _arranged = false;
                break;
            case SdlNative.KeyDown when received.Repeat == 0:
                Press(received.Key);
                break;
        }
    }

    private void Press(int key)
    {
        const int escape = 27;
        switch (key)
        {
            case 'q' or escape:
                _options.Quit?.Invoke();
                break;
            case ' ':
                _owner.TogglePause();
                break;
            case 's':
                Snapshot();
                break;
            case 'r':
                ToggleRecording();
                break;
            case 'm':
                View(_view.Toggle(OverlayLayers.Mesh));
                break;
            case 'b':
                View(_view.Toggle(OverlayLayers.Box));
                break;
            case 'x':
                View(_view.Toggle(OverlayLayers.Axes));
                break;
            case 'p':
                View(_view.Toggle(OverlayLayers.Points));
                break;
            case 'l':
                View(_view.Toggle(OverlayLayers.Label));
                break;
            case 'i':
                View(_view with { Mirror = !_view.Mirror });
                break;
            case 'o':
                View(_view.NextOpacity());
                break;
            case 'f':
                _window.ToggleFullscreen();
                _arranged = false;
                break;
            case 'c':
                Say(_options.Neutral?.Invoke() ?? "nobody is told poses: give --send");
                break;
            case 'h':
                _showsHelp = !_showsHelp;
                _arranged = false;
                break;
        }
        _statusAt = 0;
    }

    private void View(WindowView view)
    {
        _view = view;
        foreach (WindowFeed feed in _feeds) feed.IsDirty = true;
    }

    private void Say(string message)
    {
        _message = message;
        _messageSince = Stopwatch.GetTimestamp();
        _statusAt = 0;
    }

    private void Snapshot()
    {
        bool any = false;
        foreach (WindowFeed feed in _feeds)
        {
            if (feed.Frame is null || feed.Options.Captures is null) continue;
            using VideoFrame picture = _painter.Paint(feed, _view with { Mirror = false });
            feed.Options.Captures.Snapshot(picture, feed.Faces);
            any = true;
        }
        if (!any) Say("there is no picture yet");
    }

    private void ToggleRecording()
    {
        bool any = false;
        foreach (WindowFeed feed in _feeds)
        {
            if (feed.Frame is null || feed.Options.Captures is null) continue;
            using VideoFrame picture = _painter.Paint(feed, _view with { Mirror = false });
            feed.Options.Captures.ToggleRecording(picture);
            any = true;
        }
        if (!any) Say("there is no picture yet");
    }

    private void Record()
    {
        foreach ((WindowFeed feed, _) in _taken)
        {
            if (feed.Options.Captures is not { IsRecording: true } captures) continue;
            using VideoFrame picture = _painter.Paint(feed, _view with { Mirror = false });
            captures.Record(picture);
        }
    }

    private void Draw()
    {
        Arrange();
        bool statusDue = Stopwatch.GetElapsedTime(_statusAt).TotalMilliseconds >= StatusMilliseconds;
        if (statusDue) statusDue = UpdateStatus();
        bool pictures = _clear;
        foreach (WindowFeed feed in _feeds) pictures |= feed.IsDirty;
        if ((!pictures && !statusDue) || _window.IsMinimised) return;
        // Help lies over pictures, which are drawn below it again.
        bool all = _clear || _showsHelp || _presenter.DrawsAll;
        if (!_presenter.Begin(all)) return;
        foreach (WindowFeed feed in _feeds)
        {
            if (feed.Frame is null || !(feed.IsDirty || all)) continue;
            _presenter.Draw(feed, _view);
            DrawCaption(feed);
            feed.IsDirty = false;
        }
        if (_feeds.Length > 1)
        {
            foreach (WindowFeed feed in _feeds)
            {
                if (feed.Frame is null) DrawCaption(feed);
            }
        }
        _presenter.Draw(_status, 0, _drawn.Height - _status.Height);
        if (_showsHelp) DrawHelp();
        _presenter.Present();
        _clear = false;
    }

    /// <summary>Gives every picture its place, where the window or a picture has another size than before.</summary>
    private void Arrange()
    {
        bool same = _arranged && _sizes.Length == _feeds.Length && _drawn == _window.Size;
        for (int i = 0; same && i < _feeds.Length; i++) same = _sizes[i] == _feeds[i].Size;
        if (same) return;
        _sizes = [.. _feeds.Select(feed => feed.Size)];
        float unit = Unit();
        int strip = (int)MathF.Ceiling((TextPanel.LineUnits + 1) * unit);
        if (!_sized && _feeds.Length > 0 && !_window.IsFullscreen)
        {
            if (_feeds[0].Frame is null)
            {
                _waiting ??= _window.Size;
            }
            else
            {
                // The first picture decides how large the window is; after that, and where it was given another size while it waited, the user does.
                _sized = true;
                if (_feeds.Length == 1 && (_waiting is not { } waiting || waiting == _window.Size)) _window.Resize(_sizes[0].Width, _sizes[0].Height + strip);
            }
        }
        _drawn = _window.Size;
        WindowArea[] areas = WindowLayout.Arrange(_drawn.Width, _drawn.Height - strip, _sizes);
        for (int i = 0; i < areas.Length; i++) _feeds[i].Area = areas[i];
        _arranged = true;
        _clear = true;
        _statusAt = 0;
    }

    private float Unit() => 1.7f * _window.Scale;

    private bool UpdateStatus()
    {
        _statusAt = Stopwatch.GetTimestamp();
        if (_message is not null && Stopwatch.GetElapsedTime(_messageSince) > s_messageTime) _message = null;
        string? state = _feeds.Length == 1 ? StateOf(_feeds[0]) : null;
        string? alert = _message ?? state;
        int length = WindowStatus.Write(_text, _feeds, _view, _owner.IsPaused, alert, _options.Measure);
        bool changed = _status.Set(_text.AsSpan(0, length), Unit(), Math.Max(1, _drawn.Width), s_ground, alert is null ? s_ink : s_alert);
        if (_feeds.Length > 1) changed |= UpdateCaptions();
        return changed;
    }

    private bool UpdateCaptions()
    {
        bool changed = false;
        foreach (WindowFeed feed in _feeds)
        {
            TextPanel? panel = _captions.Find(pair => pair.Feed == feed).Panel;
            if (panel is null) _captions.Add((feed, panel = new TextPanel(_options.Renderer)));
            string? state = StateOf(feed);
            ReadOnlySpan<char> text = _text.AsSpan(0, WindowStatus.WriteCaption(_text, feed, state));
            int width = Math.Clamp(TextPanel.WidthOf(text, Unit()), 1, Math.Max(1, feed.Area.Width));
            if (!panel.Set(text, Unit(), width, s_shade, state is null ? s_ink : s_alert)) continue;
            changed = true;
            feed.IsDirty = true;
        }
        // A shorter caption uncovers black where no picture has come.
        if (changed) _clear |= Array.Exists(_feeds, feed => feed.Frame is null);
        return changed;
    }

    private static string? StateOf(WindowFeed feed) => feed.IsEnded ? "ended" : feed.Options.State?.Invoke();

    private void DrawCaption(WindowFeed feed)
    {
        foreach ((WindowFeed owner, TextPanel panel) in _captions)
        {
            if (owner == feed && panel.Width > 0) _presenter.Draw(panel, feed.Area.X, feed.Area.Y + feed.Area.Height - panel.Height);
        }
    }

    private void DrawHelp()
    {
        _help.Set(WindowStatus.Help, 1.15f * Unit(), 0, s_shade, s_ink);
        _presenter.Draw(_help, Math.Max(0, (_drawn.Width - _help.Width) / 2), Math.Max(0, (_drawn.Height - _help.Height) / 2));
    }
}
