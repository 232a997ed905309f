using Img2Pose.Formats;
using Img2Pose.Inference;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Networks;

public sealed class R18NetworkTests : IDisposable
{
    private const int Height = 64, Width = 128;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r18-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(false, 1e-4)]
    [InlineData(true, 5e-3)]
    public void The_exported_graph_scores_cells_as_the_network_does(bool half, double tolerance)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using R18Network network = Random();
        Tensor input = empty([1, 3, Height, Width]).normal_(0, 1);
        float[] codes = network.call(input).data<float>().ToArray();
        string path = Path.Combine(_folder.FullName, "r18.onnx");

        NanoExporter.Export(R18Network.Graph with { HalfWeights = half }, State(network), path, "{}");

        (float[] scores, float[] boxes) = Run(path, input.data<float>().ToArray());
        int[] order = [.. Enumerable.Range(0, codes.Length / CellCode.Values).OrderByDescending(cell => codes[CellCode.Values * cell])];
        for (int rank = 0; rank < 10; rank++)
        {
            // Of the score, what does not depend on the side: that is the exporter's own test.
            double side = boxes[4 * rank + 2] - boxes[4 * rank];
            double share = Math.Clamp(Math.Log(side / NanoExporter.SmallSide) / Math.Log(NanoExporter.LargeSide / NanoExporter.SmallSide), 0, 1);
            double expected = side < NanoExporter.SmallestFace ? 0 : (1 - (1 - NanoExporter.LargeFaceFactor) * share) / (1 + Math.Exp(-codes[CellCode.Values * order[rank]]));
            Assert.Equal(expected, scores[rank], tolerance);
        }
    }

    /// <summary>A module that is registered twice learns twice a step, and an average of it exchanges twice with it.</summary>
    [Theory]
    [InlineData(NanoModel.SingleStage, 1_350_000, 1_450_000)]
    [InlineData(NanoModel.R18, 12_400_000, 12_600_000)]
    [InlineData(NanoModel.TwoStage, 2_000_000, 2_200_000)]
    [InlineData("resnet18", 40_000_000, 45_000_000)]
    public void Every_tensor_of_a_network_has_one_name(string name, long least, long most)
    {
        Torch.Require();
        using NanoModel? model = name == "resnet18" ? null : NanoModel.Create(name, CPU);
        using PaperNetwork? paper = model is null ? new PaperNetwork(18, 0) : null;
        nn.Module network = model?.Network ?? paper!;

        Dictionary<string, Tensor> state = network.state_dict();
        Assert.Equal(state.Count, state.Values.Distinct(ReferenceEqualityComparer.Instance).Count());
        Tensor[] parameters = [.. network.named_parameters().Select(pair => pair.parameter)];
        Assert.Equal(parameters.Length, parameters.Distinct(ReferenceEqualityComparer.Instance).Count());
        Assert.InRange(parameters.Sum(parameter => parameter.shape.Aggregate(1L, (product, side) => product * side)), least, most);
    }

    /// <summary>With frozen norms a training at the default model's rate let the last stage grow to deviations of a thousand.</summary>
    [Fact]
    public void Norms_of_stages_that_learn_hold_the_features_size_and_frozen_ones_do_not()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        Tensor input = empty([2, 3, 64, 64]).normal_(0, 1);

        foreach (bool learns in (bool[])[true, false])
        {
            using ResNetBody body = new(18, R18Network.NormEpsilon, learns);
            body.train();
            double before = Size(body);
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in body.named_parameters())
            {
                if (parameter.requires_grad && name.Contains("conv", StringComparison.Ordinal)) parameter.mul_(4);
            }
            double grew = Size(body) / before;
            Assert.True(learns ? grew is > 0.9 and < 1.1 : grew > 10, $"with norms that {(learns ? "learn" : "are frozen")} the last stage's features grew {grew} times");
        }

        double Size(ResNetBody body) => body.call(input)[3].square().mean().sqrt().item<float>();
    }

    [Fact]
    public void Norms_that_are_measured_pass_on_what_they_did_whatever_the_filters_size_was()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using R18Network network = Random();
        // As folding leaves one.
        Tensor filters = network.state_dict()["lateral2.conv.weight"].detach();
        filters.mul_(1e-3);
        Tensor input = empty([2, 3, Height, Width]).normal_(0, 1);
        float[] before = network.call(input).data<float>().ToArray();
        float[] variance = network.state_dict()["backbone.body.layer4.1.bn2.running_var"].data<float>().ToArray();

        NanoStart.Measure(network, 2, _ => empty([4, 3, 64, 64]).normal_(0, 1));

        network.eval();
        float[] after = network.call(input).data<float>().ToArray();
        double size = Math.Sqrt(before.Average(value => (double)value * value));
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-3 * size));
        Assert.Equal(Math.Sqrt(2.0 / 96), filters.square().mean().sqrt().item<float>(), 1e-4);
        Assert.NotEqual(variance, network.state_dict()["backbone.body.layer4.1.bn2.running_var"].data<float>().ToArray());
    }

    [Fact]
    public void The_package_keeps_within_what_the_repository_takes()
    {
        Torch.Require();
        using R18Network network = new();
        string path = Path.Combine(_folder.FullName, "r18.onnx");

        NanoExporter.Export(R18Network.Graph, State(network), path, "{}");

        Assert.InRange(new FileInfo(path).Length, 20 << 20, 28_000_000);
    }

    [Fact]
    public async Task A_short_run_leaves_a_package_that_detects()
    {
        Torch.Require();
        LinkedPack.Write(Path.Combine(_folder.FullName, "pack"), 3);
        TrainingOptions options = new()
        {
            Data = Path.Combine(_folder.FullName, "pack"),
            Output = Path.Combine(_folder.FullName, "out"),
            Network = NanoModel.R18,
            Steps = 2,
            EpochSteps = 2,
            Batch = 1,
            Sizes = [128],
        };
        NanoTrainer trainer = new(options, _ => { });

        Assert.Equal(2, await trainer.RunAsync(TestContext.Current.CancellationToken));

        ModelPackage package = ModelPackage.Load(trainer.ModelPath);
        Assert.Equal("img2pose-r18", package.Metadata.Name);
        using PoseDetector detector = PoseDetector.Create(package, new PoseDetectorOptions { Device = "cpu", Threads = 1 });
    }

    private static R18Network Random()
    {
        manual_seed(5);
        R18Network network = new();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
        {
            if (name.EndsWith("output.weight", StringComparison.Ordinal)) parameter.normal_(0, 0.05);
        }
        network.eval();
        return network;
    }

    private static IEnumerable<NamedArray> State(R18Network network) => network.state_dict()
        .Where(pair => pair.Value.dtype == float32)
        .Select(pair => new NamedArray(pair.Key, pair.Value.shape, pair.Value.detach().data<float>().ToArray()));

    private static (float[] Scores, float[] Boxes) Run(string path, float[] image)
    {
        using SessionOptions options = new();
        using InferenceSession session = new(path, options);
        using OrtValue pictures = OrtValue.CreateTensorValueFromMemory(image, [1, 3, Height, Width]);
        using OrtValue sizes = OrtValue.CreateTensorValueFromMemory<long>([Height, Width], [1, 2]);
        using OrtValue threshold = OrtValue.CreateTensorValueFromMemory([-1f], []);
        using RunOptions run = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, ["image", "sizes", "score_threshold"], [pictures, sizes, threshold], ["scores", "proposals"]);
        return (results[0].GetTensorDataAsSpan<float>().ToArray(), results[1].GetTensorDataAsSpan<float>().ToArray());
    }
}
