namespace Img2Pose.Geometry;

/// <summary>At which size faces are looked at in crops; chosen by measurement (docs/performance.md, "Where to look").</summary>
public static class FollowedSize
{
    /// <summary>Side of the network's input for <see cref="CropKind.Close"/>: a face of 45 pixels is found as surely as one of 90.</summary>
    public const int CloseSide = 64;

    /// <summary>Part of the side that the face takes up there.</summary>
    public const double CloseShare = 0.7;

    /// <summary>Side for <see cref="CropKind.Enlarged"/>.</summary>
    public const int EnlargedSide = 128;

    /// <summary>Part of the side that the face takes up there.</summary>
    public const double EnlargedShare = 0.5;

    // Network pixels in the whole picture; apart, so that a face in between does not change its kind from picture to picture.
    private const double LargeFrom = 52, LargeDownTo = 44;

    /// <summary>Margin of a crop, as part of its side, that an expected face must leave for the crop to be used again.</summary>
    private const double Margin = 0.04;

    /// <summary>Part of the longer side that it must at least take up.</summary>
    private const double LeastShare = 0.35;

    /// <summary>The cheapest way to look at a face.</summary>
    /// <param name="size">Its longer side in the network's input for the whole picture.</param>
    /// <param name="before">How it was seen before.</param>
    public static CropKind Cheapest(double size, in FollowedCrop before)
    {
        bool wasLarge = before is { HasRegion: true, Kind: not CropKind.Enlarged };
        return size >= (wasLarge ? LargeDownTo : LargeFrom) ? CropKind.Close : CropKind.Enlarged;
    }

    /// <summary>Whether a face that is expected at a box is well inside a crop of its kind; both in the same pixels.</summary>
    public static bool Fits(CropKind kind, in Box expected, in Box crop)
    {
        // Cells end where they end, close to the face or not.
        double margin = kind == CropKind.Cells ? 0 : Margin, least = kind == CropKind.Cells ? 0 : LeastShare;
        double x = margin * crop.Width, y = margin * crop.Height;
        return expected.Left >= crop.Left + x && expected.Right <= crop.Right - x && expected.Top >= crop.Top + y && expected.Bottom <= crop.Bottom - y
            && Math.Max(expected.Width, expected.Height) >= least * Math.Max(crop.Width, crop.Height);
    }
}
