using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Testing;

namespace Img2Pose.OpenCv.Tests;

public sealed class TileSheetTests : IDisposable
{
    private static readonly Rgb Ground = new(24, 24, 24), Red = new(255, 0, 0);

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-tiles").FullName;

    public TileSheetTests() => Gtk.Require();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_tile_shows_its_part_of_the_picture_and_grey_beside_it(double scale)
    {
        byte[] picture = new byte[40 * 40 * 3];
        // Left half red, right half blue.
        for (int i = 0; i < 40 * 40; i++) picture[3 * i + (i % 40 < 20 ? 0 : 2)] = 200;
        using TileSheet sheet = new(2, 1, 60, 4, Ground);
        // What the tile's middle shows is (20, 20), where the colours meet.
        using (Tile tile = sheet[1, 20 - 30 / scale, 20 - 30 / scale, scale]) tile.Show(picture, 40, 40);

        using VideoFrame saved = Save(sheet);

        Assert.Equal((132, 68), (saved.Width, saved.Height));
        int left = 4 + 64;
        Assert.Equal(new Rgb(200, 0, 0), Pixel(saved, left + 30 - 3, 4 + 30));
        Assert.Equal(new Rgb(0, 0, 200), Pixel(saved, left + 30 + 2, 4 + 30));
        Assert.Equal(Ground, Pixel(saved, 4 + 30, 4 + 30));
        if (scale == 1) Assert.Equal(new Rgb(96, 96, 96), Pixel(saved, left + 5, 4 + 30));
    }

    [Fact]
    public void A_box_is_drawn_on_its_own_first_and_last_pixels()
    {
        using TileSheet sheet = new(1, 1, 60, 0, Ground);
        using (Tile tile = sheet[0, 100, 100, 2]) tile.Rectangle(new Box(105, 105, 115, 120), Red);

        using VideoFrame saved = Save(sheet);

        Assert.Equal((Red, Ground), (Pixel(saved, 10, 10), Pixel(saved, 9, 10)));
        Assert.Equal((Red, Ground), (Pixel(saved, 29, 39), Pixel(saved, 30, 40)));
        Assert.Equal(Ground, Pixel(saved, 20, 20));
    }

    [Fact]
    public void What_is_beyond_all_measure_is_not_drawn()
    {
        using TileSheet sheet = new(1, 1, 16, 0, Ground);
        using (Tile tile = sheet[0, 0, 0, 1])
        {
            tile.Line((double.NaN, 0), (5, 5), Red);
            tile.Line((0, 0), (1e300, 5), Red);
            tile.Rectangle(new Box(double.NegativeInfinity, 0, 5, 5), Red);
        }

        using VideoFrame saved = Save(sheet);

        for (int i = 0; i < 256; i++) Assert.Equal(Ground, Pixel(saved, i % 16, i / 16));
    }

    [Fact]
    public void A_number_stays_in_its_tile()
    {
        using TileSheet sheet = new(2, 1, 20, 0, Ground);
        using (Tile tile = sheet[0, 0, 0, 1]) tile.Number(1234567890);

        using VideoFrame saved = Save(sheet);

        Assert.NotEqual(Ground, Pixel(saved, 0, 0));
        for (int i = 0; i < 400; i++) Assert.Equal(Ground, Pixel(saved, 20 + i % 20, i / 20));
    }

    [Fact]
    public void A_sheet_beyond_the_limit_is_refused() =>
        Assert.Contains("16384", Assert.Throws<UsageException>(() => new TileSheet(1000, 1, 17, 0, Ground)).Message, StringComparison.Ordinal);

    private VideoFrame Save(TileSheet sheet)
    {
        string path = Path.Combine(_folder, "sheet.png");
        sheet.Save(path);
        return ImageFile.Read(path);
    }

    private static Rgb Pixel(VideoFrame frame, int x, int y)
    {
        Span<byte> row = frame.GetPlane(0).Row(y);
        return new Rgb(row[3 * x], row[3 * x + 1], row[3 * x + 2]);
    }
}
