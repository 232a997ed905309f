namespace Img2Pose.Frames;

/// <summary>What red and blue weigh in luma; green has the rest (ITU-R BT.601-7, BT.709-6, BT.2020-2).</summary>
internal static class LumaWeights
{
    /// <summary>The weights of a matrix; they and green's add up to 1.</summary>
    public static (double Red, double Blue) Of(ColorMatrix matrix) => matrix switch
    {
        ColorMatrix.Bt601 => (0.299, 0.114),
        ColorMatrix.Bt709 => (0.2126, 0.0722),
        ColorMatrix.Bt2020 => (0.2627, 0.0593),
        _ => throw new ArgumentOutOfRangeException(nameof(matrix), matrix, "There is no such matrix."),
    };
}
