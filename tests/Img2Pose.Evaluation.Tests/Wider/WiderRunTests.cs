using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Wider;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Wider;

public sealed class WiderRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-wider").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_a_run_writes_in_the_official_layout_reads_back()
    {
        Dictionary<WiderDifficulty, IReadOnlyList<int>> counted = Enum.GetValues<WiderDifficulty>().ToDictionary(d => d, IReadOnlyList<int> (_) => [0]);
        WiderPicture picture = new("0--Toy", "x", [new Box(10, 20, 40, 60)], counted);
        FaceDetection face = new(new Box(10.25, 20, 40.5, 61), 0.875, default);

        WiderRun.Write(_folder, new PictureRun([new PicturePrediction("0--Toy/x.jpg", 100, 100, [face])], [], 0));
        WiderDetection[][] read = WiderRun.Read(_folder, [picture]);

        Assert.Equal("x.jpg\n1\n10.25 20.0 30.25 41.0 0.875\n", File.ReadAllText(Path.Combine(_folder, "0--Toy", "x.txt")));
        Assert.Equal([new WiderDetection(face.Box, face.Score)], read[0]);
        WiderResult[] results = WiderEvaluator.Evaluate([picture], read);
        Assert.Equal(1, results[0].AveragePrecision);
        Assert.Contains("easy", WiderReportOutput.Text(results, _folder));
    }

    [Fact]
    public void A_missing_prediction_file_is_named()
    {
        WiderPicture picture = new("0--Toy", "x", [], new Dictionary<WiderDifficulty, IReadOnlyList<int>>());

        InputException error = Assert.Throws<InputException>(() => WiderRun.Read(_folder, [picture]));

        Assert.Contains(Path.Combine("0--Toy", "x.txt"), error.Message);
    }
}
