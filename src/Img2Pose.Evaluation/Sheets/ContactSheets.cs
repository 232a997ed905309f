using System.Text;
using Img2Pose.Core;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.OpenCv;

namespace Img2Pose.Evaluation.Sheets;

/// <summary>
/// Lays failures out for looking at: sheets of numbered crops, and a list that says what each number is. Annotated faces
/// are green (ignored ones grey), detections red, the subject drawn thick; of a pose the direction of the nose and of the
/// top of the head, true in green, found in red.
/// </summary>
public static class ContactSheets
{
    private const int Side = 176, Columns = 8, Rows = 5, Gap = 4;
    private static readonly Rgb s_annotated = new(40, 220, 60), s_ignored = new(150, 150, 150), s_found = new(255, 60, 50), s_ground = new(24, 24, 24);

    /// <summary>Writes <c>misses-N.png</c>, <c>false-alarms-N.png</c> and <c>worst-poses-N.png</c> with their <c>.txt</c> lists.</summary>
    /// <param name="folder">Where to; made when absent. Sheets of an earlier run are replaced and those too many removed.</param>
    /// <param name="samples">The samples.</param>
    /// <param name="threshold">The score from which a detection is shown.</param>
    /// <param name="mostSheets">The most sheets of a kind.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
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
        const int perSheet = Columns * Rows;
        int shown = Math.Min(failures.Count, mostSheets * perSheet);
        for (int first = 0; first < shown; first += perSheet)
        {
            using TileSheet sheet = new(Columns, Rows, Side, Gap, s_ground);
            for (int i = first; i < Math.Min(first + perSheet, shown); i++) DrawTile(sheet, i - first, failures[i], samples[failures[i].Sample], threshold, i + 1);
            sheet.Save(Path.Combine(folder, $"{kind}-{first / perSheet + 1}.png"));
        }
        for (int i = 0; i < failures.Count; i++)
        {
            Box box = failures[i].Box;
            list.AppendLine(FormattableString.Invariant(
                $"{i + 1}\t{samples[failures[i].Sample].Annotation.Image}\t{box.Left:0.#},{box.Top:0.#},{box.Right:0.#},{box.Bottom:0.#}\t{failures[i].Description}"));
        }
        ReportFile.Write(Path.Combine(folder, $"{kind}.txt"), stream => stream.Write(Encoding.UTF8.GetBytes(list.ToString())));
    }

    private static void DrawTile(TileSheet sheet, int cell, PackFailure failure, PackSample sample, double threshold, int number)
    {
        AnnotatedImage annotation = sample.Annotation;
        double side = Math.Max(48, 2.2 * Math.Max(failure.Box.Width, failure.Box.Height));
        using Tile tile = sheet[cell, failure.Box.CenterX - side / 2, failure.Box.CenterY - side / 2, Side / side];
        try
        {
            using VideoFrame picture = ImageFile.Read(annotation.Path);
            tile.Show(picture);
        }
        catch (InputException)
        {
            // Sheets may be made from saved predictions on a machine without the pictures: boxes on a plain ground.
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
        tile.Number(number);

        void Draw(Box box, Rgb color) => tile.Rectangle(box, color, box == failure.Box ? 2 : 1);

        void DrawPose(Pose pose, Rgb color)
        {
            DrawSegment(pose, new Vector3d(0, 0, -0.5), new Vector3d(0, 0, -1.8), color);
            DrawSegment(pose, new Vector3d(0, 0, -0.5), new Vector3d(0, -1, -0.5), color);
        }

        void DrawSegment(Pose pose, Vector3d from, Vector3d to, Rgb color)
        {
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            tile.Line(annotation.Camera.Project(rotation * from + pose.Translation), annotation.Camera.Project(rotation * to + pose.Translation), color, 2);
        }
    }

    private static void RemoveEarlier(string folder, string kind)
    {
        try
        {
            OutputFolder.Create(folder);
            foreach (string file in Directory.GetFiles(folder, $"{kind}-*.png"))
            {
                // A picture of the pack may be called so.
                FileRoles.RequireUnread(file);
                File.Delete(file);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: contact sheets cannot be written there: {error.Message}", error);
        }
    }
}
