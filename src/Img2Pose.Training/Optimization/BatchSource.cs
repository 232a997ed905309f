using System.Threading.Channels;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Losses;

namespace Img2Pose.Training.Optimization;

/// <summary>A batch ready for the network.</summary>
/// <param name="Size">Side of the square pictures.</param>
/// <param name="Pictures">Interleaved RGB, [Count × Size × Size × 3].</param>
/// <param name="Count">Number of pictures.</param>
/// <param name="Targets">Assigned labels.</param>
internal sealed record TrainingBatch(int Size, byte[] Pictures, int Count, CellTargets Targets);

/// <summary>
/// Makes batches ahead of the network on threads of its own. Batch n depends on the seed and n alone, so a run is repeatable
/// with any number of threads.
/// </summary>
internal sealed class BatchSource : IAsyncDisposable
{
    private readonly SampleGenerator _generator;
    private readonly ulong _seed;
    private readonly int _batch;
    private readonly IReadOnlyList<int> _sizes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Task<TrainingBatch>> _queue;
    private readonly SemaphoreSlim _workers;
    private readonly Task _feeder;

    internal BatchSource(SampleGenerator generator, ulong seed, int batch, IReadOnlyList<int> sizes, long first, int workers)
    {
        (_generator, _seed, _batch, _sizes) = (generator, seed, batch, sizes);
        _workers = new SemaphoreSlim(workers);
        _queue = Channel.CreateBounded<Task<TrainingBatch>>(new BoundedChannelOptions(workers + 1) { SingleReader = true, SingleWriter = true });
        _feeder = Task.Run(() => FeedAsync(first));
    }

    /// <summary>The next batch in order.</summary>
    internal async ValueTask<TrainingBatch> NextAsync(CancellationToken cancellation) =>
        await (await _queue.Reader.ReadAsync(cancellation)).WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _feeder.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _workers.Dispose();
    }

    internal static TrainingBatch Make(SampleGenerator generator, ulong seed, long first, int count, int size)
    {
        TrainingSample[] samples = new TrainingSample[count];
        byte[] pictures = new byte[count * size * size * 3];
        for (int i = 0; i < count; i++)
        {
            samples[i] = generator.Generate(seed, first + i, size, size);
            samples[i].Rgb.CopyTo(pictures, i * size * size * 3);
        }
        return new TrainingBatch(size, pictures, count, CellTargets.Assign(samples));
    }

    private async Task FeedAsync(long first)
    {
        List<Task> running = [];
        try
        {
            for (long number = first; ; number++)
            {
                await _workers.WaitAsync(_stop.Token);
                long batch = number;
                Task<TrainingBatch> task = Task.Run(() => MakeNumbered(batch));
                running.RemoveAll(done => done.IsCompleted);
                running.Add(task);
                await _queue.Writer.WriteAsync(task, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed. What still runs uses the semaphore, and is waited for; its failure concerns nobody any more.
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TrainingBatch MakeNumbered(long batch)
    {
        try
        {
            int size = _sizes[(int)(Scramble(_seed ^ (ulong)batch) % (ulong)_sizes.Count)];
            int count = Math.Max(1, (int)Math.Round(_batch * (320.0 * 320) / ((double)size * size)));
            return Make(_generator, _seed, batch * 4096, count, size);
        }
        finally
        {
            _workers.Release();
        }
    }

    /// <summary>SplitMix64's output function.</summary>
    private static ulong Scramble(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
