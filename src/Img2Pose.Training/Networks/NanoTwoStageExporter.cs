using Img2Pose.Formats;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Onnx;

namespace Img2Pose.Training.Networks;

/// <summary>Writes <see cref="NanoTwoStageNetwork"/> as an ONNX graph: its own pyramid below the proposals and heads of <see cref="DetectorGraph"/>.</summary>
internal static class NanoTwoStageExporter
{
    /// <summary>Exports the weights (names as in the network's <c>state_dict()</c>) with the JSON of the "img2pose" metadata key.</summary>
    internal static void Export(IEnumerable<NamedArray> state, string path, string metadata)
    {
        NamedArray[] arrays = [.. state];
        StateDictionary weights = StateDictionary.FromTensors(
            arrays.Select(array => KeyValuePair.Create(array.Name, CheckpointTensor.FromSingle(array.Values, array.Shape))), path);
        DetectorSettings settings = new()
        {
            // Suppression level by level, as in training.
            Behaviour = TorchvisionBehaviour.V014,
            ProposalsBeforeSuppression = NanoTwoStageNetwork.ProposalsBeforeSuppression,
            ProposalsAfterSuppression = NanoTwoStageNetwork.ProposalsPerPicture,
            PoseMean = NanoTwoStageNetwork.PoseMean,
            PoseStandardDeviation = NanoTwoStageNetwork.PoseStddev,
        };
        OnnxGraphBuilder graph = DetectorGraph.Build(weights, NanoTwoStageNetwork.Anchors, settings,
            (builder, image) => new PyramidGraph(builder, arrays).Write(NanoTwoStageNetwork.Architecture, image));
        NanoPackage.Save(graph, path, metadata);
    }
}
