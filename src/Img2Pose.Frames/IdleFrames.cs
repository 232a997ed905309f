namespace Img2Pose.Frames;

/// <summary>
/// The frames of a pool that nobody uses, all of the shape that was last asked for: others are freed when it changes or when they
/// come back. Thread-safe.
/// </summary>
/// <typeparam name="TShape">What frames must have in common to take each other's place.</typeparam>
/// <typeparam name="TFrame">The frame.</typeparam>
/// <param name="capacity">Frames that are kept at most, at least 1.</param>
/// <param name="free">Frees a frame; called under the lock or alone.</param>
internal sealed class IdleFrames<TShape, TFrame>(int capacity, Action<TFrame> free)
    where TShape : struct, IEquatable<TShape>
    where TFrame : class
{
    private readonly Lock _lock = new();
    private readonly Stack<TFrame> _idle = [];
    private TShape _shape;
    private bool _closed;

    /// <summary>Frames that are there.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _idle.Count;
        }
    }

    /// <summary>Takes a frame of a shape, or null: then the caller makes one.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="pool">The pool, for the error.</param>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public TFrame? Take(in TShape shape, object pool)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, pool);
            if (!_shape.Equals(shape))
            {
                _shape = shape;
                FreeAll();
            }
            _ = _idle.TryPop(out TFrame? frame);
            return frame;
        }
    }

    /// <summary>Takes a frame back, or frees it where there is no use for it.</summary>
    public void Give(TFrame frame, in TShape shape)
    {
        lock (_lock)
        {
            if (!_closed && _idle.Count < capacity && _shape.Equals(shape))
            {
                _idle.Push(frame);
                return;
            }
        }
        free(frame);
    }

    /// <summary>Frees all that are there.</summary>
    public void Clear()
    {
        lock (_lock) FreeAll();
    }

    /// <summary>Frees all, and what comes back from now on.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            FreeAll();
        }
    }

    private void FreeAll()
    {
        while (_idle.TryPop(out TFrame? frame)) free(frame);
    }
}
