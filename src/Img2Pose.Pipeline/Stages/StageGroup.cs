namespace Img2Pose.Pipeline;

/// <summary>
/// The stages of one run. Each runs on its own thread; the first error of any of them aborts all, by completing every
/// channel with it, and is the one that is reported.
/// </summary>
internal sealed class StageGroup
{
    private readonly List<(string Name, Func<Task> Loop)> _stages = [];
    private readonly List<Action<Exception>> _aborts = [];
    private readonly List<Action> _drains = [];
    private Exception? _fault;
    private Task? _running;

    /// <summary>The first error, or null.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    /// <summary>Adds a channel to the run.</summary>
    public StageChannel<T> Connect<T>(StageChannel<T> channel) where T : class, IDisposable
    {
        _aborts.Add(channel.Complete);
        _drains.Add(channel.Drain);
        return channel;
    }

    /// <summary>Adds a stage without input. It calls <see cref="ThrowIfAborted"/> between items and completes its own output.</summary>
    public void AddSource(string name, Func<Task> loop) => _stages.Add((name, loop));

    /// <summary>Adds a stage that handles the items of <paramref name="input"/> in order, then runs <paramref name="finish"/>.</summary>
    public void AddStage<T>(string name, StageChannel<T> input, Func<T, ValueTask> handle, Action finish)
        where T : class, IDisposable =>
        _stages.Add((name, async () =>
        {
            while (await input.WaitToReadAsync())
            {
                while (input.TryRead(out T? item))
                {
                    if (Fault is not null) item.Dispose();
                    ThrowIfAborted();
                    PipelineMetrics.FrameIn(name);
                    await handle(item);
                }
            }
            ThrowIfAborted();
            finish();
        }
    ));

    /// <summary>Ends a stage of a run that has failed elsewhere.</summary>
    public void ThrowIfAborted()
    {
        if (Fault is { } fault) throw new OperationCanceledException("Another stage has failed.", fault);
    }

    /// <summary>Runs all stages to their end.</summary>
    /// <exception cref="Exception">The first error of any stage.</exception>
    public async Task RunAsync()
    {
        Task running = Task.WhenAll([.. _stages.Select(stage => StageThread.Run(stage.Name, () => Guard(stage.Loop)))]);
        Volatile.Write(ref _running, running);
        await running;
        foreach (Action drain in _drains) drain();
        if (Fault is { } fault) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>Ends the stages, if they run, and waits until their threads are out of the parts.</summary>
    public void Stop()
    {
        if (Volatile.Read(ref _running) is not { IsCompleted: false } running) return;
        Abort(new ObjectDisposedException(nameof(VideoPipeline), "The pipeline was disposed while it ran."));
        running.Wait();
    }

    private async Task Guard(Func<Task> loop)
    {
        try
        {
            await loop();
        }
        catch (Exception error)
        {
            Abort(error);
        }
    }

    private void Abort(Exception error)
    {
        // Whatever comes after the first error is its consequence: closed channels, cancelled waits.
        if (Interlocked.CompareExchange(ref _fault, error, null) is not null) return;
        foreach (Action<Exception> abort in _aborts) abort(error);
    }
}
