using Img2Pose.Geometry;

namespace Img2Pose.Formats;

/// <summary>One picture of an annotation pack: one line of its <c>annotations.jsonl</c>.</summary>
public sealed record AnnotatedImage
{
    /// <summary>The picture's path as the line gives it, relative to the pack's folder, with forward slashes.</summary>
    public required string Image { get; init; }

    /// <summary>The picture's path on this machine.</summary>
    public required string Path { get; init; }

    /// <summary>Width in pixels; boxes, poses and intrinsics speak of this size.</summary>
    public required int Width { get; init; }

    /// <summary>Height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Name of the data set that the picture came from, such as <c>helen</c>; results are also given by set.</summary>
    public required string Set { get; init; }

    /// <summary>Whether every face is listed. Where false, an unmatched detection is no false alarm.</summary>
    public required bool Complete { get; init; }

    /// <summary>The faces in the order of the line.</summary>
    public required IReadOnlyList<AnnotatedFace> Faces { get; init; }

    /// <summary>The number of the line, from 1, for messages.</summary>
    public int Line { get; init; }

    /// <summary>The intrinsics that the poses were made under: f = width + height, integer centre.</summary>
    public CameraIntrinsics Camera => CameraIntrinsics.ForImage(Width, Height);
}

/// <summary>One face of an annotated picture.</summary>
public sealed record AnnotatedFace
{
    /// <summary>The face's box in pixels, inside the picture.</summary>
    public required Box Box { get; init; }

    /// <summary>The pose under the picture's intrinsics, or null where it is unknown.</summary>
    public required Pose? Pose { get; init; }

    /// <summary>68 points in ibug order, or 5 (eyes, nose tip, mouth corners, left in the picture first), or none; pixels.</summary>
    public IReadOnlyList<(double X, double Y)>? Landmarks { get; init; }

    /// <summary>Where the label came from: <c>gt68</c>, <c>gt5</c>, <c>teacher</c>, <c>nominal</c>, <c>gtbox</c>.</summary>
    public required string Label { get; init; }

    /// <summary>Whether this face is neither a hit nor a miss.</summary>
    public required bool Ignore { get; init; }

    /// <summary>Yaw that came with the source, degrees, AFLW convention.</summary>
    public double? SourceYaw { get; init; }

    /// <summary>Pitch that came with the source, degrees, AFLW convention.</summary>
    public double? SourcePitch { get; init; }

    /// <summary>Roll that came with the source, degrees, AFLW convention.</summary>
    public double? SourceRoll { get; init; }

    /// <summary>Degrees between the independent estimates behind the label; large means doubtful.</summary>
    public double? Agreement { get; init; }

    /// <summary>Mean reprojection error of the landmarks over the face's size.</summary>
    public double? ReprojectionError { get; init; }

    /// <summary>The box of the source, before it was widened to this project's convention. May reach out of the picture.</summary>
    public Box? SourceBox { get; init; }

    /// <summary>Score of the detector that found an additional face.</summary>
    public double? Score { get; init; }

    /// <summary>The larger side of <see cref="Box"/>, pixels: the face's size wherever results are given by size.</summary>
    public double Size => Math.Max(Box.Width, Box.Height);
}
