using FsCheck;
using FsCheck.Fluent;

namespace Img2Pose.Geometry.Tests;

public class LookGridTests
{
    private static readonly Gen<(LookGrid Grid, Box Face)> s_cases =
        from width in Gen.Choose(32, 1000)
        from height in Gen.Choose(32, 600)
        from target in Gen.Choose(64, 640)
        from x in Gen.Choose(0, 900)
        from y in Gen.Choose(0, 900)
        from w in Gen.Choose(20, 500)
        from h in Gen.Choose(20, 500)
        let grid = new LookGrid(2 * width, 2 * height, target, Math.Max(1, target * height / width), 64)
        let left = x / 1000.0 * grid.Width
        let top = y / 1000.0 * grid.Height
        select (grid, new Box(left, top, Math.Min(grid.Width, left + w), Math.Min(grid.Height, top + h)));

    [Fact]
    public void Cells_hold_the_face_and_lie_in_the_picture_and_their_input_is_of_whole_cells() => Prop.ForAll(Arb.From(s_cases), test =>
    {
        (LookGrid grid, Box face) = test;

        GridCrop crop = grid.Around(face);

        PictureRegion region = crop.Region;
        Assert.True(region.Left >= 0 && region.Top >= 0 && region.Width > 0 && region.Height > 0 && region.Right <= grid.Width && region.Bottom <= grid.Height, $"{test} {crop}");
        Assert.True(region.Left % 2 == 0 && region.Top % 2 == 0);
        Assert.True(crop.PaddedWidth % 64 == 0 && crop.PaddedHeight % 64 == 0);
        Assert.True(crop.Width > 0 && crop.Height > 0 && crop.Width <= crop.PaddedWidth && crop.Height <= crop.PaddedHeight);
        // Edges are rounded to even samples.
        Assert.True(region.Left <= face.Left + 1.01 && region.Top <= face.Top + 1.01 && region.Right >= face.Right - 1.01 && region.Bottom >= face.Bottom - 1.01, $"{test} {crop}");
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Cells_are_those_that_the_whole_picture_is_seen_in_pixel_for_pixel()
    {
        LookGrid grid = new(1280, 720, 640, 360, 64);

        GridCrop crop = grid.Around(new Box(500, 300, 620, 420));

        // Network pixels 250…310 by 150…210 lie in the cells 3…4 and 2…3.
        Assert.Equal(new GridCrop(new PictureRegion(384, 256, 256, 256), 128, 128, 128, 128), crop);
        // The picture ends in the middle of its last row of cells.
        Assert.Equal((40, 64), (grid.Around(new Box(10, 700, 20, 719)).Height, grid.Around(new Box(10, 700, 20, 719)).PaddedHeight));
        Assert.Equal(640 * 384, grid.PaddedPixels);
    }
}
