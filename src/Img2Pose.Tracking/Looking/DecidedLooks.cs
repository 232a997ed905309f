namespace Img2Pose.Tracking;

/// <summary>
/// Which of the frames to come are looked at as a whole, as it has been decided at earlier whole looks: the next one and the one after it. What is decided
/// depends on what had been planned by then and on the times of the frames alone, and not on when somebody asks. Not thread-safe.
/// </summary>
internal sealed class DecidedLooks
{
    /// <summary>
    /// Looks decided at a time: while crops are looked at one after the other there is a whole look for another network, and one more for the network
    /// that the crops leave idle.
    /// </summary>
    private const int Most = 2;

    // Numbers of the frames that were found out, in order; and the steps to those that were not yet.
    private readonly Queue<long> _frames = new(Most);
    private readonly Queue<double> _steps = new(Most);
    private long _planned;

    // The whole look that the next one is counted from: its number, its time, and by how many frames it was late.
    private long _from;
    private double _since;
    private double _late;

    /// <summary>Whether a frame to come is looked at as a whole. Frames are asked about in their order, each at least when it is the next.</summary>
    /// <param name="time">Its time, seconds.</param>
    /// <param name="ahead">Its place: 1 is the next to be planned.</param>
    public bool Contains(double time, int ahead)
    {
        long number = _planned + ahead;
        if (_frames.Contains(number)) return true;
        if (number <= _from || !_steps.TryPeek(out double step) || !LookPlanner.IsDue(time - _since, _late + (number - _from), step)) return false;
        _steps.Dequeue();
        _frames.Enqueue(number);
        (_from, _since, _late) = (number, time, LookPlanner.LateBy(_late + (number - _from), step));
        return true;
    }

    /// <summary>The next frame has been planned.</summary>
    /// <param name="time">Its time, seconds.</param>
    /// <param name="late">Frames that it was late by.</param>
    /// <param name="step">Frames to the next whole look, on average, 0: the next frame; null where nothing can be decided by it.</param>
    public void Planned(double time, double late, double? step)
    {
        _planned++;
        bool wasDecided = _frames.TryPeek(out long next) && next == _planned;
        if (wasDecided) _frames.Dequeue();
        if (step is not { } frames) return;
        int decided = _frames.Count + _steps.Count;
        if (decided == 0)
        {
            (_from, _since, _late) = (_planned, time, late);
            for (int i = 0; i < Most; i++) _steps.Enqueue(frames);
        }
        else if (wasDecided && decided < Most)
        {
            _steps.Enqueue(frames);
        }
    }
}
