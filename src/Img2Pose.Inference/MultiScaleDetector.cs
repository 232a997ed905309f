using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>Sizes at which a picture is looked at, and how the results are merged.</summary>
public sealed record MultiScaleOptions
{
    /// <summary>Short sides, pixels; the original's evaluation uses 200, 300, 500, 800, 1100, 1400 and 1700.</summary>
    public IReadOnlyList<int> ShortSides { get; init; } = [200, 300, 500, 800, 1100, 1400, 1700];

    /// <summary>Whether the mirrored picture is looked at as well.</summary>
    public bool Flip { get; init; }

    /// <summary>Boxes whose intersection over union with a better one reaches this are merged into it, in (0, 1].</summary>
    public double VotingThreshold { get; init; } = 0.6;

    /// <summary>Checks that the numbers make sense.</summary>
    /// <exception cref="UsageException">No size, a size out of range, or a threshold outside (0, 1].</exception>
    public void Validate()
    {
        if (ShortSides.Count == 0) throw new UsageException("Test-time augmentation needs at least one size.");
        foreach (int side in ShortSides)
        {
            if (side is < 16 or > 16384) throw new UsageException($"The size {side} is not between 16 and 16384 pixels.");
        }
        if (!(VotingThreshold is > 0 and <= 1))
            throw new UsageException(FormattableString.Invariant($"The voting threshold {VotingThreshold} is not in (0, 1]."));
    }
}

/// <summary>
/// Test-time augmentation as in the original's WIDER FACE evaluation: the picture at several sizes, and mirrored, with box
/// voting over all that was found (golden quirks Q21 and Q24). Slow by design. Not thread-safe.
/// </summary>
public sealed class MultiScaleDetector
{
    private readonly RunAtScale _run;
    private readonly SizeRule _rule;
    private readonly MultiScaleOptions _options;
    private readonly List<FaceDetection> _found = [];
    private readonly List<FaceDetection> _all = [];

    /// <summary>Creates one over a detector, which stays the caller's and must not be used meanwhile.</summary>
    /// <exception cref="UsageException">No size, a size out of range, or a threshold outside (0, 1].</exception>
    public MultiScaleDetector(PoseDetector detector, MultiScaleOptions options) : this(detector.Size, options, detector.Detect) { }

    internal MultiScaleDetector(SizeRule rule, MultiScaleOptions options, RunAtScale run)
    {
        options.Validate();
        (_rule, _options, _run) = (rule, options, run);
    }

    /// <summary>Finds the faces of a picture at one size, mirrored or not; results are in displayed pixels of what was looked at.</summary>
    internal delegate int RunAtScale(VideoFrame frame, SizeRule size, bool mirror, List<FaceDetection> faces);

    /// <summary>Finds the faces of a frame.</summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="faces">
    /// Receives the faces, cleared first. A merged face has the weighted mean of its boxes, the sum of their weighted scores
    /// (which can exceed 1) and the pose of its best member. With one size and no mirroring nothing is merged.
    /// </param>
    /// <returns>How many there are.</returns>
    public int Detect(VideoFrame frame, List<FaceDetection> faces)
    {
        faces.Clear();
        if (_options.ShortSides.Count == 1 && !_options.Flip)
        {
            Collect(frame, faces);
            return faces.Count;
        }
        _all.Clear();
        Collect(frame, _all);
        Vote(faces);
        return faces.Count;
    }

    private void Collect(VideoFrame frame, List<FaceDetection> faces)
    {
        foreach (PictureView view in TestTimeAugmentation.Views(frame.DisplayWidth, frame.DisplayHeight, _options.ShortSides, _options.Flip))
        {
            _run(frame, _rule.ForSides(view.Shorter, view.Longer), view.Mirrored, _found);
            foreach (FaceDetection face in _found) faces.Add(TestTimeAugmentation.Restore(face, view.Mirrored, frame.DisplayWidth));
        }
    }

    private void Vote(List<FaceDetection> faces)
    {
        Box[] boxes = [.. _all.Select(face => face.Box)];
        double[] scores = [.. _all.Select(face => face.Score)];
        List<(Box Box, double Score)> voted = [];
        BoxVoting.Apply(boxes, scores, _options.VotingThreshold, voted);

        // Voting goes by descending best member, so the best face not yet merged is that of the next merged box.
        int[] order = [.. Enumerable.Range(0, boxes.Length).OrderByDescending(i => scores[i])];
        bool[] merged = new bool[boxes.Length];
        int next = 0;
        foreach ((Box box, double score) in voted)
        {
            while (merged[order[next]]) next++;
            int best = order[next];
            merged[best] = true;
            for (int i = 0; i < boxes.Length; i++)
                merged[i] |= BoxVoting.InclusiveIntersectionOverUnion(boxes[best], boxes[i]) >= _options.VotingThreshold;
            faces.Add(new FaceDetection(box, score, _all[best].Pose));
        }
    }
}
