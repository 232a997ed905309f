using System.Diagnostics;

namespace Img2Pose.Frames;

/// <summary>
/// How many hold a pooled object: each holder gives it up once, the last one gives it back. A field, never copied. Thread-safe.
/// </summary>
internal struct HolderCount
{
    private int _holders;

    /// <summary>Whether somebody holds it.</summary>
    public readonly bool IsHeld => Volatile.Read(in _holders) > 0;

    /// <summary>Whether exactly one holds it.</summary>
    public readonly bool IsHeldByOne => Volatile.Read(in _holders) == 1;

    /// <summary>Begins with one holder; false where somebody still holds it.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _holders, 1, 0) == 0;

    /// <summary>Adds a holder.</summary>
    /// <param name="held">What is held, for the error.</param>
    /// <exception cref="ObjectDisposedException">Nobody holds it any more.</exception>
    public void Add(object held)
    {
        // Never counts up from zero, not even for a moment: its owner may be lending it anew.
        int count = Volatile.Read(ref _holders);
        while (true)
        {
            ObjectDisposedException.ThrowIf(count <= 0, held);
            int seen = Interlocked.CompareExchange(ref _holders, count + 1, count);
            if (seen == count) return;
            count = seen;
        }
    }

    /// <summary>Takes a holder away; true for the last one. Once too often is a bug, told in debug builds, and does nothing.</summary>
    public bool Remove()
    {
        int count = Volatile.Read(ref _holders);
        while (true)
        {
            if (count <= 0)
            {
                Debug.Fail("It was disposed more often than it was held.");
                return false;
            }
            int seen = Interlocked.CompareExchange(ref _holders, count - 1, count);
            if (seen == count) return count == 1;
            count = seen;
        }
    }
}
