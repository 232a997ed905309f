namespace Img2Pose.Frames;

/// <summary>How the samples of a <see cref="VideoFrame"/> lie in its planes.</summary>
public enum PixelFormat
{
    /// <summary>Planar Y, U, V; 8 bit; chroma halved both ways.</summary>
    I420,

    /// <summary>Planar Y, then interleaved U and V; 8 bit; chroma halved both ways.</summary>
    Nv12,

    /// <summary>Planar Y, U, V; 10 bit in the low bits of little-endian 16-bit words; chroma halved both ways.</summary>
    I420P10,

    /// <summary>Interleaved R, G, B; 8 bit; one plane.</summary>
    Rgb24,

    /// <summary>
    /// Planar Y, then interleaved U and V; 10 bit in the high bits of little-endian 16-bit words; chroma halved both ways. What a GPU
    /// decodes 10-bit video to: only in a device's memory, and <see cref="I420P10"/> once it has been brought to the host.
    /// </summary>
    P010,
}

/// <summary>The YUV-to-RGB matrix.</summary>
public enum ColorMatrix
{
    /// <summary>ITU-R BT.601 (also SMPTE 170M and BT.470BG).</summary>
    Bt601,

    /// <summary>ITU-R BT.709.</summary>
    Bt709,

    /// <summary>ITU-R BT.2020, non-constant luminance.</summary>
    Bt2020,
}

/// <summary>
/// What the numbers of a YUV picture mean. The tags keep what the source said, as ISO/IEC 23001-8 code points, so that an
/// encoder can write them out again; 2 means unspecified.
/// </summary>
/// <param name="Matrix">The matrix to convert with: that of the source, or BT.709 from 720 lines up, else BT.601.</param>
/// <param name="FullRange">True when luma spans 0…255 (or 0…1023) instead of 16…235.</param>
/// <param name="PrimariesTag">Colour primaries code point.</param>
/// <param name="TransferTag">Transfer characteristics code point.</param>
/// <param name="MatrixTag">Matrix coefficients code point.</param>
public readonly record struct ColorDescription(
    ColorMatrix Matrix, bool FullRange, int PrimariesTag = 2, int TransferTag = 2, int MatrixTag = 2);
