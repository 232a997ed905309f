using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>How a network saw a picture, or a crop of one: what makes poses of what it says relative to boxes.</summary>
/// <param name="Camera">The camera that sees what the network saw.</param>
/// <param name="Arithmetic">How boxes are taken.</param>
/// <param name="Crop">The crop in the picture; null for a whole picture.</param>
/// <param name="Picture">The camera of the picture that a crop is of.</param>
internal readonly record struct NetworkView(
    CameraIntrinsics Camera, BoxArithmetic Arithmetic = BoxArithmetic.Exact, CropCamera? Crop = null, CameraIntrinsics Picture = default)
{
    /// <summary>The view of a crop.</summary>
    public static NetworkView Of(CropCamera crop, CameraIntrinsics picture) => new(crop.Of(picture), Crop: crop, Picture: picture);

    /// <summary>A pose under the camera of the whole picture.</summary>
    /// <param name="local">Six box-relative numbers.</param>
    /// <param name="proposal">The box, pixels of what the network saw.</param>
    public Pose PoseOf(ReadOnlySpan<float> local, in Box proposal)
    {
        Pose pose = PoseConversion.BoxToFull(
            new Pose(new Vector3d(local[0], local[1], local[2]), new Vector3d(local[3], local[4], local[5])), Camera, proposal, Arithmetic);
        return Crop is { } crop ? crop.ToPicture(pose, Picture) : pose;
    }
}
