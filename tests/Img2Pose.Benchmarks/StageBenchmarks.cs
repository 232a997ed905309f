using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Tracking;

namespace Img2Pose.Benchmarks;

/// <summary>Resize, colour conversion, normalisation and padding of one frame, at the default model's size.</summary>
[MemoryDiagnoser]
public class TensoriserBenchmarks
{
    private readonly FramePool _pool = new();
    private readonly float[] _tensor = new float[3 * 640 * 384];
    private readonly Tensoriser _tensoriser =
        new(new Normalisation([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), prefilter: true);

    private VideoFrame _frame = null!;

    [Params(PixelFormat.I420, PixelFormat.Nv12, PixelFormat.I420P10, PixelFormat.Rgb24)]
    public PixelFormat Format { get; set; }

    [Params(720, 1080)]
    public int Lines { get; set; }

    [GlobalSetup]
    public void Lease() => _frame = _pool.Rent(Format, Lines * 16 / 9, Lines);

    [GlobalCleanup]
    public void Return()
    {
        _frame.Dispose();
        _tensoriser.Dispose();
        _pool.Dispose();
    }

    [Benchmark]
    public void Write() => _tensoriser.Write(_frame, 640, 360, _tensor, 640, 384);
}

/// <summary>Blending of an overlay tile of a large face into a 720p frame.</summary>
[MemoryDiagnoser]
public unsafe class BlendBenchmarks
{
    private const int Side = 320;
    private readonly FramePool _pool = new();
    private readonly OverlayRegion _region = new(400, 200, Side, Side);
    private VideoFrame _frame = null!;
    private byte* _tile;

    [Params(PixelFormat.I420, PixelFormat.I420P10, PixelFormat.Rgb24)]
    public PixelFormat Format { get; set; }

    [Params(false, true)]
    public bool Vectorised { get; set; }

    [GlobalSetup]
    public void Lease()
    {
        _frame = _pool.Rent(Format, 1280, 720);
        _tile = (byte*)NativeMemory.AllocZeroed(4 * Side * Side);
        // Half the pixels are covered at 85 %, as a face fills its rectangle.
        Random random = new(1);
        for (int i = 0; i < Side * Side; i++)
        {
            if (i / Side % Side < Side / 2) continue;
            for (int c = 0; c < 3; c++) _tile[4 * i + c] = (byte)random.Next(217);
            _tile[4 * i + 3] = 217;
        }
    }

    [GlobalCleanup]
    public void Return()
    {
        NativeMemory.Free(_tile);
        _frame.Dispose();
        _pool.Dispose();
    }

    [Benchmark]
    public void Blend() => OverlayBlender.Blend(_frame, _tile, 4 * Side, 4L * Side * Side, _region, Vectorised);
}

/// <summary>Pose geometry of one face: what selection does for every proposal above the threshold.</summary>
[MemoryDiagnoser]
public class GeometryBenchmarks
{
    private static readonly CameraIntrinsics s_camera = CameraIntrinsics.ForImage(1280, 720);
    private static readonly Box s_box = new(500, 200, 700, 450);
    private static readonly Pose s_local = new(new Vector3d(0.2, -0.4, 0.1), new Vector3d(0.05, -0.02, 3.3));
    private readonly Box[] _boxes = new Box[64];
    private readonly double[] _scores = new double[64];
    private readonly int[] _kept = new int[64];

    [GlobalSetup]
    public void Scatter()
    {
        Random random = new(1);
        for (int i = 0; i < _boxes.Length; i++)
        {
            double left = random.Next(1100), top = random.Next(560);
            _boxes[i] = new Box(left, top, left + 150, top + 150);
            _scores[i] = random.NextDouble();
        }
    }

    [Benchmark]
    public Pose BoxToFull() => PoseConversion.BoxToFull(s_local, s_camera, s_box);

    [Benchmark]
    public Box BoxFromPose() => FaceBox.FromPose(
        new Pose(s_local.Rotation, new Vector3d(0, 0, 12)), s_camera, 1280, 720, ReferenceFace.Default, FaceBoxFactors.Default);

    [Benchmark]
    public int Suppression() => NonMaximumSuppression.Apply(_boxes, _scores, 0.5, _kept);
}

/// <summary>One frame of tracking with smoothing.</summary>
[MemoryDiagnoser]
public class TrackerBenchmarks
{
    private readonly FaceTracker _tracker = new(new TrackerOptions());
    private readonly List<TrackedFace> _tracks = new(64);
    private FaceDetection[] _faces = [];
    private double _time;

    [Params(1, 16)]
    public int Faces { get; set; }

    [GlobalSetup]
    public void Spread() => _faces =
    [
        .. Enumerable.Range(0, Faces).Select(i => new FaceDetection(
            new Box(75 * i, 200, 75 * i + 70, 290), 0.9, new Pose(new Vector3d(0, 0.1, 0), new Vector3d((75 * i + 35 - 640) / 2000.0 * 30, -1.5, 30)))),
    ];

    [Benchmark]
    public int Update()
    {
        _time += 1 / 30.0;
        _tracker.Update(_faces, _time, 1280, 720, _tracks);
        return _tracks.Count;
    }
}
