using Img2Pose.Geometry;

namespace Img2Pose.Training.Networks;

/// <summary>
/// What <see cref="NanoNetwork"/> says in one cell, and how that is a pose.
/// <para>
/// A cell of stride s at (row, column) has its centre at ((column + ½)·s, (row + ½)·s) and the unit a = 4·s. Its eight numbers
/// are: the logit of "a face"; the offset of the projected origin of the reference face from the centre, over a, two numbers;
/// ln(F / (a / 1.76)), where F = f / tz is the size in pixels of one unit of the reference face (a face box is on average
/// 1.76 units to a side); and the rotation relative to the ray of the face, R = Rz(ρ)·Rx(α)·Ry(β), as the direction
/// (cos ρ, sin ρ) times <see cref="DirectionScale"/>, of which only the direction counts, and α and β in units of <see cref="TiltScale"/>.
/// </para>
/// <para>
/// ρ is the angle by which the face is turned in the picture, and a direction has no end: a rotation vector jumps from π to −π
/// where a face stands on its head, and a network that must not decide says their mean there, an upright face.
/// </para>
/// <para>
/// As a box-relative pose (<see cref="PoseConversion"/>) of the box that the mean face has at that place and size:
/// t'z = 3.511, which is the mean of (width + height)·tz/f, and t'x, t'y depend on ρ alone: the box follows from the pose.
/// </para>
/// </summary>
internal static class CellCode
{
    /// <summary>Numbers in a cell.</summary>
    internal const int Values = 8;

    /// <summary>Pixels of a cell's unit per pixel of its stride.</summary>
    internal const double UnitPerStride = 4;

    /// <summary>Mean side of a face box in units of the reference face: half of the mean of (width + height)·tz/f.</summary>
    internal const double MeanBoxSide = 1.755665;

    /// <summary>Numbers of the rotation: direction (2), α, β; they are the last ones of a cell.</summary>
    internal const int RotationValues = 4;

    /// <summary>Length of the direction that a network learns: one radian of ρ is as much as five standard deviations of 0.2, which upright faces have.</summary>
    internal const float DirectionScale = 5;

    /// <summary>Standard deviations of α (nod) and β (turn) in the training labels, radians.</summary>
    internal static ReadOnlySpan<float> TiltScale => [0.25f, 0.40f];

    /// <summary>The numbers of a rotation: cos ρ and sin ρ times <see cref="DirectionScale"/>, α and β in units of <see cref="TiltScale"/>.</summary>
    /// <param name="rotation">Rotation matrix relative to the ray.</param>
    internal static (float Cosine, float Sine, float Nod, float Turn) Encode(in Matrix3x3d rotation)
    {
        // The second column of Rz·Rx·Ry is (−sin ρ cos α, cos ρ cos α, sin α), the third row (−cos α sin β, sin α, cos α cos β).
        double across = Math.Max(double.Hypot(rotation.M12, rotation.M22), 1e-9);
        double nod = Math.Atan2(rotation.M32, across);
        double turn = Math.Atan2(-rotation.M31, rotation.M33);
        return (
            (float)(DirectionScale * rotation.M22 / across), (float)(-DirectionScale * rotation.M12 / across),
            (float)(nod / TiltScale[0]), (float)(turn / TiltScale[1]));
    }

    /// <summary>Strides of the levels in the order of the output.</summary>
    internal static ReadOnlySpan<int> Strides => [8, 16, 32, 64];

    /// <summary>Cells of all levels for a picture whose sides are multiples of 64.</summary>
    internal static int CellCount(int width, int height)
    {
        int count = 0;
        foreach (int stride in Strides) count += width / stride * (height / stride);
        return count;
    }
}
