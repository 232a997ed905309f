using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>A face that is being tracked, as it was known after some frame: a copy, which the tracker does not change.</summary>
public readonly struct FollowedFace
{
    private readonly PoseFilter _filter;
    private readonly double _unseen;

    internal FollowedFace(Track track, double clock, double startScore)
    {
        _filter = track.Filter;
        _unseen = clock - track.LastSeen;
        IsConfirmed = track.Id != 0;
        IsSure = track.Found && track.Detection.Score >= startScore;
        IsSteady = track.IsSteady;
        Crop = track.Crop;
    }

    /// <summary>Whether the last look for it found it, with a score that a face could start with.</summary>
    public bool IsSure { get; }

    /// <summary>Whether it has its identity; else it is forgotten when one look does not find it.</summary>
    public bool IsConfirmed { get; }

    /// <summary>Whether it moves and turns so evenly that what it does between two whole looks is known by these.</summary>
    public bool IsSteady { get; }

    /// <summary>The crop that showed it last, and what is known of its pose there.</summary>
    public FollowedCrop Crop { get; }

    /// <summary>Where its next detection is expected.</summary>
    /// <param name="seconds">Seconds after the frame that this was known after.</param>
    public Pose Predict(double seconds) => _filter.PredictMeasurement(_unseen + Math.Max(0, seconds));
}
