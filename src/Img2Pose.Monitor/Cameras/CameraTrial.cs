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
    public static async Task<TrialResult> RunAsync(CameraConfiguration camera, AddressGuard guard, CancellationToken stop)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ending.CancelAfter(s_patience);
        await s_one.WaitAsync(ending.Token).ConfigureAwait(false);
        try
        {
            await using GuardedRelay relay = GuardedRelay.Start(camera.Url, guard, camera.Insecure);
            // Opening waits for a picture, on a thread of its own.
            TrialResult result = await Task.Factory.StartNew(() => Open(camera, relay, ending.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            // FFmpeg only sees that its connection was closed.
            return result.Works || relay.Refusal is null ? result : new TrialResult(false, relay.Refusal);
        }
        finally
        {
            s_one.Release();
        }
    }

    private static TrialResult Open(CameraConfiguration camera, GuardedRelay relay, CancellationToken stop)
    {
        try
        {
            using IFrameSource source = MediaSource.Open(relay.Target, new SourceOptions { Live = new LiveSourceOptions { Reconnect = false, Insecure = camera.Insecure, ShownAs = relay.Name }, DecoderThreads = 1, Cancellation = stop });
            if (!source.TryRead(out VideoFrame? frame)) return new TrialResult(false, "no picture comes");
            using (frame)
            {
                using PictureCompressor compressor = new();
                // Whose faces nobody may see is not shown here either.
                byte[]? picture = camera.IsComposed ? null : compressor.Compress(frame, CameraPictures.TileSize, 75);
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
