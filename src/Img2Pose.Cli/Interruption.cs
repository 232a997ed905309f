using System.Runtime.InteropServices;

namespace Img2Pose.Cli;

/// <summary>
/// Turns the first SIGINT or SIGTERM into a cancellation, so that a verb can drain and close its outputs; a second one
/// ends the process at once, as if this class were not there.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _exitCode;

    private Interruption()
    {
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>130 after SIGINT, 143 after SIGTERM, else null.</summary>
    public int? ExitCode => Volatile.Read(ref _exitCode) is var code and not 0 ? code : null;

    /// <summary>What interrupted the run, for messages and the summary line.</summary>
    public string Reason => ExitCode switch
    {
        Cli.ExitCode.Interrupted => "interrupted by SIGINT",
        Cli.ExitCode.Terminated => "interrupted by SIGTERM",
        _ => "interrupted",
    };

    /// <summary>The process-wide instance that <see cref="Install"/> made; null in tests that run verbs directly.</summary>
    public static Interruption? Current { get; private set; }

    /// <summary>Registers the signal handlers.</summary>
    public static Interruption Install()
    {
        Interruption interruption = new();
        interruption._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, interruption.Handle));
        interruption._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, interruption.Handle));
        Current = interruption;
        return interruption;
    }

    private void Handle(PosixSignalContext context)
    {
        int code = context.Signal == PosixSignal.SIGTERM ? Cli.ExitCode.Terminated : Cli.ExitCode.Interrupted;
        if (Interlocked.CompareExchange(ref _exitCode, code, 0) != 0) return;
        context.Cancel = true;
        // Callbacks of the token must not run on the signal thread: one of them may wait for native code.
        _ = _cancellation.CancelAsync();
    }

    /// <summary>Removes the signal handlers.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _registrations.Clear();
        if (Current == this) Current = null;
        _cancellation.Dispose();
    }
}
