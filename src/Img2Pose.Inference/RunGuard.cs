using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>
/// Ends what a graph computes for too long: a run has a limit of time, and a program that is told to stop waits no longer for it
/// than a grace. ONNX Runtime looks at the flag between operators. Thread-safe.
/// </summary>
internal sealed class RunGuard : IDisposable
{
    /// <summary>Longest run of a network.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(5);

    // Frames under way when the program is told to stop are finished if they are quick.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Timer _timer;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenRegistration _registration;
    private Timer? _graceTimer;
    private bool _stopped;
    private bool _expired;
    private bool _disposed;

    /// <summary>Creates one.</summary>
    /// <param name="limit">Longest run.</param>
    /// <param name="stop">Tells that the program is to end.</param>
    public RunGuard(TimeSpan limit, CancellationToken stop)
    {
        _limit = limit;
        _timer = new Timer(static guard => ((RunGuard)guard!).End(expired: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _registration = stop.UnsafeRegister(static guard => ((RunGuard)guard!).EndAfterGrace(), this);
    }

    /// <summary>Options of every run that this guards.</summary>
    public RunOptions Options { get; } = new();

    /// <summary>A run begins.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_stopped) throw new OperationCanceledException("The program was told to stop.");
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A run has ended.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            // Only the run at hand took too long.
            if (_expired && !_stopped) Options.Terminate = false;
            _expired = false;
        }
    }

    /// <summary>What a failed run failed of, where that is this guard: to be thrown instead of ONNX Runtime's error; else null.</summary>
    public Exception? Reason(Exception error)
    {
        lock (_gate)
        {
            if (_stopped) return new OperationCanceledException("The network was ended because the program was told to stop.", error);
            return _expired ? new NetworkOutputException(
                FormattableString.Invariant($"the network computed longer than the limit of {_limit.TotalSeconds} s for one run; use a smaller --size or another model")) : null;
        }
    }

    /// <summary>Frees it; no run may be under way.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _timer.Dispose();
            _graceTimer?.Dispose();
            Options.Dispose();
        }
    }

    private void EndAfterGrace()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _graceTimer = new Timer(static guard => ((RunGuard)guard!).End(expired: false), this, s_grace, Timeout.InfiniteTimeSpan);
        }
    }

    private void End(bool expired)
    {
        lock (_gate)
        {
            if (_disposed) return;
            if (expired) _expired = true;
            else _stopped = true;
            Options.Terminate = true;
        }
    }
}
