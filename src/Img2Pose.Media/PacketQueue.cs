using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Passes sound packets from the thread that reads a container to the one that writes another, in order, without copying.
/// What waits is bounded by bytes: beyond them, packets are dropped, which <see cref="Dropped"/> counts. Packets' shells are reused.
/// </summary>
internal sealed unsafe class PacketQueue(long maxBytes) : IDisposable
{
    // An empty packet is no empty memory: its shell, its buffer and what the allocator keeps for both.
    private const int Overhead = 512;
    private const int MaxIdle = 256;

    private readonly Lock _lock = new();
    private readonly Queue<PacketHandle> _waiting = new();
    private readonly Stack<PacketHandle> _idle = [];
    private long _bytes;
    private long _dropped;
    private bool _closed;

    /// <summary>Bytes that may wait.</summary>
    public long Capacity => maxBytes;

    /// <summary>Packets that there was no room for.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Moves the reference of <paramref name="packet"/> to the end of the queue; drops it after <see cref="Dispose"/>.</summary>
    public void Enqueue(AVPacket* packet)
    {
        lock (_lock)
        {
            bool full = _bytes + packet->size + Overhead > maxBytes;
            if (full) _dropped++;
            if (_closed || full)
            {
                ffmpeg.av_packet_unref(packet);
                return;
            }
            if (!_idle.TryPop(out PacketHandle? shell)) shell = new PacketHandle();
            _bytes += packet->size + Overhead;
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
            _bytes -= packet->size + Overhead;
            if (_idle.Count < MaxIdle) _idle.Push(shell);
            else shell.Dispose();
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
