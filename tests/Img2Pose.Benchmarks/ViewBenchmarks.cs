using BenchmarkDotNet.Attributes;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Benchmarks;

/// <summary>A face of 200 pixels in a 720p frame: taken, and drawn from the front at 160 pixels, as an inset is for every frame.</summary>
[MemoryDiagnoser]
public class ViewBenchmarks
{
    private readonly FramePool _pool = new();
    private readonly byte[] _view = new byte[3 * 224 * 224], _crop = new byte[3 * FacePoseNetViews.CropSide * FacePoseNetViews.CropSide];
    private readonly FaceViewRenderer _live = new(new FaceViewOptions { Size = 160, Live = true }), _exact = new(new FaceViewOptions { Size = 224 });
    private readonly FacePoseNetViews _original = new(FaceSurface.LoadDefault());
    private readonly FaceTexture _texture = new();
    private readonly CameraIntrinsics _camera = CameraIntrinsics.ForImage(1280, 720);
    private readonly Pose _pose = new(new EulerAngles(25, 5, 0).ToRotationVector(), new Vector3d(0.2, 0.1, 15));
    private VideoFrame _frame = null!;

    [GlobalSetup]
    public void Lease()
    {
        _frame = _pool.Rent(PixelFormat.I420, 1280, 720);
        for (int y = 0; y < 720; y++) new Random(y).NextBytes(_frame.GetPlane(0).Row(y));
    }

    [GlobalCleanup]
    public void Return()
    {
        _frame.Dispose();
        _pool.Dispose();
    }

    [Benchmark]
    public bool Live160()
    {
        bool taken = _live.Prepare(_frame, _pose, _camera);
        _live.Render(0, 0, _view);
        return taken;
    }

    [Benchmark]
    public bool Live160WithMemory()
    {
        bool taken = _live.Prepare(_frame, _pose, _camera, _texture);
        _live.Render(0, 0, _view);
        return taken;
    }

    [Benchmark]
    public bool Exact224()
    {
        bool taken = _exact.Prepare(_frame, _pose, _camera);
        _exact.Render(0, 0, _view);
        return taken;
    }

    [Benchmark]
    public void Original224() => _original.Render(_crop, new Pose(_pose.Rotation, new Vector3d(0, 0, 5)), 40, symmetry: false, _view);
}
