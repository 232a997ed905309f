namespace Img2Pose.Pipeline;

/// <summary>What a full link does with the next item.</summary>
public enum LinkPolicy
{
    /// <summary>The writer waits: nothing is lost. For files.</summary>
    Lossless,

    /// <summary>The oldest waiting item is replaced, counted and released: the writer never waits. For live sources.</summary>
    Latest,
}
