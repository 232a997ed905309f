using Img2Pose.Formats;
using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Optimization;

/// <summary>Two replicas on the processor, each with half of every batch.</summary>
public sealed class ReplicaTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("replicas-");

    private string Pack => Path.Combine(_folder.FullName, "pack");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(NanoModel.SingleStage, false)]
    [InlineData(NanoModel.SingleStage, true)]
    [InlineData(NanoModel.SingleStage, false, true)]
    [InlineData(NanoModel.R18, false)]
    [InlineData(NanoModel.TwoStage, false)]
    public void Twenty_steps_of_two_replicas_are_those_of_one_with_the_whole_batch(string network, bool keepsStatistics, bool taught = false)
    {
        Torch.Require();
        string? teacher = taught ? Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx") : null;
        SampleGenerator generator = SampleGenerator.Create(LinkedPack.Write(Pack, 3), new SampleGeneratorOptions(), stop: TestContext.Current.CancellationToken);
        TrainingBatch[] batches = [.. Enumerable.Range(0, 20).Select(number => TrainingBatch.Make(generator, 1, number, 5, 64))];

        float[] start = Learned(network, 1, [], keepsStatistics, teacher), alone = Learned(network, 1, batches, keepsStatistics, teacher), together = Learned(network, 2, batches, keepsStatistics, teacher);

        // Plain descent in small steps: Adam makes a whole step of any gradient, also of one that is nothing but rounding, and in
        // large steps a difference of 4e-6 after the first had become a tenth after twenty, as of any two ways of rounding.
        double moved = Difference(alone, start), apart = Difference(alone, together);
        Assert.True(moved > 1e-7, $"the weights moved by {moved} only");
        Assert.True(apart < 1e-3 * moved, $"the weights differ by {apart}, after a way of {moved}");
    }

    [Fact]
    public async Task Two_replicas_of_the_papers_network_learn_as_one_with_the_whole_batch()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 6, every: 97);
        PaperTrainingOptions alone = Paper("alone") with { Steps = 2, EpochSteps = 2 }, two = alone with { Device = "cpu,cpu", Output = Output("two"), Threads = 2 };

        await new PaperTrainer(alone, Ignore).RunAsync(TestContext.Current.CancellationToken);
        await new PaperTrainer(two, Ignore).RunAsync(TestContext.Current.CancellationToken);

        manual_seed((long)alone.Seed);
        using PaperNetwork untrained = new(18, 0);
        float[] start = Numbers(untrained), expected = Pth(alone.Output), actual = Pth(two.Output);
        double moved = Difference(expected, start), apart = Difference(expected, actual);
        Assert.True(moved > 0 && apart < 1e-3 * moved, $"the weights differ by {apart}, after a way of {moved}");
    }

    [Fact]
    public async Task The_same_replicas_give_the_same_weights_again()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 4);
        TrainingOptions once = Nano("once") with { Steps = 4, EpochSteps = 4, Device = "cpu,cpu", Threads = 2 }, again = once with { Output = Output("again") };

        await new NanoTrainer(once, Ignore).RunAsync(TestContext.Current.CancellationToken);
        await new NanoTrainer(again, Ignore).RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Safe(once.Output), Safe(again.Output));
    }

    [Fact]
    public async Task A_replica_that_fails_ends_the_run_with_its_reason_and_leaves_the_checkpoint()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 4);
        TrainingOptions options = Nano("out") with
        {
            Steps = 6,
            EpochSteps = 2,
            Device = "cpu,cpu",
            Entering = (replica, step) =>
            {
                if (replica == 1 && step == 3) throw new InvalidOperationException("its memory is full");
            },
        };

        Img2PoseException error = await Assert.ThrowsAsync<Img2PoseException>(() => new NanoTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal("replica 1 on cpu failed: its memory is full", error.Message);
        List<string> said = [];
        await new NanoTrainer(options with { Entering = null, Resume = Checkpoint(options.Output), Steps = 4 }, said.Add).RunAsync(TestContext.Current.CancellationToken);
        Assert.Contains(said, line => line.Contains("at step 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_checkpoint_of_another_number_of_replicas_is_refused_with_what_to_do()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 4);
        TrainingOptions options = Nano("out") with { Steps = 1, EpochSteps = 1, Device = "cpu,cpu" };
        await new NanoTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken);
        TrainingOptions alone = options with { Device = "cpu", Steps = 2, Resume = Checkpoint(options.Output) };

        InputException error = await Assert.ThrowsAsync<InputException>(() => new NanoTrainer(alone, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("on 2 devices, and this one has 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("--weights-only", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, await new NanoTrainer(alone with { ResumeWeightsOnly = true }, Ignore).RunAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_paper_checkpoint_of_another_number_of_replicas_is_refused()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 4, every: 97);
        PaperTrainingOptions options = Paper("out") with { Steps = 1, EpochSteps = 1 };
        await new PaperTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken);

        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new PaperTrainer(options with { Device = "cpu,cpu", Steps = 2, Resume = Path.Combine(options.Output, PaperTrainer.CheckpointName) }, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("on 1 device, and this one has 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpu,cuda:0", "different kinds")]
    [InlineData("cuda,cpu", "different kinds")]
    [InlineData("cpu,", "device ''")]
    [InlineData("cuda:x", "'cuda:x'")]
    [InlineData("cuda:-1", "'cuda:-1'")]
    [InlineData("gpu", "'gpu'")]
    public void Devices_that_cannot_share_a_batch_are_refused(string devices, string named) =>
        Assert.Contains(named, Assert.Throws<UsageException>(() => new NanoTrainer(Nano("out") with { Device = devices }, Ignore)).Message, StringComparison.Ordinal);

    [Fact]
    public void More_devices_than_pictures_in_a_batch_are_refused()
    {
        Assert.Contains("shared among 3", Assert.Throws<UsageException>(() => new NanoTrainer(Nano("out") with { Device = "cpu,cpu,cpu", Batch = 2, Sizes = [320] }, Ignore)).Message, StringComparison.Ordinal);
        Assert.Contains("shared among 3", Assert.Throws<UsageException>(() => new PaperTrainer(Paper("out") with { Device = "cpu,cpu,cpu", Batch = 2 }, Ignore)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_not_there_is_named()
    {
        Torch.Require();

        ModelException error = Assert.Throws<ModelException>(() => TrainingDevice.Open("cuda:0,cuda:63"));

        Assert.Contains(cuda.is_available() ? "no cuda:63" : "no CUDA", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 3, 5 })]
    [InlineData(new[] { 0, 8 })]
    [InlineData(new[] { 2, 0, 6 })]
    public async Task Joined_norms_and_their_gradients_are_those_of_the_whole_batch(int[] shares)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        Tensor whole = empty([8, 4]).normal_(2, 3), weights = empty([8, 4]).normal_(0, 1);
        BatchNorm1d expected = nn.BatchNorm1d(4);
        Tensor input = whole.clone();
        input.requires_grad = true;
        (expected.call(input) * weights).sum().backward();

        ReplicaExchange exchange = new(shares.Length);
        BatchNorm1d[] norms = [.. shares.Select(_ => nn.BatchNorm1d(4))];
        Tensor[] inputs = new Tensor[shares.Length];
        int first = 0;
        for (int i = 0; i < shares.Length; i++)
        {
            inputs[i] = whole.narrow(0, first, shares[i]).clone();
            inputs[i].requires_grad = true;
            first += shares[i];
        }
        Tensor[] outputs = await Task.WhenAll(shares.Select((_, rank) => Task.Factory.StartNew(
            () => JoinedNorm.Apply(norms[rank], inputs[rank], 1e-5, 0.1, new ReplicaLink(exchange, rank, CPU)),
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        (cat(outputs, 0) * weights).sum().backward();
        exchange.Reset();

        Near(expected.running_var!, norms[0].running_var!);
        Near(expected.running_mean!, norms[^1].running_mean!);
        Near(input.grad!, cat([.. inputs.Where(part => part.shape[0] > 0).Select(part => part.grad!)], 0));
        // The gradients of scale and shift are each replica's part of a sum.
        Tensor scale = zeros([4]);
        foreach (BatchNorm1d norm in norms.Where((_, i) => shares[i] > 0)) scale = scale + norm.weight.grad!;
        Near(expected.weight.grad!, scale);
    }

    [Fact]
    public async Task One_that_leaves_does_not_let_the_others_wait()
    {
        ReplicaExchange exchange = new(2);
        using ManualResetEventSlim entered = new();
        Task waiting = Task.Factory.StartNew(
            () =>
            {
                entered.Set();
                exchange.Meet(0, 1.0);
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        entered.Wait(TestContext.Current.CancellationToken);

        exchange.Leave(failed: false);

        await Assert.ThrowsAsync<ReplicaStoppedException>(() => waiting);
    }

    [Fact]
    public async Task A_poisoned_sample_ends_the_run_by_its_name_and_leaves_the_last_checkpoint()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 5);
        TrainingOptions options = Nano("out") with { Steps = 4, EpochSteps = 2, Altering = batch => batch.Number == 3 ? Poisoned(batch, 1) : batch };

        Img2PoseException error = await Assert.ThrowsAsync<Img2PoseException>(() => new NanoTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("step 3: the loss is NaN", error.Message, StringComparison.Ordinal);
        Assert.Contains("sample 3.1 (", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sample 3.0", error.Message, StringComparison.Ordinal);
        (List<NamedArray> arrays, Dictionary<string, string> metadata) = SafetensorsFile.Read(Checkpoint(options.Output));
        Assert.Equal("2", metadata["step"]);
        Assert.All(arrays, array => Assert.All(array.Values, value => Assert.True(float.IsFinite(value))));
    }

    [Fact]
    public async Task A_rate_that_runs_away_ends_the_run_with_all_samples_and_what_to_do()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 5);
        TrainingOptions options = Nano("out") with { Steps = 40, EpochSteps = 40, LearningRate = 1e30 };

        Img2PoseException error = await Assert.ThrowsAsync<Img2PoseException>(() => new NanoTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Matches(@"^step \d+: the (loss|gradient's norm) is (NaN|∞|-∞|Infinity)", error.Message);
        Assert.Contains("lower --learning-rate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rate_that_runs_away_ends_the_papers_run_with_its_pictures()
    {
        Torch.Require();
        LinkedPack.Write(Pack, 5, every: 97);
        PaperTrainingOptions options = Paper("out") with { Steps = 40, EpochSteps = 40, LearningRate = 1e30 };

        Img2PoseException error = await Assert.ThrowsAsync<Img2PoseException>(() => new PaperTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Matches(@"^step \d+: the (loss|gradient's norm) is ", error.Message);
        Assert.Contains(AnnotationPackReader.FileName, error.Message, StringComparison.Ordinal);
    }

    private static void Ignore(string line) { }

    private string Output(string name) => Path.Combine(_folder.FullName, name);

    private static string Checkpoint(string output) => Path.Combine(output, NanoTrainer.CheckpointName);

    private TrainingOptions Nano(string output) => new()
    {
        Data = Pack,
        Output = Output(output),
        Batch = 1,
        Sizes = [128],
        WarmUp = 0,
        LearningRate = 1e-4,
        Threads = 1,
    };

    private PaperTrainingOptions Paper(string output) => new()
    {
        Data = Pack,
        Output = Output(output),
        Sizes = [64, 96],
        LongestSide = 128,
        ValidationEvery = 2,
        LearningRate = 1e-4,
        Threads = 1,
        Selection = new PaperStepSettings { ProposalsAfterSuppression = 100, RegionSamples = 32 },
    };

    /// <summary>Weights and running statistics after a step of plain descent on each batch.</summary>
    private static float[] Learned(string network, int replicas, TrainingBatch[] batches, bool keepsStatistics, string? teacher)
    {
        set_num_threads(1);
        manual_seed(7);
        NanoModel[] models = [.. Enumerable.Range(0, replicas).Select(_ => NanoModel.Create(network, CPU))];
        foreach (NanoModel model in keepsStatistics ? models : []) NormedConvolution.KeepStatistics(model.Network);
        foreach (NanoModel model in teacher is null ? [] : models) model.LearnFrom(teacher!, 1, CPU);
        using OptimizerHelper optimizer = optim.SGD(models[0].Network.parameters(), 1e-5);
        using (ReplicaGroup group = new([.. models.Select(model => model.Network)], [.. models.Select(_ => CPU)], replicas))
        {
            foreach (TrainingBatch batch in batches)
            {
                group.Learn(
                    (rank, link) =>
                    {
                        (int first, int count) = group.Share(rank, batch.Samples.Count);
                        TrainingBatch share = batch.Slice(first, count);
                        return models[rank].Compute(NanoTrainer.Pictures(share, CPU), share, link);
                    },
                    optimizer, 10, what => new Img2PoseException(what));
            }
        }
        float[] learned = Numbers(models[0].Network);
        foreach (NanoModel model in models) model.Dispose();
        return learned;
    }

    private static float[] Numbers(nn.Module network) =>
        [.. network.state_dict().Where(pair => pair.Value.dtype == float32).SelectMany(pair => pair.Value.detach().contiguous().data<float>().ToArray())];

    private static TrainingBatch Poisoned(TrainingBatch batch, int index)
    {
        TrainingSample sample = batch.Samples[index];
        TrainingFace[] faces = [.. sample.Faces.Select(face => face with { Ignore = false, Weight = float.NaN })];
        TrainingSample poisoned = new() { Rgb = sample.Rgb, Width = sample.Width, Height = sample.Height, Faces = faces, Uncertain = sample.Uncertain, Sources = sample.Sources };
        return batch with { Samples = [.. batch.Samples.Select((other, i) => i == index ? poisoned : other)] };
    }

    /// <summary>Weights and running statistics; moments and averages follow from them.</summary>
    private static Dictionary<string, float[]> Safe(string output) => SafetensorsFile.Read(Checkpoint(output)).Arrays
        .Where(array => array.Name.StartsWith("model.", StringComparison.Ordinal)).ToDictionary(array => array.Name, array => array.Values);

    private static float[] Pth(string output)
    {
        CheckpointDictionary root = (CheckpointDictionary)Formats.Checkpoint.Load(Path.Combine(output, PaperTrainer.CheckpointName)).Root!;
        Assert.True(root.TryGet("fpn_model", out object? model));
        // Counters of batches are whole numbers, of one element.
        return [.. ((CheckpointDictionary)model!).Entries.Where(pair => !((string)pair.Key).EndsWith("num_batches_tracked", StringComparison.Ordinal)).SelectMany(pair => ((CheckpointTensor)pair.Value!).ToSingle())];
    }

    private static double Difference(float[] left, float[] right)
    {
        Assert.Equal(left.Length, right.Length);
        return left.Zip(right, (a, b) => (double)Math.Abs(a - b)).Average();
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        float[] wanted = expected.detach().data<float>().ToArray(), found = actual.detach().data<float>().ToArray();
        Assert.Equal(wanted.Length, found.Length);
        for (int i = 0; i < wanted.Length; i++) Assert.Equal(wanted[i], found[i], 2e-5f);
    }
}
