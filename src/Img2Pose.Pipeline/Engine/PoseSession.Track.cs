using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline;

/// <summary>What the tracker is told of a frame.</summary>
public sealed partial class PoseSession
{
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

    private static LookFindings FindingsOf(Look look) => new(CollectionsMarshal.AsSpan(look.Faces))
    {
        Crops = CollectionsMarshal.AsSpan(look.Crops),
        Regions = CollectionsMarshal.AsSpan(look.LookedAt),
    };
}
