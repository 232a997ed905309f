using System.Diagnostics;
using System.Runtime.InteropServices;
using Img2Pose.Cuda;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Tracking;

namespace Img2Pose.Cli.Benchmarking.Gpu;

/// <summary>
/// Every kernel against the code of the processor, bit by bit, and how long it takes: against the time in which the card copies as many
/// bytes as the kernel reads and writes.
/// </summary>
internal sealed unsafe partial class KernelCheck : IDisposable
{
    private const int Width = 1920, Height = 1080;

    private readonly CudaDevice _device;
    private readonly GpuReport _report;
    private readonly int _rounds;
    private readonly CudaQueue _queue;
    private readonly FramePool _pool = new();
    private readonly DeviceFrames _frames;
    private readonly HostFrames _host;
    private double _bytesPerSecond;

    /// <summary>Prepares the check.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="rounds">Launches that a time is taken of.</param>
    /// <param name="report">Receives the results.</param>
    public KernelCheck(CudaDevice device, int rounds, GpuReport report)
    {
        (_device, _rounds, _report) = (device, rounds, report);
        _queue = new CudaQueue(device);
        _frames = new DeviceFrames(device);
        _host = new HostFrames(device);
    }

    /// <summary>Checks and measures all of them.</summary>
    public void Run()
    {
        Part("copy bandwidth", MeasureCopy);
        foreach (PixelFormat format in (PixelFormat[])[PixelFormat.Nv12, PixelFormat.I420, PixelFormat.I420P10, PixelFormat.Rgb24])
            Part($"tensorise {format}", () => Tensorise(format));
        Part("shrink", Shrink);
        foreach (PixelFormat format in (PixelFormat[])[PixelFormat.Nv12, PixelFormat.I420P10]) Part($"blend {format}", () => Blend(format));
        Part("pool_regions", PoolRegions);
        Part("select_cells", SelectCells);
        foreach (bool shifted in (bool[])[false, true]) Part($"proposals{(shifted ? ", shifted" : "")}", () => ChooseProposals(shifted));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _host.Dispose();
        _frames.Dispose();
        _pool.Dispose();
        _queue.Dispose();
    }

    private void Part(string name, Action check)
    {
        try
        {
            check();
        }
        catch (Exception error) when (error is Img2PoseException or DllNotFoundException)
        {
            _report.Fail(name, error);
        }
    }

    private void MeasureCopy()
    {
        const int Row = 1 << 20, Rows = 64;
        using DeviceBuffer from = new(_device, (long)Row * Rows), to = new(_device, (long)Row * Rows);
        FramePlane source = new(from.Address, MemoryKind.Cuda, Row, Row, Rows, 1), target = new(to.Address, MemoryKind.Cuda, Row, Row, Rows, 1);
        _queue.Clear(from, from.Length);
        double seconds = Time(() => _queue.CopyPlane(source, target));
        _bytesPerSecond = 2.0 * Row * Rows / seconds;
        _report.Tell("copy bandwidth", $"{GpuReport.Number(_bytesPerSecond / 1e9)} GB/s read and written", ("bytes_per_second", _bytesPerSecond));
    }

    private void Tensorise(PixelFormat format)
    {
        const int TargetWidth = 640, TargetHeight = 360, PaddedHeight = 384;
        Normalisation normalisation = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        using VideoFrame picture = Picture(format, 1), onDevice = Upload(picture);
        float[] expected = new float[3 * TargetWidth * PaddedHeight];
        using (Tensoriser processor = new(normalisation, prefilter: true)) processor.Write(picture, TargetWidth, TargetHeight, expected, TargetWidth, PaddedHeight);
        using CudaTensoriser kernel = new(_queue, normalisation, prefilter: true, capacity: 1);
        using DeviceBuffer tensor = new(_device, expected.Length * sizeof(float));
        TensorRectangle target = TensorRectangle.Slot(tensor, 0, TargetWidth, PaddedHeight);
        DevicePicture planes = DevicePicture.Of(onDevice);
        kernel.Add(planes, picture.Color, TargetWidth, TargetHeight, target);
        kernel.Run();
        // The launch alone: with the list of jobs, its marker and the wait for it the processor would be what is measured.
        double seconds = Time(kernel.RunAgain);
        long read = 0;
        for (int i = 0; i < picture.PlaneCount; i++) read += (long)picture.GetPlane(i).RowBytes * picture.GetPlane(i).Height;
        Compare($"tensorise {format}", MemoryMarshal.AsBytes<float>(expected), tensor, seconds, read + tensor.Length);
    }

    private void Shrink()
    {
        using VideoFrame picture = Picture(PixelFormat.Nv12, 2), onDevice = Upload(picture);
        float[] expected = new float[SceneCuts.CellCount], sums = new float[SceneCuts.CellCount];
        SceneCuts.Shrink(picture, expected);
        using FrameBrightness brightness = new(_device, SceneCuts.CellCount);
        // Its numbers come down each time, which is what a session waits for.
        double seconds = Time(() => brightness.Read(onDevice, SceneCuts.ColumnCount, SceneCuts.CellCount / SceneCuts.ColumnCount, sums));
        _report.Check("shrink", expected.AsSpan().SequenceEqual(sums), $"{GpuReport.Number(1e6 * seconds)} us with its way to the host", ("microseconds", 1e6 * seconds));
    }

    private void Blend(PixelFormat format)
    {
        Pose pose = new(new Vector3d(0.1, 0.15, 0.05), new Vector3d(-0.3, 0.1, 8));
        Box box = FaceBox.FromPose(pose, CameraIntrinsics.ForImage(Width, Height), Width, Height, ReferenceFace.Default, FaceBoxFactors.Default);
        TrackedFace[] faces = [new TrackedFace(1, new FaceDetection(box, 1, pose), pose, Detected: true)];
        using OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions { Layers = OverlayLayers.Mesh | OverlayLayers.Box });
        using VideoFrame picture = Picture(format, 3), onDevice = Upload(picture);
        renderer.Compose(picture, faces);
        long start = Stopwatch.GetTimestamp();
        renderer.Compose(onDevice, faces);
        using VideoFrame drawn = _host.Download(onDevice);
        double first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        bool same = true;
        for (int i = 0; i < drawn.PlaneCount; i++)
        {
            for (int y = 0; y < drawn.GetPlane(i).Height; y++) same &= drawn.GetPlane(i).Row(y).SequenceEqual(picture.GetPlane(i).Row(y));
        }
        double seconds = Time(() => renderer.Compose(onDevice, faces));
        string shared = renderer.SharesTextures == true ? "the renderer's texture is read where it lies" : "the overlay comes up from the host";
        _report.Check($"blend {format}", same,
            $"{GpuReport.Number(1e6 * seconds)} us with drawing on {renderer.RendererName}, {shared}; the first {GpuReport.Number(1e3 * first)} ms",
            ("microseconds", 1e6 * seconds), ("renderer", renderer.RendererName), ("shares_textures", renderer.SharesTextures));
    }

    private void Compare(string part, ReadOnlySpan<byte> expected, DeviceBuffer actual, double seconds, long bytes)
    {
        using PinnedBuffer fetched = new(_device, expected.Length);
        _queue.Download(actual, 0, fetched, 0, expected.Length);
        _queue.Synchronize();
        ReadOnlySpan<uint> wanted = MemoryMarshal.Cast<byte, uint>(expected), got = MemoryMarshal.Cast<byte, uint>(fetched.Bytes);
        long different = 0, farthest = 0;
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == got[i]) continue;
            different++;
            // Neighbouring floats are neighbouring integers, on one side of zero.
            farthest = Math.Max(farthest, Math.Abs((long)wanted[i] - got[i]));
        }
        double share = _bytesPerSecond > 0 ? bytes / _bytesPerSecond / seconds : 0;
        string same = different == 0 ? "equal to the last bit" : $"{different} of {wanted.Length} numbers differ, by {farthest} ulp at most";
        _report.Check(part, different == 0, $"{same}; {GpuReport.Number(1e6 * seconds)} us, {GpuReport.Number(100 * share, "0")} % of the copy bandwidth",
            ("different", different), ("farthest_ulp", farthest), ("microseconds", 1e6 * seconds), ("share_of_bandwidth", share));
    }

    /// <summary>Seconds of one of several launches in a row.</summary>
    private double Time(Action launch)
    {
        // The first one pays for what is set up once.
        launch();
        _queue.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _rounds; i++) launch();
        _queue.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / _rounds;
    }

    private VideoFrame Picture(PixelFormat format, int seed)
    {
        VideoFrame frame = _pool.Rent(format, Width, Height);
        frame.Color = new ColorDescription(ColorMatrix.Bt709, FullRange: false);
        Random random = new(seed);
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++)
            {
                Span<byte> row = frame.GetPlane(i).Row(y);
                random.NextBytes(row);
                if (format != PixelFormat.I420P10) continue;
                // Ten bits of sixteen.
                for (int x = 1; x < row.Length; x += 2) row[x] &= 3;
            }
        }
        return frame;
    }

    private VideoFrame Upload(VideoFrame source)
    {
        VideoFrame target = _frames.Rent(source.Format, source.Width, source.Height);
        target.CopyPropertiesFrom(source);
        CudaOrder order = CudaOrder.Of(target);
        order.BeginWrite(_queue);
        List<PinnedBuffer> staged = [];
        for (int i = 0; i < source.PlaneCount; i++)
        {
            FramePlane from = source.GetPlane(i);
            PinnedBuffer memory = new(_device, from.RowBytes * from.Height);
            staged.Add(memory);
            for (int y = 0; y < from.Height; y++) from.Row(y).CopyTo(memory.Bytes[(y * from.RowBytes)..]);
            _queue.CopyPlane(new FramePlane(memory.Address, MemoryKind.Host, from.RowBytes, from.Width, from.Height, from.BytesPerElement), target.GetPlane(i));
        }
        order.EndWrite(_queue);
        _queue.Synchronize();
        staged.ForEach(memory => memory.Dispose());
        return target;
    }

    private DeviceBuffer Upload<T>(T[] values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<T>(values);
        DeviceBuffer memory = new(_device, bytes.Length);
        using PinnedBuffer staging = new(_device, bytes.Length);
        bytes.CopyTo(staging.Bytes);
        _queue.Upload(staging, 0, memory, 0, bytes.Length);
        _queue.Synchronize();
        return memory;
    }
}
