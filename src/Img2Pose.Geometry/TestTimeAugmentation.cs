namespace Img2Pose.Geometry;

/// <summary>What the original's WIDER FACE evaluation needs to run one picture at several sizes and mirrored.</summary>
public static class TestTimeAugmentation
{
    /// <summary>The factor that brings the short side of a picture to <paramref name="minimumSide"/>.</summary>
    public static double Scale(int width, int height, int minimumSide) => (double)minimumSide / Math.Min(width, height);

    /// <summary>The size at a scale, sides truncated; the network's minimum and maximum become its shorter and longer side (quirk Q24).</summary>
    public static (int Width, int Height) ScaledSize(int width, int height, double scale) =>
        ((int)(width * scale), (int)(height * scale));

    /// <summary>A box of a mirrored picture of the given width, back in the picture itself; its edges are truncated first (quirk Q21).</summary>
    public static Box Unmirror(in Box box, int width) => new(
        width - Math.Truncate(box.Right), Math.Truncate(box.Top), width - Math.Truncate(box.Left), Math.Truncate(box.Bottom));

    /// <summary>The pose of a face of a mirrored picture, back in the picture itself: ry, rz and tx change sign. Its own inverse.</summary>
    public static Pose Mirror(Pose pose) => new(
        pose.Rotation with { Y = -pose.Rotation.Y, Z = -pose.Rotation.Z },
        pose.Translation with { X = -pose.Translation.X });
}
