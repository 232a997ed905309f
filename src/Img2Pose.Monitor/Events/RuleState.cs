using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;

namespace Img2Pose.Monitor.Events;

/// <summary>
/// One rule for one face of one camera, or for its whole picture: since when the condition holds, whether that has become an event, and
/// since when it no longer holds. Times are seconds.
/// </summary>
internal sealed class RuleState
{
    private double _since = double.NaN;
    private double _last;
    private double _missed = double.NaN;

    /// <summary>The event under way, or null.</summary>
    public string? EventId { get; private set; }

    /// <summary>When the condition began to hold.</summary>
    public double Since => _since;

    /// <summary>When it last held.</summary>
    public double Last => _last;

    /// <summary>When it ended: halfway between the look that last saw it hold and the next one, where there was one soon.</summary>
    public double End => double.IsNaN(_missed) ? _last : (_last + _missed) / 2;

    /// <summary>Poses since it holds.</summary>
    public PoseSummary Poses { get; private set; }

    /// <summary>When the face was last seen, for forgetting it.</summary>
    public double Seen { get; set; }

    /// <summary>On which side of the line it was last: −1, 1, or 0 where that is not known.</summary>
    public int Side { get; set; }

    /// <summary>Where it was last, fractions of the picture.</summary>
    public (double X, double Y) Place { get; set; }

    /// <summary>The condition holds at a look.</summary>
    /// <param name="time">The look's time.</param>
    /// <param name="before">The time of the look before, where that was shortly before; else the same.</param>
    /// <param name="face">The face, or null where it is about the whole picture.</param>
    /// <param name="faces">Faces in the picture.</param>
    public void Holds(double time, double before, in WatchedFace? face, int faces)
    {
        if (double.IsNaN(_since))
        {
            // It began between two looks.
            _since = (time + before) / 2;
            Poses = default;
        }
        _last = time;
        _missed = double.NaN;
        Poses = face is { } one ? Poses.With(one, faces) : Poses.With(faces);
    }

    /// <summary>Whether it has held long enough and is no event yet.</summary>
    public bool IsDue(RuleConfiguration rule) => EventId is null && !double.IsNaN(_since) && _last - _since >= rule.For - 1e-9;

    /// <summary>Whether the condition is over: it has not held for longer than the gap that the rule allows.</summary>
    public bool IsOver(double gap, double time) => !double.IsNaN(_since) && time - _last > gap;

    /// <summary>A look has come at which it did not hold.</summary>
    /// <param name="time">The look's time.</param>
    /// <param name="most">Seconds that may lie between, or nobody knows.</param>
    public void Missed(double time, double most)
    {
        if (double.IsNaN(_missed) && time > _last) _missed = Math.Min(time, _last + most);
    }

    /// <summary>It becomes an event.</summary>
    public void Become(string id) => EventId = id;

    /// <summary>It begins from nothing.</summary>
    public void Reset()
    {
        _since = _missed = double.NaN;
        EventId = null;
        Poses = default;
    }
}
