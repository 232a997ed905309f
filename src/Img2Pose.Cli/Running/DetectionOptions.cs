using System.CommandLine;
using System.Globalization;
using Img2Pose.Geometry;
using Img2Pose.Inference;

namespace Img2Pose.Cli.Running;

/// <summary>How faces are looked for, beyond what every model has: the settings of the original's networks.</summary>
internal sealed record DetectionSettings
{
    /// <summary>Short side of the resized picture; null for the model's own.</summary>
    public int? MinSize { get; init; }

    /// <summary>Limit of its long side; null for the model's own.</summary>
    public int? MaxSize { get; init; }

    /// <summary>Anchors kept per level before suppression; null for the model's own.</summary>
    public int? ProposalsBefore { get; init; }

    /// <summary>Proposals kept per picture; null for the model's own.</summary>
    public int? ProposalsAfter { get; init; }

    /// <summary>Enlargement of the face box; null for the model's own.</summary>
    public FaceBoxFactors? Factors { get; init; }

    /// <summary>Short sides at which every picture is looked at, or null for one look at the model's own size.</summary>
    public IReadOnlyList<int>? Scales { get; init; }

    /// <summary>Whether the mirrored picture is looked at as well.</summary>
    public bool Flip { get; init; }

    /// <summary>Overlap from which boxes of different looks are merged.</summary>
    public double Voting { get; init; } = 0.6;

    /// <summary>The options with these settings in them.</summary>
    /// <exception cref="UsageException">The model has no such setting.</exception>
    public PoseDetectorOptions Apply(PoseDetectorOptions options, ModelPackage model)
    {
        SizeRule size = model.Metadata.Size;
        if (MinSize is not null || MaxSize is not null)
        {
            if (size.Kind != SizeRuleKind.MinMax)
                throw new UsageException($"--min-size and --max-size belong to the original's networks; {model.Metadata.Name} takes --size.");
            int min = MinSize ?? size.Min, max = MaxSize ?? Math.Max(size.Max, min);
            if (max < min) throw new UsageException($"--max-size {max} is below the short side of {min}.");
            options = options with { SizeRule = size with { Min = min, Max = max } };
        }
        return options with { ProposalsBefore = ProposalsBefore, ProposalsAfter = ProposalsAfter, Factors = Factors };
    }

    /// <summary>The sizes at which every picture is looked at, or null where one look is enough.</summary>
    public MultiScaleOptions? LooksAtScales => Scales is null ? null : new MultiScaleOptions { ShortSides = Scales, Flip = Flip, VotingThreshold = Voting };
}

/// <summary>The options that become <see cref="DetectionSettings"/>.</summary>
internal sealed class DetectionOptions
{
    private readonly Option<int?> _min = Number("--min-size", "Short side of the resized picture, for the original's networks.");
    private readonly Option<int?> _max = Number("--max-size", "Limit of its long side, for the original's networks.");
    private readonly Option<int?> _before = Number("--proposals-before", "Anchors kept per level before suppression, for the original's networks.");
    private readonly Option<int?> _after = Number("--proposals-after", "Proposals kept per picture: fewer are faster and find fewer faces.");
    private readonly Option<string?> _factors = new("--factors") { Description = "Enlargement of the face box: width, height, forehead; 1.1,1.1,0.3.", HelpName = "W,H,F" };
    private readonly Option<string?> _scales = new("--scales") { Description = "Look at several sizes (short sides, such as 300,500,800) and merge what is found.", HelpName = "N,N…" };
    private readonly Option<bool> _flip = new("--flip") { Description = "With --scales: look at the mirrored picture, too." };
    private readonly Option<double> _voting = new("--voting") { Description = "With --scales: overlap from which boxes are merged.", HelpName = "X", DefaultValueFactory = _ => 0.6 };

    /// <summary>All of them.</summary>
    public Option[] All => [_min, _max, _before, _after, _factors, _scales, _flip, _voting];

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public DetectionSettings Read(ParseResult parsed)
    {
        DetectionSettings settings = new()
        {
            MinSize = InRange("--min-size", parsed.GetValue(_min), 16, 16384),
            MaxSize = InRange("--max-size", parsed.GetValue(_max), 16, 65536),
            ProposalsBefore = InRange("--proposals-before", parsed.GetValue(_before), 1, 1_000_000),
            ProposalsAfter = InRange("--proposals-after", parsed.GetValue(_after), 1, 1_000_000),
            Factors = ParseFactors(parsed.GetValue(_factors)),
            Scales = ParseScales(parsed.GetValue(_scales)),
            Flip = parsed.GetValue(_flip),
            Voting = parsed.GetValue(_voting),
        };
        if (settings.Flip && settings.Scales is null) throw new UsageException("--flip needs --scales, the sizes to look at.");
        return settings;
    }

    private static FaceBoxFactors? ParseFactors(string? text)
    {
        if (text is null) return null;
        double[] numbers = ParseList<double>(text, value => double.TryParse(value, CultureInfo.InvariantCulture, out double number) && number is >= 0 and <= 10 ? number : null);
        return numbers.Length == 3
            ? new FaceBoxFactors(numbers[0], numbers[1], numbers[2])
            : throw new UsageException($"--factors {text}: three numbers from 0 to 10 are needed, such as 1.1,1.1,0.3.");
    }

    private static int[]? ParseScales(string? text)
    {
        if (text is null) return null;
        int[] sides = ParseList<int>(text, value => int.TryParse(value, CultureInfo.InvariantCulture, out int side) && side is >= 16 and <= 16384 ? side : null);
        return sides.Length > 0 ? sides : throw new UsageException($"--scales {text}: short sides from 16 to 16384 are needed, such as 300,500,800.");
    }

    // Empty where one item is not a value.
    private static T[] ParseList<T>(string text, Func<string, T?> parse) where T : struct
    {
        T?[] items = Array.ConvertAll(text.Split(','), item => parse(item));
        return Array.TrueForAll(items, item => item is not null) ? Array.ConvertAll(items, item => item!.Value) : [];
    }

    private static int? InRange(string option, int? value, int least, int most) => value is null || (value >= least && value <= most)
        ? value
        : throw new UsageException($"{option} {value} is out of range; it may be {least}…{most}.");

    private static Option<int?> Number(string name, string description) => new(name) { Description = description, HelpName = "N" };
}
