namespace Img2Pose.Core;

/// <summary>
/// The fixed numbers of log events, so that a log can be searched whatever the words become. A number is never given to
/// another event; docs/architecture.md lists them. Thousands by part: 1 the program, 2 sources, 3 detection, 4 outputs, 5 sessions and engine, 6 monitor, 7 fleet.
/// </summary>
internal static class EventNumbers
{
    /// <summary>One of several sources could not be done; the others go on.</summary>
    public const int SourceFailed = 2001;

    /// <summary>A source has something that its user should know.</summary>
    public const int SourceWarning = 2002;

    /// <summary>A live source is being opened.</summary>
    public const int SourceConnecting = 2010;

    /// <summary>The first picture of a live source is there.</summary>
    public const int SourceLive = 2011;

    /// <summary>A live source was lost, or is not there yet, and is tried again.</summary>
    public const int SourceLost = 2012;

    /// <summary>A live source is back.</summary>
    public const int SourceBack = 2013;

    /// <summary>A live source's clock jumped.</summary>
    public const int SourceClockJumped = 2014;

    /// <summary>A live source goes on in another size or codec.</summary>
    public const int SourceFormatChanged = 2015;

    /// <summary>A live source is not decoded fast enough, and skips.</summary>
    public const int SourceBehind = 2016;

    /// <summary>A connection of a live source hangs, and is left to itself.</summary>
    public const int SourceLeft = 2017;

    /// <summary>Rows of the boxes given matched nothing.</summary>
    public const int BoxesUnused = 3001;

    /// <summary>There is no CUDA device, and why.</summary>
    public const int CudaUnavailable = 3010;

    /// <summary>An output of a live session has failed; the session goes on without it.</summary>
    public const int OutputFailed = 4001;

    /// <summary>A window is open, and how it is drawn.</summary>
    public const int WindowOpened = 4010;

    /// <summary>A session begins to run.</summary>
    public const int SessionStarted = 5001;

    /// <summary>A session has run to its end, or was stopped.</summary>
    public const int SessionEnded = 5002;

    /// <summary>A session ends with an error, or was broken off.</summary>
    public const int SessionFailed = 5003;

    /// <summary>A link drops frames for newer ones.</summary>
    public const int FramesDropped = 5010;

    /// <summary>The monitor's page can be reached.</summary>
    public const int MonitorListening = 6001;

    /// <summary>The first administrator's password was made.</summary>
    public const int MonitorPassword = 6002;

    /// <summary>The monitor has something that its user should know.</summary>
    public const int MonitorWarning = 6003;

    /// <summary>A camera cannot be watched, and is tried again.</summary>
    public const int CameraFailed = 6010;

    /// <summary>Another configuration was taken.</summary>
    public const int CamerasChanged = 6011;

    /// <summary>A configuration has mistakes, and is not taken.</summary>
    public const int ConfigurationRefused = 6012;

    /// <summary>Nothing is stored any more.</summary>
    public const int StorageStopped = 6020;

    /// <summary>Events are stored again.</summary>
    public const int StorageResumed = 6021;

    /// <summary>A rule has made an event.</summary>
    public const int EventHappened = 6030;

    /// <summary>A webhook or broker cannot be told of events.</summary>
    public const int TellingFailed = 6040;
}
