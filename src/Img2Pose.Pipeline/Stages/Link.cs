using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Img2Pose.Pipeline;

/// <summary>
/// A bounded channel with one writing and one reading stage, that owns what is in it: an item that is replaced, refused or
/// left behind is disposed. No operation takes a cancellation token, so that waiting costs no allocation; a session is
/// aborted by completing its links with the error.
/// </summary>
/// <typeparam name="T">The item; disposed by whoever holds it last.</typeparam>
internal sealed class Link<T> where T : class, IDisposable
{
    private readonly Channel<T> _channel;
    private readonly string? _stream;
    private readonly DropNotice? _notice;
    private long _dropped;
    private long _writes;
    private long _depthSum;
    private int _deepest;

    /// <summary>Creates a link.</summary>
    /// <param name="name">Name in metrics and reports.</param>
    /// <param name="capacity">Items that may wait, at least 1.</param>
    /// <param name="policy">What happens when it is full.</param>
    /// <param name="stream">The stream that it belongs to, for metrics.</param>
    /// <param name="notice">Told of drops, by the writer; null: nobody.</param>
    public Link(string name, int capacity, LinkPolicy policy = LinkPolicy.Lossless, string? stream = null, DropNotice? notice = null)
    {
        _notice = notice;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Name = name;
        Capacity = capacity;
        Policy = policy;
        _stream = stream;
        BoundedChannelOptions options = new(capacity)
        {
            SingleReader = true,
            SingleWriter = true,
            FullMode = policy == LinkPolicy.Latest ? BoundedChannelFullMode.DropOldest : BoundedChannelFullMode.Wait,
        };
        _channel = Channel.CreateBounded<T>(options, Drop);
    }

    /// <summary>Name in metrics and reports.</summary>
    public string Name { get; }

    /// <summary>Items that may wait.</summary>
    public int Capacity { get; }

    /// <summary>What happens when it is full.</summary>
    public LinkPolicy Policy { get; }

    /// <summary>Items waiting now.</summary>
    public int Depth => _channel.Reader.Count;

    /// <summary>Items replaced by newer ones, under <see cref="LinkPolicy.Latest"/>.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Mean number of items that waited just after a write; 0 before the first.</summary>
    public double MeanDepth => Interlocked.Read(ref _writes) is var writes and > 0 ? (double)Interlocked.Read(ref _depthSum) / writes : 0;

    /// <summary>Most items that waited just after a write.</summary>
    public int DeepestDepth => Volatile.Read(ref _deepest);

    /// <summary>Whether it was completed without an error, and all items were taken.</summary>
    public bool IsFinished => _channel.Reader.Completion.IsCompletedSuccessfully;

    /// <summary>Hands over an item, waiting while a lossless link is full. The item is the link's even when this fails.</summary>
    /// <exception cref="ChannelClosedException">The link was completed; the item has been disposed.</exception>
    // Pooled: a writer that waits would otherwise cost an allocation a frame.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(T item)
    {
        if (!_channel.Writer.TryWrite(item))
        {
            try
            {
                await _channel.Writer.WriteAsync(item);
            }
            catch
            {
                item.Dispose();
                throw;
            }
        }
        Observe();
    }

    /// <summary>Hands over an item if there is room; the item stays the caller's where there is none or the link is complete.</summary>
    public bool TryWrite(T item)
    {
        if (!_channel.Writer.TryWrite(item)) return false;
        Observe();
        return true;
    }

    /// <summary>Waits until an item can be read; false when the link is complete and empty.</summary>
    /// <exception cref="Exception">The error that the link was completed with, once it is empty.</exception>
    public ValueTask<bool> WaitToReadAsync() => _channel.Reader.WaitToReadAsync();

    /// <summary>Takes the oldest item; the caller disposes it.</summary>
    public bool TryRead([NotNullWhen(true)] out T? item) => _channel.Reader.TryRead(out item);

    /// <summary>Ends the link, with the error when a stage failed. Later calls have no effect.</summary>
    public void Complete(Exception? error = null) => _channel.Writer.TryComplete(error);

    /// <summary>Disposes whatever waits; for the end of a session, when nobody reads any more.</summary>
    public void Drain()
    {
        while (_channel.Reader.TryRead(out T? item)) item.Dispose();
    }

    internal LinkReport Describe() => new(Name, Capacity, MeanDepth, DeepestDepth, Dropped);

    private void Drop(T item)
    {
        long dropped = Interlocked.Increment(ref _dropped);
        EngineMetrics.Dropped(_stream, Name);
        item.Dispose();
        _notice?.Dropped(dropped);
    }

    private void Observe()
    {
        int depth = Depth;
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _depthSum, depth);
        if (depth > _deepest) Volatile.Write(ref _deepest, depth);
        EngineMetrics.Depth(_stream, Name, depth);
    }
}
