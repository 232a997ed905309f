namespace Img2Pose.Training.Networks;

/// <summary>
/// What <see cref="NanoNetwork"/> says in one cell, and how that is a pose.
/// <para>
/// A cell of stride s at (row, column) has its centre at ((column + ½)·s, (row + ½)·s) and the unit a = 4·s. Its seven numbers
/// are: the logit of "a face"; the offset of the projected origin of the reference face from the centre, over a, two numbers;
/// ln(F / (a / 1.76)), where F = f / tz is the size in pixels of one unit of the reference face (a face box is on average
/// 1.76 units to a side); and the rotation vector relative to the ray of the face, in units of <see cref="RotationScale"/>.
/// </para>
/// <para>
/// As a box-relative pose (DESIGN section 5) of the box that the mean face has at that place and size:
/// t'z = 3.511, which is the mean of (width + height)·tz/f, and t'x, t'y are constant too: the box follows from the pose.
/// </para>
/// </summary>
internal static class CellCode
{
    /// <summary>Numbers in a cell.</summary>
    internal const int Values = 7;

    /// <summary>Pixels of a cell's unit per pixel of its stride.</summary>
    internal const double UnitPerStride = 4;

    /// <summary>Mean side of a face box in units of the reference face: half of the mean of (width + height)·tz/f.</summary>
    internal const double MeanBoxSide = 1.755665;

    /// <summary>Standard deviations of the box-relative rotation vector in the training labels, radians.</summary>
    internal static ReadOnlySpan<float> RotationScale => [0.25f, 0.40f, 0.20f];

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
