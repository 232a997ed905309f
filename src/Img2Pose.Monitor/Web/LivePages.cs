using System.Net.WebSockets;
using System.Text.Json;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Live;

namespace Img2Pose.Monitor.Web;

/// <summary>What is seen while it happens: tiles and poses of all cameras on one WebSocket, one camera in full on another.</summary>
internal sealed class LivePages(MonitorService service, RequestGuard guard)
{
    public void Map(Endpoints endpoints)
    {
        endpoints.Map("GET", "/api/live", Role.Viewer, context => Sockets.ServeAsync(context, () => guard.MayStay(context), ShowAllAsync, service.Ending));
        endpoints.Map("GET", "/api/cameras/{name}/video", Role.Viewer, async context =>
        {
            if (await CameraPages.FindAsync(service, context).ConfigureAwait(false) is { } camera)
                await Sockets.ServeAsync(context, () => guard.MayStay(context), (socket, stop) => ShowOneAsync(camera, socket, stop), service.Ending).ConfigureAwait(false);
        });
    }

    private async Task ShowAllAsync(WebSocket socket, CancellationToken stop)
    {
        using LiveClient client = service.Live.Join();
        // What there is already, so that nobody looks at an empty page.
        client.State(service.StateMessage());
        foreach (Camera camera in service.Hub.Cameras)
        {
            if (camera.Pictures.Tile is { } tile) client.Tile(camera.Name, LiveHub.Tile(camera.Name, tile));
        }
        while (true)
        {
            (List<byte[]> texts, List<byte[]> tiles) = await client.TakeAsync(stop).ConfigureAwait(false);
            foreach (byte[] text in texts) await Sockets.SendAsync(socket, text, WebSocketMessageType.Text, stop).ConfigureAwait(false);
            foreach (byte[] tile in tiles) await Sockets.SendAsync(socket, tile, WebSocketMessageType.Binary, stop).ConfigureAwait(false);
        }
    }

    private static async Task ShowOneAsync(Camera camera, WebSocket socket, CancellationToken stop)
    {
        using VideoViewer viewer = camera.Feed.Watch();
        // A camera that is configured anew is another one: whoever watches asks again.
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop, camera.Gone);
        while (true)
        {
            VideoPart part = await viewer.NextAsync(ending.Token).ConfigureAwait(false);
            if (part.Codec is { } codec)
            {
                byte[] text = JsonSerializer.SerializeToUtf8Bytes(new { Type = "stream", Mime = $"video/mp4; codecs=\"{codec}\"" }, Answers.Json);
                await Sockets.SendAsync(socket, text, WebSocketMessageType.Text, stop).ConfigureAwait(false);
            }
            await Sockets.SendAsync(socket, part.Data, WebSocketMessageType.Binary, stop).ConfigureAwait(false);
        }
    }
}
