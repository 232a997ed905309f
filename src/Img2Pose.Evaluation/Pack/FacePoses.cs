using Img2Pose.Evaluation.Statistics;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Pack;

/// <summary>An annotated pose and how well it was found.</summary>
/// <param name="Picture">Index of the picture.</param>
/// <param name="Face">Index of the face in it.</param>
/// <param name="Label">Where the label came from.</param>
/// <param name="TrueYaw">Annotated yaw, degrees.</param>
/// <param name="IsFound">Whether a detection was assigned to it.</param>
/// <param name="Errors">The errors; those of a missed face where it was not found.</param>
internal readonly record struct FacePose(int Picture, int Face, string Label, double TrueYaw, bool IsFound, PoseErrors Errors);

/// <summary>The pose errors of every scored face.</summary>
internal sealed class FacePoses
{
    private readonly MatchedPicture[] _pictures;
    private readonly List<FacePose> _poses = [];

    public FacePoses(MatchedPicture[] pictures)
    {
        _pictures = pictures;
        for (int i = 0; i < pictures.Length; i++)
        {
            IReadOnlyList<AnnotatedFace> faces = pictures[i].Annotation.Faces;
            for (int f = 0; f < faces.Count; f++)
            {
                if (faces[f] is not { Ignore: false, Pose: { } truth } face) continue;
                FaceDetection? found = Found(pictures[i], f);
                _poses.Add(new FacePose(
                    i, f, face.Label, EulerAngles.FromRotationVector(truth.Rotation).Yaw, found is not null,
                    found is { } detection ? PoseErrors.Between(detection.Pose, truth) : PoseErrors.Missed));
            }
        }
    }

    /// <summary>The faces with a label, or all.</summary>
    public IEnumerable<FacePose> Labelled(string? label) => _poses.Where(pose => label is null || pose.Label == label);

    public IReadOnlyList<Observation> Geodesic(string? label, string? set = null) =>
        [.. Labelled(label).Where(p => set is null || _pictures[p.Picture].Annotation.Set == set)
            .Select(p => new Observation(p.Picture, p.Errors.Geodesic))];

    public IReadOnlyList<Observation> Translation(string label) =>
        [.. Labelled(label).Select(p => new Observation(p.Picture, p.Errors.Translation))];

    /// <summary>
    /// Absolute differences from an angle that came with the source, for the faces of a set that <paramref name="truth"/>
    /// gives one for, with or without an annotated pose.
    /// </summary>
    public IReadOnlyList<Observation> SourceError(
        string set, Func<AnnotatedFace, double?> truth, Func<EulerAngles, double> angle)
    {
        List<Observation> errors = [];
        for (int i = 0; i < _pictures.Length; i++)
        {
            if (_pictures[i].Annotation.Set != set) continue;
            IReadOnlyList<AnnotatedFace> faces = _pictures[i].Annotation.Faces;
            for (int f = 0; f < faces.Count; f++)
            {
                if (faces[f].Ignore || truth(faces[f]) is not { } trueAngle) continue;
                double error = Found(_pictures[i], f) is { } detection
                    ? PoseErrors.AngleDifference(angle(EulerAngles.FromRotationVector(detection.Pose.Rotation)), trueAngle)
                    : PackRules.MissedAngle;
                errors.Add(new Observation(i, error));
            }
        }
        return errors;
    }

    // A pose with a NaN is none: the face counts as missed rather than vanishing from the mean.
    private static FaceDetection? Found(MatchedPicture picture, int face) =>
        picture.Found(picture.ForPose, face) is { Pose.IsFinite: true } detection ? detection : null;
}
