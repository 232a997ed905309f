using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Monitor.Masking;

/// <summary>
/// Makes pictures of a camera whose faces nobody may see. Each face is covered, opaque: one that is certainly tracked by a little more than
/// the head, any other by much more. A picture is held back until two more looks are there, and is covered by what they and the ones before
/// it found as well, so that a face that one look misses is covered by its neighbours. One thread.
/// </summary>
internal sealed class FaceCovers : IDisposable
{
    /// <summary>Pictures that wait for the looks after them.</summary>
    private const int Ahead = 2;

    /// <summary>Seconds for which a place stays covered after a face was last found there, and in the next picture at any rate.</summary>
    private const double Behind = 1.2;

    /// <summary>Seconds after which a picture that waits for looks is given up: the camera was out, or is hardly looked at. Longer than two looks at the least rate.</summary>
    private const double Longest = 60;

    /// <summary>Brightness of covers.</summary>
    private const byte Grey = 70;

    // The box of a face reaches from the chin over the forehead; hair, ears and a turn until the next look lie beyond it.
    private const double Certain = 1.5, Doubtful = 2.2;

    private readonly FramePool _pool = new();
    private readonly Queue<Waiting> _waiting = new();
    private readonly List<Cover> _found = [];

    // Time of the picture before the one whose turn is next.
    private double _before = double.PositiveInfinity;

    /// <summary>Takes a picture with its faces, and gives the one whose turn it is.</summary>
    /// <param name="frame">The picture as it was taken; kept for a while.</param>
    /// <param name="faces">All faces, doubtful ones without an identity.</param>
    /// <param name="isLookedAt">Whether the network has looked at this very picture; else it is withheld.</param>
    /// <param name="seconds">Its time.</param>
    /// <returns>The composed picture with its faces, which the caller disposes, or null where none is due.</returns>
    public ComposedPicture? Next(VideoFrame frame, ReadOnlySpan<TrackedFace> faces, bool isLookedAt, double seconds)
    {
        foreach (TrackedFace face in faces)
        {
            bool isCertain = face.Id > 0 && face.Detected;
            _found.Add(new Cover(Enlarge(face.Face.Box, isCertain ? Certain : Doubtful), seconds));
        }
        if (isLookedAt) _waiting.Enqueue(new Waiting(frame.AddReference(), faces.ToArray(), seconds));
        // Time that goes back is another recording's.
        while (_waiting.TryPeek(out Waiting? oldest) && !(seconds - oldest.Seconds is >= 0 and <= Longest)) _waiting.Dequeue().Frame.Dispose();
        // As long as a picture waits, its covers do: looks may be seconds apart, and further where the camera was out.
        double needed = _waiting.TryPeek(out Waiting? first) ? first.Seconds : seconds;
        double from = Math.Min(needed - Behind, _before);
        _found.RemoveAll(cover => cover.Seconds < from || cover.Seconds > seconds);
        if (_waiting.Count <= Ahead) return null;
        Waiting due = _waiting.Dequeue();
        _before = due.Seconds;
        using (due.Frame)
        {
            VideoFrame copy = _pool.RentCopy(due.Frame);
            try
            {
                foreach (Cover cover in _found) Paint(copy, cover.Area);
                return new ComposedPicture(copy, [.. due.Faces.Where(face => face.Id > 0)]);
            }
            catch
            {
                copy.Dispose();
                throw;
            }
        }
    }

    /// <summary>Gives up what waits: the source is gone.</summary>
    public void Clear()
    {
        while (_waiting.TryDequeue(out Waiting? waiting)) waiting.Frame.Dispose();
        _found.Clear();
        _before = double.PositiveInfinity;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        _pool.Dispose();
    }

    private static Box Enlarge(Box box, double factor)
    {
        double width = box.Width * factor, height = box.Height * factor;
        return new Box(box.CenterX - width / 2, box.CenterY - height / 2, box.CenterX + width / 2, box.CenterY + height / 2);
    }

    private static void Paint(VideoFrame frame, Box area) =>
        PicturePainter.Fill(frame, [(area.Left, area.Top), (area.Right, area.Top), (area.Right, area.Bottom), (area.Left, area.Bottom)], Grey);

    private sealed record Waiting(VideoFrame Frame, TrackedFace[] Faces, double Seconds);

    private readonly record struct Cover(Box Area, double Seconds);
}

/// <summary>A picture as it may be shown and kept, with the faces that are told of it; the holder disposes the picture.</summary>
internal sealed record ComposedPicture(VideoFrame Frame, TrackedFace[] Faces);
