namespace Img2Pose.Geometry;

/// <summary>
/// The crop that a face is seen in, and what is known about its pose there. Both are kept together for some pictures: a network's
/// bias depends on where and how large it sees a face.
/// </summary>
/// <param name="Region">The crop, in samples of the picture's planes; empty where there is none.</param>
/// <param name="Correction">What makes the pose that a look at the whole picture would give of the one that the crop gives.</param>
/// <param name="IsNew">
/// Whether both were found in this picture; else they are what was known before, perhaps less than is known by now: several looks are
/// under way at the same time.
/// </param>
public readonly record struct FollowedCrop(PictureRegion Region, PoseCorrection Correction, bool IsNew)
{
    /// <summary>Nothing is known.</summary>
    public static FollowedCrop None => default;

    /// <summary>Whether there is a crop.</summary>
    public bool HasRegion => Region.Width > 0;
}
