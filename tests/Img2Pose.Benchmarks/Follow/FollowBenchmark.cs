using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>Compares looks that follow faces with looks at every picture, clip by clip: what is found, when, how it is posed, at what price.</summary>
internal static class FollowBenchmark
{
    private const double SameFace = 0.4;

    /// <summary>Faces from this size on, displayed pixels, are asked to appear sooner.</summary>
    private const double LargeFace = 48;

    /// <summary>Both sides are recorded so often, by turns, for the sake of their CPU time, which other work on the machine only adds to: the least counts.</summary>
    private const int Turns = 3;

    /// <summary>
    /// <c>follow SHARED [PART [missing]]</c>: the videos of SHARED/media and clips made from SHARED/data/dev whose name contains PART; each face of full
    /// looks that is missing is listed on request.
    /// </summary>
    public static async Task<int> RunAsync(string shared, string? part, bool listsMissing)
    {
        await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions { Detection = new PoseDetectorOptions { Device = "cpu" }, Workers = 2 });
        using MadeClips made = new(Path.Combine(shared, "data", "dev"));
        List<(string Name, Func<IFrameSource> Open)> clips =
        [
            .. Directory.GetFiles(Path.Combine(shared, "media")).Where(file => !file.EndsWith(".md", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
                .Select(file => (Path.GetFileName(file), (Func<IFrameSource>)(() => MediaSource.Open(file, new SourceOptions())))),
            .. made.All().Select(clip => (clip.Name, (Func<IFrameSource>)clip.Make)),
        ];
        Console.WriteLine("clip                       frames  faces/fr  missing %  of truth: every follow   late >=48 / <48   apart: shown  raw   truth: every follow   CPU  detected   looks: whole crops");
        foreach ((string name, Func<IFrameSource> open) in clips)
        {
            if (part is not null && !name.Contains(part, StringComparison.Ordinal)) continue;
            Recording every = await RecordAsync(engine, open(), follow: false), follow = await RecordAsync(engine, open(), follow: true);
            double everyCpu = every.Cpu, followCpu = follow.Cpu;
            for (int turn = 1; turn < Turns; turn++)
            {
                everyCpu = Math.Min(everyCpu, (await RecordAsync(engine, open(), follow: false)).Cpu);
                followCpu = Math.Min(followCpu, (await RecordAsync(engine, open(), follow: true)).Cpu);
            }
            Console.WriteLine(Compare(name, every with { Cpu = everyCpu }, follow with { Cpu = followCpu }));
            if (listsMissing) ListMissing(every, follow);
        }
        return 0;
    }

    private static async Task<Recording> RecordAsync(PoseEngine engine, IFrameSource source, bool follow)
    {
        await using PoseSession session = engine.Open(source, new SessionOptions { Follow = follow });
        Recorder recorder = new();
        session.AddSink(recorder);
        int whole = 0, crops = 0;
        using System.Diagnostics.Metrics.MeterListener listener = new();
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
        RunReport report = await session.RunAsync();
        return new Recording(recorder.Frames, report.Stages.First(stage => stage.Name == "detect").ThreadCpuSeconds, source.Info.FramesPerSecond ?? 30, (source as MadeClip)?.Truth, whole, crops);
    }

    private static string Compare(string name, Recording every, Recording follow)
    {
        int faces = 0, missing = 0, detected = 0, reported = 0, real = 0, everyMissing = 0, followMissing = 0;
        List<double> shown = [], raw = [], everyError = [], followError = [];
        Dictionary<int, int> lateSince = [], life = [];
        Dictionary<int, bool> isLarge = [];
        Dictionary<int, int> late = [];
        for (int i = 0; i < every.Frames.Count; i++)
        {
            reported += follow.Frames[i].Count;
            detected += follow.Frames[i].Count(face => face.IsFound);
            foreach (TrackedFace face in every.Frames[i])
            {
                faces++;
                life[face.Id] = life.GetValueOrDefault(face.Id) + 1;
                if (lateSince.TryAdd(face.Id, i)) isLarge[face.Id] = Math.Max(face.Face.Box.Width, face.Face.Box.Height) >= LargeFace;
                if (Best(follow.Frames[i], face.Face.Box) is not { } same)
                {
                    missing++;
                    continue;
                }
                late.TryAdd(face.Id, i - lateSince[face.Id]);
                if (face.Detected && same.IsFound)
                {
                    shown.Add(Degrees(face.Face.Pose, same.Face.Pose));
                    raw.Add(Degrees(face.RawPose, same.RawPose));
                }
            }
            foreach ((Box box, Pose pose) in every.Truth?[i] ?? [])
            {
                real++;
                if (Best(every.Frames[i], box) is null) everyMissing++;
                if (Best(follow.Frames[i], box) is null) followMissing++;
                // Faces that both find, so that the same are compared.
                if (Best(every.Frames[i], box) is not { } a || Best(follow.Frames[i], box) is not { } b) continue;
                everyError.Add(Degrees(a.Face.Pose, pose));
                followError.Add(Degrees(b.Face.Pose, pose));
            }
        }
        // What was a face for a moment only is no face that appears.
        double toThirty = 30 / every.Rate;
        string Late(bool large)
        {
            int[] values = [.. life.Where(entry => entry.Value >= 10 && isLarge[entry.Key] == large).Select(entry => late.GetValueOrDefault(entry.Key, entry.Value))];
            return values.Length == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{values.Max() * toThirty:0.#} ({values.Length})");
        }
        return string.Create(CultureInfo.InvariantCulture,
            $"{name,-26} {every.Frames.Count,6} {(double)faces / every.Frames.Count,9:0.0} {100.0 * missing / Math.Max(1, faces),10:0.00} {100.0 * everyMissing / real,15:0.00} {100.0 * followMissing / real,6:0.00} {Late(true),9} / {Late(false),-9} {Median(shown),10:0.00} {Median(raw),6:0.00} {Median(everyError),12:0.00} {Median(followError),6:0.00} {follow.Cpu / every.Cpu,7:0.000} {(double)detected / Math.Max(1, reported),8:0.000} {(double)follow.Whole / every.Frames.Count,8:0.000} {(double)follow.Crops / every.Frames.Count,6:0.000}");
    }

    /// <summary>Lists the faces of full looks that following does not report, with the overlap of the true face that lies nearest where that is known.</summary>
    private static void ListMissing(Recording every, Recording follow)
    {
        for (int i = 0; i < every.Frames.Count; i++)
        {
            foreach (TrackedFace face in every.Frames[i])
            {
                Box box = face.Face.Box;
                if (Best(follow.Frames[i], box) is not null) continue;
                string truth = every.Truth is null ? "" : string.Create(CultureInfo.InvariantCulture, $", true face overlaps {every.Truth[i].Select(real => real.Box.IntersectionOverUnion(box)).DefaultIfEmpty(0).Max():0.00}");
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  frame {i}: {box.Width:0}×{box.Height:0} at {box.Left:0}, {box.Top:0}, {(face.Detected ? "found" : "predicted")}, score {face.Face.Score:0.00}{truth}"));
            }
        }
    }

    private static TrackedFace? Best(List<TrackedFace> faces, Box box)
    {
        TrackedFace? best = null;
        double bestOverlap = SameFace;
        foreach (TrackedFace face in faces)
        {
            double overlap = face.Face.Box.IntersectionOverUnion(box);
            if (overlap >= bestOverlap) (best, bestOverlap) = (face, overlap);
        }
        return best;
    }

    private static double Degrees(Pose a, Pose b) => RotationVector.GeodesicDistance(a.Rotation, b.Rotation) * 180 / Math.PI;

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);

    private sealed record Recording(List<List<TrackedFace>> Frames, double Cpu, double Rate, List<List<(Box Box, Pose Pose)>>? Truth, int Whole, int Crops);

    private sealed class Recorder : IPoseSink
    {
        public List<List<TrackedFace>> Frames { get; } = [];

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Frames.Add([.. faces]);

        public void Finish(RunReport report, bool failed)
        {
        }

        public void Dispose()
        {
        }
    }
}
