using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Safety;
using Img2Pose.Monitor.Web;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Telling;

/// <summary>
/// Posts events to an address, one after another, each again after growing waits until it is taken or a quarter of an hour has passed. The
/// body is signed where there is a key. Redirects are not followed, and every connection goes to an address that was checked.
/// </summary>
internal sealed class Webhook : IAsyncDisposable
{
    private const int MostWaiting = 1000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_longest = TimeSpan.FromMinutes(15);
    private static readonly double[] s_waits = [1, 2, 5, 10, 30, 60];

    private readonly WebhookConfiguration _configuration;
    private readonly ILogger _logger;
    private readonly HttpClient _client;
    private readonly Channel<(PoseEvent Event, byte[] Body)> _waiting;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _telling;
    private readonly Func<int, TimeSpan> _waitAfter;
    private volatile string? _problem;
    private long _told, _untold;

    /// <param name="configuration">Where to.</param>
    /// <param name="guard">Which addresses may be reached.</param>
    /// <param name="logger">Told of the first failure of a row.</param>
    /// <param name="waitAfter">How long is waited after a number of failures; another in tests.</param>
    /// <param name="patience">How long it may take to answer; another in tests.</param>
    public Webhook(WebhookConfiguration configuration, AddressGuard guard, ILogger logger, Func<int, TimeSpan>? waitAfter = null, TimeSpan? patience = null)
    {
        (_configuration, _logger) = (configuration, logger);
        _waitAfter = waitAfter ?? (failures => TimeSpan.FromSeconds(s_waits[Math.Min(failures, s_waits.Length - 1)]));
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = async (context, stop) => await guard.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, stop).ConfigureAwait(false),
        })
        { Timeout = patience ?? s_patience };
        _waiting = Channel.CreateBounded<(PoseEvent, byte[])>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest }, _ => Interlocked.Increment(ref _untold));
        _telling = Task.Run(RunAsync);
    }

    /// <summary>Events that it took.</summary>
    public long Told => Interlocked.Read(ref _told);

    /// <summary>Events that were given up.</summary>
    public long Untold => Interlocked.Read(ref _untold);

    /// <summary>Why it cannot be told now, or null.</summary>
    public string? Problem => _problem;

    /// <summary>Whether it is what a configuration asks for.</summary>
    public bool Is(WebhookConfiguration other) => other.Url == _configuration.Url && other.Secret == _configuration.Secret && other.Rules.SequenceEqual(_configuration.Rules);

    /// <summary>Tells of an event; never waits.</summary>
    public void Tell(PoseEvent happened)
    {
        if (_configuration.Rules.Count > 0 && !_configuration.Rules.Contains(happened.Rule)) return;
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new { Type = happened.End is null ? "begin" : "end", Event = Answers.Of(happened) }, Answers.Json);
        _waiting.Writer.TryWrite((happened, body));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        _client.Dispose();
        _ending.Dispose();
    }

    /// <summary>The signature of a body at a time: HMAC-SHA256 of "TIME.BODY" in hexadecimal digits.</summary>
    public static string Sign(string secret, string time, byte[] body)
    {
        byte[] prefix = Encoding.ASCII.GetBytes(time + ".");
        return "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), (byte[])[.. prefix, .. body]));
    }

    private async Task RunAsync()
    {
        CancellationToken stop = _ending.Token;
        try
        {
            await foreach ((PoseEvent happened, byte[] body) in _waiting.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                long began = Environment.TickCount64;
                for (int failures = 0; ; failures++)
                {
                    string? why = await PostAsync(happened, body, stop).ConfigureAwait(false);
                    if (why is null)
                    {
                        // In this order: who sees that it was told finds no problem.
                        _problem = null;
                        Interlocked.Increment(ref _told);
                        break;
                    }
                    if (_problem is null) MonitorLog.TellingFailed(_logger, $"The webhook {_configuration}", why);
                    _problem = $"The webhook {_configuration} is not reached: {why}";
                    if (Environment.TickCount64 - began > s_longest.TotalMilliseconds)
                    {
                        Interlocked.Increment(ref _untold);
                        break;
                    }
                    await Task.Delay(_waitAfter(failures), stop).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The monitor ends, or the webhook is no longer configured.
        }
    }

    private async Task<string?> PostAsync(PoseEvent happened, byte[] body, CancellationToken stop)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, _configuration.Url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            // The same for every try, so that a receiver can leave out what it has.
            request.Headers.Add("X-Img2Pose-Delivery", $"{happened.Id}-{(happened.End is null ? "begin" : "end")}");
            if (_configuration.Secret is { } secret)
            {
                string time = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
                request.Headers.Add("X-Img2Pose-Time", time);
                request.Headers.Add("X-Img2Pose-Signature", Sign(secret, time, body));
            }
            // The answer's text is nobody's business here, however long it is.
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
            int status = (int)response.StatusCode;
            if (status is >= 200 and < 300) return null;
            return status is >= 300 and < 400 ? "it sends elsewhere, which is not followed" : string.Create(CultureInfo.InvariantCulture, $"it answers {status}");
        }
        catch (HttpRequestException error)
        {
            return error.InnerException is InputException refused ? refused.Message : error.InnerException is System.Net.Sockets.SocketException socket ? socket.Message : error.Message;
        }
        catch (InputException refused)
        {
            return refused.Message;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return "it does not answer in time";
        }
    }
}
