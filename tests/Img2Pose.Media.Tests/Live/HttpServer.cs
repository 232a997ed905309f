using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Img2Pose.Media.Tests;

/// <summary>A small server of HTTP/1.0 and 1.1 with ranges, for files and for streams without an end; what was asked for is kept.</summary>
internal sealed class HttpServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2? _certificate;
    private readonly List<string> _asked = [];
    private readonly CancellationTokenSource _end = new();

    /// <summary>What answers a path: writes head and body; false gives a 404.</summary>
    public Func<string, Stream, bool> Answer { get; init; } = (_, _) => false;

    public HttpServer(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url(string path) => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}{path}";

    public string[] Asked
    {
        get { lock (_asked) return [.. _asked]; }
    }

    /// <summary>Sends a file, or the part of it that was asked for.</summary>
    public static void SendFile(Stream to, byte[] content, string request, string type = "video/mp4")
    {
        int from = 0;
        int at = request.IndexOf("Range: bytes=", StringComparison.OrdinalIgnoreCase);
        if (at >= 0) from = int.Parse(request[(at + 13)..].Split('-')[0], CultureInfo.InvariantCulture);
        Send(to, string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {(at >= 0 ? "206 Partial Content" : "200 OK")}\r\nContent-Type: {type}\r\nAccept-Ranges: bytes\r\nContent-Length: {content.Length - from}\r\n{(at >= 0 ? $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}\r\n" : "")}Connection: close\r\n\r\n"));
        to.Write(content.AsSpan(from));
    }

    public static void Send(Stream to, string text) => to.Write(Encoding.ASCII.GetBytes(text));

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_end.Token);
            }
            catch (Exception)
            {
                return;
            }
            _ = Task.Factory.StartNew(() => Serve(client), TaskCreationOptions.LongRunning);
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            using (client)
            using (Stream stream = Secure(client.GetStream()))
            {
                StringBuilder request = new();
                byte[] one = new byte[1];
                while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && stream.Read(one) == 1) request.Append((char)one[0]);
                string path = request.ToString().Split(' ') is { Length: > 1 } words ? words[1] : "";
                lock (_asked) _asked.Add(path);
                LastRequest = request.ToString();
                if (!Answer(path, stream)) Send(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The other side has gone.
        }
    }

    /// <summary>The head of the last request.</summary>
    [field: ThreadStatic]
    public static string LastRequest { get; private set; } = "";

    private Stream Secure(NetworkStream stream)
    {
        if (_certificate is null) return stream;
        SslStream secure = new(stream);
        secure.AuthenticateAsServer(_certificate);
        return secure;
    }

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
        _end.Dispose();
    }
}
