using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>One face that is being followed. Objects are reused.</summary>
internal sealed class Track
{
    private PoseFilter _filter;
    private WholeSightings _wholes;

    /// <summary>Identity; 0 until the track is confirmed.</summary>
    public int Id { get; set; }

    /// <summary>Detections so far.</summary>
    public int Hits { get; private set; }

    /// <summary>How many of them could have started the face (<see cref="TrackerOptions.StartScore"/>).</summary>
    public int StrongHits { get; private set; }

    /// <summary>The best score so far.</summary>
    public double BestScore { get; private set; }

    /// <summary>When the face was first found, seconds.</summary>
    public double FirstSeen { get; private set; }

    /// <summary>Looks that missed it since it was last found.</summary>
    public int Misses { get; set; }

    /// <summary>When the face was last found, seconds.</summary>
    public double LastSeen { get; private set; }

    /// <summary>The last detection.</summary>
    public FaceDetection Detection { get; private set; }

    /// <summary>Whether the last update that looked for the face found it.</summary>
    public bool Found { get; set; }

    /// <summary>Whether the last update looked where the face is expected.</summary>
    public bool LookedFor { get; set; }

    /// <summary>The crop that showed it last, and what is known of its pose there.</summary>
    public FollowedCrop Crop { get; private set; }

    /// <summary>Whether the last detection was in a crop that does not show how the face is turned.</summary>
    public bool HasCarriedTurn { get; private set; }

    /// <summary>Whether its way from whole look to whole look is straight.</summary>
    public bool IsSteady => _wholes.IsSteady;

    /// <summary>The pose over time.</summary>
    public PoseFilter Filter => _filter;

    /// <summary>Where the next detection is expected, at the time last asked for.</summary>
    public Pose Expected { get; private set; }

    /// <summary>The box of <see cref="Expected"/>.</summary>
    public Box ExpectedBox { get; private set; }

    /// <summary>The smoothed pose at the last detection.</summary>
    public Pose Smoothed => _filter.Smoothed;

    public void Start(in FaceDetection detection, double time)
    {
        Id = 0;
        Hits = StrongHits = 1;
        BestScore = detection.Score;
        Found = true;
        Misses = 0;
        LookedFor = true;
        Crop = FollowedCrop.None;
        HasCarriedTurn = false;
        _wholes = default;
        FirstSeen = time;
        (Detection, LastSeen) = (detection, time);
        _filter.Reset(detection.Pose);
    }

    public void Hit(in FaceDetection detection, double time, TrackerOptions options)
    {
        Hits++;
        if (detection.Score >= options.StartScore) StrongHits++;
        BestScore = Math.Max(BestScore, detection.Score);
        Found = true;
        Misses = 0;
        _filter.Update(detection.Pose, time - LastSeen, options);
        (Detection, LastSeen) = (detection, time);
    }

    /// <summary>Takes what a look has found out about the crop of the face, unless more is known already.</summary>
    /// <param name="crop">The crop that shows it.</param>
    /// <param name="isWhole">Whether the whole picture was looked at.</param>
    public void Learn(in FollowedCrop crop, bool isWhole)
    {
        // In a whole look, too, there are faces that their crop alone shows: only what was seen both ways is new.
        HasCarriedTurn = crop is { HasRegion: true, Kind: CropKind.Close, IsNew: false };
        if (isWhole && !HasCarriedTurn) _wholes.Add(Detection.Pose, LastSeen);
        if (crop.IsNew || !Crop.HasRegion) Crop = crop;
    }

    /// <summary>Fills <see cref="Expected"/> and <see cref="ExpectedBox"/>.</summary>
    public void Expect(double time, in Picture picture)
    {
        Expected = _filter.PredictMeasurement(time - LastSeen);
        ExpectedBox = picture.BoxOf(Expected);
    }

    /// <summary>The smoothed pose carried on to a time.</summary>
    public Pose PredictSmoothed(double time) => _filter.PredictSmoothed(time - LastSeen);
}

/// <summary>The picture that poses refer to, and how boxes come from them.</summary>
internal readonly record struct Picture(int Width, int Height, CameraIntrinsics Camera, ReferenceFace Reference, FaceBoxFactors Factors)
{
    public Box BoxOf(Pose pose) => FaceBox.FromPose(pose, Camera, Width, Height, Reference, Factors);
}
