using Img2Pose.Models.Networks;

namespace Img2Pose.Models.Packages;

/// <summary>What an import may change; the defaults are the original's.</summary>
public sealed record ImportOptions
{
    /// <summary>Depth of the backbone, or null to tell it by the tensors.</summary>
    public int? Depth { get; init; }

    /// <summary>Name of the package, or null for the checkpoint's.</summary>
    public string? Name { get; init; }

    /// <summary>Licence to record, or null for that of the authors' checkpoints; of others none is known.</summary>
    public string? Licence { get; init; }

    /// <summary>Release of torchvision to imitate.</summary>
    public TorchvisionBehaviour Behaviour { get; init; } = TorchvisionBehaviour.V082;

    /// <summary>Best anchors kept per level before suppression.</summary>
    public int ProposalsBeforeSuppression { get; init; } = 6000;

    /// <summary>Best proposals kept per picture after suppression.</summary>
    public int ProposalsAfterSuppression { get; init; } = 1000;

    /// <summary>Short side of the resized picture.</summary>
    public int MinSize { get; init; } = 400;

    /// <summary>Limit of its long side.</summary>
    public int MaxSize { get; init; } = 1400;
}

/// <summary>Turns a checkpoint of the original into a model package.</summary>
public static class ModelImporter
{
    /// <summary>What a package says whose licence nobody has stated.</summary>
    public const string UnknownLicence = "unknown: state it with --licence";

    /// <summary>The licence that an import records: the one given, that of the official checkpoint it is, or that none is known.</summary>
    /// <exception cref="UsageException">The one given is empty.</exception>
    public static string LicenceOf(CheckpointBundle bundle, ImportOptions options)
    {
        if (options.Licence is { } given)
            return string.IsNullOrWhiteSpace(given) ? throw new UsageException("--licence is empty; name the licence of the weights.") : given.Trim();
        return OfficialModel.Find(bundle.Name, bundle.Sha256) is { } official
            ? $"{official.Licence} (the authors' img2pose weights: attribution, non-commercial use only)"
            : UnknownLicence;
    }

    /// <summary>Writes the package.</summary>
    /// <param name="bundle">Weights and statistics.</param>
    /// <param name="options">Settings.</param>
    /// <param name="path">The <c>.onnx</c> file; it appears only when it is complete.</param>
    /// <exception cref="ModelException">The weights are not those of an img2pose network of that depth.</exception>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Import(CheckpointBundle bundle, ImportOptions options, string path)
    {
        if (options.MinSize is < 16 or > 16384 || options.MaxSize < options.MinSize)
            throw new UsageException($"The sizes {options.MinSize} and {options.MaxSize} make no sense: the first must lie in 16 to 16384, the second be no smaller.");
        int depth = options.Depth ?? DetectorGraph.OfficialDepth(bundle.Weights);
        DetectorSettings settings = new()
        {
            Behaviour = options.Behaviour,
            ProposalsBeforeSuppression = options.ProposalsBeforeSuppression,
            ProposalsAfterSuppression = options.ProposalsAfterSuppression,
            PoseMean = bundle.Statistics.Mean,
            PoseStandardDeviation = bundle.Statistics.StandardDeviation,
        };
        PackageDescription description = new()
        {
            Name = options.Name ?? bundle.Name,
            Licence = LicenceOf(bundle, options),
            Statistics = bundle.Statistics,
            Behaviour = options.Behaviour,
            MinSize = options.MinSize,
            MaxSize = options.MaxSize,
        };
        DetectorGraph.Official(bundle.Weights, depth, settings)
            .Save(path, metadata: new Dictionary<string, string> { [PackageDescription.Key] = description.ToJson() });
    }
}
