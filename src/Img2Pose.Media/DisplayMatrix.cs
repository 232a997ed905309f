namespace Img2Pose.Media;

/// <summary>
/// The 3 × 3 matrix of the ISO base media format (ISO/IEC 14496-12, track header): stored coordinates (p, q), p to the right and
/// q down, are shown at x = a·p + c·q, y = b·p + d·q, from a, b, -, c, d, - in 16.16 fixed point.
/// </summary>
internal static unsafe class DisplayMatrix
{
    /// <summary>Bytes of a matrix.</summary>
    public const int Size = 9 * sizeof(int);

    /// <summary>The orientation nearest to the matrix: angles between quarter turns are rounded, scale and shift ignored.</summary>
    public static PictureOrientation ToOrientation(int* matrix)
    {
        long a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
        if (Math.Abs(a) + Math.Abs(d) >= Math.Abs(b) + Math.Abs(c))
        {
            return (a < 0, d < 0) switch
            {
                (false, false) => PictureOrientation.Upright,
                (true, false) => PictureOrientation.MirrorHorizontal,
                (true, true) => PictureOrientation.Rotate180,
                (false, true) => PictureOrientation.MirrorVertical,
            };
        }
        return (b < 0, c < 0) switch
        {
            (false, false) => PictureOrientation.Transpose,
            (false, true) => PictureOrientation.Rotate90,
            (true, true) => PictureOrientation.Transverse,
            (true, false) => PictureOrientation.Rotate270,
        };
    }
}
