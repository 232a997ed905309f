using System.Net;
using System.Security.Cryptography;
using System.Text;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Safety;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>What somebody must be to use an address; addresses without one are for nobody.</summary>
/// <param name="Role">The least role, or null: everybody.</param>
internal sealed record Requirement(Role? Role);

/// <summary>
/// Stands before every address: it is asked for by a name that is meant, not by another site's page, by somebody who may. Loopback is no
/// exception: a page of anywhere runs in a browser on this machine.
/// </summary>
internal sealed class RequestGuard
{
    private const string IdentityKey = "identity";

    // Nothing from other hosts, no text that runs, in nobody's frame.
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    private const int MostRefusals = 20;

    private readonly MonitorService _service;
    private long _minute;
    private int _refusals;
    private readonly HashSet<string> _names;

    public RequestGuard(MonitorService service)
    {
        _service = service;
        _names = new HashSet<string>(service.Options.Hosts, StringComparer.OrdinalIgnoreCase) { "localhost" };
        // Others reach it by the machine's own name.
        if (!service.Options.IsPrivate) _names.Add(Environment.MachineName);
    }

    /// <summary>Name of the cookie; where it only goes over TLS browsers hold others off by its prefix.</summary>
    public static string CookieName(HttpContext context, bool isSecure) => isSecure ? "__Host-img2pose" : $"img2pose-{context.Connection.LocalPort}";

    /// <summary>Who asks; set for every address that is not everybody's.</summary>
    public static Identity? IdentityOf(HttpContext context) => context.Items[IdentityKey] as Identity;

    /// <summary>Whether what was asked came encrypted, at least as far as the proxy in front.</summary>
    public bool IsSecure(HttpContext context) =>
        context.Request.IsHttps || (_service.Options.BehindProxy && Last(context.Request.Headers["X-Forwarded-Proto"]) == "https");

    /// <summary>The address that asks; behind a proxy the one that the proxy names.</summary>
    public string AddressOf(HttpContext context)
    {
        if (_service.Options.BehindProxy && Last(context.Request.Headers["X-Forwarded-For"]) is { Length: > 0 } named && IPAddress.TryParse(named, out IPAddress? address)) return address.ToString();
        return context.Connection.RemoteIpAddress?.ToString() ?? "";
    }

    /// <summary>Lets a request through, or refuses it.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        AddHeaders(context);
        if (WhyForeign(context) is { } foreign)
        {
            NoteRefusal(null, context, $"{context.Request.Method} {context.Request.Path}: {foreign}");
            await Answers.RefuseAsync(context, StatusCodes.Status403Forbidden, foreign).ConfigureAwait(false);
            return;
        }
        if (context.GetEndpoint()?.Metadata.GetMetadata<Requirement>() is not { } requirement)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status404NotFound, "there is nothing at this address").ConfigureAwait(false);
            return;
        }
        Identity? identity = Identify(context, out bool badToken);
        context.Items[IdentityKey] = identity;
        if (requirement.Role is { } role)
        {
            if (identity is null)
            {
                if (badToken) NoteRefusal(null, context, "an unknown token");
                await Answers.RefuseAsync(context, StatusCodes.Status401Unauthorized, badToken ? "the token is not known" : "log in first").ConfigureAwait(false);
                return;
            }
            if (identity.Role < role)
            {
                NoteRefusal(identity.Name, context, $"{context.Request.Method} {context.Request.Path} needs the role {role.ToString().ToLowerInvariant()}");
                await Answers.RefuseAsync(context, StatusCodes.Status403Forbidden, $"this needs the role {role.ToString().ToLowerInvariant()}").ConfigureAwait(false);
                return;
            }
            // A cookie goes along by itself; this header does not.
            if (identity.Proof is { } proof && IsChanging(context.Request) && !Matches(context.Request.Headers["X-CSRF-Token"].ToString(), proof))
            {
                NoteRefusal(identity.Name, context, $"{context.Request.Method} {context.Request.Path}: X-CSRF-Token is missing or old");
                await Answers.RefuseAsync(context, StatusCodes.Status403Forbidden, "the header X-CSRF-Token is missing or old; /api/me tells it").ConfigureAwait(false);
                return;
            }
        }
        await next(context).ConfigureAwait(false);
    }

    /// <summary>Whether who asked may still do so: a live view goes on for hours.</summary>
    public bool MayStay(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<Requirement>() is { Role: { } role } && Identify(context, out _) is { } identity && identity.Role >= role;

    /// <summary>Refusals are noted twenty times a minute at most, so that nobody can wash the log out.</summary>
    private void NoteRefusal(string? who, HttpContext context, string detail)
    {
        long minute = Environment.TickCount64 / 60_000;
        if (Interlocked.Exchange(ref _minute, minute) != minute) Volatile.Write(ref _refusals, 0);
        int count = Interlocked.Increment(ref _refusals);
        if (count <= MostRefusals) _service.Audit.Note(who, AddressOf(context), "refused", count == MostRefusals ? detail + " (no more are noted in this minute)" : detail);
    }

    private static void AddHeaders(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
    }

    /// <summary>Why a request is taken for another site's, or null.</summary>
    private string? WhyForeign(HttpContext context)
    {
        HttpRequest request = context.Request;
        // A name that somebody else owns may be made to mean this address; an address in numbers cannot.
        string host = request.Host.Host.Trim('[', ']');
        bool known = _names.Contains(host) || _service.Configuration.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out IPAddress? address) && (!_service.Options.IsPrivate || IPAddress.IsLoopback(address)));
        if (!known) return "this page is not served under that name; hosts: in the configuration, or --host, allows it";
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        bool isNavigation = request.Headers["Sec-Fetch-Mode"].ToString() == "navigate" && request.Headers["Sec-Fetch-Dest"].ToString() == "document" && HttpMethods.IsGet(request.Method) && request.Path == "/";
        if (site is "cross-site" or "same-site" && !isNavigation) return "another site's page asks";
        string origin = request.Headers.Origin.ToString();
        if (origin.Length == 0) return null;
        string own = $"{(IsSecure(context) ? "https" : "http")}://{request.Host.Value}";
        return string.Equals(origin, own, StringComparison.OrdinalIgnoreCase) ? null : "another site's page asks";
    }

    private Identity? Identify(HttpContext context, out bool badToken)
    {
        badToken = false;
        string authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            Identity? program = _service.Accounts.OfToken(authorization[7..].Trim());
            badToken = program is null;
            return program;
        }
        return _service.Accounts.OfCookie(context.Request.Cookies[CookieName(context, IsSecure(context))]);
    }

    private static bool IsChanging(HttpRequest request) => !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));

    private static bool Matches(string given, string proof) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(proof));

    private static string Last(Microsoft.Extensions.Primitives.StringValues values) => values.ToString().Split(',')[^1].Trim();
}
