using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Windows;

namespace Img2Pose.Cli.Running;

/// <summary>A stream of a list before its first picture.</summary>
/// <param name="Name">What its files are called.</param>
/// <param name="Shown">Its name for people.</param>
/// <param name="Status">What becomes of it.</param>
internal sealed record AwaitedSource(string Name, string Shown, LiveStatus Status);

/// <summary>What a job has once for all of its sources: the window, the programs that are told poses, the user's camera.</summary>
internal sealed class LiveSinks : IAsyncDisposable
{
    private readonly RunSettings _settings;
    private readonly FileRoles _roles;
    private readonly ReferenceFace? _reference;
    private readonly NeutralPose _neutral;
    private readonly PoseWindow? _window;
    private readonly List<WindowCaptures> _captures = [];
    private readonly Dictionary<string, Tile> _tiles = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>Opens the window, where one is wanted.</summary>
    /// <param name="settings">What the user asked for.</param>
    /// <param name="engine">The engine of the job, which outlives this.</param>
    /// <param name="reference">The face that poses refer to; null: the default.</param>
    /// <param name="roles">What the job reads and writes.</param>
    /// <param name="awaited">Streams whose places in the window are there, in this order, before they are.</param>
    /// <param name="quit">Called, on the window's thread, when the user closes the window.</param>
    /// <exception cref="ModelException">There is no display, or nothing that draws.</exception>
    /// <exception cref="UsageException">The environment asks for a way of drawing that there is not.</exception>
    public LiveSinks(RunSettings settings, PoseEngine engine, ReferenceFace? reference, FileRoles roles, IReadOnlyList<AwaitedSource> awaited, Action quit)
    {
        (_settings, _reference, _roles) = (settings, reference, roles);
        Camera = settings.Sinks.Camera?.Invoke(reference);
        _neutral = new NeutralPose(settings.Sinks.Neutral);
        if (!settings.Sinks.Show) return;
        bool draws = settings.Output is not null && settings.Overlay != OverlayLayers.None;
        CameraView? camera = Camera;
        _window = PoseWindow.Open(new WindowOptions
        {
            Title = "img2pose",
            Renderer = engine.Renderer(),
            Scaler = () => new ScreenScaler(),
            Drawing = WindowPresenters.FromEnvironment(),
            Logger = ProgramLog.Logger,
            Layers = settings.Overlay,
            Alpha = settings.Alpha,
            Mirror = settings.Sinks.Mirror,
            Drawn = draws ? (settings.Overlay, settings.Alpha) : null,
            Measure = camera is null ? null : (face, width, height) =>
            {
                Pose pose = camera.Express(face.Face.Pose, width, height);
                return (pose, camera.Millimetres(pose).Length);
            },
            Quit = quit,
            Neutral = settings.Sinks.Send.Length == 0 ? null : () =>
            {
                _neutral.TakeNext();
                return "this pose is the neutral one";
            },
        });
        foreach (AwaitedSource source in awaited) _tiles.Add(source.Name, new Tile(_window, source.Shown, source.Status));
    }

    /// <summary>The user's camera and the size of heads; null: the assumed camera, without millimetres.</summary>
    public CameraView? Camera { get; }

    /// <summary>Why the window has ended by itself, or null.</summary>
    public Img2PoseException? WindowFailure => _window?.Failure;

    /// <summary>Adds to a session what the user asked for; the session owns it.</summary>
    /// <param name="session">The session, which has yet to run.</param>
    /// <param name="source">Its source.</param>
    /// <param name="name">What its files are called.</param>
    /// <param name="video">How recordings are encoded.</param>
    /// <param name="stop">Ends the looking up of names.</param>
    /// <exception cref="OutputException">A folder cannot be made, or a host is unknown.</exception>
    /// <exception cref="UsageException">What is asked for does not suit the source.</exception>
    public async Task AddToAsync(PoseSession session, IFrameSource source, string name, VideoWriterOptions video, CancellationToken stop)
    {
        SinkSettings sinks = _settings.Sinks;
        if (sinks.Crops is { } folder) session.AddSink(new CropWriter(folder, name, _reference, _roles.ReadAs), "crops");
        foreach (SendTarget target in sinks.Send)
        {
            PoseSender sender = await PoseSender.OpenAsync(target, new PoseSenderOptions
            {
                Face = FaceChoice.Parse(sinks.Face ?? "largest"),
                OnlyChosen = sinks.Face is not null,
                Neutral = _neutral,
                Camera = Camera,
                IsLive = source.Info.IsLive,
            }, stop);
            session.AddSink(sender, "send", LinkPolicy.Latest);
        }
        if (_window is null) return;
        WindowCaptures captures = new(sinks.Captures ?? ".", name, source, Camera, video, _window.Say);
        lock (_lock) _captures.Add(captures);
        if (!_tiles.TryGetValue(name, out Tile? tile)) tile = new Tile(_window, source.Info.Name, session.Status);
        session.AddSink(tile.Take(session.Status, captures), "window", LinkPolicy.Latest);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The window first: it hands pictures to what saves them.
        _window?.Dispose();
        foreach (WindowCaptures captures in _captures) await captures.DisposeAsync();
    }

    /// <summary>A source's place in the window.</summary>
    private sealed class Tile
    {
        private readonly WindowFeedOptions _options;
        private readonly IFrameSink _feed;
        private volatile LiveStatus? _status;

        public Tile(PoseWindow window, string name, LiveStatus? status)
        {
            _status = status;
            _options = new WindowFeedOptions { Name = name, State = () => _status?.Current is { State: not SourceState.Live } now ? now.ToString() : null };
            _feed = window.AddFeed(_options);
        }

        /// <summary>What shows the source's pictures, now that it is there.</summary>
        public IFrameSink Take(LiveStatus? status, IWindowCaptures captures)
        {
            // What was taken for a stream may have turned out to be a recording.
            _status = status;
            _options.Captures = captures;
            return _feed;
        }
    }
}
