namespace Img2Pose.Frames;

/// <summary>Where the samples of a frame lie.</summary>
public enum MemoryKind
{
    /// <summary>In the process's own memory: <see cref="FramePlane.Row"/> reads and writes it.</summary>
    Host,

    /// <summary>
    /// In the memory of the CUDA device that the program uses; addresses are device pointers. Work on such a frame is ordered
    /// by <see cref="VideoFrame.Order"/>, and the owner waits for that work before it uses the memory again.
    /// </summary>
    Cuda,
}
