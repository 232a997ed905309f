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

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_square_about_the_middle_that_is_turned_by_right_angles_is_the_turned_picture(PixelFormat format, int quarters)
    {
        using FramePool pool = new(), squares = new();
        using VideoFrame source = pool.Rent(format, 16, 16);
        for (int plane = 0; plane < source.PlaneCount; plane++)
        {
            for (int y = 0; y < source.GetPlane(plane).Height; y++)
            {
                Span<byte> row = source.GetPlane(plane).Row(y);
                for (int x = 0; x < row.Length; x++) row[x] = (byte)(17 * y + x + 100 * plane);
            }
        }
        using VideoFrame expected = pool.RentTurned(source, quarters);

        using VideoFrame square = squares.RentTurned(source, 8, 8, -8, -8, 16, quarters * Math.PI / 2, 16);

        Assert.Equal((16, 16, 16, 16), (square.Width, square.Height, square.DisplayWidth, square.DisplayHeight));
        for (int plane = 0; plane < source.PlaneCount; plane++)
        {
            for (int y = 0; y < expected.GetPlane(plane).Height; y++)
                Assert.Equal(expected.GetPlane(plane).Row(y).ToArray(), square.GetPlane(plane).Row(y).ToArray());
        }
    }

    [Fact]
    public void A_square_lies_where_it_is_asked_for_in_displayed_pixels_and_repeats_the_edge_beyond()
    {
        // Columns of 0, 10, 20 …, each two displayed pixels wide.
        using FramePool pool = new(), squares = new();
        using VideoFrame source = pool.Rent(PixelFormat.Rgb24, 8, 4);
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 8; x++) source.GetPlane(0).Row(y).Slice(3 * x, 3).Fill((byte)(10 * x));
        }
        (source.DisplayWidth, source.DisplayHeight) = (16, 4);

        using VideoFrame square = squares.RentTurned(source, 8, 2, 4, -2, 8, 0, 4);

        // From displayed pixel 12 on: columns 6 and 7, then the edge.
        Assert.Equal([60, 70, 70, 70], Enumerable.Range(0, 4).Select(x => (int)square.GetPlane(0).Row(2)[3 * x]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.RentTurned(source, 0, 0, 0, 0, 0, 0, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.RentTurned(source, 0, 0, 0, 0, 4, 0, 0));
    }
}
