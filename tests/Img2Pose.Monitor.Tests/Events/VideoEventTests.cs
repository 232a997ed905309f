using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Live;
using Img2Pose.Pipeline;
using Img2Pose.Testing;

namespace Img2Pose.Monitor.Tests.Events;

/// <summary>
/// Events of videos against truth: network, tracker and rules as the monitor has them, five looks a second, but by the video's own time, so
/// that this machine's load is no part of it. Start and end are right within half a second, none is missing, none invented.
/// </summary>
public sealed class VideoEventTests : IDisposable
{
    private const double Looks = 5;

    private static readonly DateTimeOffset s_begin = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-events").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static RuleConfiguration Rule(RuleKind kind, double angle = 0, double seconds = 0, int faces = 1) => new() { Name = kind.ToString(), Kind = kind, Angle = angle, For = seconds, Faces = faces };

    private static async Task<List<(RuleKind Kind, double Start, double End)>> WatchAsync(string path, params RuleConfiguration[] rules)
    {
        await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions { Detection = new Inference.PoseDetectorOptions { Device = "cpu" } });
        List<(RuleKind, double, double)> found = [];
        EventEngine events = new(new CameraConfiguration { Name = "video", Url = path }, rules, _ => { },
            happened => found.Add((happened.Kind, (happened.Start - s_begin).TotalSeconds, (happened.End!.Value - s_begin).TotalSeconds)));
        await using PoseSession session = engine.Open(new Sampled(MediaSource.Open(path)));
        session.AddSink(new Sink(events));

        await session.RunAsync(TestContext.Current.CancellationToken);

        events.Finish();
        return [.. found.OrderBy(one => one.Item2)];
    }

    private static void ShouldBe(List<(RuleKind Kind, double Start, double End)> found, params (RuleKind Kind, double Start, double End)[] truth)
    {
        string all = string.Join("; ", found);
        Assert.True(truth.Length == found.Count, all);
        foreach ((RuleKind kind, double start, double end) in truth)
            Assert.True(found.Exists(one => one.Kind == kind && Math.Abs(one.Start - start) <= 0.5 && Math.Abs(one.End - end) <= 0.5), $"{kind} {start}–{end} is not among {all}");
    }

    [Fact]
    public async Task A_rendered_heads_motions_are_found()
    {
        // One head looks at the camera, turns to its side from second 3 to 6, hangs down from 9 to 13; another is there from 5 to 11.
        static double Part(double time, double from, double to) => Math.Clamp(Math.Min(time - from, to - time) / 0.5, 0, 1);
        CodedFeed feed = new();
        HeadVideo.Encode(feed, 16, 10, time => [
            HeadVideo.Head(-1.2, turn: 40 * Part(time, 2.75, 6.25), nod: 35 * Part(time, 8.75, 13.25)),
            .. time is >= 5 and < 11 ? new[] { HeadVideo.Head(1.4, distance: 10) } : []]);
        string path = Path.Combine(_folder, "heads.mp4");
        TaskCompletionSource<byte[]?> done = new();
        ClipRecorder recorder = new(60, () => feed.Header, _ => new MemoryStream(), file => done.SetResult(file));
        feed.Record(recorder, 0);
        feed.Break();
        await File.WriteAllBytesAsync(path, (await done.Task)!, TestContext.Current.CancellationToken);

        List<(RuleKind, double, double)> found = await WatchAsync(path,
            Rule(RuleKind.Turned, angle: 20, seconds: 1), Rule(RuleKind.HeadDown, angle: 17, seconds: 1), Rule(RuleKind.Count, faces: 1), Rule(RuleKind.Appears, seconds: 1), Rule(RuleKind.Leaves, seconds: 1));

        ShouldBe(found,
            (RuleKind.Appears, 0, 15.9), (RuleKind.Turned, 3, 6), (RuleKind.HeadDown, 9, 13),
            (RuleKind.Appears, 5, 11), (RuleKind.Count, 5, 11), (RuleKind.Leaves, 11, 11));
    }

    [Fact]
    public async Task A_man_who_is_followed_by_an_empty_view_appears_and_leaves()
    {
        // By hand: the face is in every picture up to 2.40 s; after that there is a sky with lettering.
        List<(RuleKind, double, double)> found = await WatchAsync(SharedData.Require("media", "face_noface.mov"),
            Rule(RuleKind.Appears, seconds: 0.5), Rule(RuleKind.Leaves, seconds: 0.5), Rule(RuleKind.Count, faces: 1), Rule(RuleKind.Turned, angle: 45, seconds: 0.5));

        ShouldBe(found, (RuleKind.Appears, 0, 2.4), (RuleKind.Leaves, 2.4, 2.4));
    }

    [Fact]
    public async Task A_woman_with_her_hand_before_her_face_is_one_face_from_begin_to_end()
    {
        // By hand: one person in all of it, who never turns to a side; her hand covers half the face from 2.5 to 9.3 s.
        List<(RuleKind, double, double)> found = await WatchAsync(SharedData.Require("media", "WolfgangLanger_Pexels.mp4"),
            Rule(RuleKind.Appears, seconds: 0.5), Rule(RuleKind.Leaves, seconds: 0.5), Rule(RuleKind.Count, faces: 1), Rule(RuleKind.Turned, angle: 45, seconds: 0.5));

        ShouldBe(found, (RuleKind.Appears, 0, 19.6));
    }

    /// <summary>As many pictures a second of the video's own time as the monitor looks at.</summary>
    private sealed class Sampled(IFrameSource inner) : IFrameSource
    {
        private double _due;

        public SourceInfo Info => inner.Info with { FramesPerSecond = Looks };

        public long DamagedFrames => inner.DamagedFrames;

        public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
        {
            while (inner.TryRead(out frame))
            {
                if (frame.PresentationTime >= _due - 1e-6)
                {
                    _due = Math.Max(_due, frame.PresentationTime.Value - 0.5 / Looks) + 1 / Looks;
                    return true;
                }
                frame.Dispose();
            }
            return false;
        }

        public void Dispose() => inner.Dispose();
    }

    private sealed class Sink(EventEngine events) : IPoseSink
    {
        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            List<WatchedFace> seen = [];
            foreach (TrackedFace face in faces) seen.Add(WatchedFace.Of(face, frame.DisplayWidth, frame.DisplayHeight, null));
            events.Look(s_begin + TimeSpan.FromSeconds(frame.PresentationTime!.Value), seen);
        }

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }
}
