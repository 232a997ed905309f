using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// Follows faces through a video: stable identities through crossings and short occlusions, and smoothed poses. Detections
/// are assigned to predicted tracks by an optimal one-to-one matching, those of low score only to faces that found no
/// better one; poses pass a One-Euro filter on the pose manifold.
/// Not thread-safe; in the steady state nothing is allocated.
/// </summary>
public sealed class FaceTracker : IFaceTracker
{
    /// <summary>A face seen less often than this does not coast: a one-frame false alarm must not linger.</summary>
    private const int HitsBeforeCoasting = 3;

    /// <summary>A detection of low score continues a face only where its box overlaps the expected one at least this much.</summary>
    private const double WeakOverlap = 0.4;

    /// <summary>
    /// A face whose best score is below <see cref="TrackerOptions.ConfidentScore"/> must have started so often before low scores
    /// continue it, and before it coasts: something that looked like a face for two frames would be kept for as long as it resembles one a little,
    /// and be drawn where it was for a while longer.
    /// </summary>
    private const int TrustedHits = 5;

    /// <summary>Stands in a list of detections for one that has been assigned.</summary>
    private const int Assigned = -1;

    /// <summary>A step so many times as long as the usual one is a hole in the video, where it is longer than the memory, too.</summary>
    private const double LongestUsualStep = 3;

    /// <summary>Time step assumed where two frames carry the same time, seconds.</summary>
    private const double NominalStep = 1.0 / 30;

    private readonly TrackerOptions _options;
    private readonly List<Track> _tracks = [];
    private readonly Stack<Track> _free = [];
    private readonly Assignment _assignment = new();
    private readonly List<int> _strong = [];
    private readonly List<int> _weak = [];
    private readonly List<Track> _candidates = [];
    private double[] _costs = [];
    private int[] _detectionOfTrack = [];
    private double _lastTime = double.NegativeInfinity;

    /// <summary>The last step from frame to frame, seconds; null until there were two frames.</summary>
    private double? _usualStep;

    /// <summary>Seconds that always advance, also where the frames' own times do not.</summary>
    private double _clock;

    /// <summary>The clock at the last frame that was looked at; null before there was one.</summary>
    private double? _lastLook;
    private double? _lookInterval;
    private int _lastId;

    /// <summary>What it was created with.</summary>
    internal TrackerOptions Options => _options;

    /// <summary>Seconds that always advance, as of the last frame.</summary>
    internal double Clock => _clock;

    /// <summary>Creates a tracker without any tracks.</summary>
    /// <exception cref="UsageException">The options make no sense.</exception>
    public FaceTracker(TrackerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <summary>Takes the detections of the next frame and reports the faces in it.</summary>
    /// <param name="detections">
    /// Faces under <see cref="CameraIntrinsics.ForImage"/> of the picture. Those that are not finite, not in front of the
    /// camera, or without any box in the picture are left out.
    /// </param>
    /// <param name="time">
    /// Presentation time, seconds. A step back, or one longer than the memory and much longer than the steps before, forgets
    /// every track.
    /// </param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="tracks">Cleared, then filled: detected faces, and those that coast, by ascending identity.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not finite, or a side is not positive.</exception>
    public void Update(ReadOnlySpan<FaceDetection> detections, double time, int width, int height, List<TrackedFace> tracks) =>
        Update(new LookFindings(detections), time, width, height, tracks);

    /// <summary>Takes what a look at the next frame gave, which may have been a look at parts of it, and reports the faces in it.</summary>
    /// <param name="findings">What was found, and where was looked. A face that is expected elsewhere is not missed; it coasts.</param>
    /// <param name="time">As in the other.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="tracks">Cleared, then filled: detected faces, and those that coast, by ascending identity.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not finite, or a side is not positive.</exception>
    public void Update(in LookFindings findings, double time, int width, int height, List<TrackedFace> tracks)
    {
        ReadOnlySpan<FaceDetection> detections = findings.Faces;
        Picture picture = Begin(time, width, height, tracks);
        if (!_options.Track)
        {
            foreach (ref readonly FaceDetection detection in detections)
            {
                tracks.Add(new TrackedFace(0, detection, detection.Pose, Detected: true));
            }
            return;
        }

        if (_lastLook is { } last) _lookInterval = _clock - last;
        _lastLook = _clock;
        SelectUsable(detections);
        foreach (Track track in _tracks)
        {
            track.Expect(_clock, picture);
            track.LookedFor = findings.Covers(track.ExpectedBox);
            if (!track.LookedFor) continue;
            track.Found = false;
            track.Misses++;
        }
        MatchStrong(findings);
        StartTracks(findings);
        MatchWeak(findings);
        ForgetLost();
        Report(picture, missCounts: true, tracks);
    }

    /// <summary>
    /// Lists the faces that were found when last looked for, also those that are not confirmed yet, and those that were missed a
    /// moment ago.
    /// </summary>
    public void ListFollowed(List<FollowedFace> faces)
    {
        faces.Clear();
        foreach (Track track in _tracks)
        {
            if (track.Found || MayCoast(track)) faces.Add(new FollowedFace(track, _clock, _options.StartScore));
        }
    }

    /// <summary>
    /// Reports the faces of a frame that nobody looked at, at their predicted poses (<see cref="TrackedFace.Detected"/> is
    /// false). With tracking off there are none.
    /// </summary>
    /// <inheritdoc cref="Update(ReadOnlySpan{FaceDetection}, double, int, int, List{TrackedFace})"/>
    public void Predict(double time, int width, int height, List<TrackedFace> tracks)
    {
        Picture picture = Begin(time, width, height, tracks);
        if (!_options.Track) return;
        ForgetLost();
        Report(picture, missCounts: false, tracks);
    }

    /// <summary>
    /// Forgets every face: what follows is another scene, in which a face at the same place is somebody else. Times go on.
    /// </summary>
    public void Forget()
    {
        foreach (Track track in _tracks) _free.Push(track);
        _tracks.Clear();
    }

    /// <summary>The pose over time of a face that it reported, as it stands.</summary>
    internal PoseFilter? FilterOf(int id)
    {
        foreach (Track track in _tracks)
        {
            if (track.Id == id) return track.Filter;
        }
        return null;
    }

    private Picture Begin(double time, int width, int height, List<TrackedFace> tracks)
    {
        ArgumentNullException.ThrowIfNull(tracks);
        if (!double.IsFinite(time)) throw new ArgumentOutOfRangeException(nameof(time), time, "A frame's time must be finite.");
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
        tracks.Clear();

        double elapsed = time - _lastTime;
        if (elapsed < 0 || IsHole(elapsed))
        {
            // A seek, a loop, or a long hole: what was known says nothing about this frame.
            Forget();
            _usualStep = elapsed > 0 && double.IsFinite(elapsed) ? elapsed : _usualStep;
            elapsed = 0;
            _lastLook = null;
        }
        else if (elapsed > 0)
        {
            _usualStep = elapsed;
        }
        _clock += elapsed > 0 ? elapsed : NominalStep;
        _lastTime = time;
        return new Picture(width, height, camera, _options.Reference, _options.Factors);
    }

    /// <summary>
    /// Whether a step says that frames are missing. Frames that are always far apart, as in a time lapse, miss none.
    /// </summary>
    private bool IsHole(double elapsed) =>
        elapsed > _options.MemoryTime && elapsed > LongestUsualStep * (_usualStep ?? _options.LookInterval ?? NominalStep);

    private bool IsConfirmed(Track track)
    {
        if (track.Hits >= _options.BirthHits || track.Detection.Score >= _options.ConfidentScore) return true;
        double interval = _lookInterval ?? _options.LookInterval ?? NominalStep;
        return _clock + interval - track.FirstSeen > _options.BirthTime;
    }

    private void SelectUsable(ReadOnlySpan<FaceDetection> detections)
    {
        _strong.Clear();
        _weak.Clear();
        for (int i = 0; i < detections.Length; i++)
        {
            ref readonly FaceDetection detection = ref detections[i];
            if (!detection.Pose.IsFinite || !(detection.Pose.Translation.Z > 0) || detection.Box.IsEmpty) continue;
            (detection.Score >= _options.StartScore ? _strong : _weak).Add(i);
        }
    }

    /// <summary>Assigns detections that could be new faces to every track. What was assigned leaves the list.</summary>
    private void MatchStrong(in LookFindings findings)
    {
        _candidates.Clear();
        _candidates.AddRange(_tracks);
        Assign(findings, _strong, leastOverlap: 0);
    }

    /// <summary>
    /// Assigns detections of low score to the faces that are still without one. Such a score is believed only where a face
    /// is expected: the track is confirmed and trusted, was there a moment ago, and the boxes overlap well.
    /// </summary>
    private void MatchWeak(in LookFindings findings)
    {
        _candidates.Clear();
        foreach (Track track in _tracks)
        {
            if (track.Id != 0 && IsTrusted(track) && !track.Found && _clock - track.LastSeen <= _options.CoastTime) _candidates.Add(track);
        }
        if (_candidates.Count == 0) return;
        for (int i = _weak.Count - 1; i >= 0; i--)
        {
            if (IsSecondBox(findings.Faces[_weak[i]])) _weak.RemoveAt(i);
        }
        Assign(findings, _weak, WeakOverlap);
    }

    /// <summary>Assigns detections to the candidate tracks; what was assigned leaves the list.</summary>
    private void Assign(in LookFindings findings, List<int> indices, double leastOverlap)
    {
        ReadOnlySpan<FaceDetection> detections = findings.Faces;
        int rows = _candidates.Count, columns = indices.Count;
        if (rows == 0 || columns == 0) return;
        if (_costs.Length < rows * columns) _costs = new double[2 * rows * columns];
        if (_detectionOfTrack.Length < rows) _detectionOfTrack = new int[2 * rows];

        for (int row = 0; row < rows; row++)
        {
            Track track = _candidates[row];
            for (int column = 0; column < columns; column++)
            {
                ref readonly FaceDetection detection = ref detections[indices[column]];
                bool possible = leastOverlap <= 0 || track.ExpectedBox.IntersectionOverUnion(detection.Box) >= leastOverlap;
                _costs[row * columns + column] = possible
                    ? MatchCost.Of(track, detection, _clock - track.LastSeen, _options.MemoryTime)
                    : double.PositiveInfinity;
            }
        }

        _assignment.Solve(_costs.AsSpan(0, rows * columns), rows, columns, MatchCost.Alone, _detectionOfTrack);
        for (int row = 0; row < rows; row++)
        {
            int column = _detectionOfTrack[row];
            if (column < 0) continue;
            Track track = _candidates[row];
            track.Hit(detections[indices[column]], _clock, _options);
            track.LookedFor = true;
            track.Learn(CropOf(findings, indices[column]), findings.IsWhole);
            if (track.Id == 0 && IsConfirmed(track)) track.Id = ++_lastId;
            indices[column] = Assigned;
        }
        indices.RemoveAll(static index => index == Assigned);
    }

    private void StartTracks(in LookFindings findings)
    {
        foreach (int index in _strong)
        {
            ref readonly FaceDetection detection = ref findings.Faces[index];
            if (IsSecondBox(detection)) continue;
            Track track = _free.Count > 0 ? _free.Pop() : new Track();
            track.Start(detection, _clock);
            track.Learn(CropOf(findings, index), findings.IsWhole);
            if (IsConfirmed(track)) track.Id = ++_lastId;
            _tracks.Add(track);
        }
    }

    private static FollowedCrop CropOf(in LookFindings findings, int index) =>
        findings.Crops.IsEmpty ? FollowedCrop.None : findings.Crops[index];

    /// <summary>Whether the face of a detection that no track took has been found already in this frame.</summary>
    private bool IsSecondBox(in FaceDetection detection)
    {
        foreach (Track track in _tracks)
        {
            if (track.Found && _options.Duplicates.AreDuplicates(track.Detection.Box, detection.Box)) return true;
        }
        return false;
    }

    private bool IsTrusted(Track track) => track.StrongHits >= TrustedHits || track.BestScore >= _options.ConfidentScore;

    private void ForgetLost()
    {
        for (int i = _tracks.Count - 1; i >= 0; i--)
        {
            Track track = _tracks[i];
            // An unconfirmed face has to be found without a gap.
            // What only looked like a face for some frames is nobody to be remembered: it would be back at once, and trusted, whenever it does again.
            double memory = IsTrusted(track) ? _options.MemoryTime : _options.CoastTime;
            bool lost = track.Misses > _options.MemoryLooks && _clock - track.LastSeen > memory;
            bool gone = lost || (track.Id == 0 && !track.Found);
            if (!gone) continue;
            _free.Push(track);
            _tracks.RemoveAt(i);
        }
    }

    private void Report(in Picture picture, bool missCounts, List<TrackedFace> faces)
    {
        foreach (Track track in _tracks)
        {
            if (track.Id == 0) continue;
            if (track.Found && track.LookedFor && missCounts) faces.Add(Detected(track, picture));
            else if (MayCoast(track) && Coasted(track, picture) is { } face) faces.Add(face);
        }
        SortById(faces);
    }

    /// <summary>A face that was found when last looked for coasts as long as it takes to look again; a missed one for a short while.</summary>
    private bool MayCoast(Track track) =>
        track.Found || (track.Hits >= HitsBeforeCoasting && IsTrusted(track) && _clock - track.LastSeen <= _options.CoastTime);

    private TrackedFace Detected(Track track, in Picture picture)
    {
        FaceDetection face = track.Detection;
        if (_options.Smooth)
        {
            Pose pose = track.Smoothed;
            Box box = picture.BoxOf(pose);
            // At the picture's edge the smoothed face may lag outside; the detection itself is inside.
            if (!box.IsEmpty) face = new FaceDetection(box, face.Score, pose);
        }
        return new TrackedFace(track.Id, face, track.Detection.Pose, Detected: true) { HasCarriedTurn = track.HasCarriedTurn };
    }

    private TrackedFace? Coasted(Track track, in Picture picture)
    {
        track.Expect(_clock, picture);
        Pose pose = _options.Smooth ? track.PredictSmoothed(_clock) : track.Expected;
        Box box = picture.BoxOf(pose);
        if (box.IsEmpty || IsCovered(track, box)) return null;
        return new TrackedFace(track.Id, new FaceDetection(box, track.Detection.Score, pose), track.Expected, Detected: false);
    }

    /// <summary>Whether a face that is visible lies over a missed one: the one behind is not drawn on top of it.</summary>
    private bool IsCovered(Track missed, in Box box)
    {
        if (missed.Found) return false;
        foreach (Track other in _tracks)
        {
            if (other.Found && other.Id != 0 && _options.Duplicates.AreDuplicates(other.Detection.Box, box)) return true;
        }
        return false;
    }

    private static void SortById(List<TrackedFace> faces)
    {
        // Nearly sorted already, and List.Sort with a comparison would allocate.
        for (int i = 1; i < faces.Count; i++)
        {
            TrackedFace face = faces[i];
            int j = i;
            for (; j > 0 && faces[j - 1].Id > face.Id; j--) faces[j] = faces[j - 1];
            faces[j] = face;
        }
    }
}
