using Img2Pose.Geometry;

namespace Img2Pose.Training.Augmentation;

/// <summary>A generated training picture and its labels.</summary>
public sealed class TrainingSample
{
    /// <summary>Side of a cell of <see cref="Uncertain"/>, pixels.</summary>
    public const int CellSize = 8;

    /// <summary>RGB samples, row-major, Height × Width × 3.</summary>
    public required byte[] Rgb { get; init; }

    /// <summary>Width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>The longer side.</summary>
    public int Size => Math.Max(Width, Height);

    /// <summary>The faces, ignored ones included.</summary>
    public required TrainingFace[] Faces { get; init; }

    /// <summary>
    /// Row-major grid of ceil(Height/8) × ceil(Width/8) cells: non-zero where "no face" may not be taught, because the
    /// picture there may hold faces that nobody listed, or because an ignored face lies there. Cells on listed faces are 0.
    /// </summary>
    public required byte[] Uncertain { get; init; }

    /// <summary>Names of the pictures that it was made of, as the annotations have them, bottom layer first.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Cells in a row of <see cref="Uncertain"/>.</summary>
    public int UncertainWidth => (Width + CellSize - 1) / CellSize;

    /// <summary>Whether any cell of <see cref="Uncertain"/> is set.</summary>
    public bool HasUncertain => Uncertain.AsSpan().ContainsAnyExcept((byte)0);

    /// <summary>Whether <see cref="Uncertain"/> is set at a point, in pixels; a point outside counts as the nearest one inside.</summary>
    public bool IsUncertain(double x, double y)
    {
        int column = (int)Math.Clamp(x, 0, Width - 1) / CellSize, row = (int)Math.Clamp(y, 0, Height - 1) / CellSize;
        return Uncertain[row * UncertainWidth + column] != 0;
    }
}

/// <summary>One face of a <see cref="TrainingSample"/>.</summary>
public sealed record TrainingFace
{
    /// <summary>Box in pixels of the sample, clipped to it; from the projected reference points where a pose is known.</summary>
    public required Box Box { get; init; }

    /// <summary>Pose under <see cref="CameraIntrinsics.ForImage"/> of the sample, or null.</summary>
    public Pose? Pose { get; init; }

    /// <summary>Whether a pose is known.</summary>
    public bool HasPose => Pose is not null;

    /// <summary>Neither face nor background: too hidden, too small, or ignored in the source.</summary>
    public bool Ignore { get; init; }

    /// <summary>Yaw in degrees (AFLW convention); 0 without a pose.</summary>
    public float YawDegrees { get; init; }

    /// <summary>Whether the pose label is among the trustworthy ones (<see cref="Weight"/> ≥ 0.7).</summary>
    public bool Reliable => Weight >= 0.7f;

    /// <summary>Trust in the pose label, in (0, 1]; 0 without a pose.</summary>
    public float Weight { get; init; }
}
