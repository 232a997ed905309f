using Img2Pose.Formats;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Networks;

public sealed class NanoTwoStageExporterTests : IDisposable
{
    // Padded: the second picture fills all of the batch, the first a part.
    private const int Height = 128, Width = 192;
    private static readonly (int Width, int Height)[] s_sizes = [(160, 100), (Width, Height)];
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"nano-two-stage-{Guid.NewGuid():N}.onnx");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Exported_graph_proposes_scores_and_poses_as_the_network_does()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using NanoTwoStageNetwork network = RandomNetwork();
        Tensor input = empty([2, 3, Height, Width]).normal_(0, 1);
        NanoTwoStageExporter.Export(Weights(network), _path, "{}");

        Outputs outputs = Run(input.data<float>().ToArray(), threshold: 0.5f);

        float[][] proposals = Propose(network, input);
        Assert.All(proposals, own => Assert.InRange(own.Length / 4, 10, NanoTwoStageNetwork.ProposalsPerPicture));
        Assert.Equal([.. proposals.SelectMany((own, picture) => Enumerable.Repeat((long)picture, own.Length / 4))], outputs.ImageIndex);
        Near([.. proposals.SelectMany(own => own)], outputs.Proposals, 0.01);

        float[] regions = [.. outputs.ImageIndex.SelectMany((picture, i) => new[] { (float)picture }.Concat(outputs.Proposals[(4 * i)..(4 * i + 4)]))];
        Tensor pooled = network.Pool(network.Features(input), regions);
        float[] logits = network.Classify(pooled).data<float>().ToArray();
        float[] scores = [.. outputs.ImageIndex.Select((_, i) => 1 / (1 + MathF.Exp(logits[2 * i] - logits[2 * i + 1])))];
        Near(scores, outputs.Scores, 1e-3);

        long[] above = [.. Enumerable.Range(0, scores.Length).Where(i => outputs.Scores[i] > 0.5f).Select(i => (long)i)];
        Assert.InRange(above.Length, 1, scores.Length - 1);
        Assert.Equal(above, outputs.PoseIndex);
        float[] normalised = network.RegressPose(pooled).data<float>().ToArray();
        float[] poses = [.. above.SelectMany(i => Enumerable.Range(0, 6).Select(k =>
            (float)(normalised[12 * i + 6 + k] * NanoTwoStageNetwork.PoseStddev[k] + NanoTwoStageNetwork.PoseMean[k])))];
        Near(poses, outputs.Poses, 2e-3);
    }

    private static NanoTwoStageNetwork RandomNetwork()
    {
        manual_seed(7);
        NanoTwoStageNetwork network = new();
        foreach ((string name, Tensor buffer) in network.named_buffers())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal)) buffer.normal_(0, 0.2);
            if (name.EndsWith("running_var", StringComparison.Ordinal)) buffer.uniform_(0.5, 1.5);
        }
        network.eval();
        return network;
    }

    private static NamedArray[] Weights(NanoTwoStageNetwork network) =>
        [.. network.state_dict()
            .Where(pair => pair.Value.dtype == float32)
            .Select(pair => new NamedArray(pair.Key, pair.Value.shape, pair.Value.detach().data<float>().ToArray()))];

    /// <summary>The proposals that training would sample from, under the limits of the exported graph.</summary>
    private static float[][] Propose(NanoTwoStageNetwork network, Tensor input)
    {
        PaperStepSettings settings = new()
        {
            ProposalsBeforeSuppression = NanoTwoStageNetwork.ProposalsBeforeSuppression,
            ProposalsAfterSuppression = NanoTwoStageNetwork.ProposalsPerPicture,
        };
        PaperTrainingStep step = new(network, settings, BalancedSampler.First, NanoTwoStageNetwork.PoseMean, NanoTwoStageNetwork.PoseStddev, []);
        return step.Propose(input, s_sizes);
    }

    private static void Near(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }

    private Outputs Run(float[] image, float threshold)
    {
        using SessionOptions options = new();
        using InferenceSession session = new(_path, options);
        using OrtValue pictures = OrtValue.CreateTensorValueFromMemory(image, [2, 3, Height, Width]);
        using OrtValue sizes = OrtValue.CreateTensorValueFromMemory<long>([.. s_sizes.SelectMany(size => new long[] { size.Height, size.Width })], [2, 2]);
        using OrtValue limit = OrtValue.CreateTensorValueFromMemory([threshold], []);
        using RunOptions run = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(
            run, ["image", "sizes", "score_threshold"], [pictures, sizes, limit], ["proposals", "image_index", "scores", "pose_index", "poses"]);
        return new Outputs(
            results[0].GetTensorDataAsSpan<float>().ToArray(), results[1].GetTensorDataAsSpan<long>().ToArray(), results[2].GetTensorDataAsSpan<float>().ToArray(),
            results[3].GetTensorDataAsSpan<long>().ToArray(), results[4].GetTensorDataAsSpan<float>().ToArray());
    }

    private sealed record Outputs(float[] Proposals, long[] ImageIndex, float[] Scores, long[] PoseIndex, float[] Poses);
}
