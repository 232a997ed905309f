using Img2Pose.Frames;
using Img2Pose.Media;
using OpenCvSharp;

namespace Img2Pose.OpenCv;

/// <summary>A picture of square tiles in rows, for looking at many small things at once. Owns its memory; used by one thread.</summary>
internal sealed class TileSheet : IDisposable
{
    /// <summary>The longest side of a sheet, pixels.</summary>
    public const int Limit = 16384;

    private readonly Mat _picture;
    private readonly int _columns, _side, _gap;

    /// <summary>An empty sheet.</summary>
    /// <param name="columns">Tiles in a row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="side">Side of a tile, pixels.</param>
    /// <param name="gap">Pixels between tiles and around them.</param>
    /// <param name="ground">Colour of what is not drawn on.</param>
    /// <exception cref="UsageException">The sheet would be larger than <see cref="Limit"/> pixels a side.</exception>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public TileSheet(int columns, int rows, int side, int gap, Rgb ground)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side);
        ArgumentOutOfRangeException.ThrowIfNegative(gap);
        (long width, long height) = ((long)columns * (side + gap) + gap, (long)rows * (side + gap) + gap);
        if (width > Limit || height > Limit)
            throw new UsageException($"a sheet of {columns}x{rows} cells of {side} pixels is larger than {Limit} pixels; ask for fewer or smaller ones");
        OpenCvLibrary.Require();
        (_columns, _side, _gap) = (columns, side, gap);
        _picture = new Mat((int)height, (int)width, MatType.CV_8UC3, ground.Scalar);
    }

    /// <summary>
    /// A tile to draw on, where a point (x, y) of what it shows appears at ((x − left)·scale, (y − top)·scale). Valid as long
    /// as the sheet is; to be disposed before it.
    /// </summary>
    /// <param name="index">Number of the tile, by rows.</param>
    /// <param name="left">What appears at the tile's left edge.</param>
    /// <param name="top">What appears at its upper edge.</param>
    /// <param name="scale">Pixels of the tile per pixel of the picture.</param>
    public Tile this[int index, double left, double top, double scale]
    {
        get
        {
            int x = _gap + index % _columns * (_side + _gap), y = _gap + index / _columns * (_side + _gap);
            return new Tile(new Mat(_picture, new Rect(x, y, _side, _side)), left, top, scale);
        }
    }

    /// <summary>Writes the sheet; the name's ending chooses the format.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Save(string path)
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, _picture.Width, _picture.Height);
        FramePlane plane = frame.GetPlane(0);
        using Mat target = Mat.FromPixelData(plane.Height, plane.Width, MatType.CV_8UC3, plane.Address, plane.Stride);
        _picture.CopyTo(target);
        ImageFile.Write(path, frame);
    }

    /// <inheritdoc/>
    public void Dispose() => _picture.Dispose();
}
