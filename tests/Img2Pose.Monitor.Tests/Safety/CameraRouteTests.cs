using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Img2Pose.Media;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Tests.Safety;

/// <summary>No camera, by whatever protocol, leads FFmpeg to an address that was not checked at that moment.</summary>
public class CameraRouteTests(HeadServer heads)
{
    private static CancellationToken Never => TestContext.Current.CancellationToken;

    private static CameraConfiguration Camera(string url, bool udp = false) => new() { Name = "one", Url = url, OverUdp = udp };

    /// <summary>A resolver for which a name means one place, and after a while another.</summary>
    private sealed class Rebinding
    {
        private IPAddress _place = IPAddress.Loopback;

        public int Asked { get; private set; }

        public void Rebind() => _place = IPAddress.Parse("169.254.169.254");

        public Task<IPAddress[]> Resolve(string host, CancellationToken stop)
        {
            Asked++;
            return Task.FromResult<IPAddress[]>([_place]);
        }
    }

    private static Task UntilRefusedAsync(MonitorHost host, string what) =>
        host.UntilAsync(() => host.Service.Hub.Find("one")?.Status is { State: not "live" } status && status.Reason?.Contains(what, StringComparison.Ordinal) == true, $"a refusal with '{what}'");

    [Theory]
    [InlineData("srt://camera.example:9000?streamid=x", "srt://127.0.0.1:9000?streamid=x")]
    [InlineData("udp://camera.example:5000", "udp://127.0.0.1:5000")]
    public async Task What_follows_nobody_is_given_the_address_that_was_checked_at_each_connection(string url, string expected)
    {
        Rebinding resolver = new();
        await using CameraRoute route = await CameraRoute.StartAsync(Camera(url), new AddressGuard(resolver.Resolve), Never);
        LiveAddress address = LiveAddress.Parse(url);

        Assert.Equal(url, route.Url);
        Assert.Same(route, route.Through(new LiveSourceOptions()).Route);
        Assert.Equal(expected, route.Resolve(address, TimeSpan.FromMinutes(1), Never).Target);
        resolver.Rebind();
        LiveFailureException refused = Assert.Throws<LiveFailureException>(() => route.Resolve(address, TimeSpan.FromMinutes(1), Never));

        Assert.Contains("link-local or metadata", refused.Message);
        Assert.Equal(refused.Message, route.Refusal);
        Assert.Equal(2, resolver.Asked);
    }

    [Fact]
    public async Task A_resolver_that_hangs_is_not_waited_for()
    {
        TaskCompletionSource<IPAddress[]> never = new();
        await using CameraRoute route = await CameraRoute.StartAsync(Camera("udp://camera.example:5000"), new AddressGuard((_, _) => never.Task), Never);

        LiveFailureException error = Assert.Throws<LiveFailureException>(() => route.Resolve(LiveAddress.Parse("udp://camera.example:5000"), TimeSpan.FromMilliseconds(20), Never));

        Assert.Contains("in time", error.Message);
    }

    [Fact]
    public async Task A_listening_address_and_what_is_no_network_are_opened_as_they_are()
    {
        AddressGuard guard = new((_, _) => throw new InvalidOperationException("nobody is asked"));
        await using CameraRoute here = await CameraRoute.StartAsync(Camera("udp://:5000"), guard, Never), pattern = await CameraRoute.StartAsync(Camera("lavfi:testsrc2"), guard, Never);

        Assert.Equal("udp://:5000", here.Resolve(LiveAddress.Parse("udp://:5000"), TimeSpan.FromMinutes(1), Never).Target);
        Assert.Null(pattern.Through(new LiveSourceOptions()).Route);
    }

    [Fact]
    public async Task Pictures_over_http_come_by_a_checked_address_and_a_name_that_comes_to_mean_another_place_is_not_followed()
    {
        await using PictureServer camera = new();
        Rebinding resolver = new();
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"http://me:pw@camera.example:{camera.Port}/video?x=1\", looks: 5, size: 256 }}]\n", options => options with { Resolve = resolver.Resolve });
        await host.UntilLookedAtAsync("one");
        string head = camera.Heads[0];

        resolver.Rebind();
        camera.Break();
        await UntilRefusedAsync(host, "link-local or metadata");

        // As if FFmpeg had been there itself.
        Assert.StartsWith("GET /video?x=1 HTTP/1.", head);
        Assert.Contains($"Host: camera.example:{camera.Port}\r\n", head);
        Assert.DoesNotContain("Proxy", head);
        CameraStatus status = host.Service.Hub.Find("one")!.Status;
        Assert.Equal("reconnecting", status.State);
        Assert.DoesNotContain("pw", status.ToString());
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("https://other.example/video")]
    public async Task A_redirect_of_http_to_another_host_is_not_followed(string location)
    {
        await using PictureServer camera = new($"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Rebinding resolver = new();
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"http://camera.example:{camera.Port}/\" }}]\n", options => options with { Resolve = resolver.Resolve });

        await UntilRefusedAsync(host, location.StartsWith("https", StringComparison.Ordinal) ? "" : "sends elsewhere, to 169.254.169.254");

        Assert.Equal("unreached", host.Service.Hub.Find("one")!.Status.State);
    }

    [Fact]
    public async Task A_redirect_of_http_within_the_host_is_followed_to_a_checked_address()
    {
        await using PictureServer camera = new();
        await using PictureServer old = new($"HTTP/1.1 301 Moved\r\nLocation: http://camera.example:{camera.Port}/new\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"http://camera.example:{old.Port}/old\", looks: 5, size: 256 }}]\n", options => options with { Resolve = new Rebinding().Resolve });

        await host.UntilLookedAtAsync("one", 1);

        Assert.StartsWith("GET /new ", camera.Heads[0]);
    }

    [Theory]
    [InlineData("GET http://other.example:1/ HTTP/1.1", "502", "to other.example")]
    [InlineData("CONNECT 169.254.169.254:443 HTTP/1.1", "502", "to 169.254.169.254")]
    [InlineData("GET / HTTP/1.1", "", null)]
    [InlineData("GET ftp://camera.example/ HTTP/1.1", "", null)]
    [InlineData("rubbish", "400", null)]
    public async Task The_way_for_http_leads_nowhere_else(string request, string answer, string? refusal)
    {
        await using CameraRoute route = await CameraRoute.StartAsync(Camera("http://camera.example/"), new AddressGuard(new Rebinding().Resolve), Never);
        Uri proxy = new(Assert.Single(route.Options).Value);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, proxy.Port, Never);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request + "\r\nHost: x\r\n\r\n"), Never);
        using StreamReader reader = new(client.GetStream());

        string read = await reader.ReadToEndAsync(Never);

        Assert.Equal(answer, read.Length == 0 ? "" : read.Split(' ')[1]);
        if (refusal is null) Assert.Null(route.Refusal);
        else Assert.Contains(refusal, route.Refusal);
    }

    [Fact]
    public async Task A_tunnel_for_https_leads_to_the_camera()
    {
        await using PictureServer camera = new("as it is");
        await using CameraRoute route = await CameraRoute.StartAsync(Camera("https://camera.example/"), new AddressGuard(new Rebinding().Resolve), Never);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(route.Options[0].Value).Port, Never);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"CONNECT camera.example:{camera.Port} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Never);
        using StreamReader reader = new(client.GetStream());

        Assert.Equal("HTTP/1.1 200 Connected\r\n\r\nas it is", await reader.ReadToEndAsync(Never));
        Assert.Equal("GET / HTTP/1.1\r\n\r\n", camera.Heads[0]);
    }

    [Fact]
    public async Task Https_comes_through_the_tunnel_for_the_stream_and_for_the_look_at_its_certificate()
    {
        using TcpListener camera = new(IPAddress.Loopback, 0);
        camera.Start();
        int port = ((IPEndPoint)camera.LocalEndpoint).Port;
        // Nobody but the monitor's own resolver knows the name.
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"https://camera.example:{port}/\" }}]\n", options => options with { Resolve = new Rebinding().Resolve });
        for (int i = 0; i < 2; i++)
        {
            using TcpClient client = await camera.AcceptTcpClientAsync(Never).AsTask().WaitAsync(MonitorHost.Limit, Never);
            byte[] first = new byte[1];

            Assert.Equal(1, await client.GetStream().ReadAsync(first, Never));
            // A handshake of TLS.
            Assert.Equal(22, first[0]);
        }
    }

    [Theory]
    [InlineData("rtmp://me:pw@camera.example/live/stream", "rtmp://camera.example/live")]
    [InlineData("rtmp://camera.example:1936/a/b/stream?x=/y", "rtmp://camera.example:1936/a/b")]
    [InlineData("rtmp://camera.example/live/mp4:dir/file", "rtmp://camera.example/live")]
    public async Task Rtmp_goes_through_a_relay_under_the_cameras_own_name(string url, string application)
    {
        await using CameraRoute route = await CameraRoute.StartAsync(Camera(url), new AddressGuard(new Rebinding().Resolve), Never);

        Assert.Equal(("rtmp_tcurl", application), Assert.Single(route.Options));
        Assert.Matches(url.Contains("me:pw", StringComparison.Ordinal) ? "^rtmp://me:pw@127\\.0\\.0\\.1:[0-9]+/live/stream$" : "^rtmp://127\\.0\\.0\\.1:[0-9]+/", route.Url);
    }

    [Fact]
    public async Task Rtmp_to_a_metadata_address_ends_before_it_begins()
    {
        Rebinding resolver = new();
        resolver.Rebind();
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: [{ name: one, url: \"rtmp://camera.example/live/stream\" }]\n", options => options with { Resolve = resolver.Resolve });

        await UntilRefusedAsync(host, "link-local or metadata");
    }

    [Fact]
    public async Task Rtsp_over_udp_comes_by_a_checked_address_and_a_name_that_comes_to_mean_another_place_is_not_followed()
    {
        Rebinding resolver = new();
        string url = heads.Url(2).Replace("127.0.0.1", "camera.example", StringComparison.Ordinal);
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"{url}\", transport: udp, looks: 5, size: 256 }}]\n", options => options with { Resolve = resolver.Resolve });
        await host.UntilLookedAtAsync("one");

        resolver.Rebind();
        heads.Server.Order("silent /2");
        try
        {
            await UntilRefusedAsync(host, "link-local or metadata");
        }
        finally
        {
            heads.Server.Order("play /2");
        }
    }

    [Fact]
    public void FFmpeg_is_told_of_no_hosts_that_go_past_its_proxy()
    {
        Assert.Equal(0, setenv("no_proxy", "169.254.169.254,*", 1));

        CameraRoute.ForgetProxies();

        Assert.Equal(0, getenv("no_proxy"));
    }

#pragma warning disable SYSLIB1054 // Two calls of a test.
    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setenv(string name, string value, int replaces);

    [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint getenv(string name);
#pragma warning restore SYSLIB1054
}
