using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Tracking;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>
/// By how much whole looks at one and the same picture differ when its edges are cut off a few pixels further on, and what following could reach at
/// best where it carries the motion from whole look to whole look without any error.
/// </summary>
internal static class NoiseStudy
{
    private static readonly (int X, int Y)[] s_shifts = [(0, 0), (6, 2), (12, 22), (18, 10), (26, 30), (32, 16)];
    private const int Cut = 32;
    private static readonly int[] s_steps = [2, 3, 4, 5, 6];

    /// <summary>The largest face of a video of SHARED/media: <c>noise SHARED CLIP</c>.</summary>
    public static int Print(string shared, string name)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(null)), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        using IFrameSource source = MediaSource.Open(Path.Combine(shared, "media", name), new SourceOptions());
        using FramePool pool = new();
        // Looks[frame][shift]; frames in which a shift shows no face are left out.
        List<(double Time, Pose[] Looks)> frames = [];
        (int width, int height) = (source.Info.Width, source.Info.Height);
        List<FaceDetection> found = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                Pose[] looks = new Pose[s_shifts.Length];
                for (int s = 0; s < looks.Length; s++)
                {
                    using VideoFrame part = CutOut(pool, frame, s_shifts[s].X, s_shifts[s].Y);
                    detector.Detect(part, found);
                    if (found.Count == 0) break;
                    FaceDetection face = found.MaxBy(face => face.Box.Width * face.Box.Height);
                    looks[s] = InPicture(face, part, s_shifts[s], width, height);
                }
                if (looks[^1].Translation.Z > 0) frames.Add((frame.PresentationTime ?? frame.Index / 30.0, looks));
            }
        }
        Vector3d[][] raw = [.. s_shifts.Select((_, s) => frames.Select(frame => frame.Looks[s].Rotation).ToArray())];
        Vector3d[][] shown = [.. raw.Select((_, s) => Smooth(frames.Select(frame => (frame.Time, frame.Looks[s])), width, height))];
        Vector3d[] mean = [.. frames.Select(frame => Mean([.. frame.Looks.Select(look => look.Rotation)]))];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {frames.Count} frames; from one to the next {Median(mean.Zip(mean.Skip(1), Degrees)):0.00}, single looks {Median(raw[0].Zip(raw[0].Skip(1), Degrees)):0.00}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"two whole looks at one picture: {Median(Pairs(raw)):0.00} apart, shown {Median(Pairs(shown)):0.00}; one from the mean of {s_shifts.Length}: {Median(raw.SelectMany(look => look.Zip(mean, Degrees))):0.00}"));
        foreach (int step in s_steps)
        {
            List<double> carried = [], held = [];
            for (int s = 0; s < raw.Length; s++)
            {
                (double, Pose)[] perfect = new (double, Pose)[frames.Count], last = new (double, Pose)[frames.Count];
                for (int i = 0; i < frames.Count; i++)
                {
                    int whole = i - i % step;
                    Vector3d motion = RotationVector.Compose(-mean[whole], mean[i]);
                    perfect[i] = (frames[i].Time, frames[i].Looks[s] with { Rotation = RotationVector.Compose(raw[s][whole], motion) });
                    last[i] = (frames[i].Time, frames[i].Looks[s] with { Rotation = raw[s][whole] });
                }
                carried.AddRange(Smooth(perfect, width, height).Zip(shown[s], Degrees));
                held.AddRange(Smooth(last, width, height).Zip(shown[s], Degrees));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a whole look every {step} frames, from looks at every frame, shown: motion between known exactly {Median(carried):0.00}, rotation held {Median(held):0.00}"));
        }
        return 0;
    }

    /// <summary>The picture without <see cref="Cut"/> columns and rows, of which some are cut off at the left and at the top.</summary>
    private static VideoFrame CutOut(FramePool pool, VideoFrame frame, int left, int top)
    {
        VideoFrame part = pool.Rent(frame.Format, frame.Width - Cut, frame.Height - Cut);
        part.Color = frame.Color;
        for (int p = 0; p < frame.PlaneCount; p++)
        {
            FramePlane from = frame.GetPlane(p), to = part.GetPlane(p);
            int column = left * from.Width / frame.Width * from.BytesPerElement, row = top * from.Height / frame.Height, bytes = to.Width * to.BytesPerElement;
            for (int y = 0; y < to.Height; y++) from.Row(y + row).Slice(column, bytes).CopyTo(to.Row(y));
        }
        return part;
    }

    /// <summary>What the picture's own camera would have seen: the same pose relative to the face's box.</summary>
    private static Pose InPicture(in FaceDetection face, VideoFrame part, (int X, int Y) shift, int width, int height)
    {
        Box box = face.Box;
        Pose local = PoseConversion.FullToBox(face.Pose, CameraIntrinsics.ForImage(part.Width, part.Height), box);
        return PoseConversion.BoxToFull(local, CameraIntrinsics.ForImage(width, height), new Box(box.Left + shift.X, box.Top + shift.Y, box.Right + shift.X, box.Bottom + shift.Y));
    }

    private static Vector3d[] Smooth(IEnumerable<(double Time, Pose Pose)> looks, int width, int height)
    {
        FaceTracker tracker = new(new TrackerOptions());
        List<TrackedFace> faces = [];
        List<Vector3d> shown = [];
        foreach ((double time, Pose pose) in looks)
        {
            Box box = FaceBox.FromPose(pose, CameraIntrinsics.ForImage(width, height), width, height, ReferenceFace.Default, FaceBoxFactors.Default);
            tracker.Update([new FaceDetection(box, 1, pose)], time, width, height, faces);
            shown.Add(faces[0].Face.Pose.Rotation);
        }
        return [.. shown];
    }

    private static Vector3d Mean(ReadOnlySpan<Vector3d> rotations)
    {
        Vector3d mean = rotations[0];
        for (int round = 0; round < 3; round++)
        {
            Vector3d sum = Vector3d.Zero;
            foreach (Vector3d rotation in rotations) sum += RotationVector.Compose(-mean, rotation);
            mean = RotationVector.Compose(mean, sum / rotations.Length);
        }
        return mean;
    }

    private static IEnumerable<double> Pairs(Vector3d[][] looks)
    {
        for (int a = 0; a < looks.Length; a++)
        {
            for (int b = a + 1; b < looks.Length; b++)
            {
                for (int i = 0; i < looks[a].Length; i++) yield return Degrees(looks[a][i], looks[b][i]);
            }
        }
    }

    private static double Degrees(Vector3d a, Vector3d b) => RotationVector.GeodesicDistance(a, b) * 180 / Math.PI;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];
    }
}
