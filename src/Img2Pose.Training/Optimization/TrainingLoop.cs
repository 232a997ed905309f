using System.Diagnostics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>What a loop did since it last told.</summary>
/// <param name="Step">Steps done so far, those of earlier runs included.</param>
/// <param name="Losses">Mean of each part of the loss; the first is the whole.</param>
/// <param name="Rate">Learning rate of the last step.</param>
/// <param name="PicturesPerSecond">Pictures learnt from in a second.</param>
/// <param name="Left">Time that the remaining steps will take at this speed.</param>
internal readonly record struct LoopReport(long Step, double[] Losses, double Rate, double PicturesPerSecond, TimeSpan Left);

/// <summary>
/// Takes batches in order and learns from them, tells how it goes every few steps, and calls for a validation at the end of every
/// epoch. Its steps are on the calling task, whichever thread that goes on in.
/// </summary>
/// <typeparam name="T">A batch.</typeparam>
internal sealed record TrainingLoop<T>
{
    /// <summary>Steps that have been done before.</summary>
    public required long First { get; init; }

    /// <summary>The step that it ends with.</summary>
    public required long Last { get; init; }

    /// <summary>Steps from validation to validation; the last step has one, too.</summary>
    public required long Epoch { get; init; }

    /// <summary>Steps from report to report.</summary>
    public required long ReportSteps { get; init; }

    /// <summary>Threads of libtorch.</summary>
    public required int Threads { get; init; }

    /// <summary>The learning rate of a step.</summary>
    public required Func<long, double> Rate { get; init; }

    /// <summary>Learns from a batch in a step; gives the parts of the loss, finite numbers.</summary>
    public required Func<T, long, double[]> Learn { get; init; }

    /// <summary>Pictures of a batch.</summary>
    public required Func<T, int> PicturesOf { get; init; }

    /// <summary>Told how it goes. The losses are used again after the call.</summary>
    public required Action<LoopReport> Report { get; init; }

    /// <summary>Validates after a step, and saves.</summary>
    public required Action<long> Validate { get; init; }

    /// <summary>Whether there is nothing more to gain.</summary>
    public Func<bool> ShouldStop { get; init; } = () => false;

    /// <summary>Learns until the last step, cancellation, or where there is nothing more to gain.</summary>
    /// <returns>The step reached.</returns>
    /// <exception cref="Img2PoseException">Of <see cref="Learn"/>: the loss is no number any more, or a replica failed.</exception>
    public async Task<long> RunAsync(BatchSource<T> batches, OptimizerHelper optimizer, CancellationToken cancellation)
    {
        long step = First, pictures = 0;
        double[] sums = [];
        int summed = 0;
        Stopwatch clock = Stopwatch.StartNew();
        while (step < Last && !ShouldStop() && !cancellation.IsCancellationRequested)
        {
            T batch;
            try
            {
                batch = await batches.NextAsync(cancellation);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            // libtorch keeps the number in each thread, and the wait may have gone on in another: one that computed before keeps
            // its own, with which sums are rounded differently.
            TorchThreads.Use(Threads);
            double rate = Rate(step);
            foreach (optim.ILearningRateController group in optimizer.ParamGroups) group.LearningRate = rate;
            double[] parts = Learn(batch, step);
            step++;
            summed++;
            pictures += PicturesOf(batch);
            if (sums.Length == 0) sums = new double[parts.Length];
            for (int i = 0; i < sums.Length; i++) sums[i] += parts[i];
            if (step % ReportSteps == 0)
            {
                double speed = pictures / clock.Elapsed.TotalSeconds;
                for (int i = 0; i < sums.Length; i++) sums[i] /= summed;
                Report(new LoopReport(step, sums, rate, speed, TimeSpan.FromSeconds((Last - step) * (double)pictures / summed / speed)));
                Restart();
            }
            if (step % Epoch == 0 || step == Last)
            {
                Validate(step);
                Restart();
            }
        }
        return step;

        // What a validation takes is no part of the speed.
        void Restart()
        {
            Array.Clear(sums);
            (summed, pictures) = (0, 0);
            clock.Restart();
        }
    }
}
