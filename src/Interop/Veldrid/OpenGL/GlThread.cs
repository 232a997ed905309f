namespace Veldrid.OpenGL;

/// <summary>Something that the device's thread does, in the order given.</summary>
internal interface IGlWork
{
    void Execute();
}

/// <summary>
/// The one thread on which a device's context is current. Work is queued without allocation; a caller that needs the result
/// waits for the ticket of its work. A failure in queued work is kept and thrown at the next wait.
/// </summary>
internal sealed class GlThread : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<IGlWork> _queue = new(16);
    private readonly object _doneGate = new();
    private readonly Thread _thread;
    private readonly OpenGLPlatformInfo _platform;
    private long _queued;
    private long _done;
    private Exception? _failure;
    private bool _stopping;

    public GlThread(OpenGLPlatformInfo platform)
    {
        _platform = platform;
        _thread = new Thread(Run) { IsBackground = true, Name = "OpenGL" };
        _thread.Start();
    }

    /// <summary>Queues work and returns its ticket.</summary>
    public long Post(IGlWork work)
    {
        long ticket;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            ticket = ++_queued;
            _queue.Enqueue(work);
            Monitor.Pulse(_gate);
        }
        return ticket;
    }

    /// <summary>Waits until the work with this ticket is done; throws what earlier queued work failed with.</summary>
    public void Await(long ticket)
    {
        Exception? failure;
        lock (_doneGate)
        {
            while (_done < ticket) Monitor.Wait(_doneGate);
            failure = _failure;
            _failure = null;
        }
        if (failure is not null) throw new VeldridException(failure.Message, failure);
    }

    /// <summary>Does work on the thread and returns when it is done; throws what it, or earlier queued work, throws.</summary>
    public void Do(IGlWork work)
    {
        if (Thread.CurrentThread == _thread) work.Execute();
        else Await(Post(work));
    }

    /// <summary>Runs an action on the thread and returns when it is done; throws what it throws.</summary>
    public void Invoke(Action action)
    {
        if (Thread.CurrentThread == _thread)
        {
            action();
            return;
        }
        Await(Post(new ActionWork(action)));
    }

    /// <summary>Finishes the queue, deletes the context and ends the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
    }

    private void Run()
    {
        try
        {
            _platform.MakeCurrent(_platform.OpenGLContextHandle);
        }
        catch (Exception e)
        {
            _failure = e;
        }

        while (true)
        {
            IGlWork? work;
            lock (_gate)
            {
                while (!_queue.TryDequeue(out work) && !_stopping) Monitor.Wait(_gate);
            }
            if (work is null) break;
            Exception? failure = null;
            try
            {
                work.Execute();
            }
            catch (Exception e)
            {
                failure = e;
            }
            lock (_doneGate)
            {
                _done++;
                _failure ??= failure;
                Monitor.PulseAll(_doneGate);
            }
        }

        _platform.ClearCurrentContext();
        _platform.DeleteContext(_platform.OpenGLContextHandle);
    }

    private sealed class ActionWork(Action action) : IGlWork
    {
        public void Execute() => action();
    }
}
