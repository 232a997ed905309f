using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// How stored rows and columns relate to the upright picture; the values are those of the EXIF tag Orientation (0x0112).
/// </summary>
internal enum PictureOrientation
{
    /// <summary>Stored upright.</summary>
    Upright = 1,

    /// <summary>Mirror left to right.</summary>
    MirrorHorizontal = 2,

    /// <summary>Turn by 180°.</summary>
    Rotate180 = 3,

    /// <summary>Mirror top to bottom.</summary>
    MirrorVertical = 4,

    /// <summary>Mirror about the main diagonal.</summary>
    Transpose = 5,

    /// <summary>Turn by 90° clockwise.</summary>
    Rotate90 = 6,

    /// <summary>Mirror about the other diagonal.</summary>
    Transverse = 7,

    /// <summary>Turn by 90° counter-clockwise.</summary>
    Rotate270 = 8,
}

/// <summary>Turns pictures upright by moving samples: a lossless permutation of each plane.</summary>
internal static unsafe class OrientationExtensions
{
    // Both the rows read and the rows written of a block stay in the first-level cache.
    private const int Block = 32;

    /// <summary>Whether width and height trade places.</summary>
    public static bool SwapsSides(this PictureOrientation orientation) => orientation >= PictureOrientation.Transpose;

    /// <summary>Writes <paramref name="stored"/>, turned upright, into a writable frame of the upright size and the same format.</summary>
    /// <exception cref="ArgumentException">It is of another size or format.</exception>
    public static void Apply(this PictureOrientation orientation, VideoFrame stored, VideoFrame upright)
    {
        bool swaps = orientation.SwapsSides();
        int width = swaps ? stored.Height : stored.Width, height = swaps ? stored.Width : stored.Height;
        if (upright.Format != stored.Format || upright.Width != width || upright.Height != height)
            throw new ArgumentException($"{stored.Width}×{stored.Height} turned ({orientation}) is {width}×{height}, not {upright.Width}×{upright.Height}.", nameof(upright));
        for (int i = 0; i < stored.PlaneCount; i++) Apply(orientation, stored.GetPlane(i), upright.GetPlane(i));
    }

    private static void Apply(PictureOrientation orientation, in FramePlane from, in FramePlane to)
    {
        long right = from.BytesPerElement, down = from.Stride;
        long lastColumn = (from.Width - 1) * right, lastRow = (from.Height - 1) * down;
        // Where the upright picture's first sample lies, and the way to its right and lower neighbours.
        (long start, long stepX, long stepY) = orientation switch
        {
            PictureOrientation.MirrorHorizontal => (lastColumn, -right, down),
            PictureOrientation.Rotate180 => (lastColumn + lastRow, -right, -down),
            PictureOrientation.MirrorVertical => (lastRow, right, -down),
            PictureOrientation.Transpose => (0L, down, right),
            PictureOrientation.Rotate90 => (lastRow, -down, right),
            PictureOrientation.Transverse => (lastColumn + lastRow, -down, -right),
            PictureOrientation.Rotate270 => (lastColumn, down, -right),
            _ => (0L, right, down),
        };
        byte* origin = from.Data + start;
        for (int top = 0; top < to.Height; top += Block)
        {
            int bottom = Math.Min(top + Block, to.Height);
            for (int left = 0; left < to.Width; left += Block)
            {
                int count = Math.Min(Block, to.Width - left);
                for (int y = top; y < bottom; y++)
                {
                    byte* source = origin + y * stepY + left * stepX;
                    byte* target = to.Data + (long)y * to.Stride + (long)left * to.BytesPerElement;
                    CopyRun(source, stepX, target, count, to.BytesPerElement);
                }
            }
        }
    }

    private static void CopyRun(byte* source, long step, byte* target, int count, int bytes)
    {
        switch (bytes)
        {
            case 1:
                for (int i = 0; i < count; i++, source += step) target[i] = *source;
                break;
            case 2:
                for (int i = 0; i < count; i++, source += step) ((ushort*)target)[i] = *(ushort*)source;
                break;
            default:
                for (int i = 0; i < count; i++, source += step, target += 3)
                {
                    target[0] = source[0];
                    target[1] = source[1];
                    target[2] = source[2];
                }
                break;
        }
    }
}
