using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Storage;
using Microsoft.AspNetCore.Http;

namespace Img2Pose.Monitor.Web;

/// <summary>What the server says, as JSON. No credential is in any of it.</summary>
internal static class Answers
{
    /// <summary>What stands in the place of credentials.</summary>
    public const string Hidden = "••••";

    /// <summary>How everything is written.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // It is never put into a page's text.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes an answer.</summary>
    public static async Task WriteAsync(HttpContext context, object answer, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer, Json), context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Says in one line why not.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string why) => WriteAsync(context, new { Error = why }, status);

    /// <summary>An event that happens now.</summary>
    public static object Of(PoseEvent happened) => new
    {
        happened.Id,
        happened.Camera,
        happened.Rule,
        Kind = Name(happened.Kind),
        Start = EventQuery.Iso(EventStore.Seconds(happened.Start)),
        End = happened.End is { } end ? EventQuery.Iso(EventStore.Seconds(end)) : null,
        happened.Track,
        Poses = new { happened.Poses.Looks, Yaw = Round(happened.Poses.Yaw), Pitch = Round(happened.Poses.Pitch), Roll = Round(happened.Poses.Roll), OffCamera = Round(happened.Poses.MostOffCamera), Nearest = happened.Poses.Nearest is { } mm ? Math.Round(mm) : (double?)null, Faces = happened.Poses.MostFaces },
    };

    /// <summary>An event of the store.</summary>
    public static object Of(StoredEvent kept, EventFiles files) => new
    {
        kept.Id,
        kept.Camera,
        kept.Rule,
        Kind = Name(Enum.TryParse(kept.Kind, out RuleKind kind) ? kind : RuleKind.Appears),
        Start = EventQuery.Iso(kept.Start),
        End = kept.End is { } end ? EventQuery.Iso(end) : null,
        kept.Track,
        Poses = new { kept.Looks, Yaw = Round(kept.Yaw), Pitch = Round(kept.Pitch), Roll = Round(kept.Roll), OffCamera = Round(kept.OffCamera), Nearest = kept.Nearest is { } mm ? Math.Round(mm) : (double?)null, kept.Faces },
        kept.SeenBy,
        Snapshot = files.Find(kept.Id, ".jpg") is not null,
        Clip = files.Find(kept.Id, ".mp4") is not null,
    };

    /// <summary>A camera as it is configured, its credentials hidden.</summary>
    public static object Of(CameraConfiguration camera) => new
    {
        camera.Name,
        Url = HideCredentials(camera.Url),
        Editable = camera.Origin == CameraOrigin.Page,
        Transport = camera.OverUdp ? "udp" : "tcp",
        camera.Insecure,
        camera.Looks,
        camera.Size,
        camera.Priority,
        camera.Mask,
        camera.Clips,
        Fov = camera.FieldOfView,
        Schedule = camera.Schedule is { } schedule ? new { Hours = FormattableString.Invariant($"{schedule.From:HH\\:mm}-{schedule.To:HH\\:mm}"), Days = schedule.Days.Select(day => day.ToString()[..3].ToLowerInvariant()) } : null,
        camera.Overlay,
        Masks = camera.Masks.Select(mask => mask.Points.Select(Pair)),
        Zones = camera.Zones.ToDictionary(zone => zone.Name, zone => zone.Points.Select(Pair)),
        Lines = camera.Lines.ToDictionary(line => line.Name, line => new[] { Pair(line.From), Pair(line.To) }),
    };

    /// <summary>Zones, lines and masks of a camera, by name.</summary>
    public static object AreasOf(CameraConfiguration camera) => new
    {
        Masks = camera.Masks.Select(mask => mask.Points.Select(Pair)),
        Zones = camera.Zones.ToDictionary(zone => zone.Name, zone => zone.Points.Select(Pair)),
        Lines = camera.Lines.ToDictionary(line => line.Name, line => new[] { Pair(line.From), Pair(line.To) }),
    };

    /// <summary>An address as it may be shown.</summary>
    public static string HideCredentials(string url) => Media.MediaSource.Mask(url).Replace("***", Hidden, StringComparison.Ordinal);

    /// <summary>A kind of event by the word that the configuration has for it.</summary>
    public static string Name(RuleKind kind) => kind == RuleKind.HeadDown ? "head_down" : kind.ToString().ToLowerInvariant();

    private static double[] Pair(PicturePoint point) => [point.X, point.Y];

    private static double Round(double value) => Math.Round(value, 1);
}
