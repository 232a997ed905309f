using System.Globalization;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Events;

/// <summary>
/// Makes events of one camera's looks by its rules. Used by one thread at a time; where a camera is not seen any more,
/// <see cref="Finish"/> ends what is under way.
/// </summary>
internal sealed class EventEngine
{
    /// <summary>Seconds after which a face that is not seen has left.</summary>
    private const double Gone = 1;

    private readonly CameraConfiguration _camera;
    private readonly RuleConfiguration[] _rules;
    private readonly Action<PoseEvent> _begins;
    private readonly Action<PoseEvent> _ends;
    private readonly Func<DateTime, DateTime> _local;
    private readonly Dictionary<(int Rule, int Track), RuleState> _states = [];
    private readonly Dictionary<int, (WatchedFace Face, double First, double Last)> _present = [];
    private readonly double[] _quietUntil;
    private readonly List<(int Rule, int Track)> _over = [];
    private readonly List<int> _left = [];
    private double _lastLook = double.NaN, _before;
    private double _interval = 0.2;
    private long _number;

    /// <param name="camera">Whose looks these are.</param>
    /// <param name="rules">All rules; those of other cameras are left out.</param>
    /// <param name="begins">Told when an event begins; its end is not known then.</param>
    /// <param name="ends">Told when it has ended, with the same identity.</param>
    /// <param name="local">Turns UTC into the local time of schedules; another in tests.</param>
    public EventEngine(CameraConfiguration camera, IEnumerable<RuleConfiguration> rules, Action<PoseEvent> begins, Action<PoseEvent> ends, Func<DateTime, DateTime>? local = null)
    {
        (_camera, _begins, _ends) = (camera, begins, ends);
        _rules = [.. rules.Where(rule => rule.IsFor(camera.Name) && CanHold(rule, camera))];
        _quietUntil = new double[_rules.Length];
        _local = local ?? (utc => TimeZoneInfo.ConvertTimeFromUtc(utc, TimeZoneInfo.Local));
    }

    /// <summary>Takes a look.</summary>
    /// <param name="time">When the picture was taken.</param>
    /// <param name="faces">The faces in it.</param>
    public void Look(DateTimeOffset time, IReadOnlyList<WatchedFace> faces)
    {
        double now = Seconds(time);
        // A clock that was set back would hold every state for ever.
        if (now < _lastLook - 1) Finish();
        // What begins at this look began since the one before, unless that is long ago.
        _before = now - _lastLook < 3 * _interval ? _lastLook : now;
        if (now > _lastLook) _interval += 0.1 * (Math.Min(now - _lastLook, 2) - _interval);
        _lastLook = now;
        foreach (WatchedFace face in faces)
        {
            double first = _present.TryGetValue(face.Id, out (WatchedFace Face, double First, double Last) known) ? known.First : now;
            _present[face.Id] = (face, first, now);
        }
        _left.Clear();
        foreach ((int id, (WatchedFace _, double _, double last)) in _present)
        {
            if (now - last > Gone) _left.Add(id);
        }
        DateTime local = _local(time.UtcDateTime);
        for (int i = 0; i < _rules.Length; i++)
        {
            if (_rules[i].Schedule is { } schedule && !schedule.Includes(local)) continue;
            Apply(i, now, faces);
        }
        foreach (int id in _left) _present.Remove(id);
        EndWhatIsOver(now);
    }

    /// <summary>No look comes for a while, or ever: events under way end where they last held.</summary>
    public void Finish()
    {
        foreach (((int rule, int track), RuleState state) in _states)
        {
            if (state.EventId is not null) End(rule, track, state);
        }
        _states.Clear();
        _present.Clear();
        _lastLook = double.NaN;
    }

    private static bool CanHold(RuleConfiguration rule, CameraConfiguration camera) => rule.Kind switch
    {
        RuleKind.Zone => camera.Zones.Any(zone => zone.Name == rule.Zone),
        RuleKind.Line => camera.Lines.Any(line => line.Name == rule.Line),
        RuleKind.Nearer => camera.FieldOfView is not null,
        _ => true,
    };

    private void Apply(int index, double now, IReadOnlyList<WatchedFace> faces)
    {
        RuleConfiguration rule = _rules[index];
        switch (rule.Kind)
        {
            case RuleKind.Count:
                RuleState whole = State(index, 0, now);
                if (faces.Count > rule.Faces)
                {
                    whole.Holds(now, _before, null, faces.Count);
                    BeginIfDue(index, 0, whole);
                }
                break;
            case RuleKind.Leaves:
                foreach (int id in _left) Leave(index, id, now);
                break;
            case RuleKind.Line:
                foreach (WatchedFace face in faces) Cross(index, face, now, faces.Count);
                break;
            default:
                foreach (WatchedFace face in faces)
                {
                    RuleState state = State(index, face.Id, now);
                    if (!Holds(rule, face)) continue;
                    state.Holds(now, _before, face, faces.Count);
                    BeginIfDue(index, face.Id, state);
                }
                break;
        }
    }

    private bool Holds(RuleConfiguration rule, in WatchedFace face) => rule.Kind switch
    {
        RuleKind.Appears => true,
        RuleKind.Facing => face.OffCamera <= rule.Angle,
        RuleKind.Away => face.OffCamera > rule.Angle,
        RuleKind.Turned => face.Turned > rule.Angle,
        RuleKind.HeadDown => face.Down > rule.Angle,
        RuleKind.Nearer => face.Distance is { } distance && distance < rule.Distance,
        RuleKind.Zone => Contains(_camera.Zones.First(zone => zone.Name == rule.Zone).Points, face.X, face.Y),
        _ => false,
    };

    /// <summary>A face that was there for the rule's time is gone: an event of one moment, at which it was last seen.</summary>
    private void Leave(int index, int id, double now)
    {
        (WatchedFace face, double first, double last) = _present[id];
        if (last - first < _rules[index].For) return;
        RuleState state = new();
        state.Holds(last, last, face, 1);
        if (!MayBegin(index, now)) return;
        Begin(index, id, state);
        End(index, id, state);
    }

    private void Cross(int index, in WatchedFace face, double now, int faces)
    {
        LineConfiguration line = _camera.Lines.First(line => line.Name == _rules[index].Line);
        RuleState state = State(index, face.Id, now);
        int side = Math.Sign(Cross(line.From, line.To, face.X, face.Y));
        bool crosses = state.Side != 0 && side != 0 && side != state.Side && Intersects(line, state.Place, (face.X, face.Y));
        if (side != 0) (state.Side, state.Place) = (side, (face.X, face.Y));
        if (!crosses) return;
        RuleState moment = new();
        moment.Holds(now, _before, face, faces);
        if (!MayBegin(index, now)) return;
        Begin(index, face.Id, moment);
        End(index, face.Id, moment);
    }

    private RuleState State(int rule, int track, double now)
    {
        if (!_states.TryGetValue((rule, track), out RuleState? state)) _states[(rule, track)] = state = new RuleState();
        // What was interrupted for too long begins anew.
        if (state.IsOver(GapOf(rule), now))
        {
            if (state.EventId is not null) End(rule, track, state);
            state.Reset();
        }
        state.Seen = now;
        return state;
    }

    private void BeginIfDue(int rule, int track, RuleState state)
    {
        if (!state.IsDue(_rules[rule]) || !MayBegin(rule, state.Last)) return;
        Begin(rule, track, state);
    }

    /// <summary>Time from one look at which a condition holds to the next that is no end of it: it may have been there until just after the one, and from just before the other.</summary>
    private double GapOf(int rule) => _rules[rule].Gap + 1.4 * _interval;

    private bool MayBegin(int rule, double now) => now >= _quietUntil[rule];

    private void EndWhatIsOver(double now)
    {
        _over.Clear();
        foreach (((int rule, int track), RuleState state) in _states)
        {
            state.Missed(now, 3 * _interval);
            if (state.IsOver(GapOf(rule), now))
            {
                if (state.EventId is not null) End(rule, track, state);
                state.Reset();
            }
            if (now - state.Seen > 10 && state.EventId is null) _over.Add((rule, track));
        }
        foreach ((int, int) key in _over) _states.Remove(key);
    }

    private void Begin(int rule, int track, RuleState state)
    {
        // Time first, so that identities rise; the camera and a number make them unique.
        string id = string.Create(CultureInfo.InvariantCulture, $"{(long)(state.Since * 1000):x11}-{_camera.Name}-{++_number:x}");
        state.Become(id);
        _begins(Describe(rule, track, state, null));
    }

    private void End(int rule, int track, RuleState state)
    {
        _quietUntil[rule] = state.Last + _rules[rule].Cooldown;
        _ends(Describe(rule, track, state, state.End));
    }

    private PoseEvent Describe(int rule, int track, RuleState state, double? end) => new()
    {
        Id = state.EventId!,
        Camera = _camera.Name,
        Rule = _rules[rule].Name,
        Kind = _rules[rule].Kind,
        Start = Time(state.Since),
        End = end is { } seconds ? Time(seconds) : null,
        Track = track,
        Poses = state.Poses,
    };

    private static double Seconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).TotalSeconds;

    private static DateTimeOffset Time(double seconds) => DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds);

    /// <summary>Whether a point lies in a polygon, by the even-odd rule.</summary>
    internal static bool Contains(IReadOnlyList<PicturePoint> polygon, double x, double y)
    {
        bool inside = false;
        for (int i = 0, j = polygon.Count - 1; i < polygon.Count; j = i++)
        {
            PicturePoint a = polygon[i], b = polygon[j];
            if (a.Y > y != b.Y > y && x < (b.X - a.X) * (y - a.Y) / (b.Y - a.Y) + a.X) inside = !inside;
        }
        return inside;
    }

    private static double Cross(PicturePoint a, PicturePoint b, double x, double y) => (b.X - a.X) * (y - a.Y) - (b.Y - a.Y) * (x - a.X);

    /// <summary>Whether the way from one place to another meets the line between its ends.</summary>
    private static bool Intersects(LineConfiguration line, (double X, double Y) from, (double X, double Y) to)
    {
        PicturePoint a = new(from.X, from.Y), b = new(to.X, to.Y);
        return Math.Sign(Cross(a, b, line.From.X, line.From.Y)) != Math.Sign(Cross(a, b, line.To.X, line.To.Y));
    }
}
