namespace Img2Pose.Frames;

/// <summary>Which stream a frame belongs to, where several run side by side: the tag <c>stream</c> of metrics.</summary>
/// <param name="Name">Unique among the streams of an engine; holds no credentials.</param>
public readonly record struct StreamId(string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Name ?? "";
}
