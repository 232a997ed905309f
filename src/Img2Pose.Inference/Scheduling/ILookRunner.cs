namespace Img2Pose.Inference.Scheduling;

/// <summary>Does looks; used by one of the scheduler's threads, which also disposes it.</summary>
public interface ILookRunner : IDisposable
{
    /// <summary>Whether a look may share a run of the network with those that <paramref name="first"/> stands for.</summary>
    bool CanJoin(Look first, Look other);

    /// <summary>Fills the faces of every look, in one run.</summary>
    /// <exception cref="Exception">The run failed; none of the looks has a result.</exception>
    void Run(IReadOnlyList<Look> looks);
}
