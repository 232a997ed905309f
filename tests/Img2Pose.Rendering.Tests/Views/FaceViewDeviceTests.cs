using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Meshes;
using Img2Pose.Rendering.Views;

namespace Img2Pose.Rendering.Tests.Views;

/// <summary>A graphics device draws the same views as the CPU: here Mesa's rasteriser, by the same shaders.</summary>
public sealed class FaceViewDeviceTests : IClassFixture<FaceViewDeviceTests.Device>
{
    private const int Width = 480, Height = 400;

    private static readonly SyntheticHead s_head = new();
    private static readonly FaceSurface s_surface = FaceSurface.LoadDefault();
    private readonly FaceViewDevice _device;

    public FaceViewDeviceTests(Device device) => _device = device.Value;

    [Theory]
    [InlineData(-35, 0, 0, 1)]
    [InlineData(20, 12, 40, 1)]
    [InlineData(45, -8, -75, 1)]
    // The face lies at the frame's corner, and the view looks past it.
    [InlineData(30, 0, 20, 1.6)]
    public void A_view_is_the_same_as_by_the_CPU(double yaw, double pitch, double view, double aside)
    {
        Pose pose = new(new EulerAngles(yaw, pitch, 0).ToRotationVector(), new Vector3d(0.1 + 1.2 * (aside - 1), 0.05 + aside - 1, 9));
        foreach (FaceViewOptions options in (FaceViewOptions[])[
            new() { Size = 160 }, new() { Size = 160, Live = true }, new() { Size = 64, Symmetry = false },
            new() { Size = 224, Background = ViewBackground.Face }, new() { Size = 160, Background = ViewBackground.None }])
        {
            byte[] picture = s_head.Paint(pose, CameraIntrinsics.ForImage(Width, Height), Width, Height, SyntheticHead.Pattern).Pixels;
            (byte[] expected, FaceViewReport expectedReport) = Draw(options, null, picture, pose, view);
            (byte[] drawn, FaceViewReport report) = Draw(options, _device, picture, pose, view);
            AssertSame(expected, drawn, options.Size);
            Assert.Equal(expectedReport.VisibleShare, report.VisibleShare, 0.005);
            Assert.Equal(expectedReport.SymmetricShare, report.SymmetricShare, 0.005);
            Assert.Equal(expectedReport.InventedShare, report.InventedShare, 0.005);
        }
    }

    [Fact]
    public void What_is_remembered_is_drawn_the_same()
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(Width, Height);
        using FramePool pool = new();
        FaceViewOptions options = new() { Size = 160, Live = true };
        FaceViewRenderer onCpu = new(options, s_surface), onDevice = new(options, s_surface, _device);
        FaceTexture one = new(), other = new();
        byte[] expected = new byte[3 * 160 * 160], drawn = new byte[3 * 160 * 160];
        foreach (double yaw in (double[])[-40, -10, 45, -50])
        {
            Pose pose = new(new EulerAngles(yaw, 0, 0).ToRotationVector(), new Vector3d(0.1, 0.05, 9));
            using VideoFrame frame = SyntheticHead.Frame(pool, s_head.Paint(pose, camera, Width, Height, SyntheticHead.Pattern).Pixels, Width, Height);
            Assert.True(onCpu.Prepare(frame, pose, camera, one));
            Assert.True(onDevice.Prepare(frame, pose, camera, other));
            FaceViewReport expectedReport = onCpu.Render(0, 0, expected), report = onDevice.Render(0, 0, drawn);
            AssertSame(expected, drawn, 160);
            Assert.Equal(expectedReport.RememberedShare, report.RememberedShare, 0.005);
        }
        Assert.InRange(onDevice.Render(0, 0, drawn).RememberedShare, 0.05, 1);
    }

    [Fact]
    public void A_device_draws_for_renderers_of_several_threads_at_once()
    {
        Pose pose = new(new EulerAngles(25, 0, 0).ToRotationVector(), new Vector3d(0.1, 0.05, 9));
        byte[] picture = s_head.Paint(pose, CameraIntrinsics.ForImage(Width, Height), Width, Height, SyntheticHead.Pattern).Pixels;
        FaceViewOptions options = new() { Size = 96 };
        byte[] expected = Draw(options, _device, picture, pose, 0).Pixels;
        byte[][] drawn = new byte[4][];
        Parallel.For(0, drawn.Length, i => drawn[i] = Draw(options, _device, picture, pose, 0).Pixels);
        Assert.All(drawn, view => Assert.Equal(expected, view));
    }

    private static (byte[] Pixels, FaceViewReport Report) Draw(FaceViewOptions options, FaceViewDevice? device, byte[] picture, Pose pose, double yaw)
    {
        using FramePool pool = new();
        FaceViewRenderer renderer = new(options, s_surface, device);
        using VideoFrame frame = SyntheticHead.Frame(pool, picture, Width, Height);
        Assert.True(renderer.Prepare(frame, pose, CameraIntrinsics.ForImage(Width, Height)));
        byte[] pixels = new byte[3 * options.Size * options.Size];
        FaceViewReport report = renderer.Render(yaw, 0, pixels);
        return (pixels, report);
    }

    /// <summary>Within two levels; where an outline passes a pixel's centre by a hair, either side may win, in one pixel of 200.</summary>
    private static void AssertSame(byte[] expected, byte[] drawn, int size)
    {
        long sum = 0;
        int apart = 0;
        for (int i = 0; i < expected.Length; i += 3)
        {
            int most = 0;
            for (int channel = 0; channel < 3; channel++)
            {
                int difference = Math.Abs(expected[i + channel] - drawn[i + channel]);
                sum += difference;
                most = Math.Max(most, difference);
            }
            if (most > 2) apart++;
        }
        Assert.InRange(apart, 0, size * size / 200);
        Assert.InRange((double)sum / expected.Length, 0, 0.5);
    }

    public sealed class Device : IDisposable
    {
        public FaceViewDevice Value { get; } = FaceViewDevice.Open();

        public void Dispose() => Value.Dispose();
    }
}
