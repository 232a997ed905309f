using Img2Pose.Core;
using Img2Pose.Media;

namespace Img2Pose.Cli;

/// <summary>Turns an exception into one line on standard error and an exit code.</summary>
internal static class ErrorReport
{
    /// <summary>Writes <paramref name="error"/> as one line (its stack below it when verbose) and returns the exit code.</summary>
    public static int Write(TextWriter output, Exception error, bool verbose)
    {
        Exception cause = Unwrap(error);
        output.WriteLine($"img2pose: {DescribeCause(cause)}");
        if (verbose) output.WriteLine(MediaSource.Mask(cause.ToString()));
        return ExitCode.For(cause);
    }

    /// <summary>
    /// A message without line breaks and runs of spaces, so that logs stay one line an event, and without credentials, whatever option
    /// an address was given to.
    /// </summary>
    public static string OneLine(string message) => MediaSource.Mask(TerminalText.OneLine(message));

    /// <summary>One line that tells what an error is.</summary>
    public static string Describe(Exception error) => DescribeCause(Unwrap(error));

    private static Exception Unwrap(Exception error) =>
        error is AggregateException { InnerExceptions: [Exception only] } ? Unwrap(only) : error;

    private static string DescribeCause(Exception error) => error switch
    {
        Img2PoseException => OneLine(error.Message),
        DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException } =>
            $"A native library is missing ({OneLine((error.InnerException ?? error).Message)}). Run img2pose doctor to see which.",
        IOException or UnauthorizedAccessException => OneLine(error.Message),
        OutOfMemoryException => "Memory is short; make the input smaller, or give the program more.",
        _ => $"Unexpected {error.GetType().Name}: {OneLine(error.Message)} Run again with --verbose and report the trace.",
    };
}
