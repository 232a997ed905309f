namespace Img2Pose.Media;

/// <summary>How a live source is opened and kept.</summary>
public sealed record LiveSourceOptions
{
    /// <summary>What a camera is asked for: width and height in pixels; null: chosen from what it lists.</summary>
    public (int Width, int Height)? CameraSize { get; init; }

    /// <summary>Pictures a second that a camera or screen is asked for; null: chosen from what the camera lists, 30 of a screen.</summary>
    public double? CameraRate { get; init; }

    /// <summary>Format that a camera is asked for, as <c>img2pose devices</c> lists it ("mjpeg", "yuyv422"); null: chosen.</summary>
    public string? CameraFormat { get; init; }

    /// <summary>Whether RTSP's pictures come over UDP instead of the connection itself: less delay, but lost packets are lost.</summary>
    public bool RtspOverUdp { get; init; }

    /// <summary>Whether certificates of TLS are taken unseen.</summary>
    public bool Insecure { get; init; }

    /// <summary>Whether a source that was lost, or is not there yet, is tried again without end.</summary>
    public bool Reconnect { get; init; } = true;

    /// <summary>How long opening may take, name resolution and the first look at the stream included. From 0.1 s to an hour.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What the source is called for people where it is reached by way of another place; null: by its address.</summary>
    internal string? ShownAs { get; init; }

    /// <summary>Who watches over where its connections go, or null: FFmpeg connects by itself.</summary>
    internal ILiveRoute? Route { get; init; }

    /// <summary>The times that are no setting, for tests.</summary>
    internal LiveTimes Times { get; init; } = new();

    internal void Validate()
    {
        if (CameraSize is { } size && (size.Width is < 16 or > 16384 || size.Height is < 16 or > 16384))
            throw new UsageException($"A camera's picture of {size.Width}x{size.Height} is out of range; sides may be 16…16384");
        if (CameraRate is { } rate && !(rate is > 0 and <= 1000))
            throw new UsageException(FormattableString.Invariant($"{rate} pictures a second are out of range; it may be up to 1000"));
        if (OpenTimeout < TimeSpan.FromSeconds(0.1) || OpenTimeout > TimeSpan.FromHours(1))
            throw new UsageException($"{OpenTimeout} to open a source is out of range; it may be 0.1 s to an hour");
    }
}

/// <summary>The times by which a live source is kept alive; docs/live.md tells of them.</summary>
internal sealed record LiveTimes
{
    // One object, so that settings that say the same are equal.
    private static readonly double[] s_usualRetry = [1, 2, 4, 8, 15, 30];

    /// <summary>Waits before one try after another; the last one is repeated.</summary>
    public IReadOnlyList<double> Retry { get; init; } = s_usualRetry;

    /// <summary>Seconds between tries where a password was refused: cameras lock out who tries more often.</summary>
    public double Password { get; init; } = 60;

    /// <summary>Seconds of pictures after which an outage begins with the first wait again.</summary>
    public double Health { get; init; } = 30;

    /// <summary>Seconds without a packet that count as dead, where ten frame intervals are not longer.</summary>
    public double Silence { get; init; } = 5;

    /// <summary>Seconds of packets without a picture that count as dead, where three times the longest key-frame interval is not longer.</summary>
    public double NoPicture { get; init; } = 30;

    /// <summary>
    /// Reads "retry=0.1/0.2,password=1,health=1,silence=1,nopicture=2", seconds each, any of them left out; null gives the usual ones.
    /// </summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public static LiveTimes Parse(string? text)
    {
        LiveTimes times = new();
        if (text is null) return times;
        foreach (string part in text.Split(','))
        {
            string[] pair = part.Split('=');
            double[] values = pair.Length == 2 ? [.. pair[1].Split('/').Select(Seconds)] : [double.NaN];
            times = (pair[0], values) switch
            {
                (_, _) when values.Any(double.IsNaN) => throw new UsageException($"'{part}' is no time of a live source"),
                ("retry", _) => times with { Retry = values },
                ("password", [double one]) => times with { Password = one },
                ("health", [double one]) => times with { Health = one },
                ("silence", [double one]) => times with { Silence = one },
                ("nopicture", [double one]) => times with { NoPicture = one },
                _ => throw new UsageException($"'{part}' is no time of a live source"),
            };
        }
        return times;
    }

    private static double Seconds(string text) =>
        double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out double seconds)
        && seconds is > 0 and <= 3600 ? seconds : double.NaN;
}
