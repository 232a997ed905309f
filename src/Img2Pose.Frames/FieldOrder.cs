namespace Img2Pose.Frames;

/// <summary>
/// Whether the rows of a picture were taken at one moment, or every second row half a picture later: two fields, whose order in
/// time a player must know.
/// </summary>
public enum FieldOrder
{
    /// <summary>One moment.</summary>
    Progressive,

    /// <summary>Two fields, the one with the uppermost row first.</summary>
    TopFirst,

    /// <summary>Two fields, the one with the second row first.</summary>
    BottomFirst,
}
