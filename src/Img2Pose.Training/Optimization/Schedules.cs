namespace Img2Pose.Training.Optimization;

/// <summary>Lowers the learning rate when the validation loss has stopped falling (relative threshold, as PyTorch's scheduler of that name).</summary>
internal sealed class ReduceOnPlateau(double rate, double factor = 0.1, int patience = 3, double threshold = 1e-3, int cooldown = 1, double smallest = 1e-5)
{
    private const double SmallestChange = 1e-8;
    private double _best = double.PositiveInfinity;
    private int _bad;
    private int _rest;

    /// <summary>The learning rate now.</summary>
    internal double Rate { get; private set; } = rate;

    /// <summary>Takes note of an epoch's validation loss.</summary>
    internal void Observe(double loss)
    {
        if (loss < _best * (1 - threshold)) (_best, _bad) = (loss, 0);
        else _bad++;
        if (_rest > 0)
        {
            _rest--;
            _bad = 0;
        }
        if (_bad <= patience) return;
        double lower = Math.Max(Rate * factor, smallest);
        if (Rate - lower > SmallestChange) Rate = lower;
        (_rest, _bad) = (cooldown, 0);
    }
}

/// <summary>Says when training should end: after so many epochs in a row without a better validation loss.</summary>
internal sealed class EarlyStopping(int patience = 5, double threshold = 0)
{
    private double _best = double.PositiveInfinity;

    /// <summary>Epochs since the best one.</summary>
    internal int Count { get; private set; }

    /// <summary>Whether patience has run out.</summary>
    internal bool ShouldStop { get; private set; }

    /// <summary>Takes note of an epoch's validation loss.</summary>
    internal void Observe(double loss)
    {
        if (loss < _best - threshold) (_best, Count) = (loss, 0);
        else Count++;
        if (Count >= patience) ShouldStop = true;
    }
}

/// <summary>A half cosine to nearly zero after a linear rise, from the first step or from where a run went on with new moments.</summary>
/// <param name="Highest">The highest rate.</param>
/// <param name="WarmUp">Steps of the rise.</param>
/// <param name="Last">Steps in all.</param>
/// <param name="MomentsSince">The step since which the optimiser's moments are: before they have settled, Adam's steps are as large as the rate allows.</param>
internal sealed record WarmCosine(double Highest, long WarmUp, long Last, long MomentsSince = 0)
{
    private const double LowestPart = 0.002;

    /// <summary>The learning rate of a step, from 0.</summary>
    internal double Rate(long step)
    {
        double progress = Math.Max(0, step - WarmUp) / (double)Math.Max(1, Last - WarmUp);
        double rate = Highest * Math.Max(LowestPart, 0.5 * (1 + Math.Cos(Math.PI * progress)));
        long since = step - MomentsSince;
        return since < WarmUp ? rate * (since + 1) / WarmUp : rate;
    }
}
