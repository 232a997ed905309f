namespace Img2Pose.Geometry;

/// <summary>One look at a picture.</summary>
/// <param name="Shorter">Shorter side to resize to, at least 1.</param>
/// <param name="Longer">Longer side.</param>
/// <param name="Mirrored">Whether the picture is mirrored.</param>
public readonly record struct PictureView(int Shorter, int Longer, bool Mirrored);

/// <summary>What the original's WIDER FACE evaluation needs to run one picture at several sizes and mirrored.</summary>
public static class TestTimeAugmentation
{
    /// <summary>The looks at a picture in the original's order: every size, then every size mirrored.</summary>
    /// <param name="width">Width of the picture.</param>
    /// <param name="height">Its height.</param>
    /// <param name="shortSides">Lengths of the short side.</param>
    /// <param name="mirror">Whether to look at the mirrored picture as well.</param>
    public static IEnumerable<PictureView> Views(int width, int height, IReadOnlyList<int> shortSides, bool mirror)
    {
        for (int pass = 0; pass < (mirror ? 2 : 1); pass++)
        {
            foreach (int side in shortSides)
            {
                (int w, int h) = ScaledSize(width, height, Scale(width, height, side));
                yield return new PictureView(Math.Max(1, Math.Min(w, h)), Math.Max(1, Math.Max(w, h)), pass == 1);
            }
        }
    }

    /// <summary>A face found in a view, in the picture itself: box in whole pixels, as the original casts it; pose and box mirrored back.</summary>
    /// <param name="face">The face.</param>
    /// <param name="mirrored">Whether the view was mirrored.</param>
    /// <param name="width">Width of the picture.</param>
    public static FaceDetection Restore(in FaceDetection face, bool mirrored, int width) => mirrored
        ? new FaceDetection(Unmirror(face.Box, width), face.Score, Mirror(face.Pose))
        : face with
        {
            Box = new Box(Math.Truncate(face.Box.Left), Math.Truncate(face.Box.Top), Math.Truncate(face.Box.Right), Math.Truncate(face.Box.Bottom)),
        };

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
