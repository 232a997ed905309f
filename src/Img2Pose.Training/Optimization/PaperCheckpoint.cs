using Img2Pose.Formats;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Training.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>How far a run of the paper's network got.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="ValidationLosses">Of all validations so far.</param>
/// <param name="Replicas">Devices that shared its batches.</param>
internal sealed record PaperProgress(long Step, IReadOnlyList<double> ValidationLosses, long Replicas = 1);

/// <summary>
/// Runs of the paper's network as files of the original's form: the model under <c>fpn_model</c>, named as the original's trainer
/// names it on one machine (prefix <c>module.</c>), and the optimiser's state under <c>optimizer</c> as PyTorch's
/// <c>state_dict()</c> gives it. The original resumes such a file, and this program resumes the original's.
/// </summary>
internal static class PaperCheckpoint
{
    private const string Model = "fpn_model", Optimizer = "optimizer", State = "state", Progress = "img2pose_training", Step = "step", Losses = "validation_losses", Replicas = "replicas";
    private const string Momentum = "momentum_buffer", First = "exp_avg", Second = "exp_avg_sq";

    /// <summary>Writes the model alone, or with <paramref name="optimizer"/> what a resumed run needs.</summary>
    /// <exception cref="OutputException">The file cannot be written; an older one of that name is untouched.</exception>
    internal static void Save(string path, PaperNetwork network, OptimizerHelper? optimizer = null, PaperTrainingOptions? options = null, PaperProgress? progress = null)
    {
        using IDisposable still = no_grad();
        using DisposeScope scope = NewDisposeScope();
        CheckpointDictionary root = new(), model = new(isOrdered: true);
        foreach ((string name, Tensor tensor) in network.state_dict()) model.Set("module." + name, ToSaved(tensor));
        root.Set(Model, model);
        if (optimizer is not null && options is not null && progress is not null)
        {
            root.Set(Optimizer, SaveOptimizer(optimizer, options));
            CheckpointDictionary reached = new();
            reached.Set(Step, progress.Step);
            reached.Set(Replicas, progress.Replicas);
            reached.Set(Losses, progress.ValidationLosses.Select(loss => (object?)loss).ToList());
            root.Set(Progress, reached);
        }
        CheckpointWriter.Save(root, path);
    }

    /// <summary>
    /// Copies a model into the network: a published or own one whole, or torchvision's ResNet into the body (its classifier is
    /// left out). Returns whether it was a whole one.
    /// </summary>
    /// <exception cref="ModelException">It is the model of another network; the message names the tensors.</exception>
    internal static bool LoadModel(StateDictionary weights, int depth, PaperNetwork network)
    {
        const string body = ResNetBody.Prefix;
        bool whole = !weights.TryGet("conv1.weight", out _);
        (string Name, long[] Shape)[] wanted = [.. DetectorGraph.OfficialParameters(depth)];
        if (!whole)
        {
            wanted = [.. wanted.Where(entry => entry.Name.StartsWith(body, StringComparison.Ordinal)).Select(entry => (entry.Name[body.Length..], entry.Shape))];
            // torchvision's checkpoints hold a classifier, and since 0.4 counters of the batch norms, that the frozen body does without.
            weights = weights.Where(name => !name.StartsWith("fc.", StringComparison.Ordinal) && !name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
        }
        weights.Require(wanted, whole ? $"img2pose with ResNet-{depth}" : $"torchvision's ResNet-{depth}");
        using IDisposable still = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor target) in network.state_dict())
        {
            if (target.dtype != float32 || (!whole && !name.StartsWith(body, StringComparison.Ordinal))) continue;
            target.detach().copy_(tensor(weights.Values(whole ? name : name[body.Length..]), target.shape));
        }
        return whole;
    }

    /// <summary>Restores the optimiser; returns how far the run got: nowhere for a checkpoint of the original, which does not say.</summary>
    /// <exception cref="InputException">The file holds no such optimiser's state for this network.</exception>
    internal static PaperProgress LoadRun(string path, OptimizerHelper optimizer)
    {
        if (Checkpoint.Load(path).Root is not CheckpointDictionary root || Entry(root, Optimizer) is not CheckpointDictionary saved || Entry(saved, State) is not CheckpointDictionary states)
            throw new InputException($"{path}: holds a model but no optimiser, so it cannot be resumed; start from it with --pretrained");
        using IDisposable still = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parameters = [.. optimizer.parameters()];
        List<OptimizerState> own = optimizer.state_dict().State;
        for (int i = 0; i < own.Count; i++)
        {
            // Parameters that never had a gradient have no state.
            if (!states.TryGet((long)i, out object? entry)) continue;
            CheckpointDictionary state = entry as CheckpointDictionary ?? throw Damaged(i);
            switch (own[i])
            {
                case SGD.State sgd:
                    sgd.momentum_buffer?.Dispose();
                    sgd.momentum_buffer = Read(state, Momentum, parameters[i], i).clone().DetachFromDisposeScope();
                    break;
                case Adam.State adam:
                    adam.step = Entry(state, Step) switch { long count => count, CheckpointTensor { Count: 1 } count => (long)count.ToSingle()[0], _ => throw Damaged(i) };
                    adam.exp_avg.copy_(Read(state, First, parameters[i], i));
                    adam.exp_avg_sq.copy_(Read(state, Second, parameters[i], i));
                    break;
            }
        }
        return Entry(root, Progress) is CheckpointDictionary reached && Entry(reached, Step) is long step && Entry(reached, Losses) is List<object?> losses
            ? new PaperProgress(step, [.. losses.OfType<double>()], Entry(reached, Replicas) as long? ?? 1)
            : new PaperProgress(0, []);

        Tensor Read(CheckpointDictionary state, string key, Tensor parameter, int index) =>
            Entry(state, key) is CheckpointTensor values && values.Shape.SequenceEqual(parameter.shape)
                ? tensor(values.ToSingle(), parameter.shape, device: parameter.device)
                : throw Damaged(index);

        InputException Damaged(int index) => new($"{path}: the optimiser's state of parameter {index} is damaged, of another network, or of another --optimizer");
    }

    private static CheckpointDictionary SaveOptimizer(OptimizerHelper optimizer, PaperTrainingOptions options)
    {
        CheckpointDictionary states = new();
        List<OptimizerState> own = optimizer.state_dict().State;
        for (int i = 0; i < own.Count; i++)
        {
            CheckpointDictionary state = new();
            switch (own[i])
            {
                case SGD.State { momentum_buffer: { } velocity }:
                    state.Set(Momentum, ToSaved(velocity));
                    break;
                case Adam.State { step: > 0 } adam:
                    state.Set(Step, adam.step);
                    state.Set(First, ToSaved(adam.exp_avg));
                    state.Set(Second, ToSaved(adam.exp_avg_sq));
                    break;
                default:
                    continue;
            }
            states.Set((long)i, state);
        }
        CheckpointDictionary group = new();
        group.Set("lr", optimizer.ParamGroups.First().LearningRate);
        group.Set("weight_decay", options.WeightDecay);
        if (optimizer is SGD)
        {
            group.Set("momentum", PaperTrainer.Momentum);
            group.Set("dampening", 0L);
            group.Set("nesterov", false);
        }
        else
        {
            group.Set("betas", new object?[] { 0.9, 0.999 });
            group.Set("eps", 1e-8);
            group.Set("amsgrad", false);
        }
        group.Set("params", Enumerable.Range(0, own.Count).Select(i => (object?)(long)i).ToList());
        CheckpointDictionary saved = new();
        saved.Set(State, states);
        saved.Set("param_groups", new List<object?> { group });
        return saved;
    }

    private static object? Entry(CheckpointDictionary dictionary, string key) => dictionary.TryGet(key, out object? value) ? value : null;

    private static CheckpointTensor ToSaved(Tensor value)
    {
        using Tensor plain = value.detach().cpu().contiguous();
        return value.dtype == int64
            ? CheckpointTensor.FromInt64(plain.data<long>().ToArray(), value.shape)
            : CheckpointTensor.FromSingle(plain.data<float>().ToArray(), value.shape);
    }
}
