using System.CommandLine;

namespace Img2Pose.Cli;

/// <summary>Options that every verb understands.</summary>
internal static class CommonOptions
{
    /// <summary>Adds the stack trace to an error.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose")
    {
        Description = "Print the stack trace with an error.",
        Recursive = true,
    };
}
