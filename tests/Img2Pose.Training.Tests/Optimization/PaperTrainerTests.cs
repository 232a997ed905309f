using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;
using Img2Pose.Training.Data;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class PaperTrainerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("paper-trainer-");

    private string Pack => Path.Combine(_folder.FullName, "pack");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_short_run_lowers_the_loss_and_leaves_a_model_that_can_be_imported()
    {
        Torch.Require();
        LinkPack(4);
        // The same two pictures over and over, of two that validate and two that train.
        PaperTrainingOptions options = Options("out") with { Steps = 8, EpochSteps = 8, ReportSteps = 4, LearningRate = 5e-3, WarmUp = 3, Sizes = [64], Augment = false };
        List<string> said = [];
        PaperTrainer trainer = new(options, said.Add);

        Assert.Equal(8, await trainer.RunAsync(TestContext.Current.CancellationToken));

        float[] losses = [.. EventRecords.Series(options.Output, "train_loss").Select(point => point.Value)];
        Assert.Equal(2, losses.Length);
        Assert.True(losses[1] < 0.9f * losses[0], string.Join('\n', said));
        // The original's names, behind the name of what they are of.
        string[] parts = ["loss", "loss_classifier", "loss_dof_reg", "loss_points", "loss_objectness", "loss_rpn_box_reg"];
        Assert.All(parts, part => Assert.Equal([4, 8], EventRecords.Series(options.Output, "train_" + part).Select(point => point.Step)));
        Assert.All(parts, part => Assert.Equal([8], EventRecords.Series(options.Output, "val_" + part).Select(point => point.Step)));
        Assert.Contains("\"Depth\": 18", File.ReadAllText(Path.Combine(options.Output, "config.json")), StringComparison.Ordinal);

        CheckpointBundle bundle = CheckpointBundle.Load(trainer.ModelPath);
        Assert.Equal(18, DetectorGraph.OfficialDepth(bundle.Weights));
        bundle.Weights.Require(DetectorGraph.OfficialParameters(18), "ResNet-18");
        Assert.All(bundle.Statistics.StandardDeviation, deviation => Assert.True(deviation > 0));
    }

    [Fact]
    public async Task A_run_that_was_interrupted_goes_on_as_if_it_had_not_been()
    {
        Torch.Require();
        LinkPack(5);
        PaperTrainingOptions whole = Options("whole") with { Steps = 4, EpochSteps = 2, Optimizer = "adam", LearningRate = 1e-4, Threads = 1 };
        PaperTrainingOptions parts = whole with { Output = Path.Combine(_folder.FullName, "parts") };
        string checkpoint = Path.Combine(parts.Output, PaperTrainer.CheckpointName);
        await new PaperTrainer(whole, _ => { }).RunAsync(TestContext.Current.CancellationToken);

        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        long interrupted = await new PaperTrainer(parts, line => CancelAt(line, "validation at 2", interrupt)).RunAsync(interrupt.Token);
        Dictionary<string, float[]> halfway = Tensors(checkpoint);
        long finished = await new PaperTrainer(parts with { Resume = checkpoint }, _ => { }).RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal((2, 4), (interrupted, finished));
        Dictionary<string, float[]> expected = Tensors(Path.Combine(whole.Output, PaperTrainer.CheckpointName)), actual = Tensors(checkpoint);
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        // Batches, samples, the optimiser's state and running statistics must all go on; sums of floats may be ordered otherwise.
        double moved = Difference(expected, halfway), apart = Difference(expected, actual);
        Assert.True(apart < 0.01 * moved, $"the tensors differ by {apart}, after a way of {moved}");
    }

    [Fact]
    public async Task A_validation_loss_that_has_stopped_falling_lowers_the_rate_and_ends_the_run()
    {
        Torch.Require();
        LinkPack(4);
        PaperTrainingOptions options = Options("out") with { Steps = 100, EpochSteps = 1, ReportSteps = 1, LearningRate = 1e-3, Sizes = [64] };
        string checkpoint = Path.Combine(_folder.FullName, "stale.pth");
        using (PaperNetwork network = new(18, 0))
        using (TorchSharp.Modules.OptimizerHelper optimizer = PaperTrainer.CreateOptimizer(options, network))
            // No loss falls below the first of these; four validations are what the rate waits for, and five are the run's patience.
            PaperCheckpoint.Save(checkpoint, network, optimizer, options, new PaperProgress(7, [1e-6, 5, 5, 5, 5]));
        NpyArray.Write(Path.Combine(_folder.FullName, "pose_mean.npy"), [0, 0, 0, 0, 0, 3.5], 6);
        NpyArray.Write(Path.Combine(_folder.FullName, "pose_stddev.npy"), [1.0, 1, 1, 1, 1, 1], 6);
        List<string> said = [];

        long reached = await new PaperTrainer(options with { Resume = checkpoint }, said.Add).RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(8, reached);
        Assert.Contains(said, line => line.StartsWith("stopped early", StringComparison.Ordinal));
        Assert.Equal(1e-4f, Assert.Single(EventRecords.Series(options.Output, "train_learning_rate")).Value, 1e-9f);
    }

    [Fact]
    public void Pictures_are_resized_and_changed_as_the_options_say()
    {
        // One picture, whose second face makes that the poses are not all alike.
        LinkPack(1, record =>
        {
            JsonNode second = record["faces"]![0]!.DeepClone();
            for (int i = 0; i < 6; i++) second["pose"]![i] = second["pose"]![i]!.GetValue<double>() + 0.1;
            record["faces"]!.AsArray().Add(second);
        });
        PaperTrainingOptions options = Options("out") with { Sizes = [320, 480], LongestSide = 500 };
        using PaperPictureSource source = PaperPictureSource.Open(Pack, ReferenceFace.Default, error => Assert.Fail(error.Message), TestContext.Current.CancellationToken);

        PaperBatch[] plain = Batches(options with { Augment = false }), changed = Batches(options);

        (int Width, int Height) own = (plain[0].Samples[0].Picture.Width, plain[0].Samples[0].Picture.Height);
        // The shorter side as drawn, unless the longer one would exceed its limit.
        (int, int)[] expected = [.. options.Sizes.Select(side => Math.Min((double)side / Math.Min(own.Width, own.Height), 500.0 / Math.Max(own.Width, own.Height)))
            .Select(scale => ((int)(own.Width * scale), (int)(own.Height * scale))).Distinct()];
        Assert.Equal(expected.Order(), plain.Select(batch => batch.Sizes[0]).Distinct().Order());
        Assert.All(plain, batch => Assert.Equal(plain[0].Samples[0].Picture.Pixels, batch.Samples[0].Picture.Pixels));
        // Some are cropped, and hardly two are alike.
        Assert.Contains(changed, batch => (batch.Samples[0].Picture.Width, batch.Samples[0].Picture.Height) != own);
        Assert.True(changed.Select(batch => Convert.ToHexString(batch.Samples[0].Picture.Pixels)).Distinct().Count() > 20);

        PaperBatch[] Batches(PaperTrainingOptions wanted) =>
            [.. Enumerable.Range(0, 40).Select(i => PaperBatch.Make(source, new PaperLoader(ReferenceFace.Default, wanted.Augmentations), 1, i, 1, wanted.Sizes, wanted.LongestSide))];
    }

    [Fact]
    public async Task Another_networks_checkpoint_is_refused_with_the_tensors_that_differ()
    {
        Torch.Require();
        LinkPack(3);
        string other = Path.Combine(_folder.FullName, "other.pth");
        CheckpointDictionary root = new(), model = new(isOrdered: true);
        model.Set("module.backbone.body.conv1.weight", CheckpointTensor.FromSingle(new float[4], 4));
        root.Set("fpn_model", model);
        CheckpointWriter.Save(root, other);

        ModelException error = await Assert.ThrowsAsync<ModelException>(() =>
            new PaperTrainer(Options("out") with { Resume = other }, _ => { }).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains(other, error.Message, StringComparison.Ordinal);
        Assert.Contains("backbone.body.conv1.weight [4] instead of [64, 3, 7, 7]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Poses_that_are_not_finite_are_an_error_that_names_file_and_line()
    {
        LinkPack(3);
        string annotations = Path.Combine(Pack, AnnotationPackReader.FileName);
        string[] lines = File.ReadAllLines(annotations);
        JsonNode record = JsonNode.Parse(lines[1])!;
        record["faces"]![0]!["pose"]![2] = "NaN";
        lines[1] = record.ToJsonString();
        File.WriteAllLines(annotations, lines);

        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new PaperTrainer(Options("out"), _ => { }).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains(AnnotationPackReader.FileName, error.Message, StringComparison.Ordinal);
        Assert.Contains("2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pictures_that_are_all_damaged_end_the_run_after_each_was_named_with_file_and_line()
    {
        Torch.Require();
        LinkPack(3);
        string annotations = Path.Combine(Pack, AnnotationPackReader.FileName);
        string[] lines = File.ReadAllLines(annotations);
        for (int i = 0; i < lines.Length; i++)
        {
            JsonNode record = JsonNode.Parse(lines[i])!;
            string broken = Path.Combine(_folder.FullName, $"broken{i}.jpg");
            File.WriteAllBytes(broken, [.. File.ReadAllBytes(record["image"]!.GetValue<string>()).Take(100)]);
            record["image"] = broken;
            lines[i] = record.ToJsonString();
        }
        File.WriteAllLines(annotations, lines);

        ConcurrentQueue<string> told = [];
        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new PaperTrainer(Options("out") with { Steps = 1 }, told.Enqueue).RunAsync(TestContext.Current.CancellationToken));

        Assert.Matches("none of [12] pictures can be used", error.Message);
        Assert.Contains(told, line => Regex.IsMatch(line, @"annotations\.jsonl, line [123]: .*broken[012]\.jpg"));
    }

    [Fact]
    public async Task A_pack_without_a_pose_is_an_error_that_names_it()
    {
        LinkPack(3, record => record["faces"]![0]!["pose"] = null);

        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new PaperTrainer(Options("out"), _ => { }).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains(Pack, error.Message, StringComparison.Ordinal);
        Assert.Contains("no face has a pose", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cuda_without_cuda_is_a_clear_error()
    {
        Torch.Require();
        Assert.SkipWhen(TorchSharp.torch.cuda.is_available(), "this machine has CUDA");

        ModelException error = await Assert.ThrowsAsync<ModelException>(() =>
            new PaperTrainer(Options("out") with { Device = "cuda" }, _ => { }).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("no CUDA", error.Message, StringComparison.Ordinal);
    }

    private static void CancelAt(string line, string start, CancellationTokenSource source)
    {
        if (line.StartsWith(start, StringComparison.Ordinal)) source.Cancel();
    }

    /// <summary>Small pictures and few regions: seconds instead of minutes.</summary>
    private PaperTrainingOptions Options(string output) => new()
    {
        Data = Pack,
        Output = Path.Combine(_folder.FullName, output),
        Sizes = [64, 96],
        LongestSide = 128,
        ValidationEvery = 2,
        Selection = new PaperStepSettings { ProposalsAfterSuppression = 100, RegionSamples = 32 },
    };

    private void LinkPack(int count, Action<JsonNode>? change = null) => LinkedPack.Write(Pack, count, every: 97, change);

    /// <summary>The model's tensors and the optimiser's, by place in the file.</summary>
    private static Dictionary<string, float[]> Tensors(string checkpoint)
    {
        Dictionary<string, float[]> tensors = [];
        Add("", Checkpoint.Load(checkpoint).Root);
        return tensors;

        void Add(string place, object? value)
        {
            if (value is CheckpointTensor tensor) tensors[place] = tensor.ToSingle();
            if (value is not CheckpointDictionary dictionary) return;
            foreach ((object key, object? entry) in dictionary.Entries) Add($"{place}/{key}", entry);
        }
    }

    private static double Difference(Dictionary<string, float[]> left, Dictionary<string, float[]> right) =>
        left.SelectMany(pair => pair.Value.Zip(right[pair.Key], (a, b) => (double)Math.Abs(a - b))).Average();
}
