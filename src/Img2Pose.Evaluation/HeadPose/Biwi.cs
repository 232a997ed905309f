using System.Globalization;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.HeadPose;

/// <summary>An annotated frame of the BIWI Kinect head-pose database.</summary>
/// <param name="Image">Its name, such as <c>01/frame_00003_rgb.png</c>.</param>
/// <param name="Path">Its file.</param>
/// <param name="Rotation">The annotated rotation matrix as it stands in the file.</param>
public sealed record BiwiPicture(string Image, string Path, Matrix3x3d Rotation);

/// <summary>As which angles BIWI's rotations are compared.</summary>
public enum BiwiAngles
{
    /// <summary>The AFLW convention, as the notebook's last revision, which gave the published 3.786°.</summary>
    Aflw,

    /// <summary>Extrinsic z-x-y Euler angles of the rotation itself, as its revision before, which could average several sizes.</summary>
    Zxy,
}

/// <summary>
/// The BIWI protocol of the original's notebook: the face is the one nearest to the picture's centre among those that score
/// above 0.9 (the best one where none does); its rotation and the annotated one are compared angle by angle. The
/// notebook's last revision looks once, short side 700; the one before looked at short side 600, or, by a switch that was off
/// in the published runs, at the <see cref="AveragedSizes"/> and took the mean of the poses: see <see cref="BiwiScales"/>.
/// </summary>
public static class Biwi
{
    /// <summary>The short sides whose poses the notebook's multi-scale variant averages.</summary>
    public static IReadOnlyList<int> AveragedSizes { get; } = [480, 600, 800, 1000, 1200];

    /// <summary>The score from which faces are candidates.</summary>
    public const double CandidateScore = 0.9;

    private const string PictureEnding = "_rgb.png", PoseEnding = "_pose.txt";
    private const double DegreesPerRadian = 180 / Math.PI, GimbalCosine = 1e-7;

    /// <summary>Reads the official layout: folders with <c>frame_N_rgb.png</c> and <c>frame_N_pose.txt</c>.</summary>
    /// <param name="folder">The folder that holds the folders 01, 02 and so on.</param>
    /// <param name="list">
    /// The frames to take, one a line, the first word ending in <c>NN/frame_N_rgb.png</c> (the published list leaves some
    /// out); null for all.
    /// </param>
    /// <param name="leftOut">Told of each pose that is absent or wrong, whose frame is left out; null: the first is thrown.</param>
    /// <exception cref="InputException">Something is absent or wrong; the message names it.</exception>
    public static BiwiPicture[] Load(string folder, string? list, Action<InputException>? leftOut = null)
    {
        if (!Directory.Exists(folder)) throw new InputException($"{folder}: no such folder; give the folder of BIWI that holds 01, 02, ...");
        string[] names = list is null ? All(folder) : Listed(list);
        if (names.Length == 0) throw new InputException($"{list ?? folder}: names no frame such as 01/frame_00003{PictureEnding}.");
        return AnnotatedPictures.Read(folder, names, name =>
        {
            string path = Path.Combine(folder, name);
            return new BiwiPicture(name, path, ReadPose(path[..^PictureEnding.Length] + PoseEnding));
        }, leftOut);
    }

    /// <summary>Compares.</summary>
    /// <param name="pictures">The annotated frames.</param>
    /// <param name="run">What the model found in them.</param>
    /// <param name="angles">As which angles.</param>
    public static HeadPoseReport Evaluate(IReadOnlyList<BiwiPicture> pictures, PictureRun run, BiwiAngles angles = BiwiAngles.Aflw)
    {
        Dictionary<string, PicturePrediction> found = run.Pictures.ToDictionary(p => p.Image);
        List<HeadPoseSample> samples = [];
        int failed = 0;
        foreach (BiwiPicture picture in pictures)
        {
            if (!found.TryGetValue(picture.Image, out PicturePrediction? prediction)) continue;
            if (prediction.Faces.Count == 0)
            {
                failed++;
                continue;
            }
            FaceDetection face = Choose(prediction.Faces, prediction.Width, prediction.Height);
            // Through a rotation vector, as the notebook: the matrices in the files have four digits and are not quite rotations.
            EulerAngles truth = Angles(RotationVector.FromMatrix(picture.Rotation), angles), guess = Angles(face.Pose.Rotation, angles);
            samples.Add(new HeadPoseSample(picture.Image, truth.Yaw, truth.Pitch, truth.Roll, guess.Yaw, guess.Pitch, guess.Roll, null));
        }
        return new HeadPoseReport
        {
            Convention = angles == BiwiAngles.Aflw ? "BIWI, angles in the AFLW convention" : "BIWI, extrinsic z-x-y Euler angles of the rotation itself",
            Pictures = pictures.Count,
            Skipped = 0,
            Failed = failed,
            Samples = samples,
            Unreadable = run.Unreadable,
        };
    }

    /// <summary>The candidate nearest to the centre (whole pixels, as in the notebook), the first of equals.</summary>
    internal static FaceDetection Choose(IReadOnlyList<FaceDetection> faces, int width, int height)
    {
        FaceDetection chosen = faces[0];
        double nearest = double.PositiveInfinity;
        foreach (FaceDetection face in faces)
        {
            if (face.Score <= CandidateScore) continue;
            double x = face.Box.Left + Math.Floor(face.Box.Width / 2) - width / 2;
            double y = face.Box.Top + Math.Floor(face.Box.Height / 2) - height / 2;
            double distance = Math.Sqrt(x * x + y * y);
            if (distance < nearest) (chosen, nearest) = (face, distance);
        }
        return chosen;
    }

    private static EulerAngles Angles(Vector3d rotation, BiwiAngles angles) =>
        angles == BiwiAngles.Aflw ? EulerAngles.FromRotationVector(rotation) : Angles(RotationVector.ToMatrix(rotation));

    /// <summary>Extrinsic z, x, y angles of a rotation matrix as roll, pitch and yaw; at the poles the last, yaw, is 0.</summary>
    internal static EulerAngles Angles(in Matrix3x3d r)
    {
        double cosine = Math.Sqrt(r.M21 * r.M21 + r.M22 * r.M22);
        double pitch = Math.Atan2(-r.M23, cosine);
        (double roll, double yaw) = cosine > GimbalCosine
            ? (Math.Atan2(r.M21, r.M22), Math.Atan2(r.M13, r.M33))
            : (Math.Atan2(-r.M12, r.M11), 0);
        return new EulerAngles(yaw * DegreesPerRadian, pitch * DegreesPerRadian, roll * DegreesPerRadian);
    }

    private static string[] All(string folder) =>
        [.. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            .SelectMany(sub => Directory.EnumerateFiles(sub, "frame_*" + PictureEnding).Order(StringComparer.Ordinal))
            .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))];

    private static string[] Listed(string list)
    {
        List<string> names = [];
        int number = 0;
        foreach (string line in Lines(list))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0].Split('/');
            if (parts.Length < 2 || !parts[^1].EndsWith(PictureEnding, StringComparison.Ordinal))
                throw new InputException($"{list}, line {number}: not the path of a frame such as 01/frame_00003{PictureEnding}.");
            names.Add($"{parts[^2]}/{parts[^1]}");
        }
        return [.. names];
    }

    private static Matrix3x3d ReadPose(string path)
    {
        string[] lines = Lines(path);
        double[] numbers = [.. lines.Take(3).SelectMany((line, i) =>
        {
            double[] row = [.. line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Select(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) ? n : double.NaN)];
            return row.Length == 3 && row.All(double.IsFinite) ? row : throw new InputException($"{path}, line {i + 1}: not three finite numbers of a rotation matrix.");
        })];
        if (numbers.Length != 9) throw new InputException($"{path}: does not begin with the three rows of a rotation matrix.");
        return new Matrix3x3d(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]);
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
