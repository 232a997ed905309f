using System.Runtime.ExceptionServices;

namespace Img2Pose.Pipeline;

/// <summary>
/// The stages of one session. Each runs on its own thread; the first error of any of them aborts all, by completing every
/// link with it, and is the one that is reported.
/// </summary>
internal sealed class StageGroup(string? stream = null)
{
    private readonly List<(string Name, Func<Task> Loop)> _stages = [];
    private readonly List<Action<Exception>> _aborts = [];
    private readonly List<Action> _ends = [];
    private Exception? _fault;

    /// <summary>The first error, or null.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    /// <summary>Adds a link to the session.</summary>
    public Link<T> Connect<T>(Link<T> link) where T : class, IDisposable
    {
        _aborts.Add(link.Complete);
        _ends.Add(link.Drain);
        return link;
    }

    /// <summary>Adds a link whose reader is no stage: it is aborted like the others, but what is in it when the stages end is the reader's.</summary>
    public void ConnectReader<T>(Link<T> link) where T : class, IDisposable => _aborts.Add(link.Complete);

    /// <summary>Adds what is done when the session is aborted: what wakes a stage that waits for something else than a link.</summary>
    public void AtAbort(Action action) => _aborts.Add(_ => action());

    /// <summary>Adds what is done when all stages have ended, before the links are drained.</summary>
    public void AtEnd(Action action) => _ends.Insert(0, action);

    /// <summary>Adds a stage without input. It calls <see cref="ThrowIfAborted"/> between items and completes its own output.</summary>
    public void AddSource(string name, Func<Task> loop) => _stages.Add((name, loop));

    /// <summary>Adds a stage that handles the items of <paramref name="input"/> in order, then runs <paramref name="finish"/>.</summary>
    public void AddStage<T>(string name, Link<T> input, Func<T, ValueTask> handle, Action finish)
        where T : class, IDisposable => AddStage(name, input, handle, () =>
        {
            finish();
            return ValueTask.CompletedTask;
        });

    /// <inheritdoc cref="AddStage{T}(string, Link{T}, Func{T, ValueTask}, Action)"/>
    public void AddStage<T>(string name, Link<T> input, Func<T, ValueTask> handle, Func<ValueTask> finish)
        where T : class, IDisposable =>
        _stages.Add((name, async () =>
        {
            while (await input.WaitToReadAsync())
            {
                while (input.TryRead(out T? item))
                {
                    if (Fault is not null) item.Dispose();
                    ThrowIfAborted();
                    EngineMetrics.FrameIn(stream, name);
                    await handle(item);
                }
            }
            ThrowIfAborted();
            await finish();
        }
    ));

    /// <summary>Ends a stage of a session that has failed elsewhere.</summary>
    public void ThrowIfAborted()
    {
        if (Fault is { } fault) throw new OperationCanceledException("Another stage has failed.", fault);
    }

    /// <summary>Ends all stages, as if one had failed with <paramref name="error"/>. Without effect after the first error.</summary>
    public void Abort(Exception error)
    {
        // Whatever comes after the first error is its consequence: closed links, cancelled waits.
        if (Interlocked.CompareExchange(ref _fault, error, null) is not null) return;
        foreach (Action<Exception> abort in _aborts) abort(error);
    }

    /// <summary>Runs all stages to their end.</summary>
    /// <exception cref="Exception">The first error of any stage.</exception>
    public async Task RunAsync()
    {
        Task[] running = [.. _stages.Select(stage => StageThread.Run(stage.Name, () => Guard(stage.Loop)))];
        await Task.WhenAll(running).ConfigureAwait(false);
        foreach (Action end in _ends) end();
        if (Fault is { } fault) ExceptionDispatchInfo.Throw(fault);
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
}
