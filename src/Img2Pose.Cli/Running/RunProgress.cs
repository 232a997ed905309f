using System.Globalization;
using System.Text;
using Img2Pose.Core;
using Img2Pose.Pipeline;
using Spectre.Console;

namespace Img2Pose.Cli.Running;

/// <summary>Tells on standard error how a run goes: a live line on a terminal, a plain line every few seconds elsewhere.</summary>
internal static class RunProgress
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_plainInterval = TimeSpan.FromSeconds(5);

    /// <summary>Shows progress until <paramref name="run"/> ends, and returns its result.</summary>
    /// <param name="pipeline">The pipeline that runs.</param>
    /// <param name="run">Its run.</param>
    /// <param name="total">Frames expected, or null.</param>
    /// <param name="quiet">Show nothing.</param>
    public static async Task<RunReport> ShowAsync(VideoPipeline pipeline, Task<RunReport> run, long? total, bool quiet)
    {
        try
        {
            if (!quiet)
            {
                if (Console.IsErrorRedirected) await ShowLinesAsync(pipeline, run, total);
                else await ShowBarAsync(pipeline, run, total);
            }
        }
        finally
        {
            // Whatever happens to the display: what the stages use is freed only when they have ended.
            await ((Task)run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return await run;
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

    private static async Task ShowLinesAsync(VideoPipeline pipeline, Task run, long? total)
    {
        while (await Task.WhenAny(run, Task.Delay(s_plainInterval)) != run)
            Console.Error.WriteLine(Describe(pipeline.FramesDone, pipeline.FacesFound, pipeline.Elapsed, total));
    }

    private static async Task ShowBarAsync(VideoPipeline pipeline, Task run, long? total)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new TerminalOutput() });
        await console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask("", maxValue: total ?? 1);
                task.IsIndeterminate = total is not > 0;
                do
                {
                    task.Description = Markup.Escape(Describe(pipeline.FramesDone, pipeline.FacesFound, pipeline.Elapsed, total));
                    if (!task.IsIndeterminate) task.Value = Math.Min(pipeline.FramesDone, total!.Value);
                }
                while (await Task.WhenAny(run, Task.Delay(s_refresh)) != run);
            });
    }
}
