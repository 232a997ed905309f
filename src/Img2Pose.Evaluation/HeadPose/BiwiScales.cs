using Img2Pose.Evaluation.Wider;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.HeadPose;

/// <summary>
/// The BIWI notebook's look at a picture at given sizes: at each the face is chosen as <see cref="Biwi"/> does, and the
/// chosen poses are averaged number by number. Sizes at which nothing is found count for nothing; the notebook counts each
/// as a failure besides, the report here only pictures without any face.
/// </summary>
public sealed class BiwiScales : IPictureDetector
{
    private readonly IScaledDetector _detector;
    private readonly IReadOnlyList<int> _shortSides;
    private readonly List<FaceDetection> _found = [];

    /// <summary>Takes over a detector, which is disposed with this one.</summary>
    /// <param name="detector">The detector.</param>
    /// <param name="shortSides">Short sides to resize pictures to; the long side is held to twice that, as in the notebook.</param>
    /// <exception cref="UsageException">No size is given, or one that is out of range.</exception>
    public BiwiScales(IScaledDetector detector, IReadOnlyList<int> shortSides)
    {
        if (shortSides.Count == 0) throw new UsageException("At least one size is needed.");
        foreach (int side in shortSides)
        {
            if (side is < 16 or > 16384) throw new UsageException($"The size {side} is not between 16 and 16384 pixels.");
        }
        (_detector, _shortSides) = (detector, shortSides);
    }

    /// <summary>Adds one face, the average, or none; its box and score are those at the first size that shows it.</summary>
    public void Detect(VideoFrame picture, List<FaceDetection> faces)
    {
        int width = picture.DisplayWidth, height = picture.DisplayHeight;
        double proportion = (double)Math.Max(width, height) / Math.Min(width, height);
        FaceDetection? first = null;
        Vector3d rotation = Vector3d.Zero, translation = Vector3d.Zero;
        int count = 0;
        foreach (int side in _shortSides)
        {
            _found.Clear();
            // Rounded up: where the limit does not bind it must not shrink the picture either.
            _detector.Detect(picture, (side, Math.Min(2 * side, (int)Math.Ceiling(side * proportion))), mirrored: false, _found);
            if (_found.Count == 0) continue;
            FaceDetection face = Biwi.Choose(_found, width, height);
            first ??= face;
            rotation += face.Pose.Rotation;
            translation += face.Pose.Translation;
            count++;
        }
        if (first is { } found) faces.Add(found with { Pose = new Pose(rotation / count, translation / count) });
    }

    /// <inheritdoc/>
    public void Dispose() => _detector.Dispose();
}
