namespace Img2Pose.Geometry;

/// <summary>
/// The grid of cells in which a network looks at a picture: cells of as many network pixels as its coarsest features are apart. What
/// lies in whole cells can be cut out and looked at alone, and the network sees in it what it sees in the whole picture, pixel for
/// pixel and feature for feature, but for what its receptive fields reach beyond the edges.
/// </summary>
/// <param name="Width">Width of the picture in samples of its planes.</param>
/// <param name="Height">Height, likewise.</param>
/// <param name="ResizedWidth">Width of the picture as the network sees it, before padding.</param>
/// <param name="ResizedHeight">Height, likewise.</param>
/// <param name="Cell">Side of a cell in network pixels.</param>
public readonly record struct LookGrid(int Width, int Height, int ResizedWidth, int ResizedHeight, int Cell)
{
    /// <summary>Pixels of the network's input for the whole picture.</summary>
    public double PaddedPixels => (double)Padded(ResizedWidth) * Padded(ResizedHeight);

    private double ScaleX => (double)ResizedWidth / Width;

    private double ScaleY => (double)ResizedHeight / Height;

    /// <summary>The cells that a face touches.</summary>
    /// <param name="face">Where the face is expected, in samples of the picture.</param>
    public GridCrop Around(in Box face)
    {
        (int left, int right) = Cells(face.Left * ScaleX, face.Right * ScaleX, ResizedWidth);
        (int top, int bottom) = Cells(face.Top * ScaleY, face.Bottom * ScaleY, ResizedHeight);
        (int x, int width) = Samples(left, Math.Min(right, ResizedWidth), ScaleX, Width);
        (int y, int height) = Samples(top, Math.Min(bottom, ResizedHeight), ScaleY, Height);
        return new GridCrop(
            new PictureRegion(x, y, width, height), Math.Min(right, ResizedWidth) - left, Math.Min(bottom, ResizedHeight) - top, right - left, bottom - top);
    }

    private int Padded(int length) => (length + Cell - 1) / Cell * Cell;

    private (int Begin, int End) Cells(double begin, double end, int length)
    {
        int last = Padded(length) / Cell;
        int first = Math.Clamp((int)Math.Floor(begin / Cell), 0, last - 1);
        return (first * Cell, Math.Clamp((int)Math.Ceiling(end / Cell), first + 1, last) * Cell);
    }

    /// <summary>The samples that network pixels are made of, beginning at even ones, since chroma may be halved.</summary>
    private static (int Begin, int Length) Samples(int begin, int end, double scale, int length)
    {
        int first = Math.Clamp(2 * (int)Math.Round(begin / scale / 2), 0, (length - 1) & ~1);
        return (first, Math.Clamp((int)Math.Round(end / scale) - first, 1, length - first));
    }
}

/// <summary>Whole cells of a <see cref="LookGrid"/>.</summary>
/// <param name="Region">Their samples.</param>
/// <param name="Width">Width that these are resized to, network pixels.</param>
/// <param name="Height">Height, likewise.</param>
/// <param name="PaddedWidth">Width of the network's input: at the picture's right edge the last cell may be padded.</param>
/// <param name="PaddedHeight">Height, likewise.</param>
public readonly record struct GridCrop(PictureRegion Region, int Width, int Height, int PaddedWidth, int PaddedHeight)
{
    /// <summary>Pixels of the network's input.</summary>
    public double Pixels => (double)PaddedWidth * PaddedHeight;
}
