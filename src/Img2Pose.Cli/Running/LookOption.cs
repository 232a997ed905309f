using System.CommandLine;
using System.Globalization;

namespace Img2Pose.Cli.Running;

/// <summary>Where the network looks: <c>--look every|follow|N</c>, and <c>--every N</c> as it was called before.</summary>
internal sealed class LookOption
{
    private const int MostFrames = 1000;

    private readonly Option<string?> _look = new("--look")
    {
        Description = "Where the network looks: every (every frame, all of it), follow (between looks at all of it only around the faces), or N (every N-th frame; the tracker predicts the others). Default: follow for live sources, every for recordings.",
        HelpName = "every|follow|N",
    };

    private readonly Option<int?> _every = new("--every") { Description = "Look at every N-th frame: as --look N.", HelpName = "N", Hidden = true };

    /// <summary>Both options.</summary>
    public Option[] All => [_look, _every];

    /// <summary>Reads and checks the options.</summary>
    /// <returns>The network looks at every n-th frame; whether faces are followed, null where the engine chooses.</returns>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public (int Every, bool? Follow) Read(ParseResult parsed)
    {
        string? look = parsed.GetValue(_look);
        int? every = parsed.GetValue(_every);
        if (look is not null && every is not null) throw new UsageException("--every N is --look N; give one of them.");
        return look is null && every is { } number ? (InRange("--every", number), false) : Parse(look);
    }

    /// <summary>What a word or a number means; null is the default.</summary>
    internal static (int Every, bool? Follow) Parse(string? look) => look switch
    {
        null => (1, null),
        "every" => (1, false),
        "follow" => (1, true),
        _ when int.TryParse(look, NumberStyles.None, CultureInfo.InvariantCulture, out int number) => (InRange("--look", number), false),
        _ => throw new UsageException($"--look {look} is unknown; known are every, follow, and a number of frames such as 3."),
    };

    private static int InRange(string option, int number) => number is >= 1 and <= MostFrames
        ? number
        : throw new UsageException($"{option} {number} is out of range; it may be 1…{MostFrames}.");
}
