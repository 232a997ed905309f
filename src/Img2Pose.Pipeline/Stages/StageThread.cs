namespace Img2Pose.Pipeline;

/// <summary>
/// Runs an asynchronous loop on a thread of its own: what follows each await continues there. So a stage that blocks in
/// native code keeps no thread-pool thread busy, and the CPU time of its thread is its own.
/// </summary>
internal sealed class StageThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();
    private bool _finished;

    private StageThread()
    {
    }

    /// <summary>Starts <paramref name="loop"/> on a new background thread.</summary>
    /// <returns>Completes as the loop does, after its thread has nothing left to run.</returns>
    public static Task Run(string name, Func<Task> loop)
    {
        StageThread context = new();
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() => context.Pump(loop, done)) { Name = name, IsBackground = true };
        thread.Start();
        return done.Task;
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_posted)
        {
            _posted.Enqueue((d, state));
            Monitor.Pulse(_posted);
        }
    }

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("A stage thread runs only its own loop.");

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    private void Pump(Func<Task> loop, TaskCompletionSource done)
    {
        SetSynchronizationContext(this);
        Task running;
        try
        {
            running = loop();
        }
        catch (Exception error)
        {
            running = Task.FromException(error);
        }
        running.ContinueWith(
            static (_, state) => ((StageThread)state!).Finish(), this,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (Next(out (SendOrPostCallback Callback, object? State) work)) work.Callback(work.State);
        done.SetFromTask(running);
    }

    private bool Next(out (SendOrPostCallback Callback, object? State) work)
    {
        lock (_posted)
        {
            while (!_posted.TryDequeue(out work))
            {
                if (_finished) return false;
                Monitor.Wait(_posted);
            }
            return true;
        }
    }

    private void Finish()
    {
        lock (_posted)
        {
            _finished = true;
            Monitor.Pulse(_posted);
        }
    }
}
