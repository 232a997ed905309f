namespace Img2Pose.Geometry;

/// <summary>A rectangle of a picture, in whole samples of its planes.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
public readonly record struct PictureRegion(int Left, int Top, int Width, int Height)
{
    /// <summary>The column after the last.</summary>
    public int Right => Left + Width;

    /// <summary>The row after the last.</summary>
    public int Bottom => Top + Height;

    /// <summary>The whole of a picture.</summary>
    public static PictureRegion Whole(int width, int height) => new(0, 0, width, height);

    /// <summary>The region as a box.</summary>
    public Box ToBox() => new(Left, Top, Right, Bottom);
}
