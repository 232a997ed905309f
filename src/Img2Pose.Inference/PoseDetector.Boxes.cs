using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>Faces at boxes that somebody gives.</summary>
public sealed partial class PoseDetector
{
    private float[] _boxes = [];

    /// <summary>
    /// The poses of faces at given boxes: one face a box, in the same order, whatever its score. The face's box is the one
    /// around the posed face.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="boxes">Boxes in displayed pixels.</param>
    /// <param name="faces">Receives the faces; cleared first.</param>
    /// <returns>The number of boxes.</returns>
    /// <exception cref="InputException">A box is not finite, empty, outside the picture, or absurdly large.</exception>
    /// <exception cref="ModelException">ONNX Runtime failed, or the model gave no pose for a box.</exception>
    public int PoseForBoxes(VideoFrame frame, ReadOnlySpan<Box> boxes, List<FaceDetection> faces)
    {
        if (boxes.IsEmpty)
        {
            faces.Clear();
            return 0;
        }
        RequireSensible(frame, boxes);
        (int width, int height) = Size.Resize(frame.DisplayWidth, frame.DisplayHeight);
        lock (_gate)
        {
            ReadOnlyMemory<float> rows = FillBoxes(boxes, (double)width / frame.DisplayWidth, (double)height / frame.DisplayHeight);
            Run(frame, Size, mirror: false, faces, Selecting.All, new NetworkRequest(float.NegativeInfinity, rows));
        }
        return faces.Count;
    }

    /// <summary>
    /// Finds faces among given proposals instead of the network's own: they are scored, posed and selected as usual.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="proposals">Boxes in pixels of the resized picture.</param>
    /// <param name="faces">Receives the faces, best first; cleared first.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="ModelException">ONNX Runtime failed.</exception>
    public int DetectAmong(VideoFrame frame, ReadOnlySpan<Box> proposals, List<FaceDetection> faces)
    {
        if (proposals.IsEmpty)
        {
            faces.Clear();
            return 0;
        }
        lock (_gate)
        {
            ReadOnlyMemory<float> rows = FillBoxes(proposals, 1, 1);
            Run(frame, Size, mirror: false, faces, Selecting.Best, new NetworkRequest((float)ScoreThreshold, rows));
        }
        return faces.Count;
    }

    private ReadOnlyMemory<float> FillBoxes(ReadOnlySpan<Box> boxes, double scaleX, double scaleY)
    {
        int length = checked(5 * boxes.Length);
        if (_boxes.Length < length) _boxes = new float[length];
        for (int i = 0; i < boxes.Length; i++)
        {
            _boxes[5 * i] = 0;
            _boxes[5 * i + 1] = (float)(boxes[i].Left * scaleX);
            _boxes[5 * i + 2] = (float)(boxes[i].Top * scaleY);
            _boxes[5 * i + 3] = (float)(boxes[i].Right * scaleX);
            _boxes[5 * i + 4] = (float)(boxes[i].Bottom * scaleY);
        }
        return _boxes.AsMemory(0, length);
    }

    // A box that no face can have is the fault of who gave it, not of the model that cannot pose it.
    private static void RequireSensible(VideoFrame frame, ReadOnlySpan<Box> boxes)
    {
        const double Times = 100;
        for (int i = 0; i < boxes.Length; i++)
        {
            Box box = boxes[i];
            bool sensible = double.IsFinite(box.Left + box.Top + box.Right + box.Bottom) && box.Width > 0 && box.Height > 0
                && box.Right > 0 && box.Bottom > 0 && box.Left < frame.DisplayWidth && box.Top < frame.DisplayHeight
                && box.Width <= Times * frame.DisplayWidth && box.Height <= Times * frame.DisplayHeight;
            if (sensible) continue;
            throw new InputException(FormattableString.Invariant(
                $"box {i + 1} of a picture of {frame.DisplayWidth}×{frame.DisplayHeight} pixels, {box.Left},{box.Top},{box.Right},{box.Bottom} (left, top, right, bottom), cannot hold a face: it is empty, outside the picture, or more than {Times} times as large."));
        }
    }

    private void TakeAll(int boxes, List<FaceDetection> faces)
    {
        try
        {
            _selection.TakeAll(_results, boxes, _sizes[0], faces);
        }
        catch (NetworkOutputException error)
        {
            throw new ModelException($"{_model.Path}: {error.Message}.", error);
        }
    }
}
