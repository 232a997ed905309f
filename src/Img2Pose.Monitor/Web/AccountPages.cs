using System.Text.Json;
using Img2Pose.Monitor.Configuration;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>Logging in and out, who one is, and the audit log.</summary>
internal sealed class AccountPages(MonitorService service, RequestGuard guard)
{
    private const int LongestWord = 200;

    public void Map(Endpoints endpoints)
    {
        endpoints.Map("GET", "/api/me", null, MeAsync);
        endpoints.Map("POST", "/api/login", null, LogInAsync);
        endpoints.Map("POST", "/api/logout", Role.Viewer, LogOutAsync);
        endpoints.Map("GET", "/api/audit", Role.Admin, context =>
            Answers.WriteAsync(context, new { Lines = service.Audit.Last(200).Select(line => JsonSerializer.Deserialize<JsonElement>(line)) }));
    }

    private Task MeAsync(HttpContext context) => Answers.WriteAsync(context, RequestGuard.IdentityOf(context) is { } identity
        ? new { Name = identity.Name, Role = identity.Role.ToString().ToLowerInvariant(), Csrf = identity.Proof, Open = service.Accounts.IsOpen }
        : new { Name = (string?)null!, Role = (string?)null!, Csrf = (string?)null, Open = false });

    private async Task LogInAsync(HttpContext context)
    {
        string address = guard.AddressOf(context);
        // The body is JSON, which no form of another site can send.
        Login? login = context.Request.HasJsonContentType() ? await JsonSerializer.DeserializeAsync<Login>(context.Request.Body, Answers.Json, context.RequestAborted).ConfigureAwait(false) : null;
        if (login is not { User.Length: > 0 and <= LongestWord, Password.Length: > 0 and <= LongestWord })
        {
            await Answers.RefuseAsync(context, StatusCodes.Status400BadRequest, "a user and a password are needed, as JSON").ConfigureAwait(false);
            return;
        }
        if (service.Accounts.MustWait(address) is { } wait)
        {
            int seconds = (int)Math.Ceiling(wait.TotalSeconds);
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
            service.Audit.Note(null, address, "login held back");
            await Answers.RefuseAsync(context, StatusCodes.Status429TooManyRequests, $"too many tries; again in {seconds} s").ConfigureAwait(false);
            return;
        }
        string? key = await service.Accounts.LogInAsync(login.User, login.Password, context.RequestAborted).ConfigureAwait(false);
        service.Audit.Note(key is null ? null : login.User, address, key is null ? "login failed" : "login", key is null ? login.User : null);
        if (key is null)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status401Unauthorized, "user or password is wrong").ConfigureAwait(false);
            return;
        }
        service.Accounts.TakeBack(address);
        bool isSecure = guard.IsSecure(context);
        context.Response.Cookies.Append(RequestGuard.CookieName(context, isSecure), key, new CookieOptions { HttpOnly = true, Secure = isSecure, SameSite = SameSiteMode.Strict, Path = "/", IsEssential = true });
        await Answers.WriteAsync(context, new { Name = login.User }).ConfigureAwait(false);
    }

    private Task LogOutAsync(HttpContext context)
    {
        bool isSecure = guard.IsSecure(context);
        string name = RequestGuard.CookieName(context, isSecure);
        service.Accounts.LogOut(context.Request.Cookies[name]);
        context.Response.Cookies.Delete(name, new CookieOptions { HttpOnly = true, Secure = isSecure, SameSite = SameSiteMode.Strict, Path = "/" });
        service.Audit.Note(RequestGuard.IdentityOf(context)?.Name, guard.AddressOf(context), "logout");
        return Answers.WriteAsync(context, new { });
    }

    private sealed record Login(string? User, string? Password);
}
