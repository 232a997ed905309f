using Img2Pose.Training.Optimization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Networks;

/// <summary>A module whose batch statistics are those of all replicas.</summary>
internal interface IJoined
{
    /// <summary>The way to the other replicas, or null where there are none.</summary>
    ReplicaLink? Link { get; set; }

    /// <summary>Whether it uses the others' statistics, through which gradients flow; one whose norms keep their statistics does not.</summary>
    bool NeedsOthers { get; }
}

/// <summary>
/// Batch norm over a batch that is spread over replicas (PyTorch calls it synchronised): mean and variance of the whole batch, by
/// the pairwise formula of Chan, Golub and LeVeque 1979, and gradients through them. A replica may bring no row at all.
/// </summary>
internal static class JoinedNorm
{
    /// <summary>Joins a network, and all that is in it, to the other replicas.</summary>
    internal static void Join(nn.Module module, ReplicaLink? link)
    {
        if (module is IJoined joined) joined.Link = link;
        foreach ((_, nn.Module child) in module.named_children()) Join(child, link);
    }

    /// <summary>Whether anything in a network needs the others' part of the batch to compute its own.</summary>
    internal static bool IsNeeded(nn.Module module) =>
        module is IJoined { NeedsOthers: true } || module.named_children().Any(child => IsNeeded(child.module));

    /// <summary>Batch norm in training of an input [N,C] or [N,C,H,W]; its running statistics follow.</summary>
    internal static Tensor Apply(NormBase norm, Tensor input, double epsilon, double momentum, ReplicaLink link)
    {
        long[] shape = input.shape;
        long channels = shape[1], own = shape[0];
        for (int i = 2; i < shape.Length; i++) own *= shape[i];
        double[] counts = link.Gather(own);
        double total = counts.Sum();
        // Nothing anywhere: nothing is normalised, and nothing learned.
        if (total == 0) return input;

        Tensor moments;
        if (own == 0)
        {
            moments = zeros([2 * channels], device: link.Device);
        }
        else
        {
            Tensor rows = input.to(float32).transpose(0, 1).reshape(channels, -1);
            Tensor center = rows.mean([1]);
            moments = cat([center, (rows - center.unsqueeze(1)).square().sum(1)], 0);
        }
        Tensor[] all = link.Gather(moments);
        Tensor mean = all[0].narrow(0, 0, channels) * (counts[0] / total);
        for (int i = 1; i < all.Length; i++) mean = mean + all[i].narrow(0, 0, channels) * (counts[i] / total);
        Tensor squares = zeros([channels], device: link.Device);
        for (int i = 0; i < all.Length; i++)
            squares = squares + all[i].narrow(0, channels, channels) + (all[i].narrow(0, 0, channels) - mean).square() * counts[i];
        Tensor variance = squares / total;

        using (no_grad())
        {
            norm.num_batches_tracked!.add_(1);
            norm.running_mean!.mul_(1 - momentum).add_(mean.detach(), momentum);
            norm.running_var!.mul_(1 - momentum).add_(variance.detach() * (total / Math.Max(1, total - 1)), momentum);
        }
        long[] broadcast = shape.Length == 2 ? [1, channels] : [1, channels, 1, 1];
        Tensor scale = norm.weight! * (variance + epsilon).rsqrt();
        Tensor output = (input.to(float32) - mean.reshape(broadcast)) * scale.reshape(broadcast) + norm.bias!.reshape(broadcast);
        return output.to(input.dtype);
    }
}
