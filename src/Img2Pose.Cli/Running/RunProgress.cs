using System.Globalization;
using System.Text;
using Img2Pose.Core;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Spectre.Console;

namespace Img2Pose.Cli.Running;

/// <summary>
/// Tells on standard error how a job goes: a live line on a terminal, a plain line every few seconds elsewhere. Thread-safe.
/// </summary>
/// <param name="sources">Sources of the job.</param>
/// <param name="quiet">Tell nothing.</param>
internal sealed class RunProgress(int sources, bool quiet)
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly List<PoseSession> _running = [];
    private readonly long _start = System.Diagnostics.Stopwatch.GetTimestamp();
    private long _framesBefore, _facesBefore;
    private long? _total;
    private int _ended;
    private volatile IAnsiConsole? _console;

    /// <summary>A session begins to run.</summary>
    /// <param name="session">The session.</param>
    /// <param name="total">Frames expected, or null.</param>
    public void Begin(PoseSession session, long? total)
    {
        lock (_lock)
        {
            _running.Add(session);
            // Of several files, those that are yet to be opened have an unknown length.
            if (sources == 1) _total = total;
        }
    }

    /// <summary>A session has ended; <paramref name="summary"/> tells what it did, or is null where it failed.</summary>
    public void End(PoseSession session, string? summary)
    {
        lock (_lock)
        {
            if (!_running.Remove(session)) return;
            _framesBefore += session.FramesDone;
            _facesBefore += session.FacesFound;
            _ended++;
        }
        if (quiet || summary is null) return;
        // While the live line is shown, what is written through its console appears above it.
        if (_console is { } console) Draw(() => console.WriteLine(summary));
        else Console.Error.WriteLine(summary);
    }

    /// <summary>Draws on a terminal, which may have gone: then nobody can be told, which ends no job.</summary>
    private static void Draw(Action drawing)
    {
        try
        {
            drawing();
        }
        catch (Exception)
        {
            // Of whatever kind: the console's own calls fail in many ways on a terminal that has hung up.
        }
    }

    /// <summary>Frames done so far, over all sources.</summary>
    public long FramesDone => Now().Frames;

    /// <summary>Shows progress until <paramref name="job"/> ends.</summary>
    public async Task ShowUntilAsync(Task job)
    {
        try
        {
            if (quiet) return;
            if (Console.IsErrorRedirected) await ShowLinesAsync(job);
            else await ShowBarAsync(job);
        }
        catch (Exception) when (_console is not null)
        {
            // As in Draw. What the job itself ends with is its caller's to see.
        }
        finally
        {
            _console = null;
            // Whatever happens to the display: what the stages use is freed only when they have ended.
            await job.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The terminal behind standard error. It may go away while the job runs, which then goes on in silence.</summary>
    private sealed class TerminalOutput : IAnsiConsoleOutput
    {
        public TextWriter Writer => StandardError.Raw;

        public bool IsTerminal => true;

        public int Width => Math.Max(20, Size(() => Console.WindowWidth, 80));

        public int Height => Math.Max(2, Size(() => Console.WindowHeight, 24));

        public void SetEncoding(Encoding encoding)
        {
            // It is UTF-8.
        }

        private static int Size(Func<int> ask, int otherwise)
        {
            try
            {
                return ask();
            }
            catch (IOException)
            {
                return otherwise;
            }
        }
    }

    /// <summary>One line: frames, share, rate, faces, time left.</summary>
    internal static string Describe(long frames, long faces, TimeSpan elapsed, long? total)
    {
        double rate = elapsed.TotalSeconds > 0 ? frames / elapsed.TotalSeconds : 0;
        string text = string.Create(CultureInfo.InvariantCulture, $"{frames} frames, {rate:0.0} fps, {faces} faces");
        if (total is not > 0) return text;
        text += string.Create(CultureInfo.InvariantCulture, $", {Math.Min(100, 100.0 * frames / total.Value):0} %");
        return rate > 0 && frames < total
            ? text + string.Create(CultureInfo.InvariantCulture, $", {Math.Ceiling((total.Value - frames) / rate):0} s left")
            : text;
    }

    private (string Text, long Frames, long? Total) Now()
    {
        lock (_lock)
        {
            long frames = _framesBefore + _running.Sum(session => session.FramesDone);
            long faces = _facesBefore + _running.Sum(session => session.FacesFound);
            string text = Describe(frames, faces, System.Diagnostics.Stopwatch.GetElapsedTime(_start), _total);
            if (_running.Exists(session => session.Info.IsLive)) return (DescribeLive(text), frames, null);
            return (sources == 1 ? text : $"{_ended} of {sources} files done: {text}", frames, _total);
        }
    }

    /// <summary>What else there is to say of live sources: what was left out, how old the frames are, who is not there.</summary>
    private string DescribeLive(string text)
    {
        long dropped = 0;
        double age = 0;
        foreach (PoseSession session in _running)
        {
            RunReport report = session.Report();
            dropped += report.Dropped;
            age = Math.Max(age, report.Age?.Percentile95 ?? 0);
        }
        text += string.Create(CultureInfo.InvariantCulture, $", {dropped} dropped, age {1000 * age:0} ms");
        int live = _running.Count(session => session.Status?.Current.State == SourceState.Live);
        if (sources > 1) return string.Create(CultureInfo.InvariantCulture, $"{live} of {sources} live: {text}");
        return live == 1 || _running[0].Status is not { } status ? text : $"{text}, {status.Current}";
    }

    private async Task ShowLinesAsync(Task job)
    {
        while (await Task.WhenAny(job, Task.Delay(s_plainInterval)) != job) Console.Error.WriteLine(Now().Text);
    }

    private async Task ShowBarAsync(Task job)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new TerminalOutput() });
        _console = console;
        await console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask("");
                do
                {
                    (string text, long frames, long? total) = Now();
                    task.Description = Markup.Escape(text);
                    task.IsIndeterminate = total is not > 0;
                    if (total is > 0) (task.MaxValue, task.Value) = (total.Value, Math.Min(frames, total.Value));
                }
                while (await Task.WhenAny(job, Task.Delay(s_refresh)) != job);
            });
    }
}
