using Img2Pose.Geometry;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// At which size faces are looked at in crops. Chosen by measurement (docs/performance.md, "Where to look"): a face of 45 pixels
/// is found as surely as one of 90, at a third of the price, and how it is turned is taken from whole pictures and only carried on
/// by the crops. A face that is small in the whole picture gets more pixels in its crop than there, and its pose from it.
/// </summary>
internal static class FollowedSize
{
    /// <summary>Side of the network's input for a crop around a large face.</summary>
    public const int LargeSide = 64;

    /// <summary>Part of the side that a large face takes up.</summary>
    public const double LargeShare = 0.7;

    /// <summary>Side for a crop around a small face.</summary>
    public const int SmallSide = 128;

    /// <summary>Part of the side that a small face takes up.</summary>
    public const double SmallShare = 0.5;

    // Network pixels in the whole picture; apart, so that a face in between does not change its kind from picture to picture.
    private const double LargeFrom = 52, LargeDownTo = 44;

    /// <summary>Whether a face counts as large.</summary>
    /// <param name="size">Its longer side in the network's input for the whole picture.</param>
    /// <param name="was">Whether it was large before.</param>
    public static bool IsLarge(double size, bool was) => size >= (was ? LargeDownTo : LargeFrom);

    /// <summary>Margin of a crop, as part of its side, that an expected face must leave for the crop to be used again.</summary>
    private const double Margin = 0.04;

    /// <summary>Part of the longer side that it must at least take up.</summary>
    private const double LeastShare = 0.35;

    /// <summary>Whether a face that is expected at a box is well inside a crop; both in displayed pixels.</summary>
    public static bool Fits(in Box expected, in Box crop)
    {
        double x = Margin * crop.Width, y = Margin * crop.Height;
        return expected.Left >= crop.Left + x && expected.Right <= crop.Right - x && expected.Top >= crop.Top + y && expected.Bottom <= crop.Bottom - y
            && Math.Max(expected.Width, expected.Height) >= LeastShare * Math.Max(crop.Width, crop.Height);
    }
}
