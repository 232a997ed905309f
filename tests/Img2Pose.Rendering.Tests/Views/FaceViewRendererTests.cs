using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Views;
using Img2Pose.Testing;

namespace Img2Pose.Rendering.Tests.Views;

public sealed class FaceViewRendererTests
{
    private const int Width = 480, Height = 400;

    private static readonly CameraIntrinsics s_camera = CameraIntrinsics.ForImage(Width, Height);
    private static readonly SyntheticHead s_head = new();

    [Theory]
    [InlineData(-35, 0)]
    [InlineData(20, 12)]
    [InlineData(45, -8)]
    public void What_the_picture_shows_comes_back_from_another_direction(double yaw, double pitch)
    {
        Pose pose = PoseAt(yaw, pitch);
        SyntheticHead.Painting source = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern);
        (byte[] view, FaceViewReport report) = Render(source.Pixels, pose, 0, 0, 160);

        (Pose target, CameraIntrinsics camera) = FaceViewRenderer.DefaultView(0, 0, 160);
        SyntheticHead.Painting truth = s_head.Paint(target, camera, 160, 160, SyntheticHead.Pattern);
        double error = 0;
        int visible = 0, face = 0;
        for (int i = 0; i < truth.Points.Length; i++)
        {
            if (truth.Points[i] is not { } point) continue;
            face++;
            if (!SyntheticHead.IsVisible(source, point, pose, s_camera)) continue;
            visible++;
            for (int channel = 0; channel < 3; channel++) error += Math.Abs(view[3 * i + channel] - truth.Pixels[3 * i + channel]) / 3.0;
        }
        Assert.InRange(error / visible, 0, 2);
        Assert.Equal((double)visible / face, report.VisibleShare, 0.01);
        Assert.Equal(1, report.VisibleShare + report.RememberedShare + report.SymmetricShare + report.InventedShare, 1e-9);
    }

    [Fact]
    public void What_is_hidden_is_the_mirror_image_of_the_other_side()
    {
        Pose pose = PoseAt(50, 0);
        SyntheticHead.Painting source = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.SymmetricPattern);
        (byte[] view, FaceViewReport report) = Render(source.Pixels, pose, 0, 0, 160);

        (Pose target, CameraIntrinsics camera) = FaceViewRenderer.DefaultView(0, 0, 160);
        SyntheticHead.Painting truth = s_head.Paint(target, camera, 160, 160, SyntheticHead.SymmetricPattern);
        double error = 0;
        int hidden = 0;
        for (int i = 0; i < truth.Points.Length; i++)
        {
            if (truth.Points[i] is not { } point || SyntheticHead.IsVisible(source, point, pose, s_camera)) continue;
            if (!SyntheticHead.IsVisible(source, point with { X = -point.X }, pose, s_camera)) continue;
            hidden++;
            for (int channel = 0; channel < 3; channel++) error += Math.Abs(view[3 * i + channel] - truth.Pixels[3 * i + channel]) / 3.0;
        }
        Assert.InRange(hidden, 500, int.MaxValue);
        // The head is lit evenly, so that nothing is to be matched; the seam's softness and the profile's margin remain.
        Assert.InRange(error / hidden, 0, 4);
        Assert.InRange(report.SymmetricShare, 0.05, 0.6);
    }

    [Fact]
    public void Without_symmetry_nothing_comes_from_the_other_side()
    {
        Pose pose = PoseAt(50, 0);
        SyntheticHead.Painting source = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern);
        FaceViewReport report = Render(source.Pixels, pose, 0, 0, 160, new FaceViewOptions { Size = 160, Symmetry = false }).Report;
        Assert.Equal(0, report.SymmetricShare);
        Assert.InRange(report.InventedShare, 0.05, 0.6);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-30, 10)]
    public void Rendered_at_its_own_pose_a_picture_is_itself(double yaw, double pitch)
    {
        Pose pose = PoseAt(yaw, pitch);
        SyntheticHead.Painting source = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern);
        byte[] again = Again(source.Pixels, pose, pose);
        Assert.InRange(StructuralSimilarity.Mean(source.Pixels, again, Width, pixel => source.Points[pixel] is not null), 0.98, 1);
    }

    [Fact]
    public void Turned_and_turned_back_a_face_is_nearly_itself()
    {
        Pose there = PoseAt(25, 0), back = PoseAt(0, 0);
        SyntheticHead.Painting source = s_head.Paint(back, s_camera, Width, Height, SyntheticHead.Pattern);
        byte[] again = Again(Again(source.Pixels, back, there), there, back);
        Assert.InRange(StructuralSimilarity.Mean(source.Pixels, again, Width, pixel => source.Points[pixel] is not null), 0.9, 1);
    }

    [Theory]
    [InlineData(33, 5, 0)]
    [InlineData(-12, 0, 40)]
    public void The_mirrored_picture_gives_the_mirrored_view_exactly(double yaw, double pitch, double view)
    {
        Pose pose = PoseAt(yaw, pitch);
        byte[] picture = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern).Pixels;
        Pose mirrored = new(new Vector3d(pose.Rotation.X, -pose.Rotation.Y, -pose.Rotation.Z), new Vector3d(-pose.Translation.X, pose.Translation.Y, pose.Translation.Z));
        byte[] one = Render(picture, pose, view, 0, 160).Pixels, other = Render(Mirror(picture, Width), mirrored, -view, 0, 160).Pixels;
        Assert.Equal(one, Mirror(other, 160));
    }

    [Fact]
    public void Earlier_pictures_of_a_face_fill_what_the_last_one_hides()
    {
        using FramePool pool = new();
        FaceViewRenderer renderer = new(new FaceViewOptions { Size = 160 });
        FaceTexture texture = new(fine: true);
        byte[] pixels = new byte[3 * 160 * 160];
        FaceViewReport report = default;
        foreach (double yaw in (double[])[-40, -20, 0, 20, 50])
        {
            Pose pose = PoseAt(yaw, 0);
            SyntheticHead.Painting source = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern);
            using VideoFrame frame = SyntheticHead.Frame(pool, source.Pixels, Width, Height);
            Assert.True(renderer.Prepare(frame, pose, s_camera, texture));
            report = renderer.Render(0, 0, pixels);
        }
        (Pose target, CameraIntrinsics camera) = FaceViewRenderer.DefaultView(0, 0, 160);
        SyntheticHead.Painting truth = s_head.Paint(target, camera, 160, 160, SyntheticHead.Pattern);
        double error = 0;
        int count = 0;
        for (int i = 0; i < truth.Points.Length; i++)
        {
            if (truth.Points[i] is null) continue;
            count++;
            error += Math.Abs(pixels[3 * i] - truth.Pixels[3 * i]);
        }
        Assert.InRange(report.VisibleShare + report.RememberedShare, 0.97, 1);
        // From the mirror image this asymmetric pattern could not come right: some 20 levels.
        Assert.InRange(error / count, 0, 5);
        Assert.Equal(5, texture.Pictures);
    }

    [Fact]
    public void A_live_view_is_nearly_the_exact_one()
    {
        Pose pose = PoseAt(30, 5);
        byte[] picture = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern).Pixels;
        byte[] exact = Render(picture, pose, 0, 0, 160).Pixels, live = Render(picture, pose, 0, 0, 160, new FaceViewOptions { Size = 160, Live = true }).Pixels;
        double error = 0;
        for (int i = 0; i < exact.Length; i++) error += Math.Abs(exact[i] - live[i]);
        Assert.InRange(error / exact.Length, 0, 3);
    }

    [Fact]
    public void Yuv_pictures_give_what_rgb_ones_give()
    {
        Pose pose = PoseAt(-20, 0);
        byte[] picture = s_head.Paint(pose, s_camera, Width, Height, SyntheticHead.Pattern).Pixels;
        byte[] rgb = Render(picture, pose, 0, 0, 160).Pixels;
        using FramePool pool = new();
        foreach (PixelFormat format in (PixelFormat[])[PixelFormat.I420, PixelFormat.Nv12, PixelFormat.I420P10])
        {
            using VideoFrame frame = YuvPicture.Of(pool, picture, Width, Height, format);
            FaceViewRenderer renderer = new(new FaceViewOptions { Size = 160 });
            Assert.True(renderer.Prepare(frame, pose, s_camera));
            byte[] view = new byte[rgb.Length];
            renderer.Render(0, 0, view);
            double error = 0;
            for (int i = 0; i < rgb.Length; i++) error += Math.Abs(rgb[i] - view[i]);
            // Chroma of half the size blurs the edge of the face against the background.
            Assert.InRange(error / rgb.Length, 0, 2.5);
        }
    }

    [Fact]
    public void Faces_at_the_border_large_ones_and_senseless_poses_are_drawn_or_refused()
    {
        using FramePool pool = new();
        byte[] picture = s_head.Paint(PoseAt(0, 0), s_camera, Width, Height, SyntheticHead.Pattern).Pixels;
        using VideoFrame frame = SyntheticHead.Frame(pool, picture, Width, Height);
        FaceViewRenderer renderer = new(new FaceViewOptions { Size = 96 });
        byte[] view = new byte[3 * 96 * 96];
        // Half out of the picture: the rest is filled.
        Assert.True(renderer.Prepare(frame, new Pose(default, new Vector3d(-1.4, 0, 6)), s_camera));
        Assert.InRange(renderer.Render(0, 0, view).VisibleShare, 0.1, 0.9);
        // Larger than the picture, turned beyond profile, and close.
        foreach (Pose pose in (Pose[])[new(new Vector3d(0, 1.9, 0), new Vector3d(0, 0, 8)), new(default, new Vector3d(0, 0, 1.3)), new(new Vector3d(0, 0, 3.1), new Vector3d(0, 0, 5))])
        {
            if (renderer.Prepare(frame, pose, s_camera)) renderer.Render(40, -20, view);
        }
        foreach (Pose pose in (Pose[])[new(default, new Vector3d(0, 0, -5)), new(default, new Vector3d(50, 0, 5)), new(default, new Vector3d(0, 0, double.NaN)), new(new Vector3d(0, Math.PI, 0), new Vector3d(0, 0, 6))])
            Assert.False(renderer.Prepare(frame, pose, s_camera));
        Assert.Throws<InvalidOperationException>(() => renderer.Render(0, 0, view));
    }

    [Fact]
    public void Senseless_requests_are_refused_by_name()
    {
        Assert.Throws<UsageException>(() => new FaceViewRenderer(new FaceViewOptions { Size = 8 }));
        byte[] picture = new byte[3 * Width * Height];
        Assert.Throws<ArgumentOutOfRangeException>(() => Render(picture, PoseAt(0, 0), 91, 0, 160));
        Assert.Throws<ArgumentOutOfRangeException>(() => Render(picture, PoseAt(0, 0), 0, double.NaN, 160));
    }

    private static Pose PoseAt(double yaw, double pitch) => new(new EulerAngles(yaw, pitch, 4).ToRotationVector(), new Vector3d(0.15, -0.1, 6));

    private static (byte[] Pixels, FaceViewReport Report) Render(byte[] picture, Pose pose, double yaw, double pitch, int size, FaceViewOptions? options = null)
    {
        using FramePool pool = new();
        using VideoFrame frame = SyntheticHead.Frame(pool, picture, Width, Height);
        FaceViewRenderer renderer = new(options ?? new FaceViewOptions { Size = size });
        Assert.True(renderer.Prepare(frame, pose, s_camera));
        byte[] pixels = new byte[3 * size * size];
        return (pixels, renderer.Render(yaw, pitch, pixels));
    }

    /// <summary>The picture rendered anew with the face at another pose, by its own camera.</summary>
    private static byte[] Again(byte[] picture, Pose from, Pose to)
    {
        using FramePool pool = new();
        using VideoFrame frame = SyntheticHead.Frame(pool, picture, Width, Height);
        FaceViewRenderer renderer = new(new FaceViewOptions());
        Assert.True(renderer.Prepare(frame, from, s_camera, pixelsPerUnit: s_camera.FocalLength / to.Translation.Z));
        byte[] pixels = new byte[3 * Width * Height];
        renderer.Render(to, s_camera, Width, Height, pixels);
        return pixels;
    }

    private static byte[] Mirror(byte[] pixels, int width)
    {
        byte[] mirrored = new byte[pixels.Length];
        for (int i = 0; i < pixels.Length / 3; i++)
            pixels.AsSpan(3 * i, 3).CopyTo(mirrored.AsSpan(3 * (i / width * width + width - 1 - i % width)));
        return mirrored;
    }
}
