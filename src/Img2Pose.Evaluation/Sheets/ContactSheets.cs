using System.Text;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Evaluation.Sheets;

/// <summary>
/// Lays failures out for looking at: sheets of numbered crops, and a list that says what each number is. Annotated faces
/// are green (ignored ones grey), detections red, the subject drawn thick; of a pose the direction of the nose and of the
/// top of the head, true in green, found in red.
/// </summary>
public static class ContactSheets
{
    private const int Tile = 176, Columns = 8, Rows = 5, Gap = 4;
    private static readonly Rgb s_annotated = new(40, 220, 60), s_ignored = new(150, 150, 150), s_found = new(255, 60, 50), s_ground = new(24, 24, 24);

    /// <summary>Writes <c>misses-N.png</c>, <c>false-alarms-N.png</c> and <c>worst-poses-N.png</c> with their <c>.txt</c> lists.</summary>
    /// <param name="folder">Where to; made when absent. Sheets of an earlier run are replaced and those too many removed.</param>
    /// <param name="samples">The samples.</param>
    /// <param name="threshold">The score from which a detection is shown.</param>
    /// <param name="mostSheets">The most sheets of a kind.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<PackSample> samples, double threshold, int mostSheets = 3)
    {
        PackFailures failures = PackFailures.Find(samples, threshold);
        WriteKind(folder, "misses", failures.Misses, samples, threshold, mostSheets);
        WriteKind(folder, "false-alarms", failures.FalseAlarms, samples, threshold, mostSheets);
        WriteKind(folder, "worst-poses", failures.WorstPoses, samples, threshold, mostSheets);
    }

    private static void WriteKind(
        string folder, string kind, IReadOnlyList<PackFailure> failures, IReadOnlyList<PackSample> samples, double threshold, int mostSheets)
    {
        RemoveEarlier(folder, kind);
        StringBuilder list = new();
        using FramePool pool = new(1);
        const int perSheet = Columns * Rows;
        int shown = Math.Min(failures.Count, mostSheets * perSheet);
        for (int first = 0; first < shown; first += perSheet)
        {
            using VideoFrame sheet = pool.Rent(PixelFormat.Rgb24, Columns * (Tile + Gap) + Gap, Rows * (Tile + Gap) + Gap);
            RgbCanvas canvas = new(sheet);
            canvas.Fill(s_ground);
            for (int i = first; i < Math.Min(first + perSheet, shown); i++)
            {
                int cell = i - first;
                DrawTile(canvas, Gap + cell % Columns * (Tile + Gap), Gap + cell / Columns * (Tile + Gap), failures[i], samples[failures[i].Sample], threshold, i + 1);
            }
            ImageFile.Write(Path.Combine(folder, $"{kind}-{first / perSheet + 1}.png"), sheet);
        }
        for (int i = 0; i < failures.Count; i++)
        {
            Box box = failures[i].Box;
            list.AppendLine(FormattableString.Invariant(
                $"{i + 1}\t{samples[failures[i].Sample].Annotation.Image}\t{box.Left:0.#},{box.Top:0.#},{box.Right:0.#},{box.Bottom:0.#}\t{failures[i].Description}"));
        }
        ReportFile.Write(Path.Combine(folder, $"{kind}.txt"), stream => stream.Write(Encoding.UTF8.GetBytes(list.ToString())));
    }

    private static void DrawTile(
        RgbCanvas sheet, int left, int top, PackFailure failure, PackSample sample, double threshold, int number)
    {
        AnnotatedImage annotation = sample.Annotation;
        double side = Math.Max(48, 2.2 * Math.Max(failure.Box.Width, failure.Box.Height));
        double x = failure.Box.CenterX - side / 2, y = failure.Box.CenterY - side / 2;
        double scale = Tile / side;

        // Lines are clipped by drawing each tile on a canvas of its own.
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, Tile, Tile);
        RgbCanvas tile = new(frame);
        try
        {
            using VideoFrame picture = ImageFile.Read(annotation.Path);
            tile.Crop(picture, x, y, side, 0, 0, Tile);
        }
        catch (InputException)
        {
            // Sheets may be made from saved predictions on a machine without the pictures: boxes on a plain ground.
            tile.Fill(s_ground);
        }
        foreach (AnnotatedFace face in annotation.Faces) Draw(face.Box, face.Ignore ? s_ignored : s_annotated);
        foreach (FaceDetection detection in sample.Detections)
        {
            if (detection.Score > threshold) Draw(detection.Box, s_found);
        }
        if (failure is { TruePose: { } truth, FoundPose: { } found })
        {
            DrawPose(truth, s_annotated);
            DrawPose(found, s_found);
        }
        tile.Number(number, 0, 0, new Rgb(255, 255, 255));
        sheet.Crop(frame, 0, 0, Tile, left, top, Tile);

        void Draw(Box box, Rgb color) => tile.Rectangle(
            (box.Left - x) * scale, (box.Top - y) * scale, (box.Right - x) * scale, (box.Bottom - y) * scale, color, box == failure.Box ? 2 : 1);

        void DrawPose(Pose pose, Rgb color)
        {
            DrawSegment(pose, new Vector3d(0, 0, -0.5), new Vector3d(0, 0, -1.8), color);
            DrawSegment(pose, new Vector3d(0, 0, -0.5), new Vector3d(0, -1, -0.5), color);
        }

        void DrawSegment(Pose pose, Vector3d from, Vector3d to, Rgb color)
        {
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            (double x0, double y0) = annotation.Camera.Project(rotation * from + pose.Translation);
            (double x1, double y1) = annotation.Camera.Project(rotation * to + pose.Translation);
            tile.Line((x0 - x) * scale, (y0 - y) * scale, (x1 - x) * scale, (y1 - y) * scale, color);
            tile.Line((x0 - x) * scale + 1, (y0 - y) * scale, (x1 - x) * scale + 1, (y1 - y) * scale, color);
        }
    }

    private static void RemoveEarlier(string folder, string kind)
    {
        try
        {
            Directory.CreateDirectory(folder);
            foreach (string file in Directory.GetFiles(folder, $"{kind}-*.png")) File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: contact sheets cannot be written there: {error.Message}", error);
        }
    }
}
