using System.Globalization;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>Which face of a picture is meant where a program wants one.</summary>
public sealed class FaceChoice
{
    /// <summary>Part of the best face's merit down to which the one chosen before stays: two people side by side do not take turns.</summary>
    private const double StayingPart = 0.7;

    private readonly bool _nearest;
    private readonly int? _id;
    private int _last;

    private FaceChoice(bool nearest, int? id) => (_nearest, _id) = (nearest, id);

    /// <summary>Reads "largest", "nearest" or an identity.</summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public static FaceChoice Parse(string text) => text switch
    {
        "largest" => new FaceChoice(nearest: false, id: null),
        "nearest" => new FaceChoice(nearest: true, id: null),
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id > 0 => new FaceChoice(nearest: false, id),
        _ => throw new UsageException($"--face {text} is unknown; known are largest, nearest and the number of an identity."),
    };

    /// <summary>The index of the face, or −1. Used by one thread.</summary>
    public int Choose(ReadOnlySpan<TrackedFace> faces)
    {
        int best = -1, last = -1;
        for (int i = 0; i < faces.Length; i++)
        {
            if (_id is { } wanted)
            {
                if (faces[i].Id == wanted) return i;
                continue;
            }
            if (best < 0 || Merit(faces[i]) > Merit(faces[best])) best = i;
            if (faces[i].Id == _last && _last > 0) last = i;
        }
        if (last >= 0 && Merit(faces[last]) >= StayingPart * Merit(faces[best])) best = last;
        _last = best < 0 ? 0 : faces[best].Id;
        return best;
    }

    private double Merit(in TrackedFace face) => _nearest ? 1 / Math.Max(0.01, face.Face.Pose.Translation.Z) : face.Face.Box.Area;
}
