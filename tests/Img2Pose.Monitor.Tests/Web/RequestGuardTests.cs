using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Img2Pose.Monitor.Tests.Web;

/// <summary>One monitor for all tests of who may ask what.</summary>
public sealed class GuardedMonitor : IAsyncLifetime
{
    internal MonitorHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await MonitorHost.StartAsync("""
        users:
          - { name: vera, role: viewer, password: veras-password77 }
          - { name: otto, role: operator, password: ottos-password77 }
          - { name: anna, role: admin, password: annas-password77 }
        tokens:
          - { name: script, role: viewer, token: 0123456789abcdef0123456789abcdef }
        hosts: [monitor.example.org]
        cameras:
          - { name: secret, url: "rtsp://me:camera-secret77@127.0.0.1:1/live?token=query-secret77" }
        """);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}

public class RequestGuardTests(GuardedMonitor monitor) : IClassFixture<GuardedMonitor>
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        HttpRequestMessage request = new(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach ((string name, string value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await monitor.Host.Client.SendAsync(request, Never);
    }

    /// <summary>Logs in: the cookie and the proof.</summary>
    private async Task<(string Cookie, string Proof)> LogInAsync(string user)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, "/api/login", JsonSerializer.Serialize(new { user, password = $"{user}s-password77" }));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string set = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", set, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", set, StringComparison.OrdinalIgnoreCase);
        string cookie = set.Split(';')[0];
        using HttpResponseMessage me = await SendAsync(HttpMethod.Get, "/api/me", null, ("Cookie", cookie));
        return (cookie, (await me.Content.ReadFromJsonAsync<JsonElement>(Never)).GetProperty("csrf").GetString()!);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/app.js")]
    [InlineData("/style.css")]
    [InlineData("/healthz")]
    public async Task What_everybody_may_see_has_strict_headers(string path)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotContain("http", policy);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task The_page_takes_nothing_from_other_hosts_and_runs_no_text_of_its_own()
    {
        foreach (string file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "page")))
        {
            string text = await File.ReadAllTextAsync(file, Never);
            Assert.DoesNotMatch("(https?:)?//[a-z0-9.-]+\\.[a-z]{2,}/", text.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal));
            if (file.EndsWith(".html", StringComparison.Ordinal)) Assert.DoesNotMatch("<script(?![^>]*src=)|\\son[a-z]+=|style=", text);
        }
    }

    [Theory]
    [InlineData("/api/cameras")]
    [InlineData("/api/events")]
    [InlineData("/api/audit")]
    [InlineData("/metrics")]
    [InlineData("/api/cameras/secret/snapshot.jpg")]
    [InlineData("/api/cameras/secret/mjpeg")]
    [InlineData("/api/events/stream")]
    [InlineData("/api/live")]
    public async Task Without_logging_in_nothing_is_told(string path)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path);
        using HttpResponseMessage forged = await SendAsync(HttpMethod.Get, path, null, ("Cookie", $"img2pose-{new Uri(monitor.Host.Address).Port}=0123456789abcdef"));
        using HttpResponseMessage token = await SendAsync(HttpMethod.Get, path, null, ("Authorization", "Bearer 0123456789abcdef0123456789abcdeX"));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (answer.StatusCode, forged.StatusCode, token.StatusCode));
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Host", "localhost.evil.example:8080")]
    [InlineData("Host", "192.168.1.5")]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "https://127.0.0.1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Another_sites_page_is_refused_even_with_a_token(string header, string value)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/api/cameras", null, ("Authorization", $"Bearer {Token}"), (header, value));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1:1234")]
    [InlineData("[::1]")]
    [InlineData("monitor.example.org")]
    public async Task Names_that_are_meant_are_served(string host)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/api/cameras", null, ("Authorization", $"Bearer {Token}"), ("Host", host));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_link_from_elsewhere_opens_the_page_and_nothing_else()
    {
        (string, string)[] link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];

        using HttpResponseMessage page = await SendAsync(HttpMethod.Get, "/", null, link);
        using HttpResponseMessage list = await SendAsync(HttpMethod.Get, "/api/cameras", null, [.. link, ("Authorization", $"Bearer {Token}")]);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (page.StatusCode, list.StatusCode));
    }

    [Theory]
    [InlineData("/../admin.hash")]
    [InlineData("/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/page/index.html")]
    [InlineData("/api/events/..%2f..%2fmonitor.db/snapshot.jpg")]
    [InlineData("/api/events/00000000000-../../x/clip.mp4")]
    [InlineData("/admin-password")]
    [InlineData("/monitor.db")]
    public async Task No_path_leads_out_of_the_page(string path)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, null, ("Authorization", $"Bearer {Token}"));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task No_credential_of_a_camera_reaches_a_page()
    {
        (string cookie, _) = await LogInAsync("anna");
        foreach (string path in new[] { "/api/cameras", "/metrics", "/api/audit", "/readyz" })
        {
            using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, null, ("Cookie", cookie));
            string text = await answer.Content.ReadAsStringAsync(Never);
            Assert.DoesNotContain("secret77", text);
            Assert.DoesNotContain("password77", text);
            if (path == "/api/cameras") Assert.Contains("rtsp://••••@127.0.0.1:1/live", text);
        }
        Assert.DoesNotContain("secret77", monitor.Host.Log.ToString());
    }

    [Fact]
    public async Task Roles_may_what_they_may()
    {
        (string cookie, string proof) = await LogInAsync("vera");
        using HttpResponseMessage seen = await SendAsync(HttpMethod.Post, "/api/events/00000000000-a-1/seen", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));
        using HttpResponseMessage audit = await SendAsync(HttpMethod.Get, "/api/audit", null, ("Cookie", cookie));
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (seen.StatusCode, audit.StatusCode));

        (cookie, proof) = await LogInAsync("otto");
        using HttpResponseMessage operatorSeen = await SendAsync(HttpMethod.Post, "/api/events/00000000000-a-1/seen", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));
        using HttpResponseMessage add = await SendAsync(HttpMethod.Post, "/api/cameras", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (operatorSeen.StatusCode, add.StatusCode));
    }

    [Fact]
    public async Task A_change_without_the_pages_own_proof_is_refused()
    {
        (string cookie, string proof) = await LogInAsync("anna");

        using HttpResponseMessage without = await SendAsync(HttpMethod.Post, "/api/cameras", "{}", ("Cookie", cookie));
        using HttpResponseMessage wrong = await SendAsync(HttpMethod.Post, "/api/cameras", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof[..^1] + "x"));
        using HttpResponseMessage right = await SendAsync(HttpMethod.Post, "/api/cameras", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));

        // The last one is heard, and found to be no camera.
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.BadRequest), (without.StatusCode, wrong.StatusCode, right.StatusCode));
    }

    [Fact]
    public async Task Logging_out_ends_the_session()
    {
        (string cookie, string proof) = await LogInAsync("anna");

        using HttpResponseMessage _ = await SendAsync(HttpMethod.Post, "/api/logout", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));
        using HttpResponseMessage after = await SendAsync(HttpMethod.Get, "/api/cameras", null, ("Cookie", cookie));

        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
    }

    [Fact]
    public async Task Guessing_passwords_is_held_back_and_noted()
    {
        // Of its own: who guesses is held back for a minute, which does not pass here, however long the answers take.
        await using MonitorHost host = await MonitorHost.StartAsync("""
            users:
              - { name: vera, role: viewer, password: veras-password77 }
              - { name: anna, role: admin, password: annas-password77 }
            """, options => options with { Clock = new MovingClock() });
        async Task<HttpStatusCode> TryAsync(string user, string password)
        {
            using HttpResponseMessage answer = await host.Client.PostAsJsonAsync("/api/login", new { user, password }, Never);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests) Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            return answer.StatusCode;
        }

        List<HttpStatusCode> answers = [];
        for (int i = 0; i < 7; i++)
        {
            // Logging in oneself in between does not start the count anew.
            if (i == 3) Assert.Equal(HttpStatusCode.OK, await TryAsync("vera", "veras-password77"));
            answers.Add(await TryAsync("anna", "guess"));
        }

        Assert.Equal(5, answers.Count(status => status == HttpStatusCode.Unauthorized));
        Assert.Equal(2, answers.Count(status => status == HttpStatusCode.TooManyRequests));
        Assert.Contains(host.Service.Audit.Last(20), line => line.Contains("login failed", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Service.Audit.Last(200), line => line.Contains("guess", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public async Task A_WebSocket_of_another_sites_page_is_refused(string origin)
    {
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Origin", origin);
        socket.Options.SetRequestHeader("Authorization", $"Bearer {Token}");

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new Uri(monitor.Host.Address.Replace("http:", "ws:", StringComparison.Ordinal) + "/api/live"), Never));
    }

    [Fact]
    public async Task A_live_view_ends_with_the_session_that_it_belongs_to()
    {
        (string cookie, string proof) = await LogInAsync("vera");
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Cookie", cookie);
        await socket.ConnectAsync(new Uri(monitor.Host.Address.Replace("http:", "ws:", StringComparison.Ordinal) + "/api/live"), Never);

        using HttpResponseMessage _ = await SendAsync(HttpMethod.Post, "/api/logout", "{}", ("Cookie", cookie), ("X-CSRF-Token", proof));

        byte[] buffer = new byte[100_000];
        WebSocketReceiveResult result;
        do result = await socket.ReceiveAsync(buffer, Never).WaitAsync(MonitorHost.Limit, Never);
        while (result.MessageType != WebSocketMessageType.Close);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, result.CloseStatus);
    }

    [Theory]
    [InlineData(5000, 1, WebSocketCloseStatus.MessageTooBig)]
    [InlineData(10, 300, WebSocketCloseStatus.PolicyViolation)]
    public async Task Who_sends_much_is_closed(int length, int count, WebSocketCloseStatus status)
    {
        using ClientWebSocket socket = new();
        socket.Options.SetRequestHeader("Authorization", $"Bearer {Token}");
        await socket.ConnectAsync(new Uri(monitor.Host.Address.Replace("http:", "ws:", StringComparison.Ordinal) + "/api/live"), Never);
        try
        {
            for (int i = 0; i < count; i++) await socket.SendAsync(new byte[length], WebSocketMessageType.Binary, true, Never);
        }
        catch (WebSocketException)
        {
            // Closed while it sent.
        }

        byte[] buffer = new byte[100_000];
        WebSocketReceiveResult result;
        do result = await socket.ReceiveAsync(buffer, Never);
        while (result.MessageType != WebSocketMessageType.Close);
        Assert.Equal(status, result.CloseStatus);
    }

    [Theory]
    [InlineData("rtsp://••••@10.0.0.1:554/other", "rtsp://me:pw@10.0.0.1:554/live", "rtsp://me:pw@10.0.0.1:554/other")]
    [InlineData("rtsp://••••@10.0.0.1:554/live", "rtsp://me:pw@10.0.0.1:554/live", "rtsp://me:pw@10.0.0.1:554/live")]
    [InlineData("rtsp://••••@evil.example:554/live", "rtsp://me:pw@10.0.0.1:554/live", null)]
    [InlineData("rtsp://••••@10.0.0.1:5554/live", "rtsp://me:pw@10.0.0.1:554/live", null)]
    [InlineData("rtsps://••••@10.0.0.1:554/live", "rtsp://me:pw@10.0.0.1:554/live", null)]
    [InlineData("rtsp://10.0.0.1:554/••••", "rtsp://me:pw@10.0.0.1:554/live", null)]
    public void Hidden_credentials_stay_with_their_host(string shown, string before, string? expected) =>
        Assert.Equal(expected, Monitor.Web.CameraPages.KeepCredentials(shown, before));
}
