namespace Img2Pose.Core;

/// <summary>
/// The fixed numbers of log events, so that a log can be searched whatever the words become. A number is never given to
/// another event. Thousands by part: 1 the program, 2 sources, 3 detection, 4 outputs, 5 sessions and engine, 6 monitor, 7 fleet.
/// </summary>
internal static class EventNumbers
{
    /// <summary>One of several sources could not be done; the others go on.</summary>
    public const int SourceFailed = 2001;

    /// <summary>A source has something that its user should know.</summary>
    public const int SourceWarning = 2002;

    /// <summary>Rows of the boxes given matched nothing.</summary>
    public const int BoxesUnused = 3001;
}
