using Img2Pose.Geometry;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline.Tests;

/// <summary>
/// Frames that wait for the next look at the whole picture, in a recording of ten frames a second whose every second frame is looked at.
/// </summary>
[Testing.NoLeakedFrames]
public class RefiningTests
{
    // The last one has nothing behind it.
    private const int Count = 42;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_frame_is_handed_out_in_its_order_with_poses_by_the_looks_on_both_sides(bool composes)
    {
        FakePoseSink poses = new();
        FakeComposer? composer = composes ? new FakeComposer() : null;

        RunReport report = await FakeSession.RunAsync(PartsOf(new FakeDetector { Blind = true, OnQuestion = Find }, poses, composer));

        Assert.Equal(Enumerable.Range(0, Count), poses.Written.Select(frame => (int)frame.Index));
        Assert.Equal((Count, Count - 1), (report.Frames, report.Faces));
        foreach ((long index, TrackedFace[] faces) in poses.Written.Select(frame => (frame.Index, frame.Faces)))
        {
            TrackedFace face = Assert.Single(faces);
            Assert.Equal((index % 2 == 0, index % 2 != 0 && index < Count - 1), (face.Detected, face.IsInterpolated));
            if (index < Count - 1) Assert.Equal(0.01 * index, face.Face.Pose.Rotation.Y, 6);
        }
    }

    [Fact]
    public async Task A_session_that_is_told_to_stop_hands_out_what_waits()
    {
        using CancellationTokenSource stop = new();
        FakePoseSink poses = new();
        FakeParts parts = PartsOf(new FakeDetector { Blind = true, OnQuestion = Find }, poses, null, read =>
        {
            if (read == 16) stop.Cancel();
        });

        RunReport report = await FakeSession.RunUntilAsync(parts, stop.Token);

        Assert.InRange(report.Frames, 0, 17);
        Assert.Equal(Enumerable.Range(0, (int)report.Frames), poses.Written.Select(frame => (int)frame.Index));
    }

    [Fact]
    public async Task A_look_that_fails_ends_the_session_and_nothing_is_kept()
    {
        FakePoseSink poses = new();
        FakeDetector detector = new()
        {
            Blind = true,
            OnQuestion = look =>
            {
                if (look.Frame!.Index == 20) throw new ModelException("broken");
                Find(look);
            },
        };

        ModelException error = await Assert.ThrowsAsync<ModelException>(() => FakeSession.RunAsync(PartsOf(detector, poses, new FakeComposer())));

        Assert.Equal("broken", error.Message);
        Assert.Equal(Enumerable.Range(0, poses.Written.Count), poses.Written.Select(frame => (int)frame.Index));
        Assert.InRange(poses.Written.Count, 0, 20);
    }

    [Fact]
    public async Task A_session_that_is_disposed_while_frames_wait_keeps_none()
    {
        using ManualResetEventSlim waits = new();
        FakeParts parts = PartsOf(new FakeDetector { Blind = true, OnQuestion = Find }, new FakePoseSink(), null, read =>
        {
            if (read == 12) waits.Set();
        });
        Task<RunReport> running;
        await using (FakeSession fake = new(parts))
        {
            running = fake.Session.RunAsync(TestContext.Current.CancellationToken);
            Assert.True(waits.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        }

        // Broken off, or at its end before that; the leak check of the class is what this is for.
        await Task.WhenAny(running);
        if (!running.IsFaulted) return;
        Assert.IsType<OperationCanceledException>(running.Exception!.InnerException);
    }

    private static void Find(Look look)
    {
        Pose pose = new(new Vector3d(0, 0.01 * look.Frame!.Index, 0), new Vector3d(0, 0, 10));
        FaceDetection face = new(FaceBox.FromPose(pose, CameraIntrinsics.ForImage(16, 8), 16, 8, ReferenceFace.Default, FaceBoxFactors.Default), 0.9, pose);
        look.Faces.Add(face);
        look.Crops.Add(new FollowedCrop(CropKind.Close, new PictureRegion(0, 0, 8, 8), PoseCorrection.None, look.IsWhole));
        if (!look.IsWhole) look.LookedAt.Add(face.Box);
    }

    private static FakeParts PartsOf(FakeDetector detector, FakePoseSink poses, FakeComposer? composer, Action<int>? beforeRead = null)
    {
        FaceTracker tracker = new(new TrackerOptions { Smooth = false });
        return new FakeParts
        {
            Source = new FakeSource(frames: Count) { BeforeRead = beforeRead ?? (_ => { }), Luma = (_, _) => 100 },
            Detector = detector,
            Tracker = tracker,
            Composer = composer,
            Poses = poses,
            Scheduling = new LookSchedulerOptions { Workers = 2 },
            Planner = new LookPlanner(ReferenceFace.Default, FaceBoxFactors.Default) { DecidesAhead = true, IsRefined = true },
            Refiner = new PoseRefiner(tracker),
        };
    }
}
