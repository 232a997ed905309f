namespace Img2Pose.Rendering.Views;

/// <summary>What stands around a re-rendered face.</summary>
public enum ViewBackground
{
    /// <summary>The picture around it: hair, ears and scene follow on a ring of mesh from the face's outline to the frame.</summary>
    Full,

    /// <summary>What is close to the face, hair and ears, fading to black.</summary>
    Face,

    /// <summary>Nothing: black, which the face's soft border fades into.</summary>
    None,
}

/// <summary>How <see cref="FaceViewRenderer"/> draws. Checked when the renderer is made.</summary>
public sealed record FaceViewOptions
{
    /// <summary>Smallest and largest <see cref="Size"/>, pixels.</summary>
    public const int SmallestSize = 16, LargestSize = 2048;

    /// <summary>Side of the square picture, pixels.</summary>
    public int Size { get; init; } = 224;

    /// <summary>Whether parts of the face that the picture does not show are taken from their mirror image.</summary>
    public bool Symmetry { get; init; } = true;

    /// <summary>What stands around the face.</summary>
    public ViewBackground Background { get; init; } = ViewBackground.Full;

    /// <summary>
    /// Whether the face is drawn from a coarser grid and only the picture around it is looked at: for small views of every frame
    /// of a video. Views by <see cref="FaceViewRenderer.Render(double, double, Span{byte})"/> look the same but for fine relief.
    /// </summary>
    public bool Live { get; init; }

    /// <summary>Checks the options.</summary>
    /// <exception cref="UsageException">A value is out of range.</exception>
    public void Validate()
    {
        if (Size is < SmallestSize or > LargestSize)
            throw new UsageException($"A view of {Size} pixels cannot be drawn; give a side from {SmallestSize} to {LargestSize}.");
        if (!Enum.IsDefined(Background)) throw new UsageException($"There is no background {Background}.");
    }
}

/// <summary>What a view was made of; shares of the drawn face, each 0 to 1.</summary>
/// <param name="VisibleShare">Part that the picture shows: not hidden, not turned away, inside the frame.</param>
/// <param name="RememberedShare">Part that earlier pictures of a video gave.</param>
/// <param name="SymmetricShare">Part that its mirror image gave.</param>
/// <param name="InventedShare">Part that nothing shows, filled smoothly.</param>
public readonly record struct FaceViewReport(double VisibleShare, double RememberedShare, double SymmetricShare, double InventedShare);
