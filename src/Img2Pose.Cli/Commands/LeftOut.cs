namespace Img2Pose.Cli.Commands;

/// <summary>
/// What a verb that does a set leaves out, as it cannot be read: each is named on standard error, the rest is done, and the exit code
/// tells that not all was. Any thread may tell.
/// </summary>
internal sealed class LeftOut
{
    private int _count;

    /// <summary>How many were left out.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The exit code of a verb that has done the rest.</summary>
    public int Code => Count > 0 ? ExitCode.Failed : ExitCode.Done;

    /// <summary>Names one.</summary>
    public void Tell(InputException error)
    {
        Interlocked.Increment(ref _count);
        Console.Error.WriteLine($"img2pose: left out: {ErrorReport.OneLine(error.Message)}");
    }
}
