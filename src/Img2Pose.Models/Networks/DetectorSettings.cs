namespace Img2Pose.Models.Networks;

/// <summary>Which release of torchvision a graph imitates where releases differ.</summary>
public enum TorchvisionBehaviour
{
    /// <summary>0.8.2, which the authors of img2pose pinned: frozen normalisation without epsilon, suppression by shifted coordinates.</summary>
    V082,

    /// <summary>0.14: epsilon 1e-5, suppression level by level.</summary>
    V014,
}

/// <summary>What is built into a graph besides its weights.</summary>
public sealed record DetectorSettings
{
    /// <summary>Release of torchvision to imitate.</summary>
    public TorchvisionBehaviour Behaviour { get; init; } = TorchvisionBehaviour.V082;

    /// <summary>Epsilon of the frozen batch normalisation, or null for the one of <see cref="Behaviour"/>.</summary>
    public double? FrozenNormEpsilon { get; init; }

    /// <summary>Best anchors kept per level before suppression.</summary>
    public int ProposalsBeforeSuppression { get; init; } = 6000;

    /// <summary>Best proposals kept per picture after suppression.</summary>
    public int ProposalsAfterSuppression { get; init; } = 1000;

    /// <summary>Intersection over union above which a proposal suppresses a weaker one of its level.</summary>
    public double ProposalSuppressionThreshold { get; init; } = 0.4;

    /// <summary>Mean of the six numbers of a box-relative pose.</summary>
    public required IReadOnlyList<double> PoseMean { get; init; }

    /// <summary>Standard deviation of the six numbers of a box-relative pose.</summary>
    public required IReadOnlyList<double> PoseStandardDeviation { get; init; }

    /// <summary>Whether the graph also puts out the intermediate values that golden tests compare.</summary>
    public bool Taps { get; init; }

    internal double Epsilon => FrozenNormEpsilon ?? (Behaviour == TorchvisionBehaviour.V082 ? 0 : 1e-5);

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    /// <exception cref="ModelException">The pose statistics are not six finite numbers with positive deviations.</exception>
    public void Validate()
    {
        if (ProposalsBeforeSuppression < 1 || ProposalsAfterSuppression < 1)
            throw new UsageException("The numbers of proposals before and after suppression must be at least 1.");
        if (!(ProposalSuppressionThreshold is > 0 and <= 1)) throw new UsageException("The proposals' suppression threshold must lie in (0, 1].");
        if (PoseMean.Count != 6 || PoseStandardDeviation.Count != 6)
            throw new ModelException($"Pose mean and standard deviation need 6 numbers each; they have {PoseMean.Count} and {PoseStandardDeviation.Count}.");
        if (!PoseMean.All(double.IsFinite)) throw new ModelException("The pose mean has a number that is not finite; use the file that belongs to the checkpoint.");
        if (!PoseStandardDeviation.All(v => double.IsFinite(v) && v > 0))
            throw new ModelException("The pose standard deviation has a number that is zero, negative or not finite; use the file that belongs to the checkpoint.");
    }
}
