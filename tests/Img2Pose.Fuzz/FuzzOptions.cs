using System.Globalization;

namespace Img2Pose.Fuzz;

/// <summary>The command line.</summary>
internal sealed record FuzzOptions
{
    /// <summary>Names of the targets; all where none is named.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>Time for each target.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Seed of the mutations.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Targets at the same time.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>Folder of further seeds, <c>TARGET-*</c>.</summary>
    public string? Corpus { get; init; }

    /// <summary>Folder that inputs are kept in that found something.</summary>
    public string Keep { get; init; } = Path.Combine(Path.GetTempPath(), "img2pose-fuzz-findings");

    /// <summary>Files to try once.</summary>
    public IReadOnlyList<string> Replay { get; init; } = [];

    /// <summary>The file for the input under way, in a child process.</summary>
    public string? Child { get; init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="ArgumentException">It makes no sense.</exception>
    public static FuzzOptions Parse(string[] arguments)
    {
        List<string> targets = [], replay = [];
        FuzzOptions options = new() { Targets = targets };
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument == "--replay")
            {
                targets.Add(Value());
                while (i + 1 < arguments.Length) replay.Add(arguments[++i]);
                options = options with { Replay = replay };
                continue;
            }
            options = argument switch
            {
                "--seconds" => options with { Time = TimeSpan.FromSeconds(double.Parse(Value(), CultureInfo.InvariantCulture)) },
                "--seed" => options with { Seed = int.Parse(Value(), CultureInfo.InvariantCulture) },
                "--jobs" => options with { Jobs = int.Parse(Value(), CultureInfo.InvariantCulture) },
                "--corpus" => options with { Corpus = Value() },
                "--keep" => options with { Keep = Path.GetFullPath(Value()) },
                "--child" => options with { Child = Value() },
                _ when argument.StartsWith('-') => throw new ArgumentException($"{argument} is not an option."),
                _ => options,
            };
            if (!argument.StartsWith('-')) targets.Add(argument);

            string Value() => ++i < arguments.Length ? arguments[i] : throw new ArgumentException($"{argument} needs a value.");
        }
        if (targets.Count == 0) targets.AddRange(FuzzTargets.All.Select(target => target.Name));
        foreach (string name in targets) FuzzTargets.Find(name);
        return options;
    }
}
