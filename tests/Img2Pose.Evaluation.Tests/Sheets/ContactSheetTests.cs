using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Sheets;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Evaluation.Tests.Sheets;

public sealed class ContactSheetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-sheets").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Failures_are_found_and_ranked()
    {
        PackSample sample = Sample(
            [Face(0, 0, 40, 40), Face(100, 0, 200, 100), Face(0, 100, 60, 160, new Pose(Vector3d.Zero, new(0, 0, 20)))],
            [Found(300, 300, 320, 320, 0.6), Found(350, 300, 370, 320, 0.8), Found(100, 0, 200, 100, 0.3),
             Found(0, 100, 60, 160, 0.9) with { Pose = new Pose(new(0, 0.5, 0), new(0, 0, 20)) }]);

        PackFailures failures = PackFailures.Find([sample], 0.5);

        Assert.Equal([100, 40], failures.Misses.Select(f => f.Box.Width));
        Assert.Contains("best score 0.300", failures.Misses[0].Description);
        Assert.Contains("no box", failures.Misses[1].Description);
        Assert.Equal([350, 300], failures.FalseAlarms.Select(f => f.Box.Left));
        PackFailure pose = Assert.Single(failures.WorstPoses);
        Assert.StartsWith("rotation off by 28.6 deg", pose.Description);
    }

    [Fact]
    public void A_sheet_shows_the_subject_and_the_list_names_it()
    {
        string picture = Path.Combine(_folder, "a.png");
        WriteGrey(picture, 100, 100, 200);
        PackSample sample = Sample([Face(20, 20, 70, 70)], []) with { };
        sample = sample with { Annotation = sample.Annotation with { Path = picture } };

        ContactSheets.Write(Path.Combine(_folder, "out"), [sample], 0.5);

        using VideoFrame sheet = ImageFile.Read(Path.Combine(_folder, "out", "misses-1.png"));
        Assert.Equal((1444, 904), (sheet.Width, sheet.Height));
        // The tile is 176 pixels at (4, 4) and shows 110 pixels around (45, 45), so the face's left edge, 20, is at 4 + 48.
        Assert.Equal((40, 220, 60), Pixel(sheet, 4 + 48, 4 + 88));
        Assert.Equal((200, 200, 200), Pixel(sheet, 4 + 88, 4 + 88));
        // Left of the picture's edge lies nothing.
        Assert.Equal((96, 96, 96), Pixel(sheet, 4 + 5, 4 + 88));
        string line = Assert.Single(File.ReadAllLines(Path.Combine(_folder, "out", "misses.txt")));
        Assert.StartsWith("1\ta.png\t20,20,70,70\tmissed, 50 px", line);
        Assert.Empty(File.ReadAllLines(Path.Combine(_folder, "out", "false-alarms.txt")));
    }

    [Fact]
    public void Sheets_of_an_earlier_run_do_not_stay()
    {
        string stale = Path.Combine(_folder, "misses-7.png");
        File.WriteAllText(stale, "old");

        ContactSheets.Write(_folder, [Sample([], [])], 0.5);

        Assert.False(File.Exists(stale));
    }

    [Fact]
    public void Without_the_pictures_the_boxes_are_still_drawn()
    {
        ContactSheets.Write(_folder, [Sample([Face(20, 20, 70, 70)], [])], 0.5);

        Assert.True(File.Exists(Path.Combine(_folder, "misses-1.png")));
    }

    private static (int, int, int) Pixel(VideoFrame frame, int x, int y)
    {
        Span<byte> row = frame.GetPlane(0).Row(y);
        return (row[3 * x], row[3 * x + 1], row[3 * x + 2]);
    }

    private static void WriteGrey(string path, int width, int height, byte level)
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, width, height);
        for (int y = 0; y < height; y++) frame.GetPlane(0).Row(y).Fill(level);
        ImageFile.Write(path, frame);
    }

    private static PackSample Sample(AnnotatedFace[] faces, FaceDetection[] detections) => new(
        new AnnotatedImage { Image = "a.png", Path = "/nowhere/a.png", Width = 400, Height = 400, Set = "toy", Complete = true, Faces = faces }, detections);

    private static AnnotatedFace Face(double left, double top, double right, double bottom, Pose? pose = null) =>
        new() { Box = new Box(left, top, right, bottom), Pose = pose, Label = "gt68", Ignore = false };

    private static FaceDetection Found(double left, double top, double right, double bottom, double score) =>
        new(new Box(left, top, right, bottom), score, new Pose(Vector3d.Zero, new(0, 0, 20)));
}
