using Img2Pose.Frames;

namespace Img2Pose.Inference;

/// <summary>
/// Writes pictures into a network's input: resized, as RGB, normalised, padded with zeros on the right and below. One for each
/// kind of memory that frames and inputs lie in. Not thread-safe.
/// </summary>
internal interface ITensoriser : IDisposable
{
    /// <summary>The memory of the inputs that it writes to.</summary>
    MemoryKind Memory { get; }

    /// <summary>Writes a frame as one picture of the batch, and its size.</summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="width">Width that the frame's whole picture is resized to.</param>
    /// <param name="height">Height that the frame's whole picture is resized to.</param>
    /// <param name="input">The input, shaped.</param>
    /// <param name="picture">Which picture of the batch.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    void Write(VideoFrame frame, int width, int height, NetworkInput input, int picture, bool mirror);
}
