using Img2Pose.Formats;
using Img2Pose.Testing;
using Img2Pose.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class CheckpointTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("checkpoint-");

    private string Target => Path.Combine(_folder.FullName, "checkpoint.safetensors");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_restored_run_takes_the_same_next_step()
    {
        Torch.Require();
        using Run first = new(seed: 1, inputs: 4);
        first.Train(3);
        TrainingState.Save(Target, first.Step, "{}", first.Network, first.Average, first.Optimizer);
        using Run second = new(seed: 2, inputs: 4);

        (second.Step, long moments) = TrainingState.Load(Target, second.Network, second.Average, second.Optimizer);
        first.Train(2);
        second.Train(2);

        Assert.Equal((3L, 5L), (moments, second.Step));
        Assert.Equal(first.Weights(), second.Weights());
        Assert.Equal(first.Average.ToArrays().SelectMany(array => array.Values), second.Average.ToArrays().SelectMany(array => array.Values));
    }

    [Fact]
    public void The_published_half_precision_file_holds_the_average_alone_and_starts_a_network()
    {
        Torch.Require();
        using Run first = new(seed: 1, inputs: 4);
        first.Train(3);
        TrainingState.Save(Target, first.Step, "{}", first.Network, first.Average, null, averageOnly: true);
        Assert.All(SafetensorsFile.Read(Target).Arrays, array => Assert.StartsWith("average.", array.Name, StringComparison.Ordinal));
        using Run second = new(seed: 2, inputs: 4);

        // Of a run with any number of replicas: it goes on at its step, with new moments.
        Assert.Equal((3L, 0L), TrainingState.Load(Target, second.Network, second.Average, second.Optimizer, replicas: 2));

        Assert.Equal(first.Average.ToArrays().SelectMany(array => array.Values).Select(value => (float)(Half)value), second.Weights());
    }

    [Fact]
    public void Another_networks_checkpoint_is_refused_with_the_tensor_that_differs()
    {
        Torch.Require();
        using Run first = new(seed: 1, inputs: 4);
        TrainingState.Save(Target, 0, "{}", first.Network, first.Average, null);
        using Run wider = new(seed: 1, inputs: 5);
        float[] before = wider.Weights();

        InputException error = Assert.Throws<InputException>(() => TrainingState.Load(Target, wider.Network, wider.Average, null));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        Assert.Contains("weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("[3, 5]", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, wider.Weights());
    }

    [Fact]
    public void A_checkpoint_whose_step_is_no_number_is_refused()
    {
        Torch.Require();
        using Run run = new(seed: 1, inputs: 4);
        TrainingState.Save(Target, 0, "{}", run.Network, run.Average, null);
        (List<NamedArray> arrays, Dictionary<string, string> metadata) = SafetensorsFile.Read(Target);
        metadata["step"] = "many";
        SafetensorsFile.Write(Target, arrays, metadata);

        Assert.Contains(Target, Assert.Throws<InputException>(() => TrainingState.Load(Target, run.Network, run.Average, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_leaves_the_last_good_checkpoint_untouched()
    {
        Torch.Require();
        using SmallDisk disk = new(_folder.FullName, kibibytes: 64);
        // 3 × 1024 weights, as themselves and as their average: 24 KiB, and with Adam's moments 48 KiB.
        using Run run = new(seed: 1, inputs: 1024);
        TrainingState.Save(Target, 1, "{}", run.Network, run.Average, null);
        byte[] good = File.ReadAllBytes(Target);
        run.Train(1);

        OutputException error = Assert.Throws<OutputException>(() => TrainingState.Save(Target, 2, "{}", run.Network, run.Average, run.Optimizer));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        Assert.Equal(good, File.ReadAllBytes(Target));
        Assert.Equal(Path.GetFileName(Target), Path.GetFileName(Assert.Single(Directory.GetFiles(_folder.FullName))));
    }

    /// <summary>A linear layer that learns a fixed task, with all that a checkpoint holds.</summary>
    private sealed class Run : IDisposable
    {
        private readonly int _inputs;

        internal Run(long seed, int inputs)
        {
            manual_seed(seed);
            _inputs = inputs;
            Network = nn.Linear(inputs, 3);
            Optimizer = optim.AdamW(Network.parameters(), 0.01, weight_decay: 0.1);
            Average = new WeightAverage(Network, 0.5);
        }

        internal Linear Network { get; }

        internal AdamW Optimizer { get; }

        internal WeightAverage Average { get; }

        internal long Step { get; set; }

        internal void Train(int steps)
        {
            for (int i = 0; i < steps; i++, Step++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor input = tensor(Enumerable.Range(0, 2 * _inputs).Select(k => MathF.Sin(k + Step)).ToArray(), [2, _inputs]);
                Tensor loss = (Network.call(input) - 1).pow(2).mean();
                Optimizer.zero_grad();
                loss.backward();
                Optimizer.step();
                Average.Update(Step);
            }
        }

        internal float[] Weights()
        {
            using DisposeScope scope = NewDisposeScope();
            return [.. Network.state_dict().SelectMany(pair => pair.Value.detach().data<float>().ToArray())];
        }

        public void Dispose()
        {
            Average.Dispose();
            Optimizer.Dispose();
            Network.Dispose();
        }
    }
}
