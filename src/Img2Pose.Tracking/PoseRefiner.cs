using System.Runtime.InteropServices;
using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// Fixed-lag smoothing for recordings: frames wait for the next look at the whole picture, and what the tracker could only carry on from
/// the last one is interpolated between both: rotations that a crop does not show, and all of the pose where nobody looked. What looks
/// showed stays as it is, and all of it passes the tracker's own filter. Not thread-safe; the steady state allocates nothing.
/// </summary>
/// <param name="tracker">What gives the faces; asked right after each of its updates.</param>
public sealed class PoseRefiner(FaceTracker tracker)
{
    /// <summary>Frames that wait at most: then they go on as they are.</summary>
    public const int MostWaiting = 64;

    /// <summary>Seconds that frames wait for a look at the whole picture at most, where one is planned as <see cref="LookPlanner"/> does.</summary>
    public const double LongestWait = LookPlanner.LongestWait;

    private readonly TrackerOptions _options = tracker.Options;
    private readonly List<Waiting> _waiting = [];
    private readonly Dictionary<int, History> _histories = [];
    private readonly Stack<History> _free = [];
    private readonly List<int> _gone = [];
    private bool _hasFaces;

    /// <summary>Faces that something is known of, and what looks showed of them.</summary>
    internal (int Faces, int Sights) Known => (_histories.Count, _histories.Values.Sum(static history => history.Seen.Count));

    /// <summary>Takes the faces of the next frame, which the tracker has just reported.</summary>
    /// <param name="faces">The faces; they change until they are ready.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="isWhole">Whether all of the picture was looked at.</param>
    /// <returns>How many frames of those that wait are ready, the oldest first.</returns>
    public int Add(List<TrackedFace> faces, int width, int height, bool isWhole)
    {
        ArgumentNullException.ThrowIfNull(faces);
        // Faces without an identity have nothing before them and nothing after.
        if (!_options.Track) return 1;
        _waiting.Add(new Waiting(faces, tracker.Clock, width, height));
        _hasFaces |= faces.Count > 0;
        foreach (ref readonly TrackedFace face in CollectionsMarshal.AsSpan(faces)) Remember(face);
        return isWhole || !_hasFaces || _waiting.Count >= MostWaiting ? Finish() : 0;
    }

    /// <summary>No more frames come.</summary>
    /// <returns>How many frames waited; they are ready.</returns>
    public int Finish()
    {
        for (int i = 0; i < _waiting.Count; i++) Refine(i);
        int ready = _waiting.Count;
        ForgetGone();
        _waiting.Clear();
        _hasFaces = false;
        return ready;
    }

    private void Remember(in TrackedFace face)
    {
        if (!_histories.TryGetValue(face.Id, out History? history))
        {
            history = _free.Count > 0 ? _free.Pop() : new History();
            history.Begin(face.RawPose, tracker.Clock, tracker.FilterOf(face.Id));
            _histories.Add(face.Id, history);
        }
        history.LastReported = tracker.Clock;
        if (face.Detected) history.Seen.Add(new Sight(PoseCoordinates.Of(face.RawPose), tracker.Clock, !face.HasCarriedTurn));
    }

    private void Refine(int index)
    {
        Waiting frame = _waiting[index];
        Picture picture = new(frame.Width, frame.Height, CameraIntrinsics.ForImage(frame.Width, frame.Height), _options.Reference, _options.Factors);
        foreach (ref TrackedFace face in CollectionsMarshal.AsSpan(frame.Faces))
        {
            History history = _histories[face.Id];
            if (Between(face, history, frame.Time) is { } pose) face = face with { RawPose = pose, IsInterpolated = true, HasCarriedTurn = false };
            Pose shown = history.Filter(face, frame.Time, _options);
            if (!_options.Smooth)
            {
                if (!face.IsInterpolated) continue;
                shown = face.RawPose;
            }
            Box box = picture.BoxOf(shown);
            // At the picture's edge a face may lag outside, where it has no box: then the tracker's own word stands.
            if (!box.IsEmpty) face = face with { Face = new FaceDetection(box, face.Face.Score, shown) };
        }
    }

    /// <summary>The pose by the looks before and after a frame; null where that look shows it, or there is none on either side.</summary>
    private static Pose? Between(in TrackedFace face, History history, double time)
    {
        if (face.Detected && !face.HasCarriedTurn) return null;
        if (history.Around(time, needsTurn: true) is not { } turn) return null;
        Vector3d place = PoseCoordinates.Of(face.RawPose).Place;
        if (!face.Detected)
        {
            if (history.Around(time, needsTurn: false) is not { } way) return null;
            place = way.Before.Pose.PlaceTowards(way.After.Pose, way.Share(time));
        }
        return new PoseCoordinates(turn.Before.Pose.RotationTowards(turn.After.Pose, turn.Share(time)), place).ToPose();
    }

    private void ForgetGone()
    {
        _gone.Clear();
        foreach ((int id, History history) in _histories)
        {
            history.KeepLast();
            if (tracker.Clock - history.LastReported > _options.MemoryTime) _gone.Add(id);
        }
        foreach (int id in _gone)
        {
            _histories.Remove(id, out History? history);
            _free.Push(history!);
        }
    }

    /// <summary>A frame that waits.</summary>
    private readonly record struct Waiting(List<TrackedFace> Faces, double Time, int Width, int Height);

    /// <summary>What a look showed of a face.</summary>
    private readonly record struct Sight(PoseCoordinates Pose, double Time, bool ShowsTurn);

    /// <summary>Two looks that a frame lies between.</summary>
    private readonly record struct Interval(Sight Before, Sight After)
    {
        public double Share(double time) => (time - Before.Time) / (After.Time - Before.Time);
    }

    /// <summary>What is known of one face.</summary>
    private sealed class History
    {
        private PoseFilter _filter;
        private double _filtered;
        private bool _isNew;

        /// <summary>What looks showed of it, in order: the last that showed its turn before the frames that wait, and what came after.</summary>
        public List<Sight> Seen { get; } = [];

        public double LastReported { get; set; }

        public void Begin(Pose pose, double time, PoseFilter? filter)
        {
            Seen.Clear();
            (_filtered, _isNew) = (time, true);
            if (filter is { } known) _filter = known;
            else _filter.Reset(pose);
        }

        /// <summary>Passes a face through the filter, in the order of the frames.</summary>
        /// <returns>Its pose as it is shown.</returns>
        public Pose Filter(in TrackedFace face, double time, TrackerOptions options)
        {
            // The tracker's filter, which this began with, knows the first frame already.
            bool isFirst = _isNew;
            _isNew = false;
            if (isFirst) return face.Face.Pose;
            if (!face.IsFound) return _filter.PredictSmoothed(time - _filtered);
            _filter.Update(face.RawPose, time - _filtered, options);
            _filtered = time;
            return _filter.Smoothed;
        }

        /// <summary>The looks around a time, of those that show what is needed; null where there is none before it or after it.</summary>
        public Interval? Around(double time, bool needsTurn)
        {
            int before = -1;
            for (int i = 0; i < Seen.Count; i++)
            {
                if (needsTurn && !Seen[i].ShowsTurn) continue;
                if (Seen[i].Time > time) return before < 0 ? null : new Interval(Seen[before], Seen[i]);
                before = i;
            }
            return null;
        }

        /// <summary>Forgets what lies before the last look that showed the turn.</summary>
        public void KeepLast()
        {
            int last = Seen.FindLastIndex(static sight => sight.ShowsTurn);
            Seen.RemoveRange(0, last < 0 ? Seen.Count : last);
        }
    }
}
