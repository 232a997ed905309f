using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.OpenCv;

namespace Img2Pose.Evaluation.HeadPose;

/// <summary>An annotated picture of AFLW2000-3D.</summary>
/// <param name="Image">Its name.</param>
/// <param name="Path">Its file.</param>
/// <param name="Pitch">Pitch of <c>Pose_Para</c>, degrees.</param>
/// <param name="Yaw">Yaw of <c>Pose_Para</c>, degrees.</param>
/// <param name="Roll">Roll of <c>Pose_Para</c>, degrees.</param>
/// <param name="Landmarks">The 68 points of <c>pt3d_68</c>, x and y, pixels.</param>
public sealed record Aflw2000Picture(
    string Image, string Path, double Pitch, double Yaw, double Roll, IReadOnlyList<(double X, double Y)> Landmarks)
{
    /// <summary>Whether the protocol leaves the picture out: an angle beyond ±99°.</summary>
    public bool IsSkipped => Math.Abs(Pitch) > Aflw2000.LargestAngle || Math.Abs(Yaw) > Aflw2000.LargestAngle || Math.Abs(Roll) > Aflw2000.LargestAngle;
}

/// <summary>
/// The AFLW2000-3D protocol of the original's notebook: the face is the detection that overlaps most (edge pixels counted)
/// with the box around the annotated points; its angles in the AFLW convention are compared with <c>Pose_Para</c>, its
/// translation with that of the pose solved from the points. Poses here follow the PnP convention, whose pitch is about
/// 4.8° above that of <c>Pose_Para</c>, unless the model was trained on 300W-LP.
/// </summary>
public static class Aflw2000
{
    /// <summary>Pictures with a larger angle, degrees, are left out.</summary>
    public const double LargestAngle = 99;

    private const double DegreesPerRadian = 180 / Math.PI;

    // The notebook's box has no widening for the forehead beyond the original's default.
    private static readonly FaceBoxFactors s_factors = FaceBoxFactors.Default;

    /// <summary>Reads the official layout: pictures <c>NAME.jpg</c> with <c>NAME.mat</c> beside them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="leftOut">Told of each annotation that is absent or wrong, whose picture is left out; null: the first is thrown.</param>
    /// <exception cref="InputException">There is no such folder, or no picture in it that can be used.</exception>
    public static Aflw2000Picture[] Load(string folder, Action<InputException>? leftOut = null)
    {
        if (!Directory.Exists(folder)) throw new InputException($"{folder}: no such folder; give the folder of AFLW2000-3D.");
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*.jpg").Order(StringComparer.Ordinal)];
        if (pictures.Length == 0) throw new InputException($"{folder}: holds no .jpg; give the folder with the pictures and .mat files of AFLW2000-3D.");
        return AnnotatedPictures.Read(folder, pictures, path => Read(path, MatFile.Read(Path.ChangeExtension(path, ".mat")), Path.ChangeExtension(path, ".mat")), leftOut);
    }

    private static Aflw2000Picture Read(string path, MatFile mat, string matPath)
    {
        double[] parameters = mat.Numbers("Pose_Para").Data;
        if (parameters.Length < 3 || parameters.Take(3).Any(p => !double.IsFinite(p)))
            throw new InputException($"{matPath}: Pose_Para does not begin with three finite angles.");
        MatNumbers points = mat.Numbers("pt3d_68");
        if (points.Dimensions is not [>= 2, 68] || points.Data.Any(p => !double.IsFinite(p)))
            throw new InputException($"{matPath}: pt3d_68 is not 3 by 68 finite numbers.");
        return new Aflw2000Picture(
            Path.GetFileName(path), path,
            parameters[0] * DegreesPerRadian, parameters[1] * DegreesPerRadian, parameters[2] * DegreesPerRadian,
            [.. Enumerable.Range(0, 68).Select(i => (points[0, i], points[1, i]))]);
    }

    /// <summary>Compares.</summary>
    /// <param name="pictures">The annotated pictures.</param>
    /// <param name="run">What the model found in those that are not skipped.</param>
    /// <param name="reference">The reference face of the model.</param>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    public static HeadPoseReport Evaluate(IReadOnlyList<Aflw2000Picture> pictures, PictureRun run, ReferenceFace reference)
    {
        Dictionary<string, PicturePrediction> found = run.Pictures.ToDictionary(p => p.Image);
        List<HeadPoseSample> samples = [];
        List<UnreadablePicture> unreadable = [.. run.Unreadable];
        int failed = 0;
        foreach (Aflw2000Picture picture in pictures)
        {
            if (picture.IsSkipped || !found.TryGetValue(picture.Image, out PicturePrediction? prediction)) continue;
            if (prediction.Faces.Count == 0)
            {
                failed++;
                continue;
            }
            if (LandmarkPose.Solve(reference.Points68, [.. picture.Landmarks], CameraIntrinsics.ForImage(prediction.Width, prediction.Height)) is not { } target)
            {
                unreadable.Add(new UnreadablePicture(picture.Image, $"{picture.Image}: its landmarks determine no pose; the annotation is damaged"));
                continue;
            }
            Box box = FaceBox.FromPoints([.. picture.Landmarks], prediction.Width, prediction.Height, s_factors, target.Rotation.Z);
            Pose pose = Choose(prediction.Faces, box).Pose;
            EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
            Vector3d difference = pose.Translation - target.Translation;
            samples.Add(new HeadPoseSample(
                picture.Image, picture.Yaw, picture.Pitch, picture.Roll, angles.Yaw, angles.Pitch, angles.Roll,
                new Vector3d(Math.Abs(difference.X), Math.Abs(difference.Y), Math.Abs(difference.Z))));
        }
        return new HeadPoseReport
        {
            Convention = "AFLW2000-3D against Pose_Para; the pitch of PnP poses is about 4.8 degrees higher",
            Pictures = pictures.Count,
            Skipped = pictures.Count(p => p.IsSkipped),
            Failed = failed,
            Samples = samples,
            Unreadable = unreadable,
        };
    }

    /// <summary>
    /// The face with the largest overlap. The notebook takes the last one where none overlaps, since its loop leaves it
    /// behind; the score threshold is zero.
    /// </summary>
    internal static FaceDetection Choose(IReadOnlyList<FaceDetection> faces, Box target)
    {
        FaceDetection chosen = faces[^1];
        double best = 0;
        foreach (FaceDetection face in faces)
        {
            double overlap = BoxVoting.InclusiveIntersectionOverUnion(face.Box, target);
            if (overlap > best) (chosen, best) = (face, overlap);
        }
        return chosen;
    }
}
