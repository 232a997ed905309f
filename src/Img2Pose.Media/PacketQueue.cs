using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Passes sound packets from the thread that reads a container to the one that writes another, in order, without copying.
/// Its length is bounded by the frames in flight between the two. Packets' shells are reused.
/// </summary>
internal sealed unsafe class PacketQueue : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<PacketHandle> _waiting = new();
    private readonly Stack<PacketHandle> _idle = [];
    private bool _closed;

    /// <summary>Moves the reference of <paramref name="packet"/> to the end of the queue; drops it after <see cref="Dispose"/>.</summary>
    public void Enqueue(AVPacket* packet)
    {
        lock (_lock)
        {
            if (_closed)
            {
                ffmpeg.av_packet_unref(packet);
                return;
            }
            if (!_idle.TryPop(out PacketHandle? shell)) shell = new PacketHandle();
            ffmpeg.av_packet_move_ref(shell.Pointer, packet);
            _waiting.Enqueue(shell);
        }
    }

    /// <summary>Moves the first packet's reference into <paramref name="packet"/>, which must be empty; false when there is none.</summary>
    public bool TryDequeue(AVPacket* packet)
    {
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out PacketHandle? shell)) return false;
            ffmpeg.av_packet_move_ref(packet, shell.Pointer);
            _idle.Push(shell);
            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            while (_waiting.TryDequeue(out PacketHandle? shell)) shell.Dispose();
            while (_idle.TryPop(out PacketHandle? shell)) shell.Dispose();
        }
    }
}
