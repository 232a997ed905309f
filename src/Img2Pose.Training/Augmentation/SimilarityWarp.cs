using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// A similarity of the plane from source to destination pixels, optionally after a mirror:
/// p' = Scale · Rot(Angle) · (±x, y) + (OffsetX, OffsetY). Coordinates are continuous: pixel i covers [i, i+1).
/// </summary>
/// <param name="Scale">Destination pixels per source pixel, positive.</param>
/// <param name="Angle">Rotation in radians; positive turns x toward y, clockwise on the screen.</param>
/// <param name="Mirror">Whether x is negated first.</param>
/// <param name="OffsetX">Translation, destination pixels.</param>
/// <param name="OffsetY">Translation, destination pixels.</param>
internal readonly record struct SimilarityWarp(double Scale, double Angle, bool Mirror, double OffsetX, double OffsetY)
{
    private readonly double _cos = Math.Cos(Angle);
    private readonly double _sin = Math.Sin(Angle);

    /// <summary>The similarity that takes the source point to the destination point.</summary>
    public static SimilarityWarp Taking(double fromX, double fromY, double toX, double toY, double scale, double angle, bool mirror)
    {
        SimilarityWarp linear = new(scale, angle, mirror, 0, 0);
        (double x, double y) = linear.Apply(fromX, fromY);
        return linear with { OffsetX = toX - x, OffsetY = toY - y };
    }

    /// <summary>Source to destination.</summary>
    public (double X, double Y) Apply(double x, double y)
    {
        if (Mirror) x = -x;
        return (Scale * (_cos * x - _sin * y) + OffsetX, Scale * (_sin * x + _cos * y) + OffsetY);
    }

    /// <summary>Destination to source.</summary>
    public (double X, double Y) Invert(double x, double y)
    {
        x = (x - OffsetX) / Scale;
        y = (y - OffsetY) / Scale;
        double sourceX = _cos * x + _sin * y;
        return (Mirror ? -sourceX : sourceX, _cos * y - _sin * x);
    }

    /// <summary>
    /// Where a box without pose goes: the bounding box of its inscribed ellipse, since a face fills its box like an
    /// ellipse and corners would inflate it.
    /// </summary>
    public Box Apply(in Box box)
    {
        (double x, double y) = Apply(box.CenterX, box.CenterY);
        double halfWidth = 0.5 * Scale * double.Hypot(_cos * box.Width, _sin * box.Height);
        double halfHeight = 0.5 * Scale * double.Hypot(_sin * box.Width, _cos * box.Height);
        return new Box(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight);
    }
}
