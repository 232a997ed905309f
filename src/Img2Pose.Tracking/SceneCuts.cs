using System.Numerics.Tensors;
using Img2Pose.Frames;

namespace Img2Pose.Tracking;

/// <summary>
/// Tells where one scene of a video ends and the next begins, from the pictures alone: two neighbours of one scene look
/// alike even when everything in them moves, the first picture of another scene does not. Compared are small pictures of
/// the brightness by their correlation, which light switched on and flashes do not change. Not thread-safe; allocates
/// nothing; some 5,000 samples of a frame are read.
/// </summary>
public sealed class SceneCuts
{
    private const int Columns = 48, Rows = 27, Cells = Columns * Rows;

    /// <summary>Neighbours of one scene correlate more than this; across a cut the correlation is seldom above 0.4.</summary>
    private const double Alike = 0.55;

    /// <summary>And so much less than the pictures before did: a scene that always flickers has no cut in every frame.</summary>
    private const double Drop = 0.3;

    /// <summary>Frames further apart than this, seconds, differ without a cut.</summary>
    private const double LongestStep = 0.25;

    /// <summary>A standard deviation of brightness, of 255, below which a picture (black, a flash) has nothing to compare.</summary>
    private const double Flat = 3;

    private float[] _previous = new float[Cells];
    private float[] _current = new float[Cells];
    private double _previousTime = double.NaN;
    private double _usual = 1;
    private bool _any;

    /// <summary>Cells of the small pictures.</summary>
    internal const int CellCount = Cells;

    /// <summary>Cells in a row of a small picture.</summary>
    internal const int ColumnCount = Columns;

    /// <summary>Fills a small picture with the brightness of a frame that lies on a device: sums of four samples of eight bits a cell.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="columns">Cells in a row.</param>
    /// <param name="rows">Rows of cells.</param>
    /// <param name="sums">Receives them, row after row.</param>
    public delegate void DeviceReader(VideoFrame frame, int columns, int rows, Span<float> sums);

    /// <summary>Takes the next frame.</summary>
    /// <param name="frame">A frame.</param>
    /// <param name="time">Its time, seconds.</param>
    /// <param name="read">Reads frames in a device's memory; null: nothing is told of those.</param>
    /// <returns>Whether it is the first of another scene than the frame before.</returns>
    public bool Observe(VideoFrame frame, double time, DeviceReader? read = null)
    {
        if (frame.Memory == MemoryKind.Host) Shrink(frame, _current);
        else if (read is not null) read(frame, Columns, Rows, _current);
        else return false;
        // Black between two scenes and the white of a flash are skipped: what follows is compared with what was before.
        if (!Normalise(_current)) return false;
        bool near = _any && Math.Abs(time - _previousTime) <= LongestStep;
        double correlation = near ? TensorPrimitives.Dot(_current, _previous) : 1;
        bool cut = correlation < Alike && _usual - correlation > Drop;
        _usual = cut || !near ? 1 : _usual + 0.25 * (correlation - _usual);
        (_previous, _current) = (_current, _previous);
        _previousTime = time;
        _any = true;
        return cut;
    }

    /// <summary>Mean brightness of four samples in each cell.</summary>
    internal static void Shrink(VideoFrame frame, Span<float> cells)
    {
        FramePlane plane = frame.GetPlane(0);
        int step = plane.BytesPerElement;
        // Of RGB green is most of the brightness; of two bytes the upper holds the two highest bits of ten.
        cells.Clear();
        for (int line = 0; line < 2 * Rows; line++)
        {
            ReadOnlySpan<byte> row = plane.Row((int)((2L * line + 1) * plane.Height / (4 * Rows)));
            Span<float> target = cells.Slice(line / 2 * Columns, Columns);
            for (int column = 0; column < 2 * Columns; column++)
            {
                int x = (int)((2L * column + 1) * plane.Width / (4 * Columns)) * step;
                target[column / 2] += step switch
                {
                    2 => (row[x] | (row[x + 1] << 8)) / 4f,
                    3 => row[x + 1],
                    _ => row[x],
                };
            }
        }
    }

    /// <summary>Mean 0 and length 1, so that a product is a correlation; false where the picture is flat.</summary>
    private static bool Normalise(Span<float> cells)
    {
        float mean = TensorPrimitives.Sum<float>(cells) / Cells;
        TensorPrimitives.Subtract(cells, mean, cells);
        float length = TensorPrimitives.Norm<float>(cells);
        // A cell is the sum of four samples.
        if (!(length > 4 * Flat * MathF.Sqrt(Cells))) return false;
        TensorPrimitives.Divide(cells, length, cells);
        return true;
    }
}
