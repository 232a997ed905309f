using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Img2Pose.Cuda;
using Img2Pose.Frames;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// Shares one or more networks among the looks of many streams. Whose turn it is follows start-time fair queuing (Goyal et al.,
/// 1996): the client that has had the least of the network's time for its weight. Looks of several clients are done in one run
/// where that pays. A client that is slow to take its results, or dead, holds nobody up, since it is not asked again before it
/// has room. Thread-safe.
/// </summary>
public sealed class LookScheduler : IDisposable
{
    /// <summary>Looks that had to wait before a further network is opened: a few pictures are done sooner than it is loaded.</summary>
    private const int CrowdBeforeWorker = 8;

    private readonly object _gate = new();
    private readonly LookSchedulerOptions _options;
    private readonly Func<ILookRunner> _create;
    private readonly List<LookClient> _clients = [];
    private readonly List<Thread> _threads = [];
    private double _now;
    private int _idle;
    private int _crowd;
    private bool _disposed;

    /// <summary>Starts with one network; further ones are opened when looks have to wait, each on the thread that uses it.</summary>
    /// <param name="create">Opens a network. The first is opened by this constructor, which throws what it throws.</param>
    /// <param name="options">How looks share the machine.</param>
    /// <exception cref="UsageException">An option is out of range.</exception>
    public LookScheduler(Func<ILookRunner> create, LookSchedulerOptions? options = null)
    {
        _options = options ?? new LookSchedulerOptions();
        _options.Validate();
        _create = create;
        Start(create());
    }

    /// <summary>Networks that may work at the same time.</summary>
    public int Workers => _options.Workers;

    /// <summary>Looks that a client should let be under way at the same time for all of them to keep every network busy.</summary>
    public int Depth => _options.Workers * ((_options.MaximumBatch + _options.Clients - 1) / _options.Clients);

    /// <summary>Adds a client. Whoever adds it removes it.</summary>
    /// <exception cref="ObjectDisposedException">The scheduler was disposed.</exception>
    public LookClient Add(ILookClient client, double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(client);
        LookClient added = new(this, client, weight);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            added.VirtualTime = _now;
            _clients.Add(added);
        }
        return added;
    }

    /// <summary>Ends all threads after the looks that they are at, and closes the networks. Clients that are still there are not called again.</summary>
    public void Dispose()
    {
        Thread[] threads;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            Monitor.PulseAll(_gate);
            threads = [.. _threads];
        }
        foreach (Thread thread in threads) thread.Join();
    }

    internal void Signal(LookClient client)
    {
        lock (_gate)
        {
            if (client.Removed || _disposed) return;
            if (!client.MayHave)
            {
                client.MayHave = true;
                // What it did not want while it was idle is not saved up.
                if (client.Running == 0) client.VirtualTime = Math.Max(client.VirtualTime, _now);
            }
            if (_idle > 0) Monitor.Pulse(_gate);
            else if (_threads.Count < _options.Workers && ++_crowd >= CrowdBeforeWorker) Start(null);
        }
    }

    internal void Remove(LookClient client)
    {
        Look? held;
        lock (_gate)
        {
            if (!client.Removed)
            {
                client.Removed = true;
                _clients.Remove(client);
            }
            while (client.Running > 0) Monitor.Wait(_gate);
            held = client.Held;
            client.Held = null;
        }
        if (held is not null) client.Client.HandBack(held, new OperationCanceledException("The stream has ended."));
    }

    private void Start(ILookRunner? first)
    {
        _crowd = 0;
        Thread thread = new(() => Work(first)) { Name = $"look {_threads.Count + 1}", IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    private void Work(ILookRunner? first)
    {
        ILookRunner runner;
        try
        {
            runner = first ?? _create();
        }
        catch (Exception error) when ((error as CudaDeviceException ?? error.InnerException as CudaDeviceException) is { Failure: CudaFailure.DeviceLost })
        {
            // Whoever is at work on the device hears of it, too, and says it.
            return;
        }
        catch (Exception error)
        {
            // The first network works, so the job gets done without this one.
            _options.Warning?.Invoke($"A further network could not be opened: {OneLine.Of(error.Message)}");
            return;
        }
        using (runner)
        {
            List<Look> looks = new(_options.MaximumBatch);
            List<LookClient> clients = new(_options.MaximumBatch);
            while (Gather(runner, looks, clients))
            {
                Run(runner, looks, clients);
                looks.Clear();
                clients.Clear();
            }
        }
    }

    /// <summary>Waits for looks, as many as make a run; false when the scheduler ends.</summary>
    private bool Gather(ILookRunner runner, List<Look> looks, List<LookClient> clients)
    {
        lock (_gate)
        {
            long start = 0;
            while (true)
            {
                if (_disposed)
                {
                    for (int i = 0; i < clients.Count; i++) (clients[i].Held, clients[i].Running) = (looks[i], clients[i].Running - 1);
                    Monitor.PulseAll(_gate);
                    return false;
                }
                while (looks.Count < _options.MaximumBatch && TryTake(runner, looks, out LookClient? client, out Look? look))
                {
                    if (looks.Count == 0) start = Stopwatch.GetTimestamp();
                    looks.Add(look);
                    clients.Add(client);
                }
                if (looks.Count == _options.MaximumBatch) return true;
                TimeSpan left = looks.Count == 0 ? Timeout.InfiniteTimeSpan : _options.Deadline - Stopwatch.GetElapsedTime(start);
                // Nobody else could fill the batch while every client is at work or waits for its results.
                if (looks.Count > 0 && (left <= TimeSpan.Zero || _clients.TrueForAll(static other => other.Running > 0 && !other.MayHave))) return true;
                _idle++;
                Monitor.Wait(_gate, left);
                _idle--;
            }
        }
    }

    private bool TryTake(ILookRunner runner, List<Look> looks, [NotNullWhen(true)] out LookClient? next, [NotNullWhen(true)] out Look? look)
    {
        while ((next = Next(looks.Count > 0)) is not null)
        {
            look = next.Held;
            next.Held = null;
            if (look is null && !next.Client.TryTake(out look))
            {
                next.MayHave = false;
                continue;
            }
            if (looks.Count > 0 && !runner.CanJoin(looks[0], look))
            {
                next.Held = look;
                continue;
            }
            _now = Math.Max(_now, next.VirtualTime);
            next.VirtualTime += next.Expected / next.Weight;
            next.Running++;
            // What was taken may be what a further look of this client had waited for, of which nobody tells.
            if (_idle > 0) Monitor.Pulse(_gate);
            return true;
        }
        look = null;
        return false;
    }

    /// <summary>The client whose turn it is; where a run is being filled, those whose next look is known not to fit are passed over.</summary>
    private LookClient? Next(bool filling)
    {
        LookClient? best = null;
        foreach (LookClient client in _clients)
        {
            if (!client.MayHave && client.Held is null) continue;
            if (filling && client.Held is not null) continue;
            if (best is null || client.VirtualTime < best.VirtualTime) best = client;
        }
        return best;
    }

    private void Run(ILookRunner runner, List<Look> looks, List<LookClient> clients)
    {
        Exception? error = TryRun(runner, looks);
        if (error is not null && looks.Count > 1)
        {
            // One stream's picture may be at fault; the others get their results all the same.
            List<Look> alone = new(1);
            for (int i = 0; i < looks.Count; i++)
            {
                alone.Clear();
                alone.Add(looks[i]);
                Return(clients[i], looks[i], TryRun(runner, alone));
            }
            return;
        }
        for (int i = 0; i < looks.Count; i++) Return(clients[i], looks[i], error);
    }

    private Exception? TryRun(ILookRunner runner, List<Look> looks)
    {
        long start = _options.Clock.GetTimestamp(), cpu = ThreadClock.Nanoseconds;
        try
        {
            runner.Run(looks);
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
        finally
        {
            TimeSpan wall = _options.Clock.GetElapsedTime(start) / looks.Count;
            TimeSpan used = TimeSpan.FromTicks((ThreadClock.Nanoseconds - cpu) / 100 / looks.Count);
            foreach (Look look in looks) (look.Duration, look.ThreadCpu) = (wall, used);
        }
    }

    private void Return(LookClient client, Look look, Exception? error)
    {
        // The look is the client's own again as soon as it is handed back.
        double seconds = look.Duration.TotalSeconds;
        client.Client.HandBack(look, error);
        lock (_gate)
        {
            client.Running--;
            // A look that it could not give before may have waited for this one.
            client.MayHave = !client.Removed;
            client.VirtualTime += (seconds - client.Expected) / client.Weight;
            client.Expected = client.Expected == 0 ? seconds : client.Expected + (seconds - client.Expected) / 8;
            if (client.Removed) Monitor.PulseAll(_gate);
        }
    }
}
