using Img2Pose.Frames;

namespace Img2Pose.Inference;

/// <summary>
/// The affine map from the samples of a frame to RGB in 0…255. For YUV it follows ITU-T H.273: with Kr and Kb of the
/// matrix, R = Y' + 2(1 − Kr)·Cr, B = Y' + 2(1 − Kb)·Cb, G from the luma equation; Y' and C are scaled from their range.
/// </summary>
internal readonly struct ColorConversion
{
    private ColorConversion(float luma, float lumaOffset, float chromaOffset, float redFromCr, float greenFromCb, float greenFromCr, float blueFromCb)
    {
        Luma = luma;
        LumaOffset = lumaOffset;
        ChromaOffset = chromaOffset;
        RedFromCr = redFromCr;
        GreenFromCb = greenFromCb;
        GreenFromCr = greenFromCr;
        BlueFromCb = blueFromCb;
    }

    /// <summary>Factor on Y − <see cref="LumaOffset"/>.</summary>
    public float Luma { get; }

    /// <summary>Y of black.</summary>
    public float LumaOffset { get; }

    /// <summary>Cb and Cr of grey.</summary>
    public float ChromaOffset { get; }

    /// <summary>Factor on Cr − <see cref="ChromaOffset"/> in red.</summary>
    public float RedFromCr { get; }

    /// <summary>Factor on Cb − <see cref="ChromaOffset"/> in green (negative).</summary>
    public float GreenFromCb { get; }

    /// <summary>Factor on Cr − <see cref="ChromaOffset"/> in green (negative).</summary>
    public float GreenFromCr { get; }

    /// <summary>Factor on Cb − <see cref="ChromaOffset"/> in blue.</summary>
    public float BlueFromCb { get; }

    /// <summary>The map for frames of a colour description.</summary>
    /// <param name="color">Matrix and range.</param>
    /// <param name="bits">8 or 10 bits a sample.</param>
    public static ColorConversion Create(ColorDescription color, int bits)
    {
        (double kr, double kb) = LumaWeights.Of(color.Matrix);
        double kg = 1 - kr - kb;
        int unit = 1 << (bits - 8);
        double lumaRange = color.FullRange ? (1 << bits) - 1 : 219 * unit;
        double chromaRange = color.FullRange ? (1 << bits) - 1 : 224 * unit;
        double luma = 255 / lumaRange, chroma = 255 / chromaRange;
        return new ColorConversion(
            (float)luma,
            color.FullRange ? 0 : 16 * unit,
            128 * unit,
            (float)(chroma * 2 * (1 - kr)),
            (float)(chroma * -2 * (1 - kb) * kb / kg),
            (float)(chroma * -2 * (1 - kr) * kr / kg),
            (float)(chroma * 2 * (1 - kb)));
    }
}
