using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>The pose that the user calls neutral, shared by whoever sends. Thread-safe.</summary>
public sealed class NeutralPose
{
    private readonly Lock _lock = new();
    private Pose? _pose;
    private bool _wanted;

    /// <summary>Creates it.</summary>
    /// <param name="atFirst">Whether the first pose that is sent is the neutral one.</param>
    public NeutralPose(bool atFirst = false) => _wanted = atFirst;

    /// <summary>The next pose that is sent becomes the neutral one.</summary>
    public void TakeNext()
    {
        lock (_lock) _wanted = true;
    }

    /// <summary>The neutral pose for a pose that is about to be sent, which becomes it where that is wanted.</summary>
    public Pose? For(Pose pose)
    {
        lock (_lock)
        {
            if (_wanted) (_pose, _wanted) = (pose, false);
            return _pose;
        }
    }
}
