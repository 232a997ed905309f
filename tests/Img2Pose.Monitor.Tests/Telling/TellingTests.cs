using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Safety;
using Img2Pose.Monitor.Telling;
using MQTTnet.Server;

namespace Img2Pose.Monitor.Tests.Telling;

public class TellingTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    private static PoseEvent Event(string rule = "looks", bool ended = false) => new()
    {
        Id = "0193f4a1b2c-door-1",
        Camera = "door",
        Rule = rule,
        Kind = RuleKind.Facing,
        Start = s_now,
        End = ended ? s_now + TimeSpan.FromSeconds(2) : null,
        Track = 4,
        Poses = new PoseSummary(3, 1, 2, 3, 4, null, 1),
    };

    /// <summary>A web server that answers each request as it is told to, and keeps what it got.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _ending = new();
        private readonly ConcurrentBag<TcpClient> _clients = [];

        public Receiver(params string[] answers)
        {
            _listener.Start();
            _ = ServeAsync(answers);
        }

        public Uri Url => new($"http://hook.example:{((IPEndPoint)_listener.LocalEndpoint).Port}/hook");

        public BlockingCollection<string> Requests { get; } = [];

        private async Task ServeAsync(string[] answers)
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    TcpClient client = await _listener.AcceptTcpClientAsync(_ending.Token);
                    _clients.Add(client);
                    NetworkStream stream = client.GetStream();
                    StringBuilder text = new();
                    byte[] buffer = new byte[8192];
                    while (!IsWhole(text.ToString())) text.Append(Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, _ending.Token)));
                    Requests.Add(text.ToString(), Never);
                    string answer = answers[Math.Min(i, answers.Length - 1)];
                    // One that never answers.
                    if (answer.Length == 0) continue;
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), _ending.Token);
                    client.Dispose();
                }
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private static bool IsWhole(string text)
        {
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal), length = text.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
            if (end < 0 || length < 0) return false;
            int size = int.Parse(text[(length + 16)..text.IndexOf('\r', length)], System.Globalization.CultureInfo.InvariantCulture);
            return Encoding.UTF8.GetByteCount(text) >= end + 4 + size;
        }

        public string Next()
        {
            Assert.True(Requests.TryTake(out string? request, MonitorHost.Limit), "no request comes");
            return request;
        }

        public void Dispose()
        {
            _ending.Cancel();
            _listener.Dispose();
            foreach (TcpClient client in _clients) client.Dispose();
        }
    }

    private static AddressGuard Loopback => new((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));

    private static Webhook Start(Uri url, AddressGuard guard, LogLines log, params string[] rules) =>
        new(new WebhookConfiguration { Url = url, Secret = "shh", Rules = rules }, guard, log, _ => TimeSpan.FromMilliseconds(20));

    [Fact]
    public async Task A_webhook_is_told_signed_and_again_until_it_takes_it()
    {
        using Receiver receiver = new("500 Oops", "503 Later", "204 OK");
        LogLines log = new();
        await using Webhook webhook = Start(receiver.Url, Loopback, log);

        webhook.Tell(Event());
        string[] tries = [receiver.Next(), receiver.Next(), receiver.Next()];
        webhook.Tell(Event(ended: true));
        // At least once: what was answered when the sender had given up waiting comes again.
        string second = receiver.Next();
        while (second.Contains("-begin\r\n", StringComparison.Ordinal)) second = receiver.Next();

        string body = tries[2][(tries[2].IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        JsonElement said = JsonSerializer.Deserialize<JsonElement>(body);
        Assert.Equal(("begin", "door", "facing"), (said.GetProperty("type").GetString(), said.GetProperty("event").GetProperty("camera").GetString(), said.GetProperty("event").GetProperty("kind").GetString()));
        string Header(string name) => tries[2].Split("\r\n").Single(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))[(name.Length + 2)..];
        Assert.Equal(Webhook.Sign("shh", Header("X-Img2Pose-Time"), Encoding.UTF8.GetBytes(body)), Header("X-Img2Pose-Signature"));
        Assert.All(tries, one => Assert.Contains("X-Img2Pose-Delivery: 0193f4a1b2c-door-1-begin", one));
        Assert.Contains("\"type\":\"end\"", second);
        Assert.NotEmpty(log.Lines);
    }

    [Fact]
    public async Task A_webhook_that_does_not_answer_holds_up_nobody()
    {
        using Receiver receiver = new("");
        await using Webhook webhook = Start(receiver.Url, Loopback, new LogLines(), "looks");

        for (int i = 0; i < 5000; i++) webhook.Tell(Event());
        webhook.Tell(Event("other"));

        receiver.Next();
        // A thousand wait; the oldest of the others were given up.
        Assert.InRange(webhook.Untold, 3900, 4001);
    }

    [Fact]
    public async Task A_webhook_that_takes_too_long_is_told_again()
    {
        using Receiver receiver = new("", "204 OK");
        LogLines log = new();
        await using Webhook webhook = new(new WebhookConfiguration { Url = receiver.Url }, Loopback, log, _ => TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(0.5));
        using CancellationTokenSource limit = new(MonitorHost.Limit);

        webhook.Tell(Event());
        string first = receiver.Next(), second = receiver.Next();
        while (webhook.Told == 0) await Task.Delay(10, limit.Token);

        Assert.Equal(first, second);
        Assert.Contains(log.Lines, line => line.Contains("it does not answer in time", StringComparison.Ordinal));
        Assert.Null(webhook.Problem);
    }

    [Fact]
    public async Task A_redirect_and_a_metadata_address_are_not_followed()
    {
        using Receiver receiver = new("302 Found\r\nLocation: http://169.254.169.254/latest");
        await using Webhook redirected = Start(receiver.Url, Loopback, new LogLines());
        redirected.Tell(Event());
        receiver.Next();
        receiver.Next();
        Assert.Contains("sends elsewhere", redirected.Problem);

        await using Webhook metadata = Start(new Uri("http://metadata.example/"), new AddressGuard((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("169.254.169.254")])), new LogLines());
        metadata.Tell(Event());
        using CancellationTokenSource limit = new(MonitorHost.Limit);
        while (metadata.Problem is null) await Task.Delay(10, limit.Token);
        Assert.Contains("metadata", metadata.Problem);
    }

    private static async Task<MqttServer> BrokerAsync(int port, BlockingCollection<(string Topic, string Text, bool Retained)> messages)
    {
        MqttServer broker = new MqttServerFactory().CreateMqttServer(new MqttServerOptionsBuilder().WithDefaultEndpoint().WithDefaultEndpointBoundIPAddress(IPAddress.Loopback).WithDefaultEndpointPort(port).Build());
        broker.InterceptingPublishAsync += args =>
        {
            messages.Add((args.ApplicationMessage.Topic, Encoding.UTF8.GetString(args.ApplicationMessage.Payload.ToArray()), args.ApplicationMessage.Retain), Never);
            return Task.CompletedTask;
        };
        await broker.StartAsync();
        return broker;
    }

    private static string Next(BlockingCollection<(string Topic, string Text, bool Retained)> messages, string topic)
    {
        while (messages.TryTake(out (string Topic, string Text, bool Retained) message, MonitorHost.Limit))
        {
            if (message.Topic == topic) return message.Text;
        }
        throw new InvalidOperationException($"nothing comes on {topic}");
    }

    [Fact]
    public async Task A_broker_is_told_what_there_is_and_what_happens_also_after_it_was_gone()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        await using MonitorHost host = await MonitorHost.StartAsync("cameras: [{ name: door, url: \"lavfi:testsrc2=size=320x240:rate=10\", looks: 1 }]\n");
        BlockingCollection<(string, string, bool)> messages = [];
        LogLines log = new();
        await using MqttTeller teller = new(new MqttConfiguration { Host = "127.0.0.1", Port = port }, host.Service.Hub, log, TimeSpan.FromMilliseconds(200));
        // Nobody listens yet: what happens is kept.
        teller.Tell(Event("first"));
        await host.UntilAsync(() => teller.Problem is not null, "a problem");

        MqttServer broker = await BrokerAsync(port, messages);
        Assert.Equal("online", Next(messages, "img2pose/status"));
        JsonElement faces = JsonSerializer.Deserialize<JsonElement>(Next(messages, "homeassistant/sensor/img2pose_door_faces/config"));
        Assert.Equal(("img2pose/door/state", "img2pose_door_faces"), (faces.GetProperty("state_topic").GetString(), faces.GetProperty("unique_id").GetString()));
        Assert.Contains("\"state\"", Next(messages, "img2pose/door/state"));
        Assert.Contains("first", Next(messages, "img2pose/door/event"));
        await broker.StopAsync();
        broker.Dispose();
        await host.UntilAsync(() => teller.Problem is not null, "a problem");
        teller.Tell(Event("second"));
        broker = await BrokerAsync(port, messages);

        // The broker went before it had said that it has the first, perhaps: then that comes once more, as MQTT's "at least once" has it.
        string again = Next(messages, "img2pose/door/event");
        if (again.Contains("first", StringComparison.Ordinal)) again = Next(messages, "img2pose/door/event");
        Assert.Contains("second", again);
        Assert.Null(teller.Problem);
        await broker.StopAsync();
        broker.Dispose();
    }
}
