using System.Net;
using System.Net.Sockets;
using System.Text;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Tests.Safety;

/// <summary>A camera that sends JPEGs over HTTP, or answers what it is told to.</summary>
internal sealed class PictureServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly List<string> _heads = [];
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;
    private readonly string? _answer;

    /// <param name="answer">The whole answer; null: a row of JPEGs without end.</param>
    public PictureServer(string? answer = null)
    {
        _answer = answer;
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Heads of the requests so far.</summary>
    public IReadOnlyList<string> Heads
    {
        get
        {
            lock (_heads) return [.. _heads];
        }
    }

    /// <summary>Breaks every connection.</summary>
    public void Break()
    {
        lock (_heads)
        {
            foreach (TcpClient client in _clients) client.Close();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        Break();
        await _accepting;
        _listener.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_ending.Token);
                lock (_heads) _clients.Add(client);
                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using TcpClient own = client;
            NetworkStream stream = client.GetStream();
            StringBuilder head = new();
            byte[] one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _ending.Token) == 1) head.Append((char)one[0]);
            lock (_heads) _heads.Add(head.ToString());
            if (_answer is not null)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(_answer), _ending.Token);
                return;
            }
            byte[] picture = Picture();
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\nConnection: close\r\n\r\n"u8.ToArray(), _ending.Token);
            while (true)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"--x\r\nContent-Type: image/jpeg\r\nContent-Length: {picture.Length}\r\n\r\n"), _ending.Token);
                await stream.WriteAsync(picture, _ending.Token);
                await stream.WriteAsync("\r\n"u8.ToArray(), _ending.Token);
                // The beat of a camera.
                await Task.Delay(100, _ending.Token);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            // Either side ends.
        }
    }

    private static byte[] Picture()
    {
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.I420, 320, 240);
        for (int plane = 0; plane < 3; plane++)
        {
            for (int y = 0; y < frame.GetPlane(plane).Height; y++) frame.GetPlane(plane).Row(y).Fill((byte)(plane == 0 ? y : 128));
        }
        using PictureCompressor compressor = new();
        return compressor.Compress(frame, 320, 80);
    }
}
