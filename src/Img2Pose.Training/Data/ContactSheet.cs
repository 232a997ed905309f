using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Data;

/// <summary>
/// A sheet of small pictures with their labels drawn in, for looking at: boxes with a pose green, without one cyan,
/// ignored ones red, projected reference points yellow, and places where faces may be unlisted hatched magenta.
/// </summary>
public sealed class ContactSheet
{
    private readonly Canvas _sheet;
    private readonly int _columns;
    private readonly int _cell;
    private readonly ReferenceFace _reference;
    private int _next;

    /// <summary>An empty sheet.</summary>
    /// <param name="count">Number of cells.</param>
    /// <param name="columns">Cells in a row.</param>
    /// <param name="cell">Side of a cell, pixels.</param>
    /// <param name="reference">Reference face whose points are projected.</param>
    /// <exception cref="UsageException">The sheet would be larger than 16384 pixels a side.</exception>
    public ContactSheet(int count, int columns, int cell, ReferenceFace reference)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(cell, 16);
        columns = Math.Min(columns, count);
        int rows = (count + columns - 1) / columns;
        const int limit = 16384;
        if ((long)columns * cell > limit || (long)rows * cell > limit)
            throw new UsageException($"a sheet of {columns}x{rows} cells of {cell} pixels is larger than {limit} pixels; ask for fewer or smaller ones");
        _sheet = new Canvas(columns * cell, rows * cell);
        _columns = columns;
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
    public void Save(string path)
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, _sheet.Width, _sheet.Height);
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < _sheet.Height; y++) _sheet.Pixels.AsSpan(y * _sheet.Width * 3, _sheet.Width * 3).CopyTo(plane.Row(y));
        ImageFile.Write(path, frame);
    }

    private void Add(RgbPicture picture, IEnumerable<(Box Box, Pose? Pose, bool Ignore)> faces, TrainingSample? sample)
    {
        int left = _next % _columns * _cell, top = _next / _columns * _cell;
        _next++;
        PixelRectangle clip = new(left, top, left + _cell, top + _cell);
        double scale = Math.Min(_cell / (double)picture.Width, _cell / (double)picture.Height);
        _sheet.Draw(picture, new SimilarityWarp(scale, 0, false, left, top), LayerShape.Whole, clip);
        if (sample is { HasUncertain: true }) Hatch(sample, scale, clip);

        CameraIntrinsics camera = CameraIntrinsics.ForImage(picture.Width, picture.Height);
        foreach ((Box box, Pose? pose, bool ignore) in faces)
        {
            (byte, byte, byte) colour = ignore ? ((byte)255, (byte)40, (byte)40) : pose is null ? ((byte)0, (byte)255, (byte)255) : ((byte)0, (byte)255, (byte)0);
            Outline(box.Scale(scale, scale), clip, colour);
            if (pose is not { } p || ignore) continue;
            Matrix3x3d rotation = RotationVector.ToMatrix(p.Rotation);
            foreach (Vector3d point in _reference.Points68)
            {
                (double x, double y) = camera.Project(rotation * point + p.Translation);
                Dot((int)(left + x * scale), (int)(top + y * scale), clip, (255, 255, 0));
            }
        }
    }

    private void Hatch(TrainingSample sample, double scale, PixelRectangle clip)
    {
        for (int y = clip.Top; y < clip.Bottom; y += 2)
        {
            for (int x = clip.Left + y % 8; x < clip.Right; x += 8)
            {
                int column = (int)((x - clip.Left) / scale) / TrainingSample.CellSize, row = (int)((y - clip.Top) / scale) / TrainingSample.CellSize;
                int cell = row * sample.UncertainWidth + column;
                if (column < sample.UncertainWidth && cell < sample.Uncertain.Length && sample.Uncertain[cell] != 0) Dot(x, y, clip, (255, 0, 255));
            }
        }
    }

    private void Outline(in Box box, PixelRectangle clip, (byte, byte, byte) colour)
    {
        int left = clip.Left + (int)box.Left, right = clip.Left + (int)box.Right - 1;
        int top = clip.Top + (int)box.Top, bottom = clip.Top + (int)box.Bottom - 1;
        for (int x = left; x <= right; x++)
        {
            Dot(x, top, clip, colour);
            Dot(x, bottom, clip, colour);
        }
        for (int y = top; y <= bottom; y++)
        {
            Dot(left, y, clip, colour);
            Dot(right, y, clip, colour);
        }
    }

    private void Dot(int x, int y, PixelRectangle clip, (byte R, byte G, byte B) colour)
    {
        if (x < clip.Left || x >= clip.Right || y < clip.Top || y >= clip.Bottom) return;
        Span<byte> pixel = _sheet.Pixels.AsSpan((y * _sheet.Width + x) * 3, 3);
        (pixel[0], pixel[1], pixel[2]) = colour;
    }
}
