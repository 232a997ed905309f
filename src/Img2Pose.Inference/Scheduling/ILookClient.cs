using System.Diagnostics.CodeAnalysis;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// One stream that wants looks. The scheduler asks for a picture when it is the stream's turn, so that a live stream gives its
/// newest one then, instead of one that has grown old in a queue. Neither method may block or call the scheduler.
/// </summary>
public interface ILookClient
{
    /// <summary>Gives the next look, if there is one and room for its result. Called under the scheduler's lock, on any of its threads.</summary>
    bool TryTake([NotNullWhen(true)] out Look? look);

    /// <summary>
    /// Takes a look back: done, failed, or not begun because the client was removed. Called once a look, on any of the
    /// scheduler's threads, in whatever order looks end.
    /// </summary>
    /// <param name="look">The look.</param>
    /// <param name="failure">Why there is no result, or null.</param>
    void HandBack(Look look, Exception? failure);
}
