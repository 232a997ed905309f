using System.Net;
using System.Net.Sockets;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// A port of this machine that FFmpeg is sent to instead of to a camera, and from which each of its connections goes on to an address of
/// the camera that was checked at that moment: a name cannot come to mean another place between the check and the connection.
/// </summary>
internal abstract class LoopbackWay : IAsyncDisposable
{
    /// <summary>As long as FFmpeg would wait itself.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _ending = new();
    private readonly AddressGuard _guard;
    private readonly int _most;
    private Task _accepting = Task.CompletedTask;
    private string? _refusal;
    private int _connections;

    /// <param name="address">The camera.</param>
    /// <param name="guard">Which addresses may be reached.</param>
    /// <param name="loopback">This machine's own address to listen at.</param>
    /// <param name="most">Connections at a time: FFmpeg has few; any other program of this machine may come to the port as well.</param>
    protected LoopbackWay(LiveAddress address, AddressGuard guard, IPAddress loopback, int most)
    {
        (Address, _guard, _most) = (address, guard, most);
        _listener = new TcpListener(loopback, 0);
        _listener.Start(most);
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
    }

    /// <summary>Why the last connection did not come about or was ended here, which FFmpeg does not know; null where it did.</summary>
    public string? Refusal
    {
        get => Volatile.Read(ref _refusal);
        protected set => Volatile.Write(ref _refusal, value);
    }

    /// <summary>The camera.</summary>
    protected LiveAddress Address { get; }

    /// <summary>The port.</summary>
    protected int Port { get; }

    /// <summary>Ends every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await _accepting.ConfigureAwait(false);
        _listener.Dispose();
        _ending.Dispose();
    }

    /// <summary>Begins to take connections; the last thing that is done before somebody is sent here.</summary>
    protected void Begin() => _accepting = AcceptAsync();

    /// <summary>Serves one connection to its end.</summary>
    /// <exception cref="InputException">It may not be, or cannot be; told as <see cref="Refusal"/>.</exception>
    protected abstract Task ServeAsync(NetworkStream near, CancellationToken stop);

    /// <summary>Which of a host's addresses are tried; null: all.</summary>
    protected virtual AddressFamily? Family => null;

    /// <summary>Connects to an address of a host that may be reached.</summary>
    /// <exception cref="InputException">It may not be, or cannot be.</exception>
    protected async Task<NetworkStream> ConnectAsync(string host, int port, CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(s_patience);
        try
        {
            NetworkStream far = await _guard.ConnectAsync(host, port, Family, patience.Token).ConfigureAwait(false);
            Refusal = null;
            return far;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new InputException("it does not answer in time");
        }
        catch (SocketException error)
        {
            throw new InputException(error.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no way to it (network)",
                SocketError.TimedOut => "it does not answer in time",
                _ => error.Message,
            }, error);
        }
    }

    /// <summary>Passes on what either side says until one of them, or this, ends; throws what the first to end threw.</summary>
    protected static async Task JoinAsync(Func<CancellationToken, Task> up, Func<CancellationToken, Task> down, CancellationToken stop)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task going = up(either.Token), coming = down(either.Token);
        Task first = await Task.WhenAny(going, coming).ConfigureAwait(false);
        await either.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(Task.WhenAll(going, coming)).ConfigureAwait(false);
        // The other one ends since this one has.
        await first.ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_ending.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // It ends; a listener that has stopped between two connections says so by the last of these.
                return;
            }
            if (Interlocked.Increment(ref _connections) > _most)
            {
                Interlocked.Decrement(ref _connections);
                client.Dispose();
                continue;
            }
            // It ends with either side, or with this.
            _ = ServeOneAsync(client, _ending.Token);
        }
    }

    private async Task ServeOneAsync(Socket client, CancellationToken stop)
    {
        // Closed last: by then it stands here why.
        await using NetworkStream near = new(client, ownsSocket: true);
        try
        {
            await ServeAsync(near, stop).ConfigureAwait(false);
        }
        catch (InputException error)
        {
            Refusal = error.Message;
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // FFmpeg sees its connection closed.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }
}
