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
    public void Frozen_norms_compute_in_float32_whatever_they_are_given()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        using FrozenBatchNorm norm = new(1, 1e-5);
        Dictionary<string, Tensor> state = norm.state_dict();
        state["running_mean"].fill_(100.0);
        state["running_var"].fill_(0.01);
        // 100 and the next two numbers that bfloat16 has.
        Tensor input = tensor([100f, 100.5f, 101f], [3, 1, 1, 1]).to(bfloat16);

        float[] output = norm.call(input).to(float32).data<float>().ToArray();

        // Scaled in bfloat16, 1000 lies within 4 of its neighbours.
        Assert.Equal(0f, output[0], 0.01f);
        Assert.Equal(5f, output[1], 0.03f);
        Assert.Equal(10f, output[2], 0.06f);
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
