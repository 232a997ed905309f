using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Img2Pose.Core;

namespace Img2Pose.Cli;

/// <summary>
/// Turns the first SIGINT, SIGTERM or SIGHUP into a cancellation, so that a verb can drain and close its outputs; a second
/// one ends the process at once, as if this class were not there. A verb that cannot hear of it, or makes no progress
/// after it, is ended within two seconds: temporary files go, kept partial outputs stay.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.5);

    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Func<long>? _progress;
    private int _exitCode;

    private Interruption()
    {
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM, else null.</summary>
    public int? ExitCode => Volatile.Read(ref _exitCode) is var code and not 0 ? code : null;

    /// <summary>What interrupted the run, for messages and the summary line.</summary>
    public string Reason => ExitCode switch
    {
        Cli.ExitCode.Interrupted => "interrupted by SIGINT",
        Cli.ExitCode.Terminated => "interrupted by SIGTERM",
        Cli.ExitCode.HungUp => "interrupted by SIGHUP",
        _ => "interrupted",
    };

    /// <summary>Whether the verb takes <see cref="Token"/>; one that does not is ended as soon as a signal comes.</summary>
    public bool IsHeard { get; set; }

    /// <summary>
    /// While outputs are open: a number that rises as frames under way are finished. As long as it does, the verb is left to
    /// close them itself.
    /// </summary>
    public Func<long>? Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>
    /// For a verb that has hours of work to save and closes in one piece: how long it is left to do that after the first signal; null: 1.5
    /// seconds. A second signal ends it at once all the same.
    /// </summary>
    public TimeSpan? Closing { get; set; }

    /// <summary>For a verb that goes on after the end of its terminal: what SIGHUP does instead of ending it; null: it ends.</summary>
    public Action? HungUp { get; set; }

    /// <summary>The process-wide instance that <see cref="Install"/> made; null in tests that run verbs directly.</summary>
    public static Interruption? Current { get; private set; }

    /// <summary>Registers the signal handlers.</summary>
    public static Interruption Install()
    {
        Interruption interruption = new();
        interruption._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, interruption.Handle));
        interruption._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, interruption.Handle));
        // Started by nohup the end of the terminal is to be ignored.
        if (!IsIgnored(hangUp: 1)) interruption._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, interruption.Handle));
        Current = interruption;
        return interruption;
    }

    private void Handle(PosixSignalContext context)
    {
        if (context.Signal == PosixSignal.SIGHUP && HungUp is { } instead)
        {
            context.Cancel = true;
            instead();
            return;
        }
        int code = context.Signal switch
        {
            PosixSignal.SIGTERM => Cli.ExitCode.Terminated,
            PosixSignal.SIGHUP => Cli.ExitCode.HungUp,
            _ => Cli.ExitCode.Interrupted,
        };
        if (Interlocked.CompareExchange(ref _exitCode, code, 0) != 0)
        {
            AtomicFile.RemoveAll();
            return;
        }
        context.Cancel = true;
        new Thread(EndWhatDoesNotEnd) { IsBackground = true, Name = "interruption" }.Start();
        // Callbacks of the token must not run on the signal thread: one of them may wait for native code.
        _ = _cancellation.CancelAsync();
    }

    private void EndWhatDoesNotEnd()
    {
        if (IsHeard)
        {
            long reached = -1;
            Stopwatch still = Stopwatch.StartNew();
            // Closing a video after its last frame is hurried after a second (VideoSink) and shows in no frame; on a busy machine, or
            // in an encoder's call that nothing ends, it takes longer: three times the patience.
            while (still.Elapsed < (Closing ?? (Progress is null ? s_patience : 3 * s_patience)))
            {
#pragma warning disable RS0030 // Progress raises no event; the process ends here anyway, and the patience bounds it.
                Thread.Sleep(50);
#pragma warning restore RS0030
                long now = Progress?.Invoke() ?? -1;
                if (now == reached) continue;
                reached = now;
                still.Restart();
            }
        }
        Console.Error.WriteLine($"img2pose: {Reason}.");
        ProcessEnd.Now(ExitCode!.Value);
    }

    private static bool IsIgnored(int hangUp)
    {
        try
        {
            string? line = File.ReadLines("/proc/self/status").FirstOrDefault(text => text.StartsWith("SigIgn:", StringComparison.Ordinal));
            return line is not null && ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
                && (mask >> (hangUp - 1) & 1) != 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
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
