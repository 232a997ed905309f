using System.Numerics;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Windows;

/// <summary>The affine map from a picture's samples to the RGB of a screen, both in [0, 1].</summary>
internal static class PictureColor
{
    /// <summary>
    /// Three rows (factors of the samples, offset) for samples that were multiplied by <see cref="Factor"/>. Wide gamuts and transfer
    /// characteristics are shown as they are, as swscale shows them.
    /// </summary>
    public static (Vector4 Red, Vector4 Green, Vector4 Blue) Rows(PixelFormat format, in ColorDescription color)
    {
        if (format == PixelFormat.Rgb24) return (Vector4.UnitX, Vector4.UnitY, Vector4.UnitZ);
        (double red, double blue) = LumaWeights.Of(color.Matrix);
        double green = 1 - red - blue;
        // One of the 255 levels of eight bits; ten bits have four levels for each, 3 of the last missing.
        double level = IsTenBit(format) ? 4.0 / 1023 : 1.0 / 255;
        double black = color.FullRange ? 0 : 16 * level, luma = color.FullRange ? 1 : 1 / (219 * level);
        double middle = 128 * level, chroma = color.FullRange ? 1 : 1 / (224 * level);
        double redOfV = 2 * (1 - red) * chroma, blueOfU = 2 * (1 - blue) * chroma;
        return (
            Row(0, redOfV),
            Row(-blueOfU * blue / green, -redOfV * red / green),
            Row(blueOfU, 0));

        Vector4 Row(double ofU, double ofV) => new((float)luma, (float)ofU, (float)ofV, (float)(-luma * black - (ofU + ofV) * middle));
    }

    /// <summary>From what a texture of 8 or 16 bits gives to samples in [0, 1]: ten bits lie in the low ones of sixteen, or in the high ones.</summary>
    public static float Factor(PixelFormat format) => format switch
    {
        PixelFormat.I420P10 => 65535f / 1023,
        PixelFormat.P010 => 65535f / (1023 << 6),
        _ => 1,
    };

    private static bool IsTenBit(PixelFormat format) => format is PixelFormat.I420P10 or PixelFormat.P010;
}
