using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>
/// The last three looks at whole pictures that found a face, and whether its way from one to the next was so straight that in between
/// it is where a straight way would have it.
/// </summary>
internal struct WholeSightings
{
    /// <summary>
    /// Errors halfway that are expected of a straight way at most: a hundredth of the face's width, twice as much of its distance, and a degree and a half.
    /// Looks at neighbouring pictures differ by as much (docs/performance.md, "Between whole looks").
    /// </summary>
    private const double PlaceError = 0.01, DistanceError = 0.02, TurnError = 1.5 * Math.PI / 180;

    private PoseCoordinates _first, _middle, _last;
    private double _firstTime, _middleTime, _lastTime;
    private int _count;

    /// <summary>Whether the next way is expected to be straight, too.</summary>
    public bool IsSteady { get; private set; }

    /// <summary>Takes the next look that found it.</summary>
    /// <param name="pose">In front of the camera.</param>
    /// <param name="time">When, seconds.</param>
    public void Add(Pose pose, double time)
    {
        (_first, _firstTime, _middle, _middleTime) = (_middle, _middleTime, _last, _lastTime);
        (_last, _lastTime) = (PoseCoordinates.Of(pose), time);
        _count = Math.Min(_count + 1, 3);
        IsSteady = _count == 3 && IsStraight();
    }

    private readonly bool IsStraight()
    {
        double before = _middleTime - _firstTime, after = _lastTime - _middleTime;
        if (!(before > 0) || !(after > 0)) return false;
        double t = before / (before + after);
        Vector3d off = _middle.Place - _first.PlaceTowards(_last, t);
        double turn = RotationVector.GeodesicDistance(_middle.Rotation, _first.RotationTowards(_last, t));
        // At an even acceleration a the middle is off by a/2 · before · after, and halfway through a wait by a/8 of its square.
        double share = LookPlanner.LongestWait * LookPlanner.LongestWait / (4 * before * after);
        return share * _middle.WidthsPerUnit * Math.Sqrt(off.X * off.X + off.Y * off.Y) <= PlaceError
            && share * Math.Abs(off.Z) <= DistanceError && share * turn <= TurnError;
    }
}
