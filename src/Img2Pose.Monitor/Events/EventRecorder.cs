using System.Collections.Concurrent;
using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Live;
using Img2Pose.Monitor.Storage;

namespace Img2Pose.Monitor.Events;

/// <summary>
/// Follows one camera: makes events of its looks, and keeps what belongs to them: a snapshot, a clip of what was coded around it, a row
/// of poses a second. Looks come from one thread; what takes time is done on the pool.
/// </summary>
internal sealed class EventRecorder
{
    private const int SnapshotSize = 1920, SnapshotQuality = 85, MostClips = 8;
    private const double LongestEvent = 60;

    /// <summary>About what a picture that waits to be written takes.</summary>
    private const long SnapshotBytes = 4 << 20;

    private readonly Camera _camera;
    private readonly EventStore _store;
    private readonly Action<PoseEvent> _tell;
    private readonly ConcurrentDictionary<string, ClipRecorder> _clips = new(StringComparer.Ordinal);
    private readonly Dictionary<int, long> _sampled = [];
    private readonly Lock _lock = new();
    private IReadOnlyList<RuleConfiguration> _rules;
    private EventEngine _engine;
    private CameraLook? _look;

    /// <param name="camera">Whose looks come.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="store">Where it is kept.</param>
    /// <param name="tell">Told of the begin and of the end of every event.</param>
    public EventRecorder(Camera camera, IReadOnlyList<RuleConfiguration> rules, EventStore store, Action<PoseEvent> tell)
    {
        (_camera, _rules, _store, _tell) = (camera, rules, store, tell);
        _engine = new EventEngine(camera.Configuration, rules, Begin, End);
    }

    /// <summary>Takes other rules; where those of this camera say what they said, nothing changes.</summary>
    public void Configure(IReadOnlyList<RuleConfiguration> rules)
    {
        lock (_lock)
        {
            if (Own(rules).SequenceEqual(Own(_rules), StringComparer.Ordinal)) return;
            _engine.Finish();
            _rules = rules;
            _engine = new EventEngine(_camera.Configuration, _rules, Begin, End);
        }
    }

    private IEnumerable<string> Own(IReadOnlyList<RuleConfiguration> rules) => rules.Where(rule => rule.IsFor(_camera.Name)).Select(rule => rule.Fingerprint());

    /// <summary>Takes a look.</summary>
    public void Look(CameraLook look)
    {
        lock (_lock)
        {
            _look = look;
            try
            {
                _engine.Look(look.Time, look.Faces);
            }
            finally
            {
                _look = null;
            }
            Sample(look);
        }
    }

    /// <summary>The camera is not seen any more.</summary>
    public void Finish()
    {
        lock (_lock) _engine.Finish();
    }

    private void Begin(PoseEvent happened)
    {
        _store.Add(happened);
        _tell(happened);
        if (_look is not { } look) return;
        if (look.Picture is { } picture) KeepSnapshot(happened.Id, picture);
        RuleConfiguration rule = _rules.First(rule => rule.Name == happened.Rule);
        // Events may go on for hours after the longest clip of them has ended.
        if (!_camera.Configuration.Clips || _clips.Values.Count(known => !known.HasEnded) >= MostClips) return;
        ClipRecorder clip = new(rule.Before + LongestEvent + rule.After, () => _camera.Feed.Header, _store.Files.TryBegin, file => KeepClip(happened.Id, file));
        _clips[happened.Id] = clip;
        _camera.Feed.Record(clip, CaptureOf(look, happened.Start) - Ticks(rule.Before));
    }

    private void End(PoseEvent happened)
    {
        _store.Add(happened);
        _tell(happened);
        if (!_clips.TryRemove(happened.Id, out ClipRecorder? clip)) return;
        RuleConfiguration rule = _rules.First(rule => rule.Name == happened.Rule);
        // Without a look the camera is gone, and so are its pictures.
        long end = _look is { } look ? CaptureOf(look, happened.End ?? happened.Start) : Stopwatch.GetTimestamp();
        clip.EndAt(end + Ticks(rule.After));
    }

    private void KeepSnapshot(string id, VideoFrame picture)
    {
        // A disk that hangs may not fill the memory.
        if (_store.Files.TryBegin(SnapshotBytes) is not { } place) return;
        VideoFrame held = picture.AddReference();
        ThreadPool.QueueUserWorkItem(_ =>
        {
            using (place)
            using (held)
            {
                try
                {
                    using PictureCompressor compressor = new();
                    if (_camera.KeepsNothing) return;
                    _store.Files.Write(id, ".jpg", compressor.Compress(held, SnapshotSize, SnapshotQuality));
                }
                catch (Img2PoseException error)
                {
                    _camera.Warn($"the snapshot of {id} cannot be made: {error.Message}");
                }
            }
        });
    }

    private void KeepClip(string id, byte[] file)
    {
        if (!_camera.KeepsNothing) _store.Files.Write(id, ".mp4", file);
    }

    /// <summary>A row a second for each face.</summary>
    private void Sample(CameraLook look)
    {
        long second = look.Time.ToUnixTimeSeconds();
        List<PoseSample>? rows = null;
        foreach (WatchedFace face in look.Faces)
        {
            if (!face.Detected || (_sampled.TryGetValue(face.Id, out long last) && last >= second)) continue;
            _sampled[face.Id] = second;
            (rows ??= []).Add(new PoseSample(look.Camera, face.Id, second, face.Angles.Yaw, face.Angles.Pitch, face.Angles.Roll, face.Distance, face.Depth, face.X, face.Y, face.Score));
        }
        if (rows is not null) _store.Add(rows);
        if (_sampled.Count <= 200) return;
        foreach (int id in _sampled.Where(pair => pair.Value < second - 60).Select(pair => pair.Key).ToArray()) _sampled.Remove(id);
    }

    private static long CaptureOf(CameraLook look, DateTimeOffset time) => look.Capture + Ticks((time - look.Time).TotalSeconds);

    private static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);
}
