using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Img2Pose.Monitor.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Web;

/// <summary>The web server: Kestrel with nothing that is not used, each address behind the <see cref="RequestGuard"/>.</summary>
internal sealed class MonitorServer : IAsyncDisposable
{
    private const long LongestBody = 256 << 10;

    private readonly WebApplication _application;

    private MonitorServer(WebApplication application, string address) => (_application, Address) = (application, address);

    /// <summary>Where it is.</summary>
    public string Address { get; }

    /// <summary>Starts it.</summary>
    /// <exception cref="UsageException">The port is taken, or may not be used.</exception>
    /// <exception cref="InputException">The certificate cannot be read, or a file of the page is missing.</exception>
    public static async Task<MonitorServer> StartAsync(MonitorService service)
    {
        MonitorOptions options = service.Options;
        X509Certificate2? certificate = options.Certificate is { } file ? ReadCertificate(file, options.CertificateKey) : null;
        PageFiles page = PageFiles.Load(options.PageFolder ?? Path.Combine(AppContext.BaseDirectory, "page"));
        // Signals belong to the command line.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = typeof(MonitorServer).Assembly.GetName().Name });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LongestBody;
            kestrel.Limits.MaxRequestLineSize = 8 << 10;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 << 10;
            kestrel.Limits.MaxConcurrentConnections = 600;
            kestrel.Limits.MaxConcurrentUpgradedConnections = Sockets.Most;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            kestrel.Listen(options.Listen, endpoint =>
            {
                // WebSockets, which the page lives on, are HTTP/1.1's here.
                endpoint.Protocols = HttpProtocols.Http1;
                if (certificate is not null) endpoint.UseHttps(certificate);
            });
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Logging.AddProvider(new ServerLog(options.Logger)).SetMinimumLevel(LogLevel.Warning);
        WebApplication application = builder.Build();
        RequestGuard guard = new(service);
        application.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = FailAsync, SuppressDiagnosticsCallback = static failed => failed.Exception is Img2PoseException or OperationCanceledException or Microsoft.Data.Sqlite.SqliteException });
        application.UseRouting();
        application.Use((context, next) => guard.InvokeAsync(context, next));
        application.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(20) });
        Endpoints endpoints = new(application);
        page.Map(endpoints);
        new AccountPages(service, guard).Map(endpoints);
        new CameraPages(service, guard).Map(endpoints);
        new EventPages(service, guard).Map(endpoints);
        new LivePages(service, guard).Map(endpoints);
        new HealthPages(service).Map(endpoints);
        application.UseEndpoints(static _ => { });
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new UsageException($"{options.Listen}: the port is taken by another program; name another one with --listen.", error);
        }
        catch (SocketException error)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            string why = error.SocketErrorCode == SocketError.AccessDenied ? "ports below 1024 are for root" : error.SocketErrorCode == SocketError.AddressNotAvailable ? "this machine has no such address" : error.Message;
            throw new UsageException($"{options.Listen}: cannot be listened at: {why}.", error);
        }
        string bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new MonitorServer(application, bound);
    }

    /// <summary>Every address that is answered, with its method and the least role (null: everybody), for the test that they are described.</summary>
    internal IEnumerable<(string Method, string Path, Role? Role)> Addresses =>
        from endpoint in _application.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints.OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>()
        let requirement = endpoint.Metadata.GetRequiredMetadata<Requirement>()
        let methods = endpoint.Metadata.GetRequiredMetadata<Microsoft.AspNetCore.Routing.HttpMethodMetadata>().HttpMethods
        select (methods[0], endpoint.RoutePattern.RawText ?? "", requirement.Role);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Live views end with the service's token; what does not within the second is cut off.
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(1));
        try
        {
            await _application.StopAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Cut off.
        }
        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private static X509Certificate2 ReadCertificate(string certificate, string? key)
    {
        try
        {
            using X509Certificate2 read = X509Certificate2.CreateFromPemFile(certificate, key);
            // A key that lies in memory alone is of no use to TLS on every system.
            return X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"{certificate}: is no PEM certificate with its key, or cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }

    private static async Task FailAsync(HttpContext context)
    {
        Exception? error = context.Features.Get<Microsoft.AspNetCore.Diagnostics.IExceptionHandlerFeature>()?.Error;
        (int status, string why) = error switch
        {
            Img2PoseException known => (StatusCodes.Status400BadRequest, known.Message),
            Microsoft.Data.Sqlite.SqliteException sql => (StatusCodes.Status503ServiceUnavailable, Storage.EventStore.Describe(sql)),
            System.Text.Json.JsonException => (StatusCodes.Status400BadRequest, "the body is no JSON"),
            Microsoft.AspNetCore.Http.BadHttpRequestException bad => (bad.StatusCode, "the request is too large, or is none"),
            _ => (StatusCodes.Status500InternalServerError, "an error of the monitor; its log says more"),
        };
        await Answers.RefuseAsync(context, status, why).ConfigureAwait(false);
    }

    /// <summary>Neither waits for nor hears signals.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Hands the server's own warnings on to the program's log.</summary>
    private sealed class ServerLog(ILogger logger) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && logger.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) logger.Log(logLevel, eventId, state, exception, formatter);
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>Maps addresses, each with what it requires.</summary>
internal sealed class Endpoints(WebApplication application)
{
    private static readonly string[] s_reading = ["GET", "HEAD"];

    /// <summary>Maps one.</summary>
    /// <param name="method">GET, POST, …</param>
    /// <param name="path">The pattern.</param>
    /// <param name="role">The least role, or null: everybody.</param>
    /// <param name="handler">What answers.</param>
    public void Map(string method, string path, Role? role, RequestDelegate handler) =>
        application.MapMethods(path, method == "GET" ? s_reading : [method], handler).WithMetadata(new Requirement(role));

    /// <summary>A value of the query as a number, or null.</summary>
    public static double? Number(HttpContext context, string name) =>
        double.TryParse(context.Request.Query[name], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;

    /// <summary>A value of the query, or null where it is empty.</summary>
    public static string? Text(HttpContext context, string name) => context.Request.Query[name].ToString() is { Length: > 0 and <= 200 } text ? text : null;

    /// <summary>A moment of the query: seconds since 1970, or ISO 8601.</summary>
    public static double? Moment(HttpContext context, string name)
    {
        if (Number(context, name) is { } seconds) return seconds;
        return DateTimeOffset.TryParse(context.Request.Query[name], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? Storage.EventStore.Seconds(time) : null;
    }
}
