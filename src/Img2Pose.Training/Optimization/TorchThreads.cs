using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>
/// How many threads libtorch computes with. It keeps the number for each calling thread, and a thread that computes for the first time
/// takes the one that was set last anywhere, whatever was set in it before.
/// </summary>
internal static class TorchThreads
{
    /// <summary>Lets what the calling thread computes next be spread over so many threads.</summary>
    internal static void Use(int count)
    {
        // Asking is what makes a new thread take its number, so that it cannot do so later. Setting starts a pool of threads that
        // wait busily for a while, too dear for every step.
        if (get_num_threads() != count) set_num_threads(count);
    }
}
