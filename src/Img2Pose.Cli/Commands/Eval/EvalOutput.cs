using Img2Pose.Evaluation;
using Img2Pose.Evaluation.Reporting;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary>What the verbs of <c>eval</c> share: where a report goes, and checks of numbers.</summary>
internal static class EvalOutput
{
    /// <summary>Where the table goes: standard output, unless the JSON report goes there.</summary>
    public static TextWriter Table(string? jsonTarget) => jsonTarget == "-" ? Console.Error : Console.Out;

    /// <summary>Writes the JSON report to a file, to standard output for <c>-</c>, or not at all.</summary>
    public static void Json(string? target, Action<Stream> write)
    {
        if (target is null) return;
        if (target != "-")
        {
            ReportFile.Write(target, write);
            return;
        }
        using Stream output = Console.OpenStandardOutput();
        write(output);
        output.WriteByte((byte)'\n');
    }

    /// <summary>Names each unreadable picture on standard error; returns the exit code: not all was done where there is one.</summary>
    public static int ReportUnreadable(IReadOnlyList<UnreadablePicture> pictures)
    {
        foreach (UnreadablePicture picture in pictures) Console.Error.WriteLine($"img2pose: left out: {ErrorReport.OneLine(picture.Reason)}");
        return pictures.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Lengths separated by commas.</summary>
    /// <exception cref="UsageException">One is no length that a side can have.</exception>
    public static int[] Lengths(string option, string text) => [.. text.Split(',').Select(word => int.TryParse(word, out int size) && size is >= 16 and <= 16384
        ? size
        : throw new UsageException($"{option}: '{word}' is not a length between 16 and 16384; give some such as 300,500,800."))];

    /// <exception cref="UsageException">The number is below 1.</exception>
    public static int? AtLeastOne(string option, int? value) =>
        value is null or >= 1 ? value : throw new UsageException($"{option} must be at least 1, not {value}.");

    /// <exception cref="UsageException">The score is not in [0, 1].</exception>
    public static double? Score(string option, double? value) =>
        value is null or (>= 0 and <= 1) ? value : throw new UsageException(FormattableString.Invariant($"{option} must be between 0 and 1, not {value}."));
}
