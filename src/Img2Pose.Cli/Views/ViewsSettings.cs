using Img2Pose.Pipeline.Views;

namespace Img2Pose.Cli.Views;

/// <summary>What the user asked <c>views</c> to do, read from the command line and checked.</summary>
internal sealed record ViewsSettings
{
    /// <summary>Where pictures come from, in the grammar of the command line; or a table of faces by Face-Pose-Net's header.</summary>
    public required string Source { get; init; }

    /// <summary>The folder that is written into.</summary>
    public required string Output { get; init; }

    /// <summary>Which views, how drawn and how called.</summary>
    public required ViewPlan Plan { get; init; }

    /// <summary>Whether views are made as Face-Pose-Net makes them, of which the yaws are chosen by the face's own.</summary>
    public bool Original { get; init; }

    /// <summary>Whether the user named the yaws.</summary>
    public bool HasYaws { get; init; }

    /// <summary>Table of faces to take instead of looking for them, or null.</summary>
    public string? Boxes { get; init; }

    /// <summary>Name or file of the model; null for the default.</summary>
    public string? Model { get; init; }

    /// <summary>auto, cpu or cuda.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Whether faces of any roll are looked for; null: in pictures, with a model of this project.</summary>
    public bool? AnyRoll { get; init; }

    /// <summary>Lowest score; null for the model's own.</summary>
    public double? Score { get; init; }
}
