using System.Collections.Concurrent;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// A window that shows the posed pictures of one or more sessions, each in a part of it, and a status line below them. What its keys
/// change (layers, opacity, mirror, pause) changes this window only, none of the other outputs. It has a thread of its own; members
/// may be called from any.
/// </summary>
public sealed class PoseWindow : IDisposable
{
    private readonly WindowOptions _options;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<string> _messages = new();
    private WindowFeed[] _feeds = [];
    private volatile SdlWindow? _window;
    private volatile bool _closing;
    private volatile bool _paused;

    private PoseWindow(WindowOptions options)
    {
        _options = options;
        _thread = new Thread(Run) { IsBackground = true, Name = "window" };
    }

    /// <summary>How it draws, for people.</summary>
    public string PresenterName { get; private set; } = "";

    /// <summary>Whether the user has paused it.</summary>
    internal bool IsPaused => _paused;

    /// <summary>Opens a window, which stays black until a feed is given a picture.</summary>
    /// <exception cref="ModelException">There is no display, or SDL is missing.</exception>
    public static PoseWindow Open(WindowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        PoseWindow window = new(options);
        window._thread.Start();
        try
        {
            // Whether there is a display is the answer to this call, and only the window's thread may ask SDL. It always answers.
            window._opened.Task.GetAwaiter().GetResult();
        }
        catch
        {
            window._thread.Join();
            throw;
        }
        return window;
    }

    /// <summary>
    /// Adds a picture. The sink that is returned takes frames in host memory; disposing it leaves its last one on the screen until
    /// the window is disposed. Its link should keep the newest frame only.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The window has been disposed.</exception>
    public IUndrawnFrameSink AddFeed(WindowFeedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        WindowFeed feed = new(this, options, _options.Scaler());
        lock (_lock)
        {
            if (_closing)
            {
                feed.Free();
                ObjectDisposedException.ThrowIf(true, this);
            }
            _feeds = [.. _feeds, feed];
        }
        Wake();
        return feed;
    }

    /// <summary>Shows a line of text for some seconds.</summary>
    public void Say(string message)
    {
        _messages.Enqueue(message);
        Wake();
    }

    /// <summary>Closes the window and gives back what it holds.</summary>
    public void Dispose()
    {
        lock (_lock) _closing = true;
        foreach (WindowFeed feed in _feeds) feed.Release();
        Wake();
        _thread.Join();
    }

    internal void Wake()
    {
        // Between the check and the call the window stays: it is freed only when the thread has ended, and with it SDL takes no events.
        lock (_lock) _window?.Wake();
    }

    private void Run()
    {
        WindowLoop? loop = null;
        SdlWindow? window = null;
        try
        {
            window = new SdlWindow(_options.Title);
            loop = new WindowLoop(this, _options, window);
            PresenterName = loop.PresenterName;
            _window = window;
            _opened.SetResult();
            while (!_closing) loop.Step(_feeds, _messages);
        }
        catch (Exception error)
        {
            if (!_opened.TrySetException(error)) Fail(error);
        }
        finally
        {
            lock (_lock)
            {
                _closing = true;
                _window = null;
            }
            loop?.Dispose();
            window?.Dispose();
            foreach (WindowFeed feed in _feeds) feed.Free();
        }
    }

    // The window cannot be drawn any more: whoever runs sessions for it hears of it as of a user who closes it.
    private void Fail(Exception error)
    {
        Failure = error as Img2PoseException ?? new Img2PoseException($"--show: the window failed: {error.Message}", error);
        _options.Quit?.Invoke();
    }

    /// <summary>Why the window has ended by itself, or null.</summary>
    public Img2PoseException? Failure { get; private set; }

    /// <summary>Pauses the window, or lets it go on.</summary>
    internal void TogglePause()
    {
        _paused = !_paused;
    }
}
