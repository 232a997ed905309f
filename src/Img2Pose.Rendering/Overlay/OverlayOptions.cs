using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Rendering.Overlay;

/// <summary>What is drawn for each face.</summary>
[Flags]
public enum OverlayLayers
{
    /// <summary>Nothing: pictures stay as they are.</summary>
    None = 0,

    /// <summary>The shaded face surface.</summary>
    Mesh = 1,

    /// <summary>The face box.</summary>
    Box = 2,

    /// <summary>The axes of the face from the middle of the head: x red, y green, out of the face blue.</summary>
    Axes = 4,

    /// <summary>The 68 reference points.</summary>
    Points = 8,

    /// <summary>Identity, score, yaw, pitch and roll.</summary>
    Label = 16,

    /// <summary>Small frontal views of the tracked faces, at most four, at the right edge of the picture.</summary>
    Frontal = 32,
}

/// <summary>How an <see cref="OverlayRenderer"/> draws.</summary>
public sealed record OverlayOptions
{
    /// <summary>What is drawn; by default the mesh and the label.</summary>
    public OverlayLayers Layers { get; init; } = OverlayLayers.Mesh | OverlayLayers.Label;

    /// <summary>Opacity of the mesh in [0, 1]; 0 draws none.</summary>
    public float Alpha { get; init; } = 0.85f;

    /// <summary>
    /// The mesh at one or more levels of detail, finest first; null for the default face surface, which is read from
    /// <see cref="FaceSurface.DefaultRelativePath"/>.
    /// </summary>
    public IReadOnlyList<FaceMesh>? Meshes { get; init; }

    /// <summary>The points that <see cref="OverlayLayers.Points"/> shows; null for <see cref="ReferenceFace.Default"/>.</summary>
    public ReferenceFace? Reference { get; init; }

    /// <summary>The camera whose angles <see cref="OverlayLayers.Label"/> tells; null: those of the pose as it is, under the assumed camera.</summary>
    public CameraView? Camera { get; init; }

    /// <summary>
    /// Samples per pixel: 1, 2, 4 or 8; fewer where the driver cannot. Null takes 4 on a graphics card and 1 on a software
    /// rasteriser, where four samples cost three times as much; outlines and lines are smoothed in either case.
    /// </summary>
    public int? Samples { get; init; }

    /// <summary>
    /// Threads of Mesa's software rasteriser; 0 draws on the renderer's own thread. Null leaves Mesa's choice. The first
    /// renderer of a process decides.
    /// </summary>
    public int? RasteriserThreads { get; init; }

    /// <summary>Checks that the numbers make sense.</summary>
    /// <exception cref="UsageException">A value is out of its range.</exception>
    public void Validate()
    {
        if (!(Alpha is >= 0 and <= 1)) throw new UsageException($"The overlay's opacity must lie in 0…1, not {Alpha}.");
        if (Samples is not (null or 1 or 2 or 4 or 8)) throw new UsageException($"The overlay takes 1, 2, 4 or 8 samples per pixel, not {Samples}.");
        if (RasteriserThreads is < 0 or > 16) throw new UsageException($"The rasteriser takes 0…16 threads, not {RasteriserThreads}.");
        if (Meshes is { Count: 0 }) throw new UsageException("The overlay needs at least one mesh.");
    }
}
