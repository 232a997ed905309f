using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Writes pictures into a network's input: resized, as RGB, normalised, padded with zeros on the right and below. One for each
/// kind of memory that frames and inputs lie in. Not thread-safe.
/// </summary>
internal interface ITensoriser : IDisposable
{
    /// <summary>The memory of the inputs that it writes to.</summary>
    MemoryKind Memory { get; }

    /// <summary>Writes a frame, or a part of it, as one picture of the batch, and its size.</summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="region">The part, inside the picture; it begins at even samples where chroma is halved.</param>
    /// <param name="width">Width that the region is resized to.</param>
    /// <param name="height">Height that the region is resized to.</param>
    /// <param name="input">The input, shaped.</param>
    /// <param name="picture">Which picture of the batch.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other, or the region does not fit the picture.</exception>
    void Write(VideoFrame frame, in PictureRegion region, int width, int height, NetworkInput input, int picture, bool mirror);
}
