using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// Ends calls into FFmpeg that wait: it is asked all the time while one does. Cancelled by the caller's token, by disposal, or when
/// a step takes longer than it may.
/// </summary>
internal sealed unsafe class ReadInterrupt
{
    private readonly CancellationToken _cancellation;
    private readonly GCHandle _self;
    private long _deadline = long.MaxValue;
    private volatile bool _disposing;
    private int _freed;

    public ReadInterrupt(CancellationToken cancellation)
    {
        _cancellation = cancellation;
        _self = GCHandle.Alloc(this);
    }

    /// <summary>Whether what waits should end.</summary>
    public bool IsDue => _disposing || _cancellation.IsCancellationRequested || TimedOut;

    /// <summary>Whether the deadline has passed.</summary>
    public bool TimedOut => Environment.TickCount64 > Volatile.Read(ref _deadline);

    /// <summary>Whether it was the caller who asked for the end.</summary>
    public bool IsCancelled => _cancellation.IsCancellationRequested;

    /// <summary>Gives what comes next this long; null: as long as it takes.</summary>
    public void Allow(TimeSpan? time) =>
        Volatile.Write(ref _deadline, time is { } span ? Environment.TickCount64 + (long)span.TotalMilliseconds : long.MaxValue);

    /// <summary>Ends whatever waits, for good.</summary>
    public void End() => _disposing = true;

    /// <summary>What FFmpeg is told to ask.</summary>
    public AVIOInterruptCB Callback => new()
    {
        callback = new AVIOInterruptCB_callback_func { Pointer = (nint)(delegate* unmanaged[Cdecl]<void*, int>)&Ask },
        opaque = (void*)GCHandle.ToIntPtr(_self),
    };

    /// <summary>To be called when FFmpeg can ask no more.</summary>
    public void Free()
    {
        if (Interlocked.Exchange(ref _freed, 1) == 0) _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Ask(void* opaque) => ((ReadInterrupt)GCHandle.FromIntPtr((nint)opaque).Target!).IsDue ? 1 : 0;
}
