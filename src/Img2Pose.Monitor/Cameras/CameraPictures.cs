namespace Img2Pose.Monitor.Cameras;

/// <summary>A JPEG of a camera.</summary>
/// <param name="Jpeg">The file.</param>
/// <param name="Time">When the picture was taken.</param>
/// <param name="Number">Rises with every picture.</param>
internal sealed record CameraPicture(byte[] Jpeg, DateTimeOffset Time, long Number);

/// <summary>The newest JPEGs of one camera. Thread-safe.</summary>
internal sealed class CameraPictures
{
    /// <summary>Longer side of a tile, pixels.</summary>
    public const int TileSize = 480;

    /// <summary>Longer side of a picture that is looked at alone, pixels.</summary>
    public const int LargeSize = 1280;

    private readonly Lock _lock = new();
    private TaskCompletionSource<CameraPicture> _nextLarge = NewSource();
    private CameraPicture? _tile;
    private long _number;
    private int _waiting;

    /// <summary>The newest tile, or null.</summary>
    public CameraPicture? Tile => Volatile.Read(ref _tile);

    /// <summary>Raised with every new tile; quick handlers only.</summary>
    public event Action<CameraPicture>? TileMade;

    /// <summary>Whether somebody waits for a large picture.</summary>
    public bool IsLargeWanted => Volatile.Read(ref _waiting) > 0;

    public void SetTile(byte[] jpeg, DateTimeOffset time)
    {
        CameraPicture tile = new(jpeg, time, Interlocked.Increment(ref _number));
        Volatile.Write(ref _tile, tile);
        TileMade?.Invoke(tile);
    }

    public void SetLarge(byte[] jpeg, DateTimeOffset time)
    {
        TaskCompletionSource<CameraPicture> source;
        lock (_lock)
        {
            source = _nextLarge;
            _nextLarge = NewSource();
        }
        source.TrySetResult(new CameraPicture(jpeg, time, Interlocked.Increment(ref _number)));
    }

    /// <summary>Waits for the next large picture.</summary>
    public async Task<CameraPicture> NextLargeAsync(CancellationToken stop)
    {
        Task<CameraPicture> next;
        Interlocked.Increment(ref _waiting);
        try
        {
            lock (_lock) next = _nextLarge.Task;
            return await next.WaitAsync(stop).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private static TaskCompletionSource<CameraPicture> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
