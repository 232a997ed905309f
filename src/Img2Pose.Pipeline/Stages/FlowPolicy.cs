namespace Img2Pose.Pipeline;

/// <summary>What a full channel does with the next item.</summary>
public enum FlowPolicy
{
    /// <summary>The writer waits: nothing is lost. For files.</summary>
    Lossless,

    /// <summary>The oldest waiting item is released and counted as dropped: the writer never waits. For live sources.</summary>
    Latest,
}
