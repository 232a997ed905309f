using System.Net;
using System.Net.Sockets;
using System.Text;
using Img2Pose.Media;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Tests.Safety;

public class GuardedRelayTests
{
    /// <summary>A camera that answers what it is told to.</summary>
    private static async Task<string> AskAsync(string answer, AddressGuard guard, Func<int, string> url)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using TcpListener camera = new(IPAddress.Loopback, 0);
        camera.Start();
        Task serving = Task.Run(async () =>
        {
            using TcpClient client = await camera.AcceptTcpClientAsync(stop);
            NetworkStream stream = client.GetStream();
            byte[] request = new byte[1000];
            _ = await stream.ReadAsync(request, stop);
            // In two parts, as networks do.
            byte[] bytes = Encoding.ASCII.GetBytes(answer);
            await stream.WriteAsync(bytes.AsMemory(0, 9), stop);
            await stream.FlushAsync(stop);
            await Task.Yield();
            await stream.WriteAsync(bytes.AsMemory(9), stop);
        }, stop);
        await using GuardedRelay relay = GuardedRelay.Start(LiveAddress.Parse(url(((IPEndPoint)camera.LocalEndpoint).Port)), guard, insecure: false);
        Uri target = new(relay.Target);
        Assert.Equal("127.0.0.1", target.Host);
        using TcpClient player = new();
        await player.ConnectAsync(IPAddress.Loopback, target.Port, stop);
        await player.GetStream().WriteAsync("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"u8.ToArray(), stop);
        using StreamReader reader = new(player.GetStream());
        string read;
        try
        {
            read = await reader.ReadToEndAsync(stop);
        }
        catch (IOException)
        {
            read = "";
        }
        return relay.Refusal is { } why ? $"refused: {why}" : read;
    }

    [Fact]
    public async Task What_a_camera_says_goes_through()
    {
        string read = await AskAsync("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", new AddressGuard(), port => $"rtsp://me:pw@127.0.0.1:{port}/live");

        Assert.Equal("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", read);
    }

    [Theory]
    [InlineData("302 Found")]
    [InlineData("200 OK\r\n\r\n$\0\0\u0004abcdRTSP/1.1 302 Found")]
    [InlineData("301 Moved Permanently")]
    [InlineData("305 Use Proxy")]
    public async Task A_redirect_is_not_followed(string status)
    {
        string read = await AskAsync($"RTSP/1.0 {status}\r\nLocation: rtsp://169.254.169.254/x\r\n\r\n", new AddressGuard(), port => $"rtsp://127.0.0.1:{port}/live");

        Assert.StartsWith("refused: ", read);
        Assert.Contains("redirect", read);
    }

    [Fact]
    public async Task A_name_that_means_a_metadata_address_is_not_reached()
    {
        AddressGuard guard = new((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("169.254.169.254")]));
        await using GuardedRelay relay = GuardedRelay.Start(LiveAddress.Parse("rtsp://camera.example/live"), guard, insecure: false);
        using TcpClient player = new();
        await player.ConnectAsync(IPAddress.Loopback, new Uri(relay.Target).Port, TestContext.Current.CancellationToken);

        Assert.Equal(0, await player.GetStream().ReadAsync(new byte[10], TestContext.Current.CancellationToken));

        Assert.Contains("link-local or metadata", relay.Refusal);
    }
}
