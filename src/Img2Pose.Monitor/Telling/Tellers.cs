using System.Threading.Channels;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Safety;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Telling;

/// <summary>All who are told of events: webhooks, a broker, listeners of the API. Each has a queue of its own; none is waited for. Thread-safe.</summary>
internal sealed class Tellers : IAsyncDisposable
{
    private const int MostWaiting = 100;

    private readonly AddressGuard _guard;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly List<Channel<PoseEvent>> _listeners = [];
    private List<Webhook> _webhooks = [];
    private MqttTeller? _broker;
    private Task? _brokerBefore;
    private long _toldBefore, _untoldBefore;

    public Tellers(AddressGuard guard, ILogger logger) => (_guard, _logger) = (guard, logger);

    /// <summary>Events that were taken.</summary>
    public long Told
    {
        get
        {
            lock (_lock) return _toldBefore + _webhooks.Sum(webhook => webhook.Told) + (_broker?.Told ?? 0);
        }
    }

    /// <summary>Events that were given up.</summary>
    public long Untold
    {
        get
        {
            lock (_lock) return _untoldBefore + _webhooks.Sum(webhook => webhook.Untold);
        }
    }

    /// <summary>What cannot be told now, for people.</summary>
    public IReadOnlyList<string> Problems
    {
        get
        {
            lock (_lock) return [.. _webhooks.Select(webhook => webhook.Problem).Append(_broker?.Problem).OfType<string>()];
        }
    }

    /// <summary>Takes a configuration; what says the same goes on with what waits in it.</summary>
    public void Configure(MonitorConfiguration configuration, CameraHub hub)
    {
        lock (_lock)
        {
            List<Webhook> next = [];
            foreach (WebhookConfiguration wanted in configuration.Webhooks)
                next.Add(_webhooks.Find(webhook => webhook.Is(wanted)) ?? new Webhook(wanted, _guard, _logger));
            foreach (Webhook gone in _webhooks.Except(next))
            {
                (_toldBefore, _untoldBefore) = (_toldBefore + gone.Told, _untoldBefore + gone.Untold);
                // It ends by itself.
                _ = gone.DisposeAsync().AsTask();
            }
            _webhooks = next;
            if (_broker?.Configuration == configuration.Mqtt) return;
            if (_broker is not null)
            {
                _toldBefore += _broker.Told;
                _brokerBefore = _broker.DisposeAsync().AsTask();
            }
            _broker = configuration.Mqtt is { } broker ? new MqttTeller(broker, hub, _logger, before: _brokerBefore) : null;
        }
    }

    /// <summary>Tells all of an event's begin or end.</summary>
    public void Tell(PoseEvent happened)
    {
        lock (_lock)
        {
            foreach (Channel<PoseEvent> listener in _listeners) listener.Writer.TryWrite(happened);
            foreach (Webhook webhook in _webhooks) webhook.Tell(happened);
            _broker?.Tell(happened);
        }
    }

    /// <summary>Begins to listen; who is slow misses the oldest. <see cref="Forget"/> ends it.</summary>
    public Channel<PoseEvent> Listen()
    {
        Channel<PoseEvent> listener = Channel.CreateBounded<PoseEvent>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock) _listeners.Add(listener);
        return listener;
    }

    /// <summary>Ends listening.</summary>
    public void Forget(Channel<PoseEvent> listener)
    {
        lock (_lock) _listeners.Remove(listener);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        List<Task> ending = [];
        lock (_lock)
        {
            ending.AddRange(_webhooks.Select(webhook => webhook.DisposeAsync().AsTask()));
            if (_broker is not null) ending.Add(_broker.DisposeAsync().AsTask());
            _webhooks = [];
            _broker = null;
        }
        await Task.WhenAll(ending).ConfigureAwait(false);
    }
}
