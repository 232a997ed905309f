namespace Img2Pose.Geometry;

/// <summary>How a face that is followed is cut out of the picture for the network (docs/performance.md, "Where to look").</summary>
public enum CropKind
{
    /// <summary>
    /// A large face, far smaller than the network sees it in the whole picture: where it is and that it is there shows, at the least
    /// price. How it is turned does not, to within some degrees: that is carried on from the last whole picture.
    /// </summary>
    Close,

    /// <summary>The cells of the whole picture that the face lies in (<see cref="LookGrid"/>): its rotation is nearly that of the whole picture.</summary>
    Cells,

    /// <summary>A face that is small in the whole picture, larger than there; its pose is the crop's.</summary>
    Enlarged,
}

/// <summary>
/// The crop that a face is seen in, and what is known about its pose there. Both are kept together for some pictures: a network's
/// bias depends on where and how large it sees a face.
/// </summary>
/// <param name="Kind">How it is cut out.</param>
/// <param name="Region">The crop, in samples of the picture's planes; empty where there is none.</param>
/// <param name="Correction">What makes the pose that a look at the whole picture would give of the one that the crop gives.</param>
/// <param name="IsNew">
/// Whether both were found in this picture; else they are what was known before, perhaps less than is known by now: several looks are
/// under way at the same time.
/// </param>
public readonly record struct FollowedCrop(CropKind Kind, PictureRegion Region, PoseCorrection Correction, bool IsNew)
{
    /// <summary>Nothing is known.</summary>
    public static FollowedCrop None => default;

    /// <summary>Whether there is a crop.</summary>
    public bool HasRegion => Region.Width > 0;
}
