using Img2Pose.Formats.Onnx;
using Img2Pose.Inference;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Models.Tests.Networks;
using Img2Pose.Testing;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Models.Tests.Packages;

/// <summary>The default model, whose scores are calibrated, as it was trained, and calibrated by other lines.</summary>
public sealed class PackageCalibratorTests : IDisposable
{
    private const int Side = 128;

    private static readonly string s_shipped = Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx");

    // Two bends among the scores that the picture below gets, and one far above.
    private static readonly ScoreCalibration s_map = new([-13, -4, -1, 13], [-26, -9, -2.5, 20]);

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-calibrated").FullName;
    private readonly string _model;

    public PackageCalibratorTests()
    {
        _model = Path.Combine(_folder, "trained.onnx");
        PackageExporter.Export(s_shipped, new ExportOptions { Uncalibrated = true }, _model);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Scores_go_through_the_map_in_their_order_and_the_threshold_goes_with_them()
    {
        ModelPackage plain = ModelPackage.Load(_model);
        string path = Path.Combine(_folder, "calibrated.onnx");

        PackageCalibrator.Write(plain.Path, s_map, path);

        ModelPackage calibrated = ModelPackage.Load(path);
        Assert.Equal(s_map.Apply(plain.Metadata.ScoreThreshold), calibrated.Metadata.ScoreThreshold, 1e-5);
        Assert.Equal(s_map.Logits, calibrated.Metadata.Calibration!.Logits);
        Assert.Equal(s_map.Calibrated, calibrated.Metadata.Calibration.Calibrated);
        // Bounds below the threshold are parts of what it was.
        Assert.Equal(s_map.Apply(0.5 * plain.Metadata.ScoreThreshold), calibrated.Metadata.PartOf(calibrated.Metadata.ScoreThreshold, 0.5), 1e-5);
        Assert.Equal(0.5 * plain.Metadata.ScoreThreshold, plain.Metadata.PartOf(plain.Metadata.ScoreThreshold, 0.5));
        // And those above it go with the scores.
        Assert.Equal(s_map.Apply(0.6), calibrated.Metadata.ScoreOf(0.6), 1e-9);
        Assert.Equal(0.6, plain.Metadata.ScoreOf(0.6));
        (float[] before, long[] above) = Run(plain.Path, 0.2f);
        (float[] after, long[] aboveAfter) = Run(path, (float)s_map.Apply(0.2));
        Assert.Equal(before.Length, after.Length);
        for (int i = 0; i < before.Length; i++) Assert.Equal(s_map.Apply(before[i]), after[i], 1e-4);
        Assert.Contains(before, score => score < 0.018);
        Assert.Contains(before, score => score > 0.018);
        // What is posed is what scores above the threshold, calibrated or not.
        Assert.Equal(above, aboveAfter);
        using PoseDetector detector = PoseDetector.Create(calibrated, new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        detector.Verify();
    }

    [Fact]
    public void A_calibrated_package_is_not_calibrated_again()
    {
        string path = Path.Combine(_folder, "once.onnx");
        PackageCalibrator.Write(_model, s_map, path);

        ModelException error = Assert.Throws<ModelException>(() => PackageCalibrator.Write(path, s_map, Path.Combine(_folder, "twice.onnx")));

        Assert.Contains("calibrated already", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_calibrated_comes_back_as_it_was_trained()
    {
        string path = Path.Combine(_folder, "once.onnx"), back = Path.Combine(_folder, "back.onnx");
        PackageCalibrator.Write(_model, s_map, path);

        PackageExporter.Export(path, new ExportOptions { Uncalibrated = true }, back);

        Assert.Equal(OnnxFile.Read(_model), OnnxFile.Read(back));
        Assert.Contains("as they were trained", Assert.Throws<ModelException>(() => PackageExporter.Export(back, new ExportOptions { Uncalibrated = true }, path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_two_stage_package_keeps_its_authors_scores()
    {
        ModelPackage package = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V014);

        Assert.Contains("no one-stage package", Assert.Throws<ModelException>(() => PackageCalibrator.Write(package.Path, s_map, Path.Combine(_folder, "x.onnx"))).Message, StringComparison.Ordinal);
    }

    private static (float[] Scores, long[] Above) Run(string path, float threshold)
    {
        float[] image = new float[3 * Side * Side];
        for (int i = 0; i < image.Length; i++) image[i] = MathF.Sin(0.05f * i) + MathF.Cos(0.0007f * i);
        using SessionOptions options = new();
        using InferenceSession session = new(path, options);
        using OrtValue picture = OrtValue.CreateTensorValueFromMemory(image, [1, 3, Side, Side]);
        using OrtValue sizes = OrtValue.CreateTensorValueFromMemory<long>([Side, Side], [1, 2]);
        using OrtValue limit = OrtValue.CreateTensorValueFromMemory([threshold], []);
        using RunOptions run = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, ["image", "sizes", "score_threshold"], [picture, sizes, limit], ["scores", "pose_index"]);
        return (results[0].GetTensorDataAsSpan<float>().ToArray(), results[1].GetTensorDataAsSpan<long>().ToArray());
    }
}
