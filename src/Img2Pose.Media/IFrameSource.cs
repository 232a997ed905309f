using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>A sequence of pictures. Read by one thread; the frames may be disposed on any.</summary>
public interface IFrameSource : IDisposable
{
    /// <summary>What is known about the source.</summary>
    SourceInfo Info { get; }

    /// <summary>
    /// Pictures that were lost, or delivered with parts concealed by the decoder, because the data was damaged or missing.
    /// Complete when <see cref="TryRead"/> has returned false.
    /// </summary>
    long DamagedFrames { get; }

    /// <summary>Whether the source was cut: it says itself that more should follow where it ends. Complete when <see cref="TryRead"/> has returned false.</summary>
    bool EndedEarly => false;

    /// <summary>Pictures that a live source left out because it was behind, or because nobody took them in time.</summary>
    long SkippedFrames => 0;

    /// <summary>The state of a live source; null where pictures wait until they are read.</summary>
    LiveStatus? Status => null;

    /// <summary>Waits for the next picture. The caller disposes it.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="InputException">Reading fails for good.</exception>
    bool TryRead([NotNullWhen(true)] out VideoFrame? frame);

    /// <summary>
    /// Makes a <see cref="TryRead"/> that waits for a picture return false soon, and every later one at once. Called on any
    /// thread, any number of times. A source that never waits for the outside, such as a file, need not do anything.
    /// </summary>
    void Interrupt()
    {
    }
}
