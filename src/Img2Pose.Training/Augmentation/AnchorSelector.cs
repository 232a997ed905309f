using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>A face that samples are built around.</summary>
internal readonly record struct Anchor(int Image, int Face);

/// <summary>
/// Draws anchor faces: every data set by its weight, and within a set the turned and nodding faces, rare in photographs,
/// several times as often as frontal ones.
/// </summary>
internal sealed class AnchorSelector
{
    private readonly Anchor[] _anchors;
    private readonly double[] _cumulative;

    /// <summary>Weighs all usable faces.</summary>
    /// <exception cref="InputException">There is no usable face.</exception>
    public AnchorSelector(IReadOnlyList<AnnotatedImage> images, SampleGeneratorOptions options)
    {
        List<(Anchor Anchor, string Set, double Weight)> all = [];
        for (int i = 0; i < images.Count; i++)
        {
            for (int f = 0; f < images[i].Faces.Count; f++)
            {
                AnnotatedFace face = images[i].Faces[f];
                if (face.Ignore || Math.Max(face.Box.Width, face.Box.Height) < options.MinimumFace) continue;
                all.Add((new Anchor(i, f), images[i].Set, Weight(face, options)));
            }
        }
        if (all.Count == 0)
        {
            string where = images.Count == 0 ? "the annotation packs hold no picture" : $"{AnnotationPack.Place(images[0])}";
            throw new InputException($"{where}: no face to train on (all are missing, ignored or under {options.MinimumFace} pixels)");
        }

        Dictionary<string, double> totals = all.GroupBy(a => a.Set).ToDictionary(g => g.Key, g => g.Sum(a => a.Weight));
        _anchors = [.. all.Select(a => a.Anchor)];
        _cumulative = new double[_anchors.Length];
        double sum = 0;
        for (int i = 0; i < _anchors.Length; i++)
        {
            double setWeight = options.SetWeights.GetValueOrDefault(all[i].Set, 1);
            sum += setWeight * all[i].Weight / totals[all[i].Set];
            _cumulative[i] = sum;
        }
        if (!(sum > 0)) throw new InputException("no face to train on: every set has weight 0");
    }

    /// <summary>Draws one.</summary>
    public Anchor Next(ref SampleRandom random)
    {
        double at = random.Uniform() * _cumulative[^1];
        int index = Array.BinarySearch(_cumulative, at);
        // A hit on a bound belongs to the next interval, as intervals are open at their end.
        index = index < 0 ? ~index : index + 1;
        return _anchors[Math.Min(index, _anchors.Length - 1)];
    }

    private static double Weight(AnnotatedFace face, SampleGeneratorOptions options)
    {
        if (face.Pose is not { } pose) return 0.6;
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        // Looking up or down by 30° is as rare in photographs as a yaw of 35°.
        double turned = Math.Clamp(Math.Max((Math.Abs(angles.Yaw) - 15) / 20, (Math.Abs(angles.Pitch) - 15) / 15), 0, 1);
        return 1 + turned * (options.TurnedFaceWeight - 1);
    }
}
