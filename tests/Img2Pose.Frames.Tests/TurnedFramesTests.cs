namespace Img2Pose.Frames.Tests;

public sealed class TurnedFramesTests
{
    public static TheoryData<PixelFormat, int> Cases
    {
        get
        {
            TheoryData<PixelFormat, int> cases = [];
            foreach (PixelFormat format in Enum.GetValues<PixelFormat>())
            {
                for (int quarters = 1; quarters < 4; quarters++) cases.Add(format, quarters);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_element_goes_where_a_clockwise_turn_brings_it(PixelFormat format, int quarters)
    {
        using FramePool pool = new();
        using VideoFrame source = pool.Rent(format, 12, 8);
        for (int plane = 0; plane < source.PlaneCount; plane++)
        {
            for (int y = 0; y < source.GetPlane(plane).Height; y++)
            {
                Span<byte> row = source.GetPlane(plane).Row(y);
                for (int x = 0; x < row.Length; x++) row[x] = (byte)(17 * y + x + 100 * plane);
            }
        }
        (source.DisplayWidth, source.DisplayHeight, source.Index, source.SourceName) = (24, 8, 7, "a");

        using VideoFrame turned = pool.RentTurned(source, quarters);

        Assert.Equal(quarters == 2 ? (12, 8, 24, 8) : (8, 12, 8, 24), (turned.Width, turned.Height, turned.DisplayWidth, turned.DisplayHeight));
        Assert.Equal((7L, "a"), (turned.Index, turned.SourceName));
        for (int plane = 0; plane < source.PlaneCount; plane++)
        {
            FramePlane from = source.GetPlane(plane), to = turned.GetPlane(plane);
            int bytes = from.BytesPerElement;
            for (int y = 0; y < from.Height; y++)
            {
                for (int x = 0; x < from.Width; x++)
                {
                    (int column, int line) = quarters switch { 1 => (from.Height - 1 - y, x), 2 => (from.Width - 1 - x, from.Height - 1 - y), _ => (y, from.Width - 1 - x) };
                    Assert.True(from.Row(y).Slice(x * bytes, bytes).SequenceEqual(to.Row(line).Slice(column * bytes, bytes)), $"plane {plane}, {x}, {y}");
                }
            }
        }
    }

    [Fact]
    public void A_thinned_copy_shows_the_whole_picture()
    {
        using FramePool pool = new();
        using VideoFrame source = pool.Rent(PixelFormat.Rgb24, 10, 7);
        for (int y = 0; y < 7; y++)
        {
            for (int x = 0; x < 10; x++) source.GetPlane(0).Row(y).Slice(3 * x, 3).Fill((byte)(10 * y + x));
        }
        using VideoFrame turned = pool.RentTurned(source, 1, step: 3);
        Assert.Equal((2, 3, 7, 10), (turned.Width, turned.Height, turned.DisplayWidth, turned.DisplayHeight));
        // Rows 3 and 0 of columns 0, 3 and 6.
        Assert.Equal([30, 0, 33, 3, 36, 6], Enumerable.Range(0, 6).Select(i => (int)turned.GetPlane(0).Row(i / 2)[3 * (i % 2)]));
    }

    [Fact]
    public void Other_than_quarter_turns_are_refused()
    {
        using FramePool pool = new();
        using VideoFrame source = pool.Rent(PixelFormat.Rgb24, 4, 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.RentTurned(source, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.RentTurned(source, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.RentTurned(source, 1, 0));
    }
}
