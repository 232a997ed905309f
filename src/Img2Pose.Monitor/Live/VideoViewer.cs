namespace Img2Pose.Monitor.Live;

/// <summary>
/// Somebody who watches one camera. What waits for them is bounded: who is too slow misses pictures up to the next key picture, and slows
/// nobody. One thread offers, another takes.
/// </summary>
internal sealed class VideoViewer(Action<VideoViewer> leave) : IDisposable
{
    private const int MostWaiting = 120;
    private const long MostBytes = 6 << 20;

    private readonly Lock _lock = new();
    private readonly Queue<VideoPart> _waiting = new();
    private readonly SemaphoreSlim _news = new(0);
    private long _bytes;
    private bool _needsKey = true;

    /// <summary>Pictures that were left out because this viewer was slow.</summary>
    public long Skipped { get; private set; }

    /// <summary>Another stream begins.</summary>
    public void Restart(string codec, byte[] header)
    {
        lock (_lock)
        {
            Clear();
            Add(new VideoPart(codec, header));
        }
    }

    /// <summary>Gives a picture.</summary>
    public void Offer(byte[] fragment, bool isKey)
    {
        lock (_lock)
        {
            if (_waiting.Count >= MostWaiting || _bytes + fragment.Length > MostBytes)
            {
                Skipped += _waiting.Count(part => part.Codec is null);
                VideoPart? header = _waiting.FirstOrDefault(part => part.Codec is not null);
                Clear();
                if (header is not null) Add(header);
            }
            if (_needsKey && !isKey)
            {
                Skipped++;
                return;
            }
            _needsKey = false;
            Add(new VideoPart(null, fragment));
        }
    }

    /// <summary>Waits for the next part.</summary>
    public async ValueTask<VideoPart> NextAsync(CancellationToken stop)
    {
        while (true)
        {
            await _news.WaitAsync(stop).ConfigureAwait(false);
            if (TryNext(out VideoPart? part)) return part;
        }
    }

    /// <summary>The next part where one waits.</summary>
    public bool TryNext([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out VideoPart? part)
    {
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out part)) return false;
            _bytes -= part.Data.Length;
            return true;
        }
    }

    /// <summary>Ends watching.</summary>
    public void Dispose()
    {
        leave(this);
        _news.Dispose();
    }

    private void Add(VideoPart part)
    {
        _waiting.Enqueue(part);
        _bytes += part.Data.Length;
        _news.Release();
    }

    private void Clear()
    {
        _waiting.Clear();
        _bytes = 0;
        _needsKey = true;
    }
}

/// <summary>A part of a live mp4 stream.</summary>
/// <param name="Codec">The codec where it is the header of a stream, else null.</param>
/// <param name="Data">The bytes.</param>
internal sealed record VideoPart(string? Codec, byte[] Data);
