namespace Img2Pose.Geometry;

/// <summary>How much larger than the projected 68 points a face box is made.</summary>
/// <param name="Width">Factor on the width, about the centre.</param>
/// <param name="Height">Factor on the height, about the centre.</param>
/// <param name="Forehead">Part of the unscaled extent that is added on the forehead's side.</param>
public readonly record struct FaceBoxFactors(double Width, double Height, double Forehead)
{
    /// <summary>The original's defaults: 1.1, 1.1, 0.3.</summary>
    public static FaceBoxFactors Default => new(1.1, 1.1, 0.3);
}
