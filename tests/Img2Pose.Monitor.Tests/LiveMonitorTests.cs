using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Media.Tests;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Storage;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Tests;

/// <summary>An RTSP server whose cameras show heads that move by a script.</summary>
public sealed class HeadServer : IDisposable
{
    /// <summary>Length of the script, which is repeated, seconds.</summary>
    public const double Length = 12;

    public const double Rate = 10;

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-heads").FullName;
    // Coded when the first test wants it: others are done in a moment.
    private readonly Lazy<string> _clip;
    private RtspServer? _server;

    public HeadServer() => _clip = new Lazy<string>(() =>
    {
        string path = Path.Combine(_folder, "turning.h264");
        HeadVideo.Write(path, Length, Rate, Script);
        return path;
    });

    /// <summary>A head that is turned away from second 4 to 8, within 0.6 s each way; the rest of the time it looks at the camera.</summary>
    internal static Pose[] Script(double time) => [HeadVideo.Head(0, turn: 42 * Math.Clamp(Math.Min(time - 4, 8.6 - time) / 0.6, 0, 1))];

    /// <summary>The address of a camera; each of five is one of its own.</summary>
    internal string Url(int camera = 0) => Server.Url($"/{camera}");

    internal RtspServer Server => _server ??= RtspServer.Start(string.Join(' ', Enumerable.Range(0, 5).Select(i => $"/{i}={Clip}:{Rate}")));

    /// <summary>The clip as a file.</summary>
    public string Clip => _clip.Value;

    public void Dispose()
    {
        _server?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

public class LiveMonitorTests(HeadServer heads)
{
    private static CancellationToken Never => TestContext.Current.CancellationToken;

    internal static async Task<ClientWebSocket> OpenAsync(MonitorHost host, string path)
    {
        ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri(host.Address.Replace("http:", "ws:", StringComparison.Ordinal) + path), Never);
        return socket;
    }

    internal static async Task<(bool IsText, byte[] Data)> ReceiveAsync(ClientWebSocket socket)
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[64 << 10];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Never);
        limit.CancelAfter(MonitorHost.Limit);
        while (true)
        {
            WebSocketReceiveResult result = await socket.ReceiveAsync(buffer, limit.Token);
            message.Write(buffer, 0, result.Count);
            if (result.EndOfMessage) return (result.MessageType == WebSocketMessageType.Text, message.ToArray());
        }
    }

    [Fact]
    public async Task Cameras_are_seen_with_poses_on_one_WebSocket()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras:
              - { name: one, url: "{{heads.Url()}}", looks: 4 }
              - { name: two, url: "{{heads.Url(1)}}", looks: 2 }
            """);
        using ClientWebSocket socket = await OpenAsync(host, "/api/live");
        HashSet<string> tiles = [], faces = [];
        JsonElement state = default;

        while (tiles.Count < 2 || faces.Count < 2 || state.ValueKind == JsonValueKind.Undefined)
        {
            (bool isText, byte[] data) = await ReceiveAsync(socket);
            if (!isText)
            {
                string name = Encoding.UTF8.GetString(data, 2, data[1]);
                using VideoFrame tile = ImageFile.Decode(data.AsSpan(10 + data[1]), name);
                Assert.Equal((480, 270), (tile.Width, tile.Height));
                Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - BinaryPrimitives.ReadDoubleLittleEndian(data.AsSpan(2 + data[1])), -1000, 120_000);
                tiles.Add(name);
                continue;
            }
            JsonElement said = JsonSerializer.Deserialize<JsonElement>(data);
            if (said.GetProperty("type").GetString() == "state" && said.GetProperty("cameras").EnumerateArray().All(camera => camera.GetProperty("state").GetString() == "live")) state = said;
            if (said.GetProperty("type").GetString() == "look" && said.GetProperty("faces").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } face)
            {
                double[] box = [.. face.GetProperty("box").EnumerateArray().Select(number => number.GetDouble())];
                // The head is in the middle of 640×360.
                Assert.InRange((box[0] + box[2]) / 2, 260, 380);
                Assert.Equal(8, face.GetProperty("axes").GetArrayLength());
                faces.Add(said.GetProperty("camera").GetString()!);
            }
        }
    }

    [Fact]
    public async Task A_cameras_own_coding_is_passed_on_at_its_own_rate()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras:\n  - {{ name: one, url: \"{heads.Url()}\", looks: 1 }}\n");
        await host.UntilLookedAtAsync("one", 2);
        using ClientWebSocket socket = await OpenAsync(host, "/api/cameras/one/video");
        (bool isText, byte[] said) = await ReceiveAsync(socket);
        Assert.True(isText);
        Assert.Contains("video/mp4; codecs=\\\"avc1.", Encoding.UTF8.GetString(said));
        using MemoryStream file = new();
        for (int i = 0; i < 30; i++) file.Write((await ReceiveAsync(socket)).Data);

        string path = Path.Combine(host.Data, "received.mp4");
        await File.WriteAllBytesAsync(path, file.ToArray(), Never);
        using IFrameSource source = MediaSource.Open(path);
        List<double> times = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            times.Add(frame.PresentationTime!.Value);
            frame.Dispose();
        }
        Assert.Equal((29, 0L), (times.Count, source.DamagedFrames));
        // Ten pictures a second, although one is looked at; in the middle, since a machine that is away for seconds leaves a gap.
        Assert.InRange(times.Zip(times.Skip(1), (a, b) => b - a).Order().ElementAt((times.Count - 1) / 2), 0.08, 0.12);
        Assert.True(host.Service.Hub.Find("one")!.Status.PassesThrough);
    }

    [Fact]
    public async Task Many_viewers_of_a_camera_get_the_same_bytes_of_one_coding()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras:\n  - { name: one, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 5 }\n");
        await host.UntilLookedAtAsync("one", 2);
        Camera camera = host.Service.Hub.Find("one")!;
        List<ClientWebSocket> sockets = [];
        for (int i = 0; i < 50; i++) sockets.Add(await OpenAsync(host, "/api/cameras/one/video"));
        await host.UntilAsync(() => camera.Feed.Viewers == 50, "50 viewers");
        long before = camera.Feed.Count, looks = camera.Status.LooksDone;

        // The first parts are the stream's own beginning for each; what follows is shared: a part that all of them get.
        ConcurrentDictionary<string, int> got = [];
        using CancellationTokenSource enough = new();
        Task[] watching = [.. sockets.Select(async socket =>
        {
            while (!enough.IsCancellationRequested) got.AddOrUpdate(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData((await ReceiveAsync(socket)).Data)), 1, (_, count) => count + 1);
        })];
        await host.UntilAsync(() => got.Values.Contains(sockets.Count), "a part that every viewer has got");
        await enough.CancelAsync();
        await Task.WhenAll(watching);

        // Every picture was coded once, not once for each viewer.
        Assert.InRange(camera.Feed.Count - before, 0, camera.Status.LooksDone - looks + 3);
        foreach (ClientWebSocket socket in sockets) socket.Dispose();
        await host.UntilAsync(() => camera.Feed.Viewers == 0, "viewers gone");
    }

    [Fact]
    public async Task Events_come_with_snapshot_clip_and_poses()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras:
              - { name: one, url: "{{heads.Url(2)}}", looks: 8 }
            rules:
              - { name: turned, when: away, angle: 25, for: 1s, before: 2s, after: 1s }
              - { name: here, when: appears }
            """);
        StoredEvent[] Read()
        {
            using SqliteConnection connection = host.Service.Store.OpenToRead();
            return [.. EventQuery.Events(connection, new EventFilter())];
        }
        await host.UntilAsync(() => File.Exists(Path.Combine(host.Data, "monitor.db")) && host.Service.Store.Transactions > 2, "a database");

        // Twice the script: turned away from second 4 to 8, and from 16 to 20.
        await host.UntilAsync(() => Read().Count(kept => kept.Rule == "turned" && kept.End - kept.Start > 1) >= 2, "two turns");

        StoredEvent[] turns = [.. Read().Where(kept => kept.Rule == "turned" && kept.End is not null).OrderBy(kept => kept.Start)];
        Assert.InRange(turns[0].OffCamera, 30, 60);
        using HttpResponseMessage snapshot = await host.Client.GetAsync($"/api/events/{turns[0].Id}/snapshot.jpg", Never);
        using (VideoFrame picture = ImageFile.Decode(await snapshot.Content.ReadAsByteArrayAsync(Never), "snapshot")) Assert.Equal((640, 360), (picture.Width, picture.Height));
        await host.UntilAsync(() => host.Service.Store.Files.Find(turns[0].Id, ".mp4") is not null, "a clip");
        using IFrameSource clip = MediaSource.Open(host.Service.Store.Files.Find(turns[0].Id, ".mp4")!);
        int frames = 0;
        while (clip.TryRead(out VideoFrame? frame))
        {
            frames++;
            frame.Dispose();
        }
        // 2 s before, 4 s of it, 1 s after, at the camera's own ten a second, from the key picture before; a busy machine looks later.
        Assert.InRange(frames, 50, 110);
        JsonElement samples = await host.GetAsync("/api/samples?camera=one");
        // A row a second, however long it took.
        (double, int)[] rows = [.. samples.GetProperty("samples").EnumerateArray().Select(row => (row.GetProperty("time").GetDouble(), row.GetProperty("track").GetInt32()))];
        Assert.True(rows.Length >= 10 && rows.Distinct().Count() == rows.Length, string.Join(' ', rows));
        int least = Read().Count(kept => kept.Rule == "turned");
        string csv = await host.Client.GetStringAsync("/api/events/export.csv?rule=turned", Never), lines = await host.Client.GetStringAsync("/api/events/export.jsonl", Never);
        // The head goes on turning.
        Assert.InRange(csv.TrimEnd().Split('\n').Length - 1, least, Read().Count(kept => kept.Rule == "turned"));
        Assert.All(lines.TrimEnd().Split('\n'), line => Assert.Equal("one", JsonSerializer.Deserialize<JsonElement>(line).GetProperty("camera").GetString()));
        string poses = await host.Client.GetStringAsync("/api/samples/export.csv?camera=one", Never), poseLines = await host.Client.GetStringAsync("/api/samples/export.jsonl", Never);
        Assert.StartsWith("camera,track,time,yaw", poses, StringComparison.Ordinal);
        Assert.True(poses.TrimEnd().Split('\n').Length > rows.Length, poses);
        Assert.All(poseLines.TrimEnd().Split('\n'), line => Assert.InRange(JsonSerializer.Deserialize<JsonElement>(line).GetProperty("yaw").GetDouble(), -180, 180));
    }

    [Fact]
    public async Task Reloading_touches_only_what_has_changed_and_mistakes_change_nothing()
    {
        const string camera = "  - { name: NAME, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: LOOKS }\n";
        string Text(params (string Name, int Looks)[] cameras) => "cameras:\n" + string.Concat(cameras.Select(one => camera.Replace("NAME", one.Name, StringComparison.Ordinal).Replace("LOOKS", one.Looks.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)));
        await using MonitorHost host = await MonitorHost.StartAsync(Text(("a", 2), ("b", 2)));
        await host.UntilLookedAtAsync("a");
        Camera a = host.Service.Hub.Find("a")!, b = host.Service.Hub.Find("b")!;

        // By the file's own change.
        await File.WriteAllTextAsync(host.ConfigurationFile, Text(("a", 2), ("b", 3), ("c", 2)), Never);
        await host.UntilAsync(() => host.Service.Hub.Cameras.Count == 3, "three cameras");
        Assert.Same(a, host.Service.Hub.Find("a"));
        Assert.NotSame(b, host.Service.Hub.Find("b"));
        await File.WriteAllTextAsync(host.ConfigurationFile, "cameras: nonsense\n", Never);
        await host.UntilAsync(() => host.Service.RefusedConfiguration is not null, "a refusal");

        Assert.Equal(3, host.Service.Hub.Cameras.Count);
        Assert.Same(a, host.Service.Hub.Find("a"));
        JsonElement list = await host.GetAsync("/api/cameras");
        Assert.Contains("The configuration on the disk is not used", list.GetProperty("problems")[0].GetString());
        // By hand, as SIGHUP does.
        await File.WriteAllTextAsync(host.ConfigurationFile, Text(("a", 2)), Never);
        await host.Service.ReloadAsync();
        Assert.Null(host.Service.RefusedConfiguration);
        Assert.Same(a, Assert.Single(host.Service.Hub.Cameras));
        // What is about users alone is in the audit log, too.
        int Noted() => host.Service.Audit.Last(200).Count(line => line.Contains("\"act\":\"configuration\"", StringComparison.Ordinal));
        int before = Noted();
        await File.WriteAllTextAsync(host.ConfigurationFile, Text(("a", 2)) + "users: [{ name: anna, role: admin, password: a-long-password }]\n", Never);
        await host.Service.ReloadAsync();
        Assert.True(Noted() > before);
        Assert.Same(a, Assert.Single(host.Service.Hub.Cameras));
    }

    [Fact]
    public async Task A_dead_camera_is_told_apart_from_a_dead_monitor_and_costs_the_others_nothing()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras:
              - { name: dead, url: "rtsp://127.0.0.1:1/x" }
              - { name: alive, url: "{{heads.Url(3)}}", looks: 3 }
            """);
        await host.UntilLookedAtAsync("alive");
        await host.UntilAsync(() => host.Service.Hub.Find("dead")!.Status.Reason is not null, "a reason");

        using HttpResponseMessage health = await host.Client.GetAsync("/healthz", Never), ready = await host.Client.GetAsync("/readyz", Never);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable), (health.StatusCode, ready.StatusCode));
        Assert.Equal(1, (await ready.Content.ReadFromJsonAsync<JsonElement>(Never)).GetProperty("camerasDead").GetInt32());
        Assert.Contains("connection refused", host.Service.Hub.Find("dead")!.Status.Reason);
        string metrics = await host.Client.GetStringAsync("/metrics", Never);
        Assert.Contains("img2pose_camera_up{camera=\"dead\"} 0\n", metrics);
        Assert.Contains("img2pose_camera_up{camera=\"alive\"} 1\n", metrics);
    }

    [Fact]
    public async Task A_camera_is_tried_added_changed_and_removed_by_the_api_and_never_gives_its_password_away()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: []\n");
        JsonElement me = await host.GetAsync("/api/me");
        host.Client.DefaultRequestHeaders.Add("X-CSRF-Token", me.GetProperty("csrf").GetString());
        string url = heads.Url(1).Replace("rtsp://", "rtsp://me:secret77@", StringComparison.Ordinal), user = await File.ReadAllTextAsync(host.ConfigurationFile, Never);

        using HttpResponseMessage tried = await host.Client.PostAsJsonAsync("/api/cameras/try", new { name = "new", url }, Never);
        JsonElement trial = await tried.Content.ReadFromJsonAsync<JsonElement>(Never);
        Assert.True(trial.GetProperty("works").GetBoolean(), trial.ToString());
        Assert.Equal((640, "h264"), (trial.GetProperty("width").GetInt32(), trial.GetProperty("codec").GetString()));
        using HttpResponseMessage added = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "new", url, looks = 3 }, Never);
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        await host.UntilLookedAtAsync("new");
        string shown = (await host.GetAsync("/api/cameras")).ToString();
        Assert.DoesNotContain("secret77", shown);
        Assert.Contains("••••@", shown);
        using HttpResponseMessage twice = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "NEW", url }, Never);
        Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);
        foreach (string refused in new[] { "", "lavfi:testsrc2", "/etc/passwd", "file:///etc/passwd", "/dev/video0", "udp://127.0.0.1:5000", "${HOME}" })
        {
            using HttpResponseMessage answer = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "other", url = refused }, Never);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
        using HttpResponseMessage metadata = await host.Client.PostAsJsonAsync("/api/cameras/try", new { name = "other", url = "rtsp://169.254.169.254/x" }, Never);
        Assert.Contains("metadata", (await metadata.Content.ReadFromJsonAsync<JsonElement>(Never)).GetProperty("reason").GetString());

        // The page sends back what it was shown; the password stays.
        using HttpResponseMessage changed = await host.Client.PutAsJsonAsync("/api/cameras/new", new { name = "renamed", url = url.Replace("me:secret77", "••••", StringComparison.Ordinal), looks = 2 }, Never);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(url, host.Service.Hub.Find("renamed")!.Configuration.Url);
        using HttpResponseMessage elsewhere = await host.Client.PutAsJsonAsync("/api/cameras/renamed", new { name = "renamed", url = "rtsp://••••@evil.example/x" }, Never);
        Assert.Equal(HttpStatusCode.BadRequest, elsewhere.StatusCode);
        using HttpResponseMessage removed = await host.Client.DeleteAsync("/api/cameras/renamed", Never);
        Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
        Assert.Empty(host.Service.Hub.Cameras);
        Assert.Equal(user, await File.ReadAllTextAsync(host.ConfigurationFile, Never));
        Assert.DoesNotContain("secret77", host.Log.ToString());
        Assert.DoesNotContain(host.Service.Audit.Last(50), line => line.Contains("secret77", StringComparison.Ordinal));
        Assert.Contains(host.Service.Audit.Last(50), line => line.Contains("camera removed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_occupied_port_is_told()
    {
        await using MonitorHost host = await MonitorHost.StartAsync();
        int port = new Uri(host.Address).Port;

        UsageException error = await Assert.ThrowsAsync<UsageException>(() => MonitorHost.StartAsync(null, options => options with { Listen = new IPEndPoint(IPAddress.Loopback, port) }));

        Assert.Contains("the port is taken", error.Message);
    }

    [Fact]
    public async Task Other_addresses_than_loopback_need_a_password_and_encryption()
    {
        UsageException open = await Assert.ThrowsAsync<UsageException>(() => MonitorHost.StartAsync(null, options => options with { Listen = new IPEndPoint(IPAddress.Any, 0) }));
        Assert.Contains("--behind-proxy", open.Message);

        // A proxy on this machine lets others in.
        await using (MonitorHost near = await MonitorHost.StartAsync(null, options => options with { BehindProxy = true }))
        {
            using HttpResponseMessage closed = await near.Client.GetAsync("/api/cameras", Never);
            Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
        }
        await using MonitorHost host = await MonitorHost.StartAsync(null, options => options with { Listen = new IPEndPoint(IPAddress.Any, 0), BehindProxy = true });
        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{new Uri(host.Address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)).Port}") };
        using HttpResponseMessage refused = await client.GetAsync("/api/cameras", Never);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        string file = Path.Combine(host.Data, "admin-password"), password = (await File.ReadAllTextAsync(file, Never)).Trim();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain(password, host.Log.ToString());
        Assert.Contains(file, host.Log.ToString());
        HttpRequestMessage login = new(HttpMethod.Post, "/api/login") { Content = JsonContent.Create(new { user = "admin", password }) };
        login.Headers.Add("X-Forwarded-Proto", "https");
        using HttpResponseMessage welcome = await client.SendAsync(login, Never);
        Assert.Equal(HttpStatusCode.OK, welcome.StatusCode);
        Assert.StartsWith("__Host-img2pose=", Assert.Single(welcome.Headers.GetValues("Set-Cookie")));
        Assert.Contains("secure", Assert.Single(welcome.Headers.GetValues("Set-Cookie")), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task It_ends_within_three_seconds_with_pages_open()
    {
        MonitorHost host = await MonitorHost.StartAsync($"cameras:\n  - {{ name: one, url: \"{heads.Url()}\", looks: 2 }}\n  - {{ name: dead, url: \"rtsp://127.0.0.1:1/x\" }}\n");
        await host.UntilLookedAtAsync("one");
        using ClientWebSocket live = await OpenAsync(host, "/api/live"), video = await OpenAsync(host, "/api/cameras/one/video");
        using HttpResponseMessage mjpeg = await host.Client.GetAsync("/api/cameras/one/mjpeg", HttpCompletionOption.ResponseHeadersRead, Never);
        using HttpResponseMessage events = await host.Client.GetAsync("/api/events/stream", HttpCompletionOption.ResponseHeadersRead, Never);
        Assert.Equal("text/event-stream", events.Content.Headers.ContentType!.MediaType);

        // What holds it up is cut off after a second; the rest is this machine's load.
        await host.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Never);
    }

    [Fact]
    public async Task Every_address_is_described()
    {
        await using MonitorHost host = await MonitorHost.StartAsync();
        JsonElement paths = (await host.GetAsync("/api/openapi.json")).GetProperty("paths");

        string[] described = [.. paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name} {(method.Value.TryGetProperty("description", out JsonElement role) ? role.GetString() : "")}")).Order(StringComparer.Ordinal)];
        string[] served = [.. host.Service.Server.Addresses.Where(one => one.Path.StartsWith("/api", StringComparison.Ordinal) || one.Path is "/metrics" or "/healthz" or "/readyz")
            .Select(one => $"{one.Method} {one.Path} {(one.Role is { } role ? $"Needs the role {role.ToString().ToLowerInvariant()}." : "")}").Order(StringComparer.Ordinal)];

        Assert.Equal(served, described);
        // What is not described is the page alone, which is everybody's.
        Assert.All(host.Service.Server.Addresses, one => Assert.True(one.Role is not null || !one.Path.StartsWith("/api", StringComparison.Ordinal) || one.Path is "/api/me" or "/api/login", one.Path));
    }

    [Fact]
    public async Task Events_come_as_they_happen()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras:\n  - {{ name: one, url: \"{heads.Url()}\", looks: 5 }}\nrules: [{{ name: here, when: appears }}]\n");
        using Stream stream = await host.Client.GetStreamAsync("/api/events/stream", Never);
        using StreamReader reader = new(stream);

        List<string> lines = [];
        while (!lines.Exists(line => line.StartsWith("data: ", StringComparison.Ordinal))) lines.Add((await reader.ReadLineAsync(Never).AsTask().WaitAsync(MonitorHost.Limit, Never))!);

        Assert.Contains("event: begin", lines);
        Assert.Equal("here", JsonSerializer.Deserialize<JsonElement>(lines[^1]["data: ".Length..]).GetProperty("rule").GetString());
    }

    [Fact]
    public async Task Over_TLS_the_page_is_served_with_the_users_certificate()
    {
        string folder = Directory.CreateTempSubdirectory("img2pose-tls").FullName;
        try
        {
            using System.Security.Cryptography.ECDsa key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
            System.Security.Cryptography.X509Certificates.CertificateRequest request = new("CN=monitor.example", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
            using System.Security.Cryptography.X509Certificates.X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            string pem = Path.Combine(folder, "monitor.pem");
            await File.WriteAllTextAsync(pem, made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem(), Never);
            await using MonitorHost host = await MonitorHost.StartAsync(null, options => options with { Certificate = pem, Listen = new IPEndPoint(IPAddress.Any, 0) });
            string? seen = null;
            using HttpClient client = new(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => (seen = certificate!.Subject) is not null } });

            using HttpResponseMessage answer = await client.GetAsync($"https://127.0.0.1:{new Uri(host.Address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)).Port}/api/cameras", Never);

            Assert.Equal(("CN=monitor.example", HttpStatusCode.Unauthorized), (seen, answer.StatusCode));
            InputException bad = await Assert.ThrowsAsync<InputException>(() => MonitorHost.StartAsync("cameras: []\n", options => options with { Certificate = options.ConfigurationFile }));
            Assert.Contains("is no PEM certificate", bad.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
