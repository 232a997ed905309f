using System.Threading.Channels;

namespace Img2Pose.Training.Optimization;

/// <summary>
/// Makes batches ahead of the network on threads of its own, in order. Where batch n depends on n alone, a run is repeatable with
/// any number of threads.
/// </summary>
internal sealed class BatchSource<T> : IAsyncDisposable
{
    private readonly Func<long, T> _make;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Task<T>> _queue;
    private readonly SemaphoreSlim _workers;
    private readonly Task _feeder;

    /// <summary>Starts with batch <paramref name="first"/>; <paramref name="make"/> is called on any thread.</summary>
    internal BatchSource(Func<long, T> make, long first, int workers)
    {
        _make = make;
        _workers = new SemaphoreSlim(workers);
        _queue = Channel.CreateBounded<Task<T>>(new BoundedChannelOptions(workers + 1) { SingleReader = true, SingleWriter = true });
        _feeder = Task.Run(() => FeedAsync(first));
    }

    /// <summary>The next batch in order.</summary>
    internal async ValueTask<T> NextAsync(CancellationToken cancellation) =>
        await (await _queue.Reader.ReadAsync(cancellation)).WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _feeder.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _workers.Dispose();
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
                Task<T> task = Task.Run(() => MakeOne(batch));
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

    private T MakeOne(long batch)
    {
        try
        {
            return _make(batch);
        }
        finally
        {
            _workers.Release();
        }
    }
}
