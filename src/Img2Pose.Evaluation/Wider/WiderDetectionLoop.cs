using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Wider;

/// <summary>Finds faces at a chosen size and in the mirrored picture; used by one thread at a time.</summary>
public interface IScaledDetector : IDisposable
{
    /// <summary>Finds faces in one picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="size">The shorter and longer side to resize to, or null for the model's own size.</param>
    /// <param name="mirrored">Whether to look at the mirrored picture; the results then are the mirrored picture's.</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    void Detect(VideoFrame picture, (int Shorter, int Longer)? size, bool mirrored, List<FaceDetection> faces);
}

/// <summary>
/// The original's run over WIDER FACE: every picture at several sizes, each also mirrored, boxes cut to whole pixels, and
/// all results merged by box voting. With one size: the model's own, not mirrored, not merged. Unlike
/// <see cref="Inference.MultiScaleDetector"/> it keeps the original's order of equal scores, on which its prediction files
/// depend, and no poses.
/// </summary>
public sealed class WiderDetectionLoop(IReadOnlyList<int> sizes, double votingThreshold)
{
    /// <summary>The sizes of the shorter side that the original's published results were made with.</summary>
    public static IReadOnlyList<int> PublishedSizes { get; } = [200, 300, 500, 800, 1100, 1400, 1700];

    /// <summary>The overlap from which the original merges.</summary>
    public const double PublishedVotingThreshold = 0.6;

    /// <summary>The faces of one picture.</summary>
    public WiderDetection[] Detect(IScaledDetector detector, VideoFrame picture)
    {
        int width = picture.DisplayWidth, height = picture.DisplayHeight;
        bool several = sizes.Count > 1;
        List<FaceDetection> found = [];
        List<Box> boxes = [];
        List<double> scores = [];
        foreach (PictureView view in TestTimeAugmentation.Views(width, height, sizes, mirror: several))
        {
            detector.Detect(picture, several ? (view.Shorter, view.Longer) : null, view.Mirrored, found);
            foreach (FaceDetection face in found)
            {
                boxes.Add(TestTimeAugmentation.Restore(face, view.Mirrored, width).Box);
                scores.Add(face.Score);
            }
        }
        if (!several) return [.. boxes.Zip(scores, (box, score) => new WiderDetection(box, score))];

        // Voting keeps the order of equal scores, which several sizes give often; that of the original depends on its sort.
        int[] order = NumPyOrder.Descending([.. scores]);
        List<(Box Box, double Score)> voted = [];
        BoxVoting.Apply([.. order.Select(i => boxes[i])], [.. order.Select(i => scores[i])], votingThreshold, voted);
        return [.. voted.Select(v => new WiderDetection(v.Box, v.Score))];
    }

    /// <summary>The pictures of an official list (<c>wider_face_val_bbx_gt.txt</c>): its lines with "--", such as <c>0--Parade/x.jpg</c>.</summary>
    /// <exception cref="InputException">The file cannot be read, or names no picture.</exception>
    public static string[] ReadList(string path)
    {
        try
        {
            string[] names = [.. File.ReadLines(path).Where(line => line.Contains("--", StringComparison.Ordinal)).Select(line => line.Trim())];
            return names.Length > 0 ? names : throw new InputException($"{path}: no picture is listed; lines such as 0--Parade/name.jpg were expected.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {error.Message}", error);
        }
    }
}
