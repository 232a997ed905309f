using System.CommandLine;

namespace Img2Pose.Cli.Running;

/// <summary>Which rolls of faces are looked for: <c>--roll upright|any</c>.</summary>
internal static class RollOption
{
    /// <summary>Makes the option.</summary>
    /// <param name="otherwise">What the default is, for people.</param>
    public static Option<string?> Create(string otherwise)
    {
        Option<string?> option = new("--roll")
        {
            Description = $"upright finds faces that are rolled by less than about 75 degrees; any also those on their side and upside down, by four looks at each picture and crops of what is unsure. Default: {otherwise}.",
            HelpName = "upright|any",
        };
        option.AcceptOnlyFromAmong("upright", "any");
        return option;
    }

    /// <summary>Whether faces of any roll are looked for; null where nothing is said.</summary>
    public static bool? IsAny(this ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { } roll ? roll == "any" : null;
}
