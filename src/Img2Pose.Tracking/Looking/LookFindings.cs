using Img2Pose.Geometry;

namespace Img2Pose.Tracking;

/// <summary>What a look at a frame gave.</summary>
/// <param name="faces">
/// Faces under <see cref="CameraIntrinsics.ForImage"/> of the picture. Those that are not finite, not in front of the camera, or
/// without any box in the picture are left out.
/// </param>
public readonly ref struct LookFindings(ReadOnlySpan<FaceDetection> faces)
{
    /// <summary>The faces.</summary>
    public ReadOnlySpan<FaceDetection> Faces { get; } = faces;

    /// <summary>For each face the crop that shows it, and what is known of its pose there; empty where faces are not followed.</summary>
    public ReadOnlySpan<FollowedCrop> Crops { get; init; }

    /// <summary>The parts of the picture that were looked at, in displayed pixels; empty: all of it.</summary>
    public ReadOnlySpan<Box> Regions { get; init; }

    /// <summary>Whether all of it was looked at.</summary>
    internal bool IsWhole => Regions.IsEmpty;

    /// <summary>Whether a face at this box would have been seen: its middle lies in a part that was looked at.</summary>
    internal bool Covers(in Box box)
    {
        if (IsWhole) return true;
        foreach (ref readonly Box region in Regions)
        {
            if (box.CenterX >= region.Left && box.CenterX < region.Right && box.CenterY >= region.Top && box.CenterY < region.Bottom) return true;
        }
        return false;
    }
}
