namespace Img2Pose.Inference.Scheduling;

/// <summary>A client's place in the scheduler. Thread-safe.</summary>
public sealed class LookClient
{
    private readonly LookScheduler _scheduler;
    private double _weight;

    internal LookClient(LookScheduler scheduler, ILookClient client, double weight)
    {
        _scheduler = scheduler;
        Client = client;
        Weight = weight;
    }

    /// <summary>
    /// Share of the network's time against that of other clients when all want more than there is; above 0. A client that wants
    /// less than its share leaves the rest to the others.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not a positive number.</exception>
    public double Weight
    {
        get => Volatile.Read(ref _weight);
        set
        {
            if (!(value > 0) || !double.IsFinite(value)) throw new ArgumentOutOfRangeException(nameof(value), value, "A weight is a positive number.");
            Volatile.Write(ref _weight, value);
        }
    }

    /// <summary>Says that there may be a look to take: a picture has come, or room for a result.</summary>
    public void Signal() => _scheduler.Signal(this);

    /// <summary>
    /// Leaves the scheduler: nothing more is taken. Waits for looks that are being done, which are handed back as ever; after
    /// that the client is not called again. Not to be called from within the client's own methods.
    /// </summary>
    public void Remove() => _scheduler.Remove(this);

    internal ILookClient Client { get; }

    /// <summary>Whether taking may succeed; cleared by a vain try.</summary>
    internal bool MayHave { get; set; }

    internal bool Removed { get; set; }

    /// <summary>Looks that are being done.</summary>
    internal int Running { get; set; }

    /// <summary>A look that was taken, but did not fit the run that it was taken for.</summary>
    internal Look? Held { get; set; }

    /// <summary>Seconds of the network's time had so far, divided by the weight; a newcomer starts at the present of the others.</summary>
    internal double VirtualTime { get; set; }

    /// <summary>Seconds that a look of this client is expected to take.</summary>
    internal double Expected { get; set; }
}
