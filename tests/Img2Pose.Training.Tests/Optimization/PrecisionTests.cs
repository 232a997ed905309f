using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Optimization;

/// <summary>How numbers are kept while a network learns: their precision, and their order in memory.</summary>
public sealed class PrecisionTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("precision-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Mixed_precision_learns_a_batch_as_float32_does()
    {
        Torch.Require();
        TrainingBatch batch = Batch(128);

        double[] whole = Losses(batch, pictures => pictures), mixed = Losses(batch, pictures => pictures.to(bfloat16));

        Assert.True(whole[^1] < 0.8 * whole[0], $"in float32 the loss fell only from {whole[0]} to {whole[^1]}");
        // Eight bits of mantissa through some thirty layers; what is computed from there on is float32.
        Assert.InRange(mixed[0] / whole[0], 0.99, 1.01);
        double fell = whole[0] - whole[^1], fellMixed = mixed[0] - mixed[^1];
        Assert.InRange(fellMixed / fell, 0.95, 1.05);
    }

    [Fact]
    public void A_frozen_norm_that_folds_is_applied_before_a_convolution_rounds()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using FrozenBatchNorm norm = new(1, 0, folds: true);
        Dictionary<string, Tensor> state = norm.state_dict();
        state["running_mean"].fill_(1000.0);
        state["running_var"].fill_(1.0 / 64);
        using Conv2d convolution = nn.Conv2d(8, 1, 1, bias: false);
        convolution.weight.fill_(1.0);
        // 1000 + i / 8 as sums of numbers that bfloat16 has; of the sums themselves it has the multiples of 4.
        Tensor input = tensor([.. Enumerable.Range(0, 4).SelectMany(i => (float[])[512, 256, 128, 64, 32, 8, i / 8f, 0])], [4, 8, 1, 1]).to(bfloat16);

        float[] output = Numbers(norm.Convolve(input, convolution, 1).to(float32));

        Assert.Equal([0f, 1f, 2f, 3f], output);
    }

    [Fact]
    public void Statistics_that_are_kept_are_those_of_evaluation_and_their_scale_and_shift_learn()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        using ConvolutionUnit unit = new(3, 4, 3);
        Dictionary<string, Tensor> state = unit.state_dict();
        state["bn.running_mean"].normal_(0, 1);
        state["bn.running_var"].fill_(4.0);
        state["bn.weight"].detach().fill_(1.5);
        Tensor pictures = empty([2, 3, 8, 8]).normal_(0, 1);
        // By its definition, in passes of its own.
        Tensor convolved = nn.functional.conv2d(pictures, state["conv.weight"], null, [1], [1]);
        Tensor expected = ((convolved - state["bn.running_mean"].reshape(1, -1, 1, 1)) / Math.Sqrt(4 + ConvolutionUnit.NormEpsilon) * 1.5 + state["bn.bias"].reshape(1, -1, 1, 1)).relu();
        float[] mean = Numbers(state["bn.running_mean"]);

        NormedConvolution.KeepStatistics(unit);
        Tensor learning = unit.call(pictures);
        learning.sum().backward();
        unit.eval();
        Tensor still = unit.call(pictures);

        Assert.All(Numbers(learning - expected), apart => Assert.InRange(apart, -1e-5f, 1e-5f));
        Assert.All(Numbers(still - expected), apart => Assert.InRange(apart, -1e-5f, 1e-5f));
        Assert.Equal(mean, Numbers(state["bn.running_mean"]));
        Assert.All(unit.parameters(), parameter => Assert.Contains(Numbers(parameter.grad!), gradient => gradient != 0));
    }

    [Fact]
    public async Task A_thread_keeps_the_number_that_it_was_given_whatever_others_are_given_before_it_computes()
    {
        Torch.Require();
        int computedWith = 0;

        await Alone(() =>
        {
            TorchThreads.Use(1);
            Alone(() => set_num_threads(3)).GetAwaiter().GetResult();
            using DisposeScope scope = NewDisposeScope();
            // Large enough to be spread, for which libtorch looks at the number.
            _ = ones([1 << 20]).exp();
            computedWith = get_num_threads();
        });

        Assert.Equal(1, computedWith);

        static Task Alone(Action action) =>
            Task.Factory.StartNew(action, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    [Theory]
    [InlineData(NanoModel.SingleStage)]
    [InlineData(NanoModel.R18)]
    public void Channels_last_or_first_a_network_computes_and_learns_the_same(string network)
    {
        Torch.Require();
        TrainingBatch batch = Batch();

        (float Loss, float[] Gradients) last = Gradients(network, batch, pictures => pictures), first = Gradients(network, batch, pictures => pictures.contiguous());

        Assert.Equal(first.Loss, last.Loss, 1e-4f * first.Loss);
        Assert.Equal(first.Gradients.Length, last.Gradients.Length);
        double size = first.Gradients.Average(Math.Abs), apart = first.Gradients.Zip(last.Gradients, (a, b) => (double)Math.Abs(a - b)).Average();
        Assert.True(size > 0 && apart < 1e-3 * size, $"gradients of {size} differ by {apart}");
    }

    [Fact]
    public void Feature_maps_lie_in_memory_as_the_pictures_do()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using ConvolutionUnit unit = new(3, 8, 3);
        Tensor pictures = NanoTrainer.Pictures(Batch(), CPU);

        Tensor last = unit.call(pictures), first = unit.call(pictures.contiguous());

        // Only what lies row after row of each channel has its bytes in reach.
        Assert.ThrowsAny<Exception>(() => _ = last.bytes.Length);
        Assert.Equal(first.NumberOfElements * sizeof(float), first.bytes.Length);
    }

    private static float[] Numbers(Tensor values) => values.detach().contiguous().data<float>().ToArray();

    private TrainingBatch Batch(int size = 64)
    {
        SampleGenerator generator = SampleGenerator.Create(
            LinkedPack.Write(Path.Combine(_folder.FullName, "pack"), 3), new SampleGeneratorOptions(), stop: TestContext.Current.CancellationToken);
        return TrainingBatch.Make(generator, 1, 0, 4, size);
    }

    /// <summary>
    /// Losses of five steps on the same batch, before each. They begin with the default model: from random weights the loss rises
    /// at first, since scores learn the overlap with the true box, and overlaps come before scores.
    /// </summary>
    private static double[] Losses(TrainingBatch batch, Func<Tensor, Tensor> cast)
    {
        set_num_threads(1);
        manual_seed(7);
        using NanoModel model = NanoModel.Create(NanoModel.SingleStage, CPU);
        model.Start(Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx"), 1, _ => NanoTrainer.Pictures(batch, CPU));
        using OptimizerHelper optimizer = optim.AdamW(model.Network.parameters(), 3e-4);
        using ReplicaGroup alone = new([model.Network], [CPU], 1);
        return [.. Enumerable.Range(0, 5).Select(_ => alone.Learn(
            (_, link) => model.Compute(cast(NanoTrainer.Pictures(batch, CPU)), batch, link), optimizer, 10, what => new Img2PoseException(what))[0])];
    }

    private static (float Loss, float[] Gradients) Gradients(string network, TrainingBatch batch, Func<Tensor, Tensor> order)
    {
        set_num_threads(1);
        manual_seed(7);
        using DisposeScope scope = NewDisposeScope();
        using NanoModel model = NanoModel.Create(network, CPU);
        Tensor loss = model.Compute(order(NanoTrainer.Pictures(batch, CPU)), batch)[0];
        loss.backward();
        return (loss.item<float>(), [.. model.Network.parameters().Where(parameter => parameter.grad is not null)
            .SelectMany(parameter => parameter.grad!.contiguous().data<float>().ToArray())]);
    }
}
