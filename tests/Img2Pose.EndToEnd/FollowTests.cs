using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.EndToEnd;

/// <summary>Looks that follow faces, with the default model and a drawn face that moves through a larger picture.</summary>
[Testing.NoLeakedFrames]
public sealed class FollowTests : IDisposable
{
    private const int Frames = 45;

    private readonly Workspace _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_face_that_moves_is_found_in_every_frame_with_few_looks_at_the_whole_picture(bool waits)
    {
        (List<TrackedFace[]> every, _, _) = await RunAsync(follow: false, workers: 1);
        (List<TrackedFace[]> follow, int whole, int crops) = await RunAsync(follow: true, workers: 1, waits);

        Assert.InRange(whole, Frames / 7, Frames / 3);
        if (waits) Assert.InRange(whole + crops, Frames / 7, 2 * Frames / 3);
        else Assert.Equal(Frames, whole + crops);
        for (int i = 0; i < Frames; i++)
        {
            TrackedFace face = Assert.Single(follow[i]);
            // Nothing comes after the last frames that could tell where it is.
            Assert.True(waits ? face.IsFound || i > Frames - 6 : face.Detected);
            Assert.Equal(1, face.Id);
            Assert.True(face.Face.Box.IntersectionOverUnion(Assert.Single(every[i]).Face.Box) > 0.7);
            Assert.True(RotationVector.GeodesicDistance(face.Face.Pose.Rotation, every[i][0].Face.Pose.Rotation) < 0.2);
        }
    }

    [Fact]
    public async Task Following_gives_the_same_however_many_networks_work_at_the_same_time()
    {
        (List<TrackedFace[]> one, _, _) = await RunAsync(follow: true, workers: 1);
        (List<TrackedFace[]> three, _, _) = await RunAsync(follow: true, workers: 3);

        Assert.Equal(one.SelectMany(faces => faces), three.SelectMany(faces => faces));
    }

    [Theory]
    [InlineData("sometimes", "every, follow, and a number")]
    [InlineData("0", "1…1000")]
    [InlineData("follow --no-track", "needs tracking")]
    [InlineData("follow --scales 300,500", "--look follow")]
    [InlineData("3 --every 3", "give one of them")]
    public async Task A_look_that_makes_no_sense_is_named(string look, string expected)
    {
        Finished run = await CommandLine.Img2PoseAsync(["run", "clip.mp4", "--json", "-", "--look", .. look.Split(' ')]);

        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error);
    }

    [Fact]
    public async Task A_single_picture_cannot_be_followed()
    {
        string picture = await DrawnFace.SaveAsync(_files["face.png"]);

        Finished run = await CommandLine.Img2PoseAsync("run", picture, "--json", "-", "--look", "follow");

        Assert.Equal(2, run.Code);
        Assert.Contains("single pictures have nothing to follow", run.Error);
    }

    private async Task<(List<TrackedFace[]> Faces, int Whole, int Crops)> RunAsync(bool follow, int workers, bool waits = true)
    {
        using VideoFrame face = ImageFile.Read(await DrawnFace.SaveAsync(_files["face.png"]));
        await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions
        {
            Detection = new PoseDetectorOptions { Device = "cpu", Threads = workers },
            Workers = workers,
        });
        // Of a recording that says it has so many frames a second more would have to be held than may be.
        MovingSource source = new(face, Frames, waits ? 30 : 30_000);
        await using PoseSession session = engine.Open(source, new SessionOptions { Name = "moving", Follow = follow });
        int whole = 0, crops = 0;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, it) =>
        {
            if (instrument.Name == "img2pose.looks") it.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag is { Key: "look", Value: "whole" }) Interlocked.Increment(ref whole);
                if (tag is { Key: "look", Value: "crops" }) Interlocked.Increment(ref crops);
            }
        });
        listener.Start();
        List<TrackedFace[]> faces = [];
        await foreach (PosedFrame frame in session.ReadAsync(TestContext.Current.CancellationToken)) faces.Add([.. frame.Faces]);
        return (faces, whole, crops);
    }

    /// <summary>A picture that moves to and fro on grey, at 30 frames a second.</summary>
    private sealed class MovingSource(VideoFrame picture, int frames, double rate) : IFrameSource
    {
        private readonly FramePool _pool = new();
        private int _next;

        public SourceInfo Info { get; } = new()
        {
            Name = "moving",
            Width = 640,
            Height = 360,
            CodedWidth = 640,
            CodedHeight = 360,
            Format = PixelFormat.Rgb24,
            Color = default,
            FramesPerSecond = rate,
        };

        public long DamagedFrames => 0;

        public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
        {
            frame = null;
            if (_next == frames) return false;
            frame = _pool.Rent(PixelFormat.Rgb24, 640, 360);
            int left = 160 + (int)(120 * Math.Sin(_next / 9.0)), top = 60 + (int)(40 * Math.Cos(_next / 7.0));
            for (int y = 0; y < 360; y++)
            {
                Span<byte> row = frame.GetPlane(0).Row(y);
                row.Fill(96);
                if (y >= top && y < top + 240) picture.GetPlane(0).Row(y - top).CopyTo(row[(3 * left)..]);
            }
            (frame.Index, frame.PresentationTime) = (_next, _next / 30.0);
            _next++;
            return true;
        }

        public void Dispose() => _pool.Dispose();
    }
}
