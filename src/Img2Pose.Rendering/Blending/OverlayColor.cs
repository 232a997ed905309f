using System.Numerics;
using Img2Pose.Frames;

namespace Img2Pose.Rendering.Blending;

/// <summary>
/// The affine map from RGB in [0, 1] to a picture's own samples in [0, 1] of eight bits, as three rows (factors, offset). The
/// shaders apply it, so that the blend has only to add.
/// </summary>
internal static class OverlayColor
{
    // Reference white of graphics: 203 candela per square metre in PQ, 75 % in HLG (ITU-R BT.2408-7, table 1; BT.2100-2, table 4).
    private const float WhiteInPq = 0.5807f, WhiteInHlg = 0.75f;
    private const int Pq = 16, Hlg = 18;

    /// <summary>
    /// What white is in the picture's transfer characteristic: the greatest value, except where that is far brighter than paper.
    /// The colours below white scale with it, as the map is affine.
    /// </summary>
    internal static float White(in ColorDescription color) => color.TransferTag switch
    {
        Pq => WhiteInPq,
        Hlg => WhiteInHlg,
        _ => 1,
    };

    /// <summary>The rows for a picture of this format and colour description.</summary>
    public static (Vector4 First, Vector4 Second, Vector4 Third) Rows(PixelFormat format, in ColorDescription color)
    {
        if (format == PixelFormat.Rgb24) return (new Vector4(1, 0, 0, 0), new Vector4(0, 1, 0, 0), new Vector4(0, 0, 1, 0));
        (float red, float blue) = ((float, float))LumaWeights.Of(color.Matrix);
        float green = 1 - red - blue;
        float lumaScale = color.FullRange ? 1 : 219f / 255, lumaOffset = color.FullRange ? 0 : 16f / 255;
        float chromaScale = color.FullRange ? 1 : 224f / 255, chromaOffset = 128f / 255;
        float u = chromaScale / (2 * (1 - blue)), v = chromaScale / (2 * (1 - red));
        float white = White(color);
        lumaScale *= white;
        u *= white;
        v *= white;
        return (
            new Vector4(lumaScale * red, lumaScale * green, lumaScale * blue, lumaOffset),
            new Vector4(-u * red, -u * green, u * (1 - blue), chromaOffset),
            new Vector4(v * (1 - red), -v * green, -v * blue, chromaOffset));
    }
}
