using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Cameras;

/// <summary>What a try of a camera gave.</summary>
internal sealed record TrialResult(bool Works, string? Reason, int Width = 0, int Height = 0, double? Fps = null, string? Codec = null, byte[]? Picture = null);

/// <summary>Opens a camera once, before it is watched. One at a time: each holds a connection and a decoder.</summary>
internal static class CameraTrial
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly SemaphoreSlim s_one = new(1);

    /// <summary>Tries a camera; whatever is wrong is told, not thrown.</summary>
    /// <param name="camera">The camera.</param>
    /// <param name="isHidden">Whether its pictures are hidden as it is configured now; then none is shown whatever it shall be.</param>
    /// <param name="guard">Which addresses may be reached.</param>
    /// <param name="stop">Nobody waits for it any more.</param>
    public static async Task<TrialResult> RunAsync(CameraConfiguration camera, bool isHidden, AddressGuard guard, CancellationToken stop)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (!await s_one.WaitAsync(s_patience, stop).ConfigureAwait(false)) return new TrialResult(false, "another camera is being tried; try again");
        ending.CancelAfter(s_patience);
        try
        {
            await using CameraRoute route = await CameraRoute.StartAsync(camera, guard, ending.Token).ConfigureAwait(false);
            // Opening waits for a picture, on a thread of its own.
            TrialResult result = await Task.Factory.StartNew(() => Open(camera, isHidden || camera.IsComposed, route, ending.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            // FFmpeg only sees that its connection was closed.
            return result.Works || route.Refusal is null ? result : new TrialResult(false, route.Refusal);
        }
        catch (InputException error)
        {
            return new TrialResult(false, error.Message);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // A resolver that hangs.
            return new TrialResult(false, "it does not answer in time");
        }
        finally
        {
            s_one.Release();
        }
    }

    private static TrialResult Open(CameraConfiguration camera, bool isHidden, CameraRoute route, CancellationToken stop)
    {
        try
        {
            using IFrameSource source = MediaSource.Open(route.Url, new SourceOptions { Live = route.Through(new LiveSourceOptions { Reconnect = false, RtspOverUdp = camera.OverUdp, Insecure = camera.Insecure }), DecoderThreads = 1, Cancellation = stop });
            if (!source.TryRead(out VideoFrame? frame)) return new TrialResult(false, "no picture comes");
            using (frame)
            {
                using PictureCompressor compressor = new();
                // Whose faces nobody may see is not shown here either.
                byte[]? picture = isHidden ? null : compressor.Compress(frame, CameraPictures.TileSize, 75);
                return new TrialResult(true, null, source.Info.Width, source.Info.Height, source.Info.FramesPerSecond, source.Info.Codec, picture);
            }
        }
        catch (Img2PoseException error)
        {
            return new TrialResult(false, error.Message);
        }
        catch (OperationCanceledException)
        {
            return new TrialResult(false, "it does not answer in time");
        }
    }
}
