namespace Img2Pose.Geometry;

/// <summary>A face that a look shall find again.</summary>
/// <param name="Expected">Where it is expected, in displayed pixels, clipped to the picture.</param>
/// <param name="Kind">How it is to be cut out.</param>
/// <param name="Insists">Whether the whole picture is looked at when it is not found there, or no longer surely.</param>
/// <param name="Crop">The crop that it was seen in last, which is used again while the face is well inside it.</param>
public readonly record struct FaceToFollow(Box Expected, CropKind Kind, bool Insists, FollowedCrop Crop);
