using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Writes pictures into a network's input: resized, as RGB, normalised, padded with zeros on the right and below. One for each
/// kind of memory that inputs lie in; the numbers are the same to the last bit. Not thread-safe.
/// </summary>
internal interface ITensoriser : IDisposable
{
    /// <summary>The memory of the inputs that it writes to.</summary>
    MemoryKind Memory { get; }

    /// <summary>Writes a frame, or a part of it, as one picture of the batch, and its size; the picture is there after <see cref="Finish"/>.</summary>
    /// <param name="frame">
    /// The frame, in any memory that this can read; only read, and held by the caller until the network has run on the input.
    /// </param>
    /// <param name="region">The part, inside the picture; it begins at even samples where chroma is halved.</param>
    /// <param name="width">Width that the region is resized to.</param>
    /// <param name="height">Height that the region is resized to.</param>
    /// <param name="input">The input, shaped.</param>
    /// <param name="picture">Which picture of the batch.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other, or the region does not fit the picture. What was written of the batch is lost.</exception>
    void Write(VideoFrame frame, in PictureRegion region, int width, int height, NetworkInput input, int picture, bool mirror);

    /// <summary>
    /// Ends a batch: what was written is in the input for whatever reads it then, on the host or, where inputs lie on a device, in the
    /// tensoriser's queue.
    /// </summary>
    void Finish();
}
