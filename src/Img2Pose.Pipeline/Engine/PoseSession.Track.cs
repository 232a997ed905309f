using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>What the tracker is told of a frame.</summary>
public sealed partial class PoseSession
{
    // Frames that wait for the next look at a whole picture.
    private readonly Queue<PosedFrame> _held = new();
    private readonly PoseRefiner? _refiner;

    private void Track(PosedFrame item)
    {
        VideoFrame frame = item.Frame;
        if (_tracker is not null)
        {
            double time = _source.Info.TimeOf(frame);
            if (item.Scene != _trackedScene) _tracker.Forget();
            _trackedScene = item.Scene;
            if (!item.LookedAt) _tracker.Predict(time, frame.DisplayWidth, frame.DisplayHeight, item.FaceList);
            else _tracker.Update(FindingsOf(item.Look), time, frame.DisplayWidth, frame.DisplayHeight, item.FaceList);
            _looks.Tracked(item, _tracker);
            return;
        }
        foreach (FaceDetection face in item.Look.Faces) item.FaceList.Add(new TrackedFace(0, face, face.Pose, Detected: true));
    }

    /// <summary>Has a frame's poses wait for what follows; how many frames, this one included, wait no longer.</summary>
    private static int Refine(PoseRefiner refiner, PosedFrame item) =>
        refiner.Add(item.FaceList, item.Frame.DisplayWidth, item.Frame.DisplayHeight, isWhole: item.LookedAt && item.Look.IsWhole);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask HandOnHeldAsync(int count)
    {
        for (int i = 0; i < count; i++) await HandOnAsync(_held.Dequeue());
    }

    private async ValueTask FinishTrackingAsync()
    {
        if (_refiner is not null) await HandOnHeldAsync(_refiner.Finish());
        if (_tracked is null) CompleteSinks();
        else _tracked.Complete();
    }

    /// <summary>After an error: what still waits goes nowhere.</summary>
    private void LeaveOutHeld()
    {
        while (_held.TryDequeue(out PosedFrame? frame)) frame.Dispose();
    }

    private static LookFindings FindingsOf(Look look) => new(CollectionsMarshal.AsSpan(look.Faces))
    {
        Crops = CollectionsMarshal.AsSpan(look.Crops),
        Regions = CollectionsMarshal.AsSpan(look.LookedAt),
    };
}
