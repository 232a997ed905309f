namespace Img2Pose.Geometry;

/// <summary>An axis-aligned box in pixels; the right and bottom edges are exclusive.</summary>
public readonly record struct Box(double Left, double Top, double Right, double Bottom)
{
    /// <summary>Right − left; negative for an inverted box.</summary>
    public double Width => Right - Left;

    /// <summary>Bottom − top; negative for an inverted box.</summary>
    public double Height => Bottom - Top;

    /// <summary>Width × height, zero for an empty or inverted box.</summary>
    public double Area => Math.Max(0, Width) * Math.Max(0, Height);

    /// <summary>Horizontal middle.</summary>
    public double CenterX => 0.5 * (Left + Right);

    /// <summary>Vertical middle.</summary>
    public double CenterY => 0.5 * (Top + Bottom);

    /// <summary>Whether the box encloses no area.</summary>
    public bool IsEmpty => !(Width > 0 && Height > 0);

    /// <summary>Area of the intersection with <paramref name="other"/>.</summary>
    public double IntersectionArea(in Box other)
    {
        double width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
        double height = Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top);
        return width > 0 && height > 0 ? width * height : 0;
    }

    /// <summary>Intersection over union in [0, 1]; 0 when both are empty.</summary>
    public double IntersectionOverUnion(in Box other)
    {
        double intersection = IntersectionArea(other);
        double union = Area + other.Area - intersection;
        return union > 0 ? intersection / union : 0;
    }

    /// <summary>The part inside a picture of the given size.</summary>
    public Box ClipTo(int width, int height) => new(
        Math.Clamp(Left, 0, width), Math.Clamp(Top, 0, height),
        Math.Clamp(Right, 0, width), Math.Clamp(Bottom, 0, height));

    /// <summary>All edges scaled about the origin.</summary>
    public Box Scale(double x, double y) => new(Left * x, Top * y, Right * x, Bottom * y);
}
