using Img2Pose.Formats;
using Img2Pose.Inference;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Networks;

/// <summary>A ResNet-18 package whose weights are made as those of the golden cases are.</summary>
internal static class GeneratedPackage
{
    public static ModelPackage Write(string folder, TorchvisionBehaviour behaviour)
    {
        GoldenWeights generator = new(2026);
        StateDictionary weights = StateDictionary.FromTensors(
            DetectorGraph.OfficialParameters(18).Select(t => new KeyValuePair<string, CheckpointTensor>(
                t.Name,
                t.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal)
                    ? CheckpointTensor.FromInt64([0L])
                    : CheckpointTensor.FromSingle(generator.Generate(t.Name, t.Shape), t.Shape))),
            "generated");
        double[] mean = new double[6], deviation = [1, 1, 1, 1, 1, 1];
        PackageDescription description = new()
        {
            Name = "generated",
            Licence = "test",
            Statistics = new PoseStatistics(mean, deviation),
            Behaviour = behaviour,
        };
        DetectorSettings settings = new()
        {
            Behaviour = behaviour,
            ProposalsBeforeSuppression = 300,
            ProposalsAfterSuppression = 120,
            PoseMean = mean,
            PoseStandardDeviation = deviation,
        };
        string path = Path.Combine(folder, "generated.onnx");
        DetectorGraph.Official(weights, 18, settings).Save(path, metadata: new Dictionary<string, string> { [PackageDescription.Key] = description.ToJson() });
        return ModelPackage.Load(path);
    }
}
