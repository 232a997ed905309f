using Img2Pose.Formats;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>An exponential moving average of a module's parameters and floating-point buffers, kept beside them.</summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly double _decay;
    private readonly List<(string Name, Tensor Live, Tensor Average)> _pairs = [];

    internal WeightAverage(nn.Module module, double decay)
    {
        _decay = decay;
        using IDisposable still = no_grad();
        foreach ((string name, Tensor live) in module.state_dict())
        {
            if (live.dtype == float32) _pairs.Add((name, live, live.detach().clone().DetachFromDisposeScope()));
        }
    }

    /// <summary>Moves the average towards the present weights; young averages move faster, so that the random start fades.</summary>
    internal void Update(long step)
    {
        using IDisposable still = no_grad();
        double decay = Math.Min(_decay, (1.0 + step) / (10.0 + step));
        foreach ((_, Tensor live, Tensor average) in _pairs) average.mul_(decay).add_(live, 1 - decay);
    }

    /// <summary>The average by name, as arrays.</summary>
    internal List<NamedArray> ToArrays() => [.. _pairs.Select(pair => new NamedArray(pair.Name, pair.Average.shape, pair.Average.cpu().data<float>().ToArray()))];

    /// <summary>Exchanges average and present weights; call it again to undo.</summary>
    internal void Swap()
    {
        using IDisposable still = no_grad();
        foreach ((_, Tensor live, Tensor average) in _pairs)
        {
            using Tensor kept = live.detach().clone();
            live.detach().copy_(average);
            average.copy_(kept);
        }
    }

    /// <summary>Sets the average to given arrays.</summary>
    internal void Load(IReadOnlyDictionary<string, NamedArray> arrays)
    {
        foreach ((string name, _, Tensor average) in _pairs) TrainingState.Copy(arrays, name, average);
    }

    public void Dispose()
    {
        foreach ((_, _, Tensor average) in _pairs) average.Dispose();
    }
}
