using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Web;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Protocol;

namespace Img2Pose.Monitor.Telling;

/// <summary>
/// Tells a broker (MQTT 5 or 3.1.1): events as they happen, the state and the number of faces of each camera every few seconds, and, for Home
/// Assistant, what there is. A broker that is gone is tried again without end; what happens meanwhile is kept, as far as there is room.
/// </summary>
internal sealed class MqttTeller : IAsyncDisposable
{
    private const int MostWaiting = 1000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5), s_beat = TimeSpan.FromSeconds(2);

    private readonly CameraHub _hub;
    private readonly ILogger _logger;
    private readonly TimeSpan _retry;
    private readonly Channel<PoseEvent> _waiting = Channel.CreateBounded<PoseEvent>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, string> _shown = new(StringComparer.Ordinal);
    private readonly Task _telling;
    private volatile string? _problem;
    private long _told;

    /// <param name="configuration">The broker.</param>
    /// <param name="hub">The cameras.</param>
    /// <param name="logger">Told when the broker is lost.</param>
    /// <param name="retry">Time between tries; another in tests.</param>
    /// <param name="before">The end of the teller before this one, whose last word must not come after the first of this.</param>
    public MqttTeller(MqttConfiguration configuration, CameraHub hub, ILogger logger, TimeSpan? retry = null, Task? before = null)
    {
        (Configuration, _hub, _logger, _retry) = (configuration, hub, logger, retry ?? TimeSpan.FromSeconds(5));
        _telling = Task.Run(() => RunAsync(before ?? Task.CompletedTask));
    }

    public MqttConfiguration Configuration { get; }

    /// <summary>Events that the broker took.</summary>
    public long Told => Interlocked.Read(ref _told);

    /// <summary>Why it cannot be told now, or null.</summary>
    public string? Problem => _problem;

    /// <summary>Tells of an event; never waits.</summary>
    public void Tell(PoseEvent happened) => _waiting.Writer.TryWrite(happened);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        _ending.Dispose();
    }

    private string Availability => $"{Configuration.Topic}/status";

    private async Task RunAsync(Task before)
    {
        CancellationToken stop = _ending.Token;
        await Task.WhenAny(before).ConfigureAwait(false);
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ConnectAsync(client, stop).ConfigureAwait(false);
                _problem = null;
                await ServeAsync(client, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            // Whatever the library throws, a broker that talks nonsense among it: telling is tried again, and ends nothing else.
            catch (Exception error)
            {
                string why = (error.InnerException ?? error).Message;
                if (_problem is null) MonitorLog.TellingFailed(_logger, $"The broker {Configuration}", why);
                _problem = $"The broker {Configuration} is not reached: {why}";
                await Task.Delay(_retry, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            }
        }
        await LeaveAsync(client).ConfigureAwait(false);
    }

    private async Task LeaveAsync(IMqttClient client)
    {
        if (!client.IsConnected) return;
        using CancellationTokenSource patience = new(TimeSpan.FromMilliseconds(500));
        try
        {
            await PublishAsync(client, Availability, "offline", retain: true, patience.Token).ConfigureAwait(false);
            await client.DisconnectAsync(cancellationToken: patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is MQTTnet.Exceptions.MqttCommunicationException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // The broker tells the others by our will.
        }
    }

    private async Task ConnectAsync(IMqttClient client, CancellationToken stop)
    {
        MqttClientOptionsBuilder options = new MqttClientOptionsBuilder()
            .WithTcpServer(Configuration.Host, Configuration.Port)
            .WithTimeout(s_patience)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(15))
            .WithWillTopic(Availability).WithWillPayload("offline").WithWillRetain();
        if (Configuration.Tls) options = options.WithTlsOptions(tls => tls.UseTls());
        if (Configuration.User is { } user) options = options.WithCredentials(user, Configuration.Password);
        await client.ConnectAsync(options.Build(), stop).ConfigureAwait(false);
        await PublishAsync(client, Availability, "online", retain: true, stop).ConfigureAwait(false);
        _shown.Clear();
    }

    private async Task ServeAsync(IMqttClient client, CancellationToken stop)
    {
        while (client.IsConnected)
        {
            await ShowCamerasAsync(client, stop).ConfigureAwait(false);
            using CancellationTokenSource beat = CancellationTokenSource.CreateLinkedTokenSource(stop);
            beat.CancelAfter(s_beat);
            try
            {
                await _waiting.Reader.WaitToReadAsync(beat.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                continue;
            }
            // Taken out only when the broker has it.
            while (_waiting.Reader.TryPeek(out PoseEvent? happened))
            {
                string text = JsonSerializer.Serialize(new { Type = happened.End is null ? "begin" : "end", Event = Answers.Of(happened) }, Answers.Json);
                await PublishAsync(client, $"{Configuration.Topic}/{happened.Camera}/event", text, retain: false, stop).ConfigureAwait(false);
                if (_waiting.Reader.TryPeek(out PoseEvent? same) && ReferenceEquals(same, happened)) _waiting.Reader.TryRead(out _);
                Interlocked.Increment(ref _told);
            }
        }
        throw new InvalidOperationException("the broker has closed the connection");
    }

    private async Task ShowCamerasAsync(IMqttClient client, CancellationToken stop)
    {
        foreach (Camera camera in _hub.Cameras)
        {
            CameraStatus status = camera.Status;
            string text = JsonSerializer.Serialize(new { status.State, status.Reason, status.Faces, Looks = Math.Round(status.Looks, 1), Fps = Math.Round(status.Fps, 1) }, Answers.Json);
            bool isKnown = _shown.TryGetValue(camera.Name, out string? before);
            if (isKnown && before == text) continue;
            if (!isKnown && Configuration.Discovery is { } prefix) await AnnounceAsync(client, prefix, camera.Name, stop).ConfigureAwait(false);
            await PublishAsync(client, $"{Configuration.Topic}/{camera.Name}/state", text, retain: true, stop).ConfigureAwait(false);
            _shown[camera.Name] = text;
        }
        // What is retained of a camera that is gone would stay with the broker for ever.
        foreach (string gone in _shown.Keys.Where(name => _hub.Find(name) is null).ToArray())
        {
            foreach (string topic in TopicsOf(gone)) await PublishAsync(client, topic, "", retain: true, stop).ConfigureAwait(false);
            _shown.Remove(gone);
        }
    }

    private IEnumerable<string> TopicsOf(string camera)
    {
        yield return $"{Configuration.Topic}/{camera}/state";
        if (Configuration.Discovery is not { } prefix) yield break;
        yield return $"{prefix}/sensor/img2pose_{camera}_faces/config";
        yield return $"{prefix}/binary_sensor/img2pose_{camera}_live/config";
    }

    /// <summary>Home Assistant's MQTT discovery: for each camera a number of faces and whether it can be seen.</summary>
    private async Task AnnounceAsync(IMqttClient client, string prefix, string camera, CancellationToken stop)
    {
        string state = $"{Configuration.Topic}/{camera}/state", device = $"img2pose_{camera}";
        var about = new { Identifiers = new[] { device }, Name = camera, Manufacturer = "img2pose", Model = "monitor" };
        await PublishAsync(client, $"{prefix}/sensor/{device}_faces/config", Discovery(new
        {
            Name = "Faces",
            Unique_id = $"{device}_faces",
            State_topic = state,
            Value_template = "{{ value_json.faces }}",
            State_class = "measurement",
            Icon = "mdi:face-recognition",
            Availability_topic = Availability,
            Device = about,
        }), retain: true, stop).ConfigureAwait(false);
        await PublishAsync(client, $"{prefix}/binary_sensor/{device}_live/config", Discovery(new
        {
            Name = "Live",
            Unique_id = $"{device}_live",
            State_topic = state,
            Value_template = "{{ 'ON' if value_json.state == 'live' else 'OFF' }}",
            Device_class = "connectivity",
            Availability_topic = Availability,
            Device = about,
        }), retain: true, stop).ConfigureAwait(false);
    }

    private static string Discovery(object what) => JsonSerializer.Serialize(what, s_discovery);

    private static readonly JsonSerializerOptions s_discovery = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static Task<MqttClientPublishResult> PublishAsync(IMqttClient client, string topic, string text, bool retain, CancellationToken stop) => client.PublishAsync(new MqttApplicationMessage
    {
        Topic = topic,
        PayloadSegment = Encoding.UTF8.GetBytes(text),
        Retain = retain,
        QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
    }, stop);
}
