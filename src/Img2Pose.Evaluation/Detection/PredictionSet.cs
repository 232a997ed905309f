using Img2Pose.Geometry;

namespace Img2Pose.Evaluation;

/// <summary>A picture that could not be read, or that is not the one that was annotated.</summary>
/// <param name="Image">The picture's path as the annotation gives it.</param>
/// <param name="Reason">What was wrong, one line.</param>
public readonly record struct UnreadablePicture(string Image, string Reason);

/// <summary>What was evaluated, for the head of a report.</summary>
/// <param name="Name">Name of the model, or of the prediction file.</param>
/// <param name="Sha256">Digest of the model file, or null.</param>
/// <param name="MillisecondsPerPicture">Mean time of reading and detecting, or null.</param>
/// <param name="Unreadable">Pictures left out.</param>
public sealed record EvaluatedDetector(
    string Name, string? Sha256, double? MillisecondsPerPicture, IReadOnlyList<UnreadablePicture> Unreadable);

/// <summary>What a detector found in one picture.</summary>
/// <param name="Image">The picture's path as the annotation gives it.</param>
/// <param name="Width">Width in pixels that boxes and poses speak of.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Faces">The faces in the detector's order.</param>
public sealed record PicturePrediction(string Image, int Width, int Height, IReadOnlyList<FaceDetection> Faces);

/// <summary>What a detector found in the pictures of a pack.</summary>
public sealed record PredictionSet
{
    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Digest of the model file, or null.</summary>
    public string? ModelSha256 { get; init; }

    /// <summary>The score from which the model reports a face in use.</summary>
    public required double Threshold { get; init; }

    /// <summary>The score down to which faces are listed.</summary>
    public required double LowestScore { get; init; }

    /// <summary>Mean time of reading and detecting, or null.</summary>
    public double? MillisecondsPerPicture { get; init; }

    /// <summary>One entry a picture that was read.</summary>
    public required IReadOnlyList<PicturePrediction> Pictures { get; init; }

    /// <summary>Pictures that could not be read.</summary>
    public required IReadOnlyList<UnreadablePicture> Unreadable { get; init; }

    /// <summary>The head of a report on these predictions.</summary>
    public EvaluatedDetector Detector => new(Model, ModelSha256, MillisecondsPerPicture, Unreadable);
}
