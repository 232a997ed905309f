using System.Text;
using Img2Pose.Media;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>Cameras: what there are, and for administrators to add, change, try and remove those that were entered here.</summary>
internal sealed class CameraPages(MonitorService service, RequestGuard guard)
{
    private const int MjpegLongest = 3600;

    public void Map(Endpoints endpoints)
    {
        endpoints.Map("GET", "/api/cameras", Role.Viewer, ListAsync);
        endpoints.Map("POST", "/api/cameras", Role.Admin, AddAsync);
        endpoints.Map("POST", "/api/cameras/try", Role.Admin, TryAsync);
        endpoints.Map("PUT", "/api/cameras/{name}", Role.Admin, ChangeAsync);
        endpoints.Map("DELETE", "/api/cameras/{name}", Role.Admin, RemoveAsync);
        endpoints.Map("GET", "/api/cameras/{name}/snapshot.jpg", Role.Viewer, SnapshotAsync);
        endpoints.Map("GET", "/api/cameras/{name}/mjpeg", Role.Viewer, MjpegAsync);
    }

    /// <summary>The camera that an address names; answers where there is none.</summary>
    public static async Task<Camera?> FindAsync(MonitorService service, HttpContext context)
    {
        if (service.Hub.Find(context.Request.RouteValues["name"] as string ?? "") is { } camera) return camera;
        await Answers.RefuseAsync(context, StatusCodes.Status404NotFound, "there is no such camera").ConfigureAwait(false);
        return null;
    }

    private Task ListAsync(HttpContext context)
    {
        bool isAdmin = RequestGuard.IdentityOf(context)!.Role == Role.Admin;
        return Answers.WriteAsync(context, new
        {
            Cameras = service.Hub.Cameras.Select(camera => new { camera.Name, camera.Status, camera.Configuration.Overlay, Areas = Answers.AreasOf(camera.Configuration), Configuration = isAdmin ? Answers.Of(camera.Configuration) : null }),
            Rules = service.Configuration.Rules.Select(rule => rule.Name),
            Problems = service.Problems(),
        });
    }

    private async Task AddAsync(HttpContext context)
    {
        CameraConfiguration camera = await ReadAsync(context, null).ConfigureAwait(false);
        await service.ChangeLocalAsync(local =>
        {
            if (service.Hub.Cameras.Any(other => string.Equals(other.Name, camera.Name, StringComparison.OrdinalIgnoreCase))) throw new UsageException($"there is a camera called \"{camera.Name}\" already");
            return [.. local, camera];
        }).ConfigureAwait(false);
        Note(context, "camera added", camera.Name);
        await Answers.WriteAsync(context, Answers.Of(camera), StatusCodes.Status201Created).ConfigureAwait(false);
    }

    private async Task ChangeAsync(HttpContext context)
    {
        if (await FindAsync(service, context).ConfigureAwait(false) is not { } before) return;
        RequireEditable(before);
        CameraConfiguration camera = await ReadAsync(context, before.Configuration).ConfigureAwait(false);
        await service.ChangeLocalAsync(local =>
        {
            if (camera.Name != before.Name && service.Hub.Cameras.Any(other => string.Equals(other.Name, camera.Name, StringComparison.OrdinalIgnoreCase) && other.Name != before.Name)) throw new UsageException($"there is a camera called \"{camera.Name}\" already");
            return [.. local.Where(other => other.Name != before.Name), camera];
        }).ConfigureAwait(false);
        Note(context, "camera changed", before.Name == camera.Name ? camera.Name : $"{before.Name}, now {camera.Name}");
        await Answers.WriteAsync(context, Answers.Of(camera)).ConfigureAwait(false);
    }

    private async Task RemoveAsync(HttpContext context)
    {
        if (await FindAsync(service, context).ConfigureAwait(false) is not { } camera) return;
        RequireEditable(camera);
        await service.ChangeLocalAsync(local => [.. local.Where(other => other.Name != camera.Name)]).ConfigureAwait(false);
        Note(context, "camera removed", camera.Name);
        await Answers.WriteAsync(context, new { }).ConfigureAwait(false);
    }

    private async Task TryAsync(HttpContext context)
    {
        CameraConfiguration? known = service.Hub.Find(Endpoints.Text(context, "instead") ?? "")?.Configuration is { Origin: CameraOrigin.Page } same ? same : null;
        CameraConfiguration camera = await ReadAsync(context, known).ConfigureAwait(false);
        // Also of a camera of the file that is at the same address.
        bool isHidden = known?.IsComposed == true || service.Hub.Cameras.Any(other => other.Configuration.IsComposed && other.Configuration.Url == camera.Url);
        Note(context, "camera tried", camera.Name);
        await Answers.WriteAsync(context, await CameraTrial.RunAsync(camera, isHidden, service.Guard, context.RequestAborted).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task SnapshotAsync(HttpContext context)
    {
        if (await FindAsync(service, context).ConfigureAwait(false) is not { } camera) return;
        if (camera.Pictures.Tile is not { } tile)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status404NotFound, "there is no picture of it yet").ConfigureAwait(false);
            return;
        }
        context.Response.Headers["X-Picture-Time"] = tile.Time.UtcDateTime.ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        await WriteJpegAsync(context, tile.Jpeg).ConfigureAwait(false);
    }

    /// <summary>Writes a picture as a whole.</summary>
    public static async Task WriteJpegAsync(HttpContext context, byte[] jpeg)
    {
        context.Response.ContentType = "image/jpeg";
        context.Response.ContentLength = jpeg.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(jpeg, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>A row of JPEGs, as cameras send it: for curl, and browsers without MSE. Each is taken when the one before is through.</summary>
    private async Task MjpegAsync(HttpContext context)
    {
        if (await FindAsync(service, context).ConfigureAwait(false) is not { } camera) return;
        using Sockets.Place? place = Sockets.TryEnter();
        if (place is null)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "too many watch already").ConfigureAwait(false);
            return;
        }
        const string boundary = "img2pose-picture";
        context.Response.ContentType = $"multipart/x-mixed-replace; boundary={boundary}";
        if (HttpMethods.IsHead(context.Request.Method)) return;
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, service.Ending, camera.Gone);
        ending.CancelAfter(TimeSpan.FromSeconds(MjpegLongest));
        try
        {
            while (guard.MayStay(context))
            {
                CameraPicture picture = await camera.Pictures.NextLargeAsync(ending.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes(FormattableString.Invariant($"--{boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: {picture.Jpeg.Length}\r\n\r\n")), ending.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync(picture.Jpeg, ending.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync("\r\n"u8.ToArray(), ending.Token).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(ending.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The viewer or the monitor ends.
            context.Abort();
        }
    }

    /// <summary>Reads a camera from a body, by the same rules as from a file; what came over the network looks nothing up.</summary>
    /// <exception cref="UsageException">It has mistakes; the first is told with its field.</exception>
    private static async Task<CameraConfiguration> ReadAsync(HttpContext context, CameraConfiguration? before)
    {
        if (!context.Request.HasJsonContentType()) throw new UsageException("a camera is sent as JSON");
        using StreamReader reader = new(context.Request.Body, Encoding.UTF8);
        string text = await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false);
        List<ConfigurationError> errors = [];
        // JSON is YAML, too.
        YamlField? field = YamlField.Parse(text, errors, Secrets.None);
        string url = field?["url"].Text() ?? "";
        if (before is not null && url.Contains(Answers.Hidden, StringComparison.Ordinal) && KeepCredentials(url, before.Url) is { } kept)
        {
            System.Text.Json.Nodes.JsonNode body = System.Text.Json.Nodes.JsonNode.Parse(text)!;
            body["url"] = kept;
            field = YamlField.Parse(body.ToJsonString(Answers.Json), errors, Secrets.None);
            url = kept;
        }
        if (url.Contains(Answers.Hidden, StringComparison.Ordinal)) throw new UsageException("url: the host is another one, so user and password have to be entered again");
        CameraConfiguration camera = field is null ? new CameraConfiguration { Name = "", Url = "" } : ConfigurationReader.ReadCamera(field, CameraOrigin.Page);
        if (errors.Count > 0) throw new UsageException($"{errors[0].Field}: {errors[0].Message}");
        return camera;
    }

    /// <summary>
    /// The address with the credentials of the one before, which the page does not know; null where it is another host, which must not
    /// be sent them.
    /// </summary>
    internal static string? KeepCredentials(string shown, string before)
    {
        if (shown == Answers.HideCredentials(before)) return before;
        string mark = Answers.Hidden + "@";
        int at = shown.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0) return null;
        string bare = shown.Remove(at, mark.Length);
        if (bare.Contains(Answers.Hidden, StringComparison.Ordinal)) return null;
        LiveAddress old = LiveAddress.Parse(before), other;
        try
        {
            other = LiveAddress.Parse(bare);
        }
        catch (Img2PoseException)
        {
            return null;
        }
        if (other.Scheme != old.Scheme || !string.Equals(other.Host, old.Host, StringComparison.OrdinalIgnoreCase) || other.Port != old.Port) return null;
        int begin = before.IndexOf("://", StringComparison.Ordinal) + 3, end = before.AsSpan(begin).IndexOfAny("/?#");
        string authority = end < 0 ? before[begin..] : before.Substring(begin, end);
        return bare.Insert(at, authority[..(authority.LastIndexOf('@') + 1)]);
    }

    private static void RequireEditable(Camera camera)
    {
        if (camera.Configuration.Origin != CameraOrigin.Page) throw new UsageException($"{camera.Name} stands in the configuration file or on the command line, which only their owner changes");
    }

    private void Note(HttpContext context, string act, string detail) => service.Audit.Note(RequestGuard.IdentityOf(context)?.Name, guard.AddressOf(context), act, detail);
}
