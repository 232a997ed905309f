namespace Img2Pose.Monitor.Cameras;

/// <summary>What a camera is doing, for people and programs. Holds no credentials.</summary>
internal sealed record CameraStatus
{
    public required string Name { get; init; }

    /// <summary>
    /// "connecting" (for the first time), "live", "unreached" (no picture yet since it is watched, and tried again), "reconnecting" (lost, and
    /// tried again), "failed" (it was there, and answers something else now; tried again, too), "off" (by its schedule).
    /// </summary>
    public required string State { get; init; }

    /// <summary>Why, where there is something to say.</summary>
    public string? Reason { get; init; }

    /// <summary>Seconds until it is tried again, or null.</summary>
    public double? RetryIn { get; init; }

    /// <summary>Seconds since the last look at a picture of it; null where there was none.</summary>
    public double? Silent { get; init; }

    /// <summary>Age of the picture at its last look, milliseconds.</summary>
    public double? Age { get; init; }

    /// <summary>95th percentile of the age over the last looks, milliseconds.</summary>
    public double? Age95 { get; init; }

    /// <summary>Pictures a second that come.</summary>
    public double Fps { get; init; }

    /// <summary>Looks a second.</summary>
    public double Looks { get; init; }

    /// <summary>Looks a second that are wanted.</summary>
    public double Wanted { get; init; }

    /// <summary>Whether looks are fewer than wanted although pictures come: the machine is short.</summary>
    public bool IsShort { get; init; }

    /// <summary>Faces at the last look.</summary>
    public int Faces { get; init; }

    /// <summary>Times that it was lost.</summary>
    public long Outages { get; init; }

    /// <summary>Pictures that were dropped for newer ones.</summary>
    public long Dropped { get; init; }

    /// <summary>Looks in all.</summary>
    public long LooksDone { get; init; }

    /// <summary>Pictures in all.</summary>
    public long Frames { get; init; }

    /// <summary>Width of the picture, or 0 where it is not known yet.</summary>
    public int Width { get; init; }

    public int Height { get; init; }

    /// <summary>How the camera codes, or null.</summary>
    public string? Codec { get; init; }

    public bool Masked { get; init; }

    /// <summary>Whether the live picture is the camera's own coding.</summary>
    public bool PassesThrough { get; init; }

    /// <summary>Who watches it in full.</summary>
    public int Viewers { get; init; }

    /// <summary>Coded pictures in its live view so far: its own, or those that were encoded here.</summary>
    public long Coded { get; init; }

    /// <summary>Pictures that wait between reading and showing now.</summary>
    public int Waiting { get; init; }

    /// <summary>Processor time of its own threads: reading, decoding, following faces, showing, encoding; seconds.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>Time of the network that its looks have taken, seconds.</summary>
    public double NetworkSeconds { get; init; }
}
