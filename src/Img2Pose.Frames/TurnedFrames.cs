namespace Img2Pose.Frames;

/// <summary>Makes turned copies of pictures.</summary>
public static class TurnedFrames
{
    /// <summary>Leases a copy of a picture turned clockwise, with the same times and colours.</summary>
    /// <param name="pool">Where the copy comes from.</param>
    /// <param name="source">The picture, in host memory; only read.</param>
    /// <param name="quarters">Quarter turns, 1 to 3.</param>
    /// <param name="step">Only every n-th sample of every n-th row is taken, n at least 1; the displayed size stays that of the whole.</param>
    /// <exception cref="InvalidOperationException">The picture is not in host memory.</exception>
    public static VideoFrame RentTurned(this FramePool pool, VideoFrame source, int quarters, int step = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quarters, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quarters, 3);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        bool upright = quarters == 2;
        int width = Math.Max(1, source.Width / step), height = Math.Max(1, source.Height / step);
        VideoFrame copy = pool.Rent(source.Format, upright ? width : height, upright ? height : width);
        try
        {
            for (int i = 0; i < source.PlaneCount; i++) Turn(source.GetPlane(i), copy.GetPlane(i), quarters, step);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        copy.CopyPropertiesFrom(source);
        (copy.DisplayWidth, copy.DisplayHeight) = upright ? (source.DisplayWidth, source.DisplayHeight) : (source.DisplayHeight, source.DisplayWidth);
        return copy;
    }

    private static void Turn(FramePlane from, FramePlane to, int quarters, int step)
    {
        int bytes = from.BytesPerElement;
        for (int y = 0; y < to.Height; y++)
        {
            Span<byte> row = to.Row(y);
            for (int x = 0; x < to.Width; x++)
            {
                (int column, int line) = quarters switch
                {
                    1 => (y, to.Width - 1 - x),
                    2 => (to.Width - 1 - x, to.Height - 1 - y),
                    _ => (to.Height - 1 - y, x),
                };
                // Planes of half the size may be a sample short of what the step asks for.
                column = Math.Min(step * column, from.Width - 1);
                line = Math.Min(step * line, from.Height - 1);
                from.Row(line).Slice(column * bytes, bytes).CopyTo(row[(x * bytes)..]);
            }
        }
    }
}
