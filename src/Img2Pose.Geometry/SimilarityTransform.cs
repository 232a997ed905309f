namespace Img2Pose.Geometry;

/// <summary>A rotation with uniform scaling and a shift in the plane: (x, y) → (A·x − B·y + X, B·x + A·y + Y).</summary>
/// <param name="A">Scale times cosine.</param>
/// <param name="B">Scale times sine.</param>
/// <param name="X">Shift to the right, pixels.</param>
/// <param name="Y">Shift down, pixels.</param>
public readonly record struct SimilarityTransform(double A, double B, double X, double Y)
{
    /// <summary>The inverse; not finite where the scale is zero.</summary>
    public SimilarityTransform Inverse
    {
        get
        {
            double square = A * A + B * B, a = A / square, b = -B / square;
            return new SimilarityTransform(a, b, -(a * X - b * Y), -(b * X + a * Y));
        }
    }

    /// <summary>Maps a point.</summary>
    public (double X, double Y) Apply(double x, double y) => (A * x - B * y + X, B * x + A * y + Y);

    /// <summary>
    /// The transform that maps the source points onto the target points with the least squared error; never a reflection
    /// (Umeyama, TPAMI 1991, in its closed form for the plane).
    /// </summary>
    /// <exception cref="ArgumentException">Fewer than two points, or unequal numbers.</exception>
    public static SimilarityTransform Estimate(ReadOnlySpan<(double X, double Y)> source, ReadOnlySpan<(double X, double Y)> target)
    {
        if (source.Length < 2 || source.Length != target.Length)
        {
            throw new ArgumentException("At least two pairs of points are needed.", nameof(target));
        }

        (double sourceX, double sourceY) = Mean(source);
        (double targetX, double targetY) = Mean(target);
        double spread = 0, along = 0, across = 0;
        for (int i = 0; i < source.Length; i++)
        {
            double sx = source[i].X - sourceX, sy = source[i].Y - sourceY;
            double tx = target[i].X - targetX, ty = target[i].Y - targetY;
            spread += sx * sx + sy * sy;
            along += sx * tx + sy * ty;
            across += sx * ty - sy * tx;
        }
        double a = along / spread, b = across / spread;
        return new SimilarityTransform(a, b, targetX - (a * sourceX - b * sourceY), targetY - (b * sourceX + a * sourceY));
    }

    private static (double X, double Y) Mean(ReadOnlySpan<(double X, double Y)> points)
    {
        double x = 0, y = 0;
        foreach ((double px, double py) in points) (x, y) = (x + px, y + py);
        return (x / points.Length, y / points.Length);
    }
}
