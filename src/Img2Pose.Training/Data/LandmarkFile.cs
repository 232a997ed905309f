using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.OpenCv;

namespace Img2Pose.Training.Data;

/// <summary>
/// Landmark files in the <c>.pts</c> format of the 300-W and iBUG sets: <c>n_points: N</c>, then <c>{</c>, one "x y" a
/// line, <c>}</c>. Coordinates are taken as written, in pixels.
/// </summary>
public static class LandmarkFile
{
    /// <summary>Reads 68 or 5 points.</summary>
    /// <exception cref="InputException">The file is malformed; file and line are named.</exception>
    public static IReadOnlyList<(double X, double Y)> Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
        int open = Array.FindIndex(lines, line => line.Trim() == "{");
        if (open < 0) throw new InputException($"{path}: is no landmark file: no line with '{{'");
        List<(double, double)> points = [];
        for (int i = open + 1; i < lines.Length && lines[i].Trim() != "}"; i++)
        {
            string[] parts = lines[i].Split((char[])[' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0) continue;
            double y = 0;
            bool read = parts.Length >= 2
                & double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
                && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out y);
            if (!read || !double.IsFinite(x) || !double.IsFinite(y)) throw new InputException($"{path}:{i + 1}: not two finite numbers: {lines[i].Trim()}");
            points.Add((x, y));
        }
        return points.Count is 5 or 68 ? points : throw new InputException($"{path}: {points.Count} points; 5 or 68 are understood");
    }

    /// <summary>
    /// The label that landmarks give: EPnP refined over all points by least squares, and the box of the posed reference.
    /// </summary>
    /// <param name="points">68 or 5 pixels.</param>
    /// <param name="width">Width of the picture.</param>
    /// <param name="height">Height of the picture.</param>
    /// <param name="reference">Reference face.</param>
    /// <returns>The face, or null when the points give no pose in front of the camera or no box in the picture.</returns>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public static AnnotatedFace? ToFace(IReadOnlyList<(double X, double Y)> points, int width, int height, ReferenceFace reference)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
        (double X, double Y)[] pixels = [.. points];
        ReadOnlySpan<Vector3d> model = pixels.Length == 68 ? reference.Points68 : reference.Points5;
        if (LandmarkPose.Solve(model, pixels, camera) is not { } initial) return null;
        Pose pose = PerspectiveNPoint.Refine(model, pixels, camera, initial);
        if (!pose.IsFinite || pose.Translation.Z <= 0) return null;
        Box box = FaceBox.FromPose(pose, camera, width, height, reference, FaceBoxFactors.Default);
        if (box.IsEmpty) return null;
        return new AnnotatedFace
        {
            Box = box,
            Pose = pose,
            Landmarks = points,
            Label = pixels.Length == 68 ? "gt68" : "gt5",
            Ignore = false,
            ReprojectionError = PerspectiveNPoint.ReprojectionError(model, pixels, camera, pose) / Math.Max(box.Width, box.Height),
        };
    }
}
