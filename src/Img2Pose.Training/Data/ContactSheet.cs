using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.OpenCv;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Data;

/// <summary>
/// A sheet of small pictures with their labels drawn in, for looking at: boxes with a pose green, without one cyan,
/// ignored ones red, projected reference points yellow, and places where faces may be unlisted hatched magenta.
/// </summary>
public sealed class ContactSheet : IDisposable
{
    private static readonly Rgb s_posed = new(0, 255, 0), s_unposed = new(0, 255, 255), s_ignored = new(255, 40, 40), s_point = new(255, 255, 0), s_uncertain = new(255, 0, 255);

    private readonly TileSheet _sheet;
    private readonly int _cell;
    private readonly ReferenceFace _reference;
    private int _next;

    /// <summary>An empty sheet.</summary>
    /// <param name="count">Number of cells.</param>
    /// <param name="columns">Cells in a row.</param>
    /// <param name="cell">Side of a cell, pixels.</param>
    /// <param name="reference">Reference face whose points are projected.</param>
    /// <exception cref="UsageException">The sheet would be larger than 16384 pixels a side.</exception>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public ContactSheet(int count, int columns, int cell, ReferenceFace reference)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(cell, 16);
        columns = Math.Min(columns, count);
        _sheet = new TileSheet(columns, (count + columns - 1) / columns, cell, 0, default);
        _cell = cell;
        _reference = reference;
    }

    /// <summary>Adds an annotated picture.</summary>
    public void Add(RgbPicture picture, AnnotatedImage image) =>
        Add(picture, image.Faces.Select(f => (f.Box, f.Pose, f.Ignore)), null);

    /// <summary>Adds a generated sample.</summary>
    public void Add(TrainingSample sample) =>
        Add(new RgbPicture(sample.Rgb, sample.Width, sample.Height), sample.Faces.Select(f => (f.Box, f.Pose, f.Ignore)), sample);

    /// <summary>Writes the sheet; the name's ending chooses PNG or JPEG.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Save(string path) => _sheet.Save(path);

    /// <inheritdoc/>
    public void Dispose() => _sheet.Dispose();

    private void Add(RgbPicture picture, IEnumerable<(Box Box, Pose? Pose, bool Ignore)> faces, TrainingSample? sample)
    {
        using Tile tile = _sheet[_next++, 0, 0, Math.Min(_cell / (double)picture.Width, _cell / (double)picture.Height)];
        tile.Show(picture.Pixels, picture.Width, picture.Height);
        if (sample is { HasUncertain: true }) Hatch(tile, sample);

        CameraIntrinsics camera = CameraIntrinsics.ForImage(picture.Width, picture.Height);
        foreach ((Box box, Pose? pose, bool ignore) in faces)
        {
            tile.Rectangle(box, ignore ? s_ignored : pose is null ? s_unposed : s_posed);
            if (pose is not { } p || ignore) continue;
            Matrix3x3d rotation = RotationVector.ToMatrix(p.Rotation);
            foreach (Vector3d point in _reference.Points68)
            {
                (double x, double y) = camera.Project(rotation * point + p.Translation);
                tile.Dot(x, y, s_point);
            }
        }
    }

    /// <summary>A rising line through every uncertain cell.</summary>
    private static void Hatch(Tile tile, TrainingSample sample)
    {
        const int size = TrainingSample.CellSize;
        for (int cell = 0; cell < sample.Uncertain.Length; cell++)
        {
            if (sample.Uncertain[cell] == 0) continue;
            int left = cell % sample.UncertainWidth * size, top = cell / sample.UncertainWidth * size;
            tile.Line((left, top + size), (left + size, top), s_uncertain);
        }
    }
}
