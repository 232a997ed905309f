using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Testing;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class PaperCheckpointTests : IDisposable
{
    private static readonly PaperTrainingOptions s_options = new() { Data = "", Output = "" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("paper-checkpoint-");

    private string Target => Path.Combine(_folder.FullName, "checkpoint.pth");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Parameters_stand_in_the_originals_order()
    {
        Torch.Require();
        using PaperNetwork network = new(18, 0);
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("weights", "state_dict_depth18.json")));

        // An optimiser's state names parameters by their number.
        IEnumerable<string?> expected = golden.RootElement.GetProperty("tensors").EnumerateArray()
            .Where(tensor => tensor.GetProperty("kind").GetString()!.StartsWith("parameter", StringComparison.Ordinal)).Select(tensor => tensor.GetProperty("name").GetString());

        Assert.Equal(expected, network.named_parameters().Select(pair => pair.name));
    }

    [Fact]
    public void A_resume_needs_an_optimiser()
    {
        Torch.Require();
        using PaperNetwork network = new(18, 0);
        using SGD optimizer = optim.SGD(network.parameters(), 0.1, 0.9);
        PaperCheckpoint.Save(Target, network);

        InputException error = Assert.Throws<InputException>(() => PaperCheckpoint.LoadRun(Target, optimizer));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        Assert.Contains("--pretrained", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Momentum_goes_on_and_another_optimisers_state_is_refused()
    {
        Torch.Require();
        using PaperNetwork network = new(18, 0);
        using SGD sgd = optim.SGD(network.parameters(), 0.1, 0.9), resumed = optim.SGD(network.parameters(), 0.1, 0.9);
        using Adam adam = optim.Adam(network.parameters());
        Touch(network, sgd);
        PaperCheckpoint.Save(Target, network, sgd, s_options, new PaperProgress(1, [3, 2.5]));

        PaperProgress progress = PaperCheckpoint.LoadRun(Target, resumed);

        Assert.Equal(1, progress.Step);
        Assert.Equal([3, 2.5], progress.ValidationLosses);
        foreach ((OptimizerState before, OptimizerState after) in sgd.state_dict().State.Zip(resumed.state_dict().State))
            Assert.Equal(((SGD.State)before).momentum_buffer?.data<float>().ToArray(), ((SGD.State)after).momentum_buffer?.data<float>().ToArray());
        InputException error = Assert.Throws<InputException>(() => PaperCheckpoint.LoadRun(Target, adam));

        Assert.Contains("--optimizer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_body_starts_from_torchvisions_weights()
    {
        Torch.Require();
        using PaperNetwork source = new(18, 0), target = new(18, 0);
        CheckpointDictionary body = new(isOrdered: true);
        using (no_grad())
        {
            foreach ((string name, Tensor value) in source.state_dict())
            {
                if (!name.StartsWith("backbone.body.", StringComparison.Ordinal)) continue;
                body.Set(name["backbone.body.".Length..], CheckpointTensor.FromSingle(value.detach().data<float>().ToArray(), value.shape));
            }
        }
        body.Set("bn1.num_batches_tracked", CheckpointTensor.FromInt64([0]));
        body.Set("fc.weight", CheckpointTensor.FromSingle(new float[1000 * 512], 1000, 512));
        body.Set("fc.bias", CheckpointTensor.FromSingle(new float[1000], 1000));
        CheckpointWriter.Save(body, Target);
        float[] head = Values(target, "roi_heads.class_head.fc7.weight");

        bool whole = PaperCheckpoint.LoadModel(StateDictionary.FromCheckpoint(Checkpoint.Load(Target), Target), 18, target);

        Assert.False(whole);
        Assert.Equal(Values(source, "backbone.body.layer3.1.conv2.weight"), Values(target, "backbone.body.layer3.1.conv2.weight"));
        Assert.Equal(head, Values(target, "roi_heads.class_head.fc7.weight"));
    }

    [Fact]
    public void A_full_disk_leaves_the_last_good_checkpoint_untouched()
    {
        Torch.Require();
        using PaperNetwork network = new(18, 0);
        using SGD optimizer = optim.SGD(network.parameters(), 0.1, 0.9);
        Touch(network, optimizer);
        // The model has 42 million numbers; with momentum it no longer fits.
        using SmallDisk disk = new(_folder.FullName, kibibytes: 300 << 10);
        PaperCheckpoint.Save(Target, network);
        DateTime written = File.GetLastWriteTimeUtc(Target);
        long length = new FileInfo(Target).Length;

        OutputException error = Assert.Throws<OutputException>(() => PaperCheckpoint.Save(Target, network, optimizer, s_options, new PaperProgress(2, [])));

        Assert.Contains(Target, error.Message, StringComparison.Ordinal);
        Assert.Equal((written, length), (File.GetLastWriteTimeUtc(Target), new FileInfo(Target).Length));
        Assert.Equal(Path.GetFileName(Target), Path.GetFileName(Assert.Single(Directory.GetFiles(_folder.FullName))));
        Assert.IsType<CheckpointDictionary>(Checkpoint.Load(Target).Root);
    }

    /// <summary>Gives the optimiser a state.</summary>
    private static void Touch(PaperNetwork network, OptimizerHelper optimizer)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Parameter parameter in network.TrainableParameters) parameter.grad = ones(parameter.shape);
        optimizer.step();
    }

    private static float[] Values(PaperNetwork network, string name)
    {
        using IDisposable still = no_grad();
        return network.state_dict()[name].detach().data<float>().ToArray();
    }
}
