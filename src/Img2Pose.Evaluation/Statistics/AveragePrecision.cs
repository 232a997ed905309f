namespace Img2Pose.Evaluation.Statistics;

/// <summary>A detection that counts: right or wrong.</summary>
/// <param name="Picture">Index of the picture.</param>
/// <param name="Score">The detector's confidence.</param>
/// <param name="IsHit">Whether it found a face that counts.</param>
internal readonly record struct ScoredHit(int Picture, double Score, bool IsHit);

/// <summary>
/// Average precision: the area under the envelope of precision over recall at every threshold (all-point interpolation,
/// as PASCAL VOC from 2010 on). Detections of equal score enter together, since no threshold parts them, so the result does
/// not depend on their order.
/// </summary>
internal sealed class AveragePrecision : Statistic
{
    private readonly ScoredHit[] _hits;
    private readonly int[] _faces;
    private readonly int[] _pictures;

    /// <param name="hits">Every detection that counts, in any order.</param>
    /// <param name="faces">For each picture the number of faces to find.</param>
    /// <param name="pictures">The pictures in question, also those without faces or detections.</param>
    public AveragePrecision(IEnumerable<ScoredHit> hits, int[] faces, int[] pictures)
        : base(pictures, pictures.Sum(picture => faces[picture]))
    {
        _hits = [.. hits.OrderByDescending(hit => hit.Score)];
        _faces = faces;
        _pictures = pictures;
    }

    public override double Evaluate(ReadOnlySpan<int> weights)
    {
        PrecisionRecallPoint[] curve = Curve(weights);
        if (curve.Length == 0) return FacesIn(weights) == 0 ? double.NaN : 0;

        double area = 0, envelope = 0;
        for (int i = curve.Length - 1; i >= 0; i--)
        {
            envelope = Math.Max(envelope, curve[i].Precision);
            area += envelope * (curve[i].Recall - (i > 0 ? curve[i - 1].Recall : 0));
        }
        return area;
    }

    /// <summary>Precision and recall at each distinct score, from the highest down; empty without faces or detections.</summary>
    public PrecisionRecallPoint[] Curve(ReadOnlySpan<int> weights)
    {
        long faces = FacesIn(weights);
        if (faces == 0) return [];
        List<PrecisionRecallPoint> curve = new(_hits.Length);
        long hits = 0, all = 0;
        for (int i = 0; i < _hits.Length; i++)
        {
            int weight = weights[_hits[i].Picture];
            all += weight;
            if (_hits[i].IsHit) hits += weight;
            bool lastOfScore = i + 1 == _hits.Length || _hits[i + 1].Score != _hits[i].Score;
            if (lastOfScore && all > 0) curve.Add(new(_hits[i].Score, (double)hits / faces, (double)hits / all));
        }
        return [.. curve];
    }

    private long FacesIn(ReadOnlySpan<int> weights)
    {
        long faces = 0;
        foreach (int picture in _pictures) faces += (long)weights[picture] * _faces[picture];
        return faces;
    }
}

/// <summary>One point of a precision–recall curve.</summary>
/// <param name="Score">The threshold: detections of this score and above.</param>
/// <param name="Recall">Found faces over all faces, in [0, 1].</param>
/// <param name="Precision">Right detections over all detections, in [0, 1].</param>
public readonly record struct PrecisionRecallPoint(double Score, double Recall, double Precision);
