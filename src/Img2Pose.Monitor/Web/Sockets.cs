using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>
/// Live connections: how many there may be, and what a page may send on them, which is next to nothing. One that takes nothing for ten
/// seconds, or sends much, is closed.
/// </summary>
internal static class Sockets
{
    /// <summary>Live connections at most.</summary>
    public const int Most = 256;

    private const int LongestMessage = 1024, MostMessages = 100;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_checking = TimeSpan.FromSeconds(2);
    private static int s_open;

    /// <summary>A place among the live connections, given back when it is disposed; null where all are taken.</summary>
    public static Place? TryEnter()
    {
        if (Interlocked.Increment(ref s_open) <= Most) return new Place();
        Interlocked.Decrement(ref s_open);
        return null;
    }

    /// <summary>Serves a WebSocket: sends until it ends, while what comes is read and thrown away.</summary>
    /// <param name="context">The request.</param>
    /// <param name="mayStay">Asked now and then whether who looks may still do so.</param>
    /// <param name="send">Sends until its token fires.</param>
    /// <param name="ending">The monitor ends.</param>
    public static async Task ServeAsync(HttpContext context, Func<bool> mayStay, Func<WebSocket, CancellationToken, Task> send, CancellationToken ending)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status426UpgradeRequired, "this is a WebSocket").ConfigureAwait(false);
            return;
        }
        using Place? place = TryEnter();
        if (place is null)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "too many watch already").ConfigureAwait(false);
            return;
        }
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
        using CancellationTokenSource sends = CancellationTokenSource.CreateLinkedTokenSource(ending, context.RequestAborted), reads = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task<WebSocketCloseStatus> reading = ReadAsync(socket, reads.Token), sending = GuardedAsync(send(socket, sends.Token)), checking = CheckAsync(mayStay, sends.Token);
        Task<WebSocketCloseStatus> first = await Task.WhenAny(reading, sending, checking).ConfigureAwait(false);
        WebSocketCloseStatus status = ending.IsCancellationRequested ? WebSocketCloseStatus.EndpointUnavailable : await first.ConfigureAwait(false);
        await sends.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(sending, checking).ConfigureAwait(false);
        // Said while it is still read from: to break off a read breaks off the connection.
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            using CancellationTokenSource patience = new(TimeSpan.FromMilliseconds(500));
            await GuardedAsync(socket.CloseOutputAsync(status, null, patience.Token)).ConfigureAwait(false);
            // The other side answers, or has gone.
            await Task.WhenAny(reading, Task.Delay(Timeout.InfiniteTimeSpan, patience.Token)).ConfigureAwait(false);
        }
        await reads.CancelAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(false);
    }

    /// <summary>Sends a message; a peer that does not take it in time is given up.</summary>
    public static async Task SendAsync(WebSocket socket, ReadOnlyMemory<byte> message, WebSocketMessageType type, CancellationToken stop)
    {
        ValueTask sending = socket.SendAsync(message, type, endOfMessage: true, stop);
        if (sending.IsCompletedSuccessfully) return;
        await sending.AsTask().WaitAsync(s_patience, stop).ConfigureAwait(false);
    }

    private static async Task<WebSocketCloseStatus> CheckAsync(Func<bool> mayStay, CancellationToken stop)
    {
        using PeriodicTimer timer = new(s_checking);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                if (!mayStay()) return WebSocketCloseStatus.PolicyViolation;
            }
        }
        catch (OperationCanceledException)
        {
            // The connection ends.
        }
        return WebSocketCloseStatus.NormalClosure;
    }

    private static async Task<WebSocketCloseStatus> GuardedAsync(Task work)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException or TimeoutException or ObjectDisposedException)
        {
            // The peer has gone, or is too slow.
        }
        return WebSocketCloseStatus.NormalClosure;
    }

    private static async Task<WebSocketCloseStatus> ReadAsync(WebSocket socket, CancellationToken stop)
    {
        byte[] buffer = new byte[LongestMessage];
        int count = 0, length = 0;
        long minute = Environment.TickCount64 / 60_000;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), stop).ConfigureAwait(false);
                if (result.MessageType == WebSocketMessageType.Close) return WebSocketCloseStatus.NormalClosure;
                length = result.EndOfMessage ? 0 : length + result.Count;
                if (length >= LongestMessage || !result.EndOfMessage && result.Count == buffer.Length) return WebSocketCloseStatus.MessageTooBig;
                if (Environment.TickCount64 / 60_000 is var now && now != minute) (minute, count) = (now, 0);
                if (++count > MostMessages) return WebSocketCloseStatus.PolicyViolation;
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            return WebSocketCloseStatus.NormalClosure;
        }
    }

    /// <summary>A place among the live connections.</summary>
    internal sealed class Place : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) Interlocked.Decrement(ref s_open);
        }
    }
}
