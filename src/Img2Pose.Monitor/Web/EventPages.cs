using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Web;

/// <summary>Events and poses: the list, what belongs to an event, exports, and events as they happen.</summary>
internal sealed class EventPages(MonitorService service, RequestGuard guard)
{
    private const int MostAtOnce = 500, MostSamples = 50_000, PartOfExport = 1000;

    public void Map(Endpoints endpoints)
    {
        endpoints.Map("GET", "/api/events", Role.Viewer, ListAsync);
        endpoints.Map("GET", "/api/events/stream", Role.Viewer, StreamAsync);
        endpoints.Map("GET", "/api/events/export.csv", Role.Viewer, context => ExportEventsAsync(context, EventQuery.CsvHeader, EventQuery.Csv));
        endpoints.Map("GET", "/api/events/export.jsonl", Role.Viewer, context => ExportEventsAsync(context, null, kept => JsonSerializer.Serialize(Answers.Of(kept, service.Store.Files), Answers.Json)));
        endpoints.Map("GET", "/api/events/{id}/snapshot.jpg", Role.Viewer, context => FileAsync(context, ".jpg", "image/jpeg"));
        endpoints.Map("GET", "/api/events/{id}/clip.mp4", Role.Viewer, context => FileAsync(context, ".mp4", "video/mp4"));
        endpoints.Map("POST", "/api/events/{id}/seen", Role.Operator, SeenAsync);
        endpoints.Map("GET", "/api/samples", Role.Viewer, SamplesAsync);
        endpoints.Map("GET", "/api/samples/export.csv", Role.Viewer, context => ExportSamplesAsync(context, EventQuery.SampleCsvHeader, EventQuery.Csv));
        endpoints.Map("GET", "/api/samples/export.jsonl", Role.Viewer, context => ExportSamplesAsync(context, null, sample => JsonSerializer.Serialize(RowOf(sample), Answers.Json)));
    }

    private async Task ListAsync(HttpContext context)
    {
        await Answers.WriteAsync(context, new { Events = Read(FilterOf(context, MostAtOnce)).Select(kept => Answers.Of(kept, service.Store.Files)) }).ConfigureAwait(false);
    }

    private static EventFilter FilterOf(HttpContext context, int most) => new()
    {
        Camera = Endpoints.Text(context, "camera"),
        Rule = Endpoints.Text(context, "rule"),
        Kind = Endpoints.Text(context, "kind")?.Replace("_", "", StringComparison.Ordinal),
        From = Endpoints.Moment(context, "from"),
        To = Endpoints.Moment(context, "to"),
        Before = Endpoints.Text(context, "before"),
        Limit = (int)Math.Clamp(Endpoints.Number(context, "limit") ?? Math.Min(100, most), 1, most),
    };

    private Task ExportEventsAsync(HttpContext context, string? header, Func<StoredEvent, string> line)
    {
        EventFilter filter = FilterOf(context, PartOfExport) with { Limit = PartOfExport };
        return ExportAsync(context, "events", header, part => Read(part is [.., var last] ? filter with { Before = null, After = (last.Start, last.Id) } : filter), line);
    }

    private Task ExportSamplesAsync(HttpContext context, string? header, Func<PoseSample, string> line)
    {
        string? camera = Endpoints.Text(context, "camera");
        // Everything that is kept, where no time is named.
        long to = (long)(Endpoints.Moment(context, "to") ?? long.MaxValue / 2), from = (long)(Endpoints.Moment(context, "from") ?? 0);
        (long Second, long Row) after = (long.MinValue, 0);
        return ExportAsync<PoseSample>(context, "poses", header, _ =>
        {
            using SqliteConnection connection = service.Store.OpenToRead();
            (PoseSample Sample, long Row)[] read = [.. EventQuery.Samples(connection, camera, from, to, after, PartOfExport)];
            if (read.Length > 0) after = (read[^1].Sample.Second, read[^1].Row);
            return [.. read.Select(one => one.Sample)];
        }, line);
    }

    /// <summary>Writes what there is, in parts: who is slow to take them holds no reading of the database open, behind which its log would grow.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The file's name without its ending.</param>
    /// <param name="header">The first line of a table; null: a JSON object a line.</param>
    /// <param name="next">Reads the next part, given the one before, at first an empty one.</param>
    /// <param name="line">One as a line.</param>
    private static async Task ExportAsync<T>(HttpContext context, string name, string? header, Func<T[], T[]> next, Func<T, string> line)
    {
        // Before anything is answered: what cannot be read is an error, and no empty file.
        T[] part = next([]);
        (string extension, context.Response.ContentType) = header is null ? ("jsonl", "application/x-ndjson") : ("csv", "text/csv; charset=utf-8");
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}.{extension}\"";
        if (header is not null) await context.Response.WriteAsync(header + "\n", context.RequestAborted).ConfigureAwait(false);
        while (part.Length > 0)
        {
            StringBuilder text = new();
            foreach (T kept in part) text.Append(line(kept)).Append('\n');
            await context.Response.WriteAsync(text.ToString(), context.RequestAborted).ConfigureAwait(false);
            if (part.Length < PartOfExport) return;
            part = next(part);
        }
    }

    private StoredEvent[] Read(EventFilter filter)
    {
        using SqliteConnection connection = service.Store.OpenToRead();
        return [.. EventQuery.Events(connection, filter)];
    }

    private async Task FileAsync(HttpContext context, string extension, string type)
    {
        string id = context.Request.RouteValues["id"] as string ?? "";
        if (service.Store.Files.Find(id, extension) is not { } path)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status404NotFound, "there is no such file of an event").ConfigureAwait(false);
            return;
        }
        context.Response.Headers.CacheControl = "private, max-age=86400";
        // Players ask for parts.
        await Results.File(path, type, enableRangeProcessing: true).ExecuteAsync(context).ConfigureAwait(false);
    }

    private Task SeenAsync(HttpContext context)
    {
        string id = context.Request.RouteValues["id"] as string ?? "", who = RequestGuard.IdentityOf(context)!.Name;
        service.Store.Acknowledge(id, who);
        service.Audit.Note(who, guard.AddressOf(context), "event seen", id);
        return Answers.WriteAsync(context, new { });
    }

    /// <summary>Poses: a row a second for each face, or means of more seconds where many are asked for.</summary>
    private async Task SamplesAsync(HttpContext context)
    {
        long to = (long)(Endpoints.Moment(context, "to") ?? DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1), from = (long)(Endpoints.Moment(context, "from") ?? to - 600);
        PoseSample[] read;
        using (SqliteConnection connection = service.Store.OpenToRead()) read = [.. EventQuery.Samples(connection, Endpoints.Text(context, "camera"), from, to, MostSamples)];
        await Answers.WriteAsync(context, new { From = from, To = to, Samples = read.Select(RowOf), Complete = read.Length < MostSamples }).ConfigureAwait(false);
    }

    private static object RowOf(PoseSample sample) => new { sample.Camera, sample.Track, Time = sample.Second, sample.Yaw, sample.Pitch, sample.Roll, sample.Distance, sample.Depth, sample.X, sample.Y, sample.Score };

    /// <summary>Server-Sent Events (WHATWG HTML, 9.2): each event when it begins and when it has ended.</summary>
    private async Task StreamAsync(HttpContext context)
    {
        using Sockets.Place? place = Sockets.TryEnter();
        if (place is null)
        {
            await Answers.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "too many watch already").ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "text/event-stream";
        if (HttpMethods.IsHead(context.Request.Method)) return;
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, service.Ending);
        Channel<Events.PoseEvent> waiting = service.Tellers.Listen();
        try
        {
            await context.Response.WriteAsync(": listening\n\n", ending.Token).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(ending.Token).ConfigureAwait(false);
            while (guard.MayStay(context))
            {
                using CancellationTokenSource beat = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
                beat.CancelAfter(TimeSpan.FromSeconds(20));
                StringBuilder text = new();
                try
                {
                    Events.PoseEvent happened = await waiting.Reader.ReadAsync(beat.Token).ConfigureAwait(false);
                    text.Append(CultureInfo.InvariantCulture, $"id: {happened.Id}\nevent: {(happened.End is null ? "begin" : "end")}\ndata: {JsonSerializer.Serialize(Answers.Of(happened), Answers.Json)}\n\n");
                }
                catch (OperationCanceledException) when (!ending.IsCancellationRequested)
                {
                    // Shows proxies that the connection lives.
                    text.Append(": still here\n\n");
                }
                await context.Response.WriteAsync(text.ToString(), ending.Token).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(ending.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Either side ends.
        }
        finally
        {
            service.Tellers.Forget(waiting);
        }
    }
}
