using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Storage;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Tests.Cameras;

/// <summary>Cameras that fall silent, change, go and come while others are watched.</summary>
public class CameraLifeTests(HeadServer heads)
{
    /// <summary>One event as long as anybody is there: on a busy machine a head that turns may count as another one, which ends an event of its own.</summary>
    private const string Anybody = "name: here, when: count, faces: 0, gap: 60s";

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    private static StoredEvent[] Read(MonitorHost host)
    {
        using SqliteConnection connection = host.Service.Store.OpenToRead();
        return [.. EventQuery.Events(connection, new EventFilter())];
    }

    private static Task UntilStoredAsync(MonitorHost host, Func<StoredEvent[], bool> holds, string what) =>
        host.UntilAsync(() => File.Exists(Path.Combine(host.Data, "monitor.db")) && host.Service.Store.Transactions > 2 && holds(Read(host)), what);

    [Fact]
    public async Task What_is_under_way_when_a_camera_falls_silent_ends_with_its_clip_before_the_camera_is_back()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras: [{ name: one, url: "{{heads.Url(4)}}", looks: 5 }]
            rules: [{ {{Anybody}}, after: 1s }]
            """);
        await UntilStoredAsync(host, kept => kept.Length == 1, "an event");
        Assert.Null(Read(host)[0].End);

        heads.Server.Order("silent /4");
        try
        {
            await UntilStoredAsync(host, kept => kept[0].End is not null, "its end");
            await host.UntilAsync(() => host.Service.Store.Files.Find(Read(host)[0].Id, ".mp4") is not null, "its clip");
            Assert.NotEqual("live", host.Service.Hub.Find("one")!.Status.State);
        }
        finally
        {
            heads.Server.Order("play /4");
        }
    }

    [Fact]
    public async Task A_reload_that_is_about_other_cameras_ends_no_event()
    {
        string one = $"  - {{ name: one, url: \"{heads.Url()}\", looks: 4 }}\n", other = "  - { name: two, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 1 }\n", rules = $"rules: [{{ {Anybody} }}]\n";
        await using MonitorHost host = await MonitorHost.StartAsync("cameras:\n" + one + rules);
        await UntilStoredAsync(host, kept => kept.Length == 1, "an event");

        await File.WriteAllTextAsync(host.ConfigurationFile, "cameras:\n" + one + other + rules, Never);
        await host.UntilAsync(() => host.Service.Hub.Cameras.Count == 2, "two cameras");
        await host.UntilLookedAtAsync("two", 2);

        Assert.Null(Assert.Single(Read(host)).End);
        // Another rule is another matter.
        await File.WriteAllTextAsync(host.ConfigurationFile, "cameras:\n" + one + other + $"rules: [{{ {Anybody}, cooldown: 1h }}]\n", Never);
        await UntilStoredAsync(host, kept => kept.Any(happened => happened.End is not null), "an end");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task From_the_moment_that_faces_are_hidden_no_clip_of_before_is_kept_and_no_try_shows_it(bool hasArea)
    {
        // An area that was hidden before hides no face.
        double[][][] masks = hasArea ? [[[0, 0], [0.1, 0], [0, 0.1]]] : [];
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: []\n");
        await File.WriteAllTextAsync(host.ConfigurationFile, $"rules: [{{ {Anybody}, before: 1s }}]\n", Never);
        await host.UntilAsync(() => host.Service.Configuration.Rules.Count == 1, "a rule");
        JsonElement me = await host.GetAsync("/api/me");
        host.Client.DefaultRequestHeaders.Add("X-CSRF-Token", me.GetProperty("csrf").GetString());
        using HttpResponseMessage added = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "new", url = heads.Url(1), looks = 3, masks }, Never);
        await UntilStoredAsync(host, kept => kept.Length == 1, "an event");
        string id = Read(host)[0].Id;

        using HttpResponseMessage hidden = await host.Client.PutAsJsonAsync("/api/cameras/new", new { name = "new", url = heads.Url(1), looks = 3, masks, mask = true }, Never);
        await UntilStoredAsync(host, kept => kept.Single(happened => happened.Id == id).End is not null, "its end");
        await host.Service.Store.Files.FinishAsync(MonitorHost.Limit);
        using HttpResponseMessage tried = await host.Client.PostAsJsonAsync("/api/cameras/try?instead=new", new { name = "new", url = heads.Url(1), mask = false }, Never);
        JsonElement trial = await tried.Content.ReadFromJsonAsync<JsonElement>(Never);

        Assert.Null(host.Service.Store.Files.Find(id, ".mp4"));
        Assert.True(trial.GetProperty("works").GetBoolean(), trial.ToString());
        Assert.False(trial.TryGetProperty("picture", out _));
    }

    [Theory]
    [InlineData(2, 4, 10, true)]
    [InlineData(3.9, 4, 10, false)]
    // As often as pictures come.
    [InlineData(4.5, 20, 5, false)]
    [InlineData(2, 20, 5, true)]
    // Nothing is measured yet.
    [InlineData(0, 4, 10, false)]
    public void The_machine_is_short_where_clearly_fewer_looks_come_than_are_wanted(double looks, double wanted, double fps, bool isShort) =>
        Assert.Equal(isShort, Camera.IsShortOf(looks, wanted, fps));

    [Fact]
    public async Task A_camera_goes_on_keeping_what_it_kept_beside_another_one_of_its_address_that_hides_something()
    {
        const string both = """
            cameras:
              - { name: a, url: "lavfi:testsrc2=size=320x240:rate=10", looks: 1 }
              - { name: b, url: "lavfi:testsrc2=size=320x240:rate=10", looks: 1, masks: [[[0, 0], [1, 0], [1, 1]]] }

            """;
        await using MonitorHost host = await MonitorHost.StartAsync(both);
        Camera a = host.Service.Hub.Find("a")!;

        await File.WriteAllTextAsync(host.ConfigurationFile, both + "hosts: [monitor.example.org]\n", Never);
        await host.Service.ReloadAsync();

        Assert.Same(a, host.Service.Hub.Find("a"));
        Assert.False(a.KeepsNothing);
    }

    [Fact]
    public async Task Who_watches_a_camera_that_is_changed_is_told_to_ask_again()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: []\n");
        JsonElement me = await host.GetAsync("/api/me");
        host.Client.DefaultRequestHeaders.Add("X-CSRF-Token", me.GetProperty("csrf").GetString());
        using HttpResponseMessage added = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "new", url = heads.Url(1), looks = 2 }, Never);
        await host.UntilLookedAtAsync("new");
        using ClientWebSocket video = await LiveMonitorTests.OpenAsync(host, "/api/cameras/new/video");
        await LiveMonitorTests.ReceiveAsync(video);

        using HttpResponseMessage changed = await host.Client.PutAsJsonAsync("/api/cameras/new", new { name = "new", url = heads.Url(1), looks = 3, size = 320 }, Never);

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        byte[] buffer = new byte[1 << 20];
        WebSocketReceiveResult result;
        do result = await video.ReceiveAsync(buffer, Never).WaitAsync(MonitorHost.Limit, Never);
        while (result.MessageType != WebSocketMessageType.Close);
        await host.UntilLookedAtAsync("new");
        Assert.Equal(320, host.Service.Hub.Find("new")!.Configuration.Size);
    }

    [Fact]
    public async Task A_rule_may_name_a_camera_of_the_page_which_then_cannot_be_removed()
    {
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: []\n");
        JsonElement me = await host.GetAsync("/api/me");
        host.Client.DefaultRequestHeaders.Add("X-CSRF-Token", me.GetProperty("csrf").GetString());
        using HttpResponseMessage added = await host.Client.PostAsJsonAsync("/api/cameras", new { name = "new", url = heads.Url(1), looks = 2, zones = new { mat = new[] { new[] { 0, 0 }, [1, 0], [1, 1] } } }, Never);
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        await File.WriteAllTextAsync(host.ConfigurationFile, "rules: [{ name: in, when: zone, zone: mat, cameras: [new] }]\n", Never);
        await host.UntilAsync(() => host.Service.Configuration.Rules.Count == 1, "a rule");

        using HttpResponseMessage refused = await host.Client.DeleteAsync("/api/cameras/new", Never);
        using HttpResponseMessage without = await host.Client.PutAsJsonAsync("/api/cameras/new", new { name = "new", url = heads.Url(1) }, Never);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (refused.StatusCode, without.StatusCode));
        Assert.Contains("no camera called", await refused.Content.ReadAsStringAsync(Never));
        Assert.Contains("no zone called", await without.Content.ReadAsStringAsync(Never));
        Assert.NotNull(host.Service.Hub.Find("new"));
        Assert.Null(host.Service.RefusedConfiguration);
    }

    [Fact]
    public async Task A_damaged_database_costs_events_not_watching_and_every_place_says_so()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"{heads.Url(3)}\", looks: 3 }}]\nrules: [{{ name: here, when: appears }}]\n", options =>
        {
            Directory.CreateDirectory(options.Folder);
            File.WriteAllText(Path.Combine(options.Folder, "monitor.db"), new string('x', 20_000));
            return options;
        });
        await host.UntilLookedAtAsync("one", 5);

        using HttpResponseMessage events = await host.Client.GetAsync("/api/events", Never), samples = await host.Client.GetAsync("/api/samples", Never), export = await host.Client.GetAsync("/api/events/export.csv", Never);
        using HttpResponseMessage ready = await host.Client.GetAsync("/readyz", Never);

        Assert.All([events, samples, export, ready], answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode));
        Assert.Contains("damaged", await events.Content.ReadAsStringAsync(Never));
        Assert.False((await ready.Content.ReadFromJsonAsync<JsonElement>(Never)).GetProperty("stores").GetBoolean());
        Assert.Contains("damaged", (await host.GetAsync("/api/cameras")).GetProperty("problems").ToString());
        Assert.Equal("live", host.Service.Hub.Find("one")!.Status.State);
    }

    [Fact]
    public async Task A_camera_that_was_never_reached_is_told_from_one_that_was_lost()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($$"""
            cameras:
              - { name: dead, url: "rtsp://127.0.0.1:1/x" }
              - { name: lost, url: "{{heads.Url(4)}}", looks: 3, size: 256 }
            """);
        await host.UntilLookedAtAsync("lost");
        heads.Server.Order("silent /4");
        try
        {
            await host.UntilAsync(() => host.Service.Hub.Find("lost")!.Status.State == "reconnecting", "an outage");
        }
        finally
        {
            heads.Server.Order("play /4");
        }
        await host.UntilAsync(() => host.Service.Hub.Find("dead")!.Status is { State: "unreached", RetryIn: not null }, "a try to come");

        CameraStatus dead = host.Service.Hub.Find("dead")!.Status;
        JsonElement ready = JsonDocument.Parse(await (await host.Client.GetAsync("/readyz", Never)).Content.ReadAsStringAsync(Never)).RootElement;
        string metrics = await host.Client.GetStringAsync("/metrics", Never);

        Assert.Equal("connection refused", dead.Reason);
        Assert.InRange(dead.RetryIn!.Value, 0, 60);
        Assert.Equal(1, ready.GetProperty("camerasUnreached").GetInt32());
        Assert.Contains("img2pose_camera_reached{camera=\"dead\"} 0\n", metrics);
        Assert.Contains("img2pose_camera_reached{camera=\"lost\"} 1\n", metrics);
    }

    [Fact]
    public async Task What_a_camera_costs_is_told()
    {
        await using MonitorHost host = await MonitorHost.StartAsync($"cameras: [{{ name: one, url: \"{heads.Url(2)}\", looks: 5, size: 256 }}]\n");
        await host.UntilLookedAtAsync("one", 5);

        CameraStatus status = host.Service.Hub.Find("one")!.Status;
        string metrics = await host.Client.GetStringAsync("/metrics", Never);

        Assert.True(status.CpuSeconds > 0 && status.NetworkSeconds > 0 && status.Coded > 5, status.ToString());
        foreach (string name in new[] { "fps", "looks_total", "dropped_total", "age_seconds", "outages_total", "faces", "queue", "cpu_seconds_total", "network_seconds_total", "coded_total" })
            Assert.Matches($"(?m)^img2pose_camera_{name}\\{{camera=\"one\"\\}} [0-9.]+$", metrics);
    }
}
