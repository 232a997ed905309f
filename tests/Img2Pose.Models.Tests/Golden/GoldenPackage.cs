using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>A golden case as the program sees it: a model package, and the options that give the original's numbers.</summary>
internal static class GoldenPackage
{
    public static void Write(GoldenModelCase golden, string path)
    {
        DetectorSettings settings = golden.DetectorSettings(taps: false);
        PackageDescription description = new()
        {
            Name = "golden",
            Licence = "test",
            Statistics = new PoseStatistics([.. settings.PoseMean], [.. settings.PoseStandardDeviation]),
            Behaviour = settings.Behaviour,
            MinSize = golden.Settings.GetProperty("min_size").GetInt32(),
            MaxSize = golden.Settings.GetProperty("max_size").GetInt32(),
        };
        DetectorGraph.Official(golden.Weights(), golden.Depth, settings)
            .Save(path, metadata: new Dictionary<string, string> { [PackageDescription.Key] = description.ToJson() });
    }

    public static PoseDetectorOptions Options(GoldenModelCase golden) => new()
    {
        Device = "cpu",
        Threads = 2,
        ScoreThreshold = golden.Settings.GetProperty("score_thresh").GetDouble(),
        NmsThreshold = golden.Settings.GetProperty("nms_thresh").GetDouble(),
        Factors = new FaceBoxFactors(
            golden.Settings.GetProperty("bbox_x_factor").GetDouble(),
            golden.Settings.GetProperty("bbox_y_factor").GetDouble(),
            golden.Settings.GetProperty("expand_forehead").GetDouble()),
        Reference = ReferenceFaceFiles.Load(SharedData.Require("reference")),
        OriginalCoordinates = true,
    };
}
