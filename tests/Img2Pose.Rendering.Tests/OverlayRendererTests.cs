using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Testing;

namespace Img2Pose.Rendering.Tests;

public sealed class OverlayRendererTests
{
    private const OverlayLayers Everything =
        OverlayLayers.Mesh | OverlayLayers.Box | OverlayLayers.Axes | OverlayLayers.Points | OverlayLayers.Label;

    public static TheoryData<PixelFormat> Formats => [PixelFormat.I420, PixelFormat.Nv12, PixelFormat.I420P10, PixelFormat.Rgb24];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_nearer_face_covers_the_farther_whatever_their_order(bool nearFirst)
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(
            new OverlayOptions { Meshes = Scenes.FaceMeshes(), Alpha = 1, Layers = OverlayLayers.Mesh });
        TrackedFace near = Scenes.Face(default, new Vector3d(0.1, 0, 5)), far = Scenes.Face(new Vector3d(0, 0.5, 0.2), new Vector3d(-0.1, 0.1, 8));
        using VideoFrame both = Scenes.Flat(pool, 480, 360, 10), alone = Scenes.Flat(pool, 480, 360, 10), farAlone = Scenes.Flat(pool, 480, 360, 10);

        renderer.Compose(both, nearFirst ? [near, far] : [far, near]);
        renderer.Compose(alone, [near]);
        renderer.Compose(farAlone, [far]);

        // Around the near face's nose the far face lies below it, and does not show.
        (double x, double y) = CameraIntrinsics.ForImage(480, 360).Project(new Vector3d(0.1, 0, 4.3));
        for (int dy = -12; dy <= 12; dy += 6)
        {
            Span<byte> expected = alone.GetPlane(0).Row((int)y + dy).Slice(3 * ((int)x - 6), 36);
            Assert.Equal(expected.ToArray(), both.GetPlane(0).Row((int)y + dy).Slice(3 * ((int)x - 6), 36).ToArray());
            Assert.NotEqual(10, farAlone.GetPlane(0).Row((int)y + dy)[3 * (int)x]);
        }
    }

    [Fact]
    public void The_label_tells_the_angles_that_the_users_camera_sees()
    {
        using FramePool pool = new();
        CameraView camera = new(fieldOfView: 60);
        // Far off the centre a camera of another focal length sees the head turned otherwise.
        TrackedFace face = Scenes.Face(new Vector3d(0.1, 0.3, 0), new Vector3d(3, 1, 12), new Box(350, 180, 470, 260));
        TrackedFace expressed = face with { Face = face.Face with { Pose = camera.Express(face.Face.Pose, 480, 360) } };
        OverlayOptions options = new() { Meshes = Scenes.FaceMeshes(), Layers = OverlayLayers.Label };
        using OverlayRenderer plain = Scenes.Renderer(options), users = Scenes.Renderer(options with { Camera = camera });

        byte[] assumed = Composed(plain, face), seen = Composed(users, face);

        Assert.NotEqual(assumed, seen);
        Assert.Equal(Composed(plain, expressed), seen);

        byte[] Composed(OverlayRenderer renderer, in TrackedFace shown)
        {
            using VideoFrame frame = Scenes.Flat(pool, 480, 360, 90);
            renderer.Compose(frame, [shown]);
            return Enumerable.Range(0, 360).SelectMany(y => frame.GetPlane(0).Row(y).ToArray()).ToArray();
        }
    }

    [Theory]
    [InlineData(640, 1.5)]
    [InlineData(470, 2)]
    [InlineData(340, 2)]
    [InlineData(230, 3)]
    [InlineData(160, 4)]
    [InlineData(113, 5)]
    [InlineData(80, 5)]
    [InlineData(48, 7)]
    [InlineData(32, 12)]
    public void Levels_of_detail_show_what_the_whole_mesh_shows(int scale, double mean)
    {
        const int width = 960, height = 720;
        using FramePool pool = new();
        IReadOnlyList<FaceMesh> levels = OverlayRenderer.DefaultMeshes();
        OverlayOptions options = new() { Alpha = 1, Layers = OverlayLayers.Mesh };
        using OverlayRenderer drawn = Scenes.Renderer(options with { Meshes = levels }), whole = Scenes.Renderer(options with { Meshes = [levels[0]] });
        // A little farther away than the level's limit.
        double depth = 1.01 * (width + height) / scale;
        TrackedFace face = Scenes.Face(new Vector3d(0.1, 0.4, 0.2), new Vector3d(0, 0, depth));
        using VideoFrame shown = Scenes.Flat(pool, width, height, 10), expected = Scenes.Flat(pool, width, height, 10);

        drawn.Compose(shown, [face]);
        whole.Compose(expected, [face]);

        // A gap between triangles would show the 10 below, some 100 darker.
        double sum = 0;
        int count = 0;
        for (int y = 0; y < height; y++)
        {
            Span<byte> one = shown.GetPlane(0).Row(y)[..(3 * width)], other = expected.GetPlane(0).Row(y)[..(3 * width)];
            for (int x = 0; x < 3 * width; x += 3)
            {
                if (one[x] == 10 && other[x] == 10) continue;
                sum += Math.Abs(one[x] - other[x]);
                count++;
            }
        }
        Assert.InRange(count, scale * scale, width * height);
        Assert.InRange(sum / count, 0.01, mean);
    }

    [Fact]
    public void A_level_without_triangles_stands_for_none()
    {
        using FramePool pool = new();
        FaceMesh face = Scenes.FaceMeshes()[0], empty = new([], []);
        OverlayOptions options = new() { Alpha = 1, Layers = OverlayLayers.Mesh };
        using OverlayRenderer one = Scenes.Renderer(options with { Meshes = [face] }), two = Scenes.Renderer(options with { Meshes = [face, empty] });
        using VideoFrame expected = Scenes.Flat(pool, 480, 360, 10), drawn = Scenes.Flat(pool, 480, 360, 10);
        TrackedFace far = Scenes.Face(default, new Vector3d(0, 0, 40));

        one.Compose(expected, [far]);
        two.Compose(drawn, [far]);

        Assert.NotEqual(10, drawn.GetPlane(0).Row(180)[3 * 240]);
        for (int y = 0; y < 360; y++) Assert.Equal(expected.GetPlane(0).Row(y)[..(3 * 480)].ToArray(), drawn.GetPlane(0).Row(y)[..(3 * 480)].ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_translucent_mesh_shows_one_layer_of_itself(bool withOverlappingFace)
    {
        using FramePool pool = new();
        // Two squares one behind the other, the farther drawn first, as the far side of a nose is.
        FaceMesh twoLayers = Scenes.Squares(0.5f, new Vector3(0, 0, 0.3f), new Vector3(0, 0, 0));
        FaceMesh oneLayer = Scenes.Squares(0.5f, new Vector3(0, 0, 0));
        TrackedFace[] faces = withOverlappingFace
            ? [Scenes.Face(default, new Vector3d(0, 0, 5)), Scenes.Face(default, new Vector3d(0.1, 0, 9), id: 2)]
            : [Scenes.Face(default, new Vector3d(0, 0, 5))];

        byte one = MiddlePixel(oneLayer, faces[..1]), two = MiddlePixel(twoLayers, faces);

        if (!withOverlappingFace)
        {
            Assert.Equal(one, two);
            return;
        }
        // Behind it the other face shows through, once: half of the rest of the light, and not more.
        byte overOther = MiddlePixel(oneLayer, faces);
        Assert.InRange(two, overOther - 1, overOther + 1);
        Assert.NotEqual(one, overOther);

        byte MiddlePixel(FaceMesh mesh, TrackedFace[] shown)
        {
            using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = [mesh], Alpha = 0.5f, Layers = OverlayLayers.Mesh });
            using VideoFrame frame = Scenes.Flat(pool, 320, 240, 20);
            renderer.Compose(frame, shown);
            return frame.GetPlane(0).Row(120)[3 * 160];
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Samples_outside_the_overlay_keep_their_exact_values(PixelFormat format)
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(), Layers = OverlayLayers.Mesh });
        using VideoFrame frame = Scenes.Noise(pool, format, 361, 241), before = pool.RentCopy(frame);
        Vector3d translation = new(0.2, -0.1, 8);

        renderer.Compose(frame, [Scenes.Face(new Vector3d(0, 0.4, 0), translation)]);

        // The mesh reaches no more than 1.15 units from its middle; everything beyond that is someone else's.
        (double cx, double cy) = CameraIntrinsics.ForImage(361, 241).Project(translation);
        double reach = 602 * 1.15 / 7 + 3;
        int changed = 0;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane now = frame.GetPlane(i), old = before.GetPlane(i);
            double scale = i == 0 ? 1 : 2;
            for (int y = 0; y < now.Height; y++)
            {
                for (int x = 0; x < now.RowBytes; x++)
                {
                    if (now.Row(y)[x] == old.Row(y)[x]) continue;
                    changed++;
                    Assert.InRange(scale * (x / now.BytesPerElement), cx - reach, cx + reach);
                    Assert.InRange(scale * y, cy - reach, cy + reach);
                }
            }
        }
        Assert.True(changed > 1000, $"Only {changed} samples changed.");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_opacity_of_zero_leaves_the_picture_as_it_is(PixelFormat format)
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(), Alpha = 0, Layers = OverlayLayers.Mesh });
        using VideoFrame frame = Scenes.Noise(pool, format, 160, 120), before = pool.RentCopy(frame);

        renderer.Compose(frame, [Scenes.Face(default, new Vector3d(0, 0, 5))]);

        Assert.Equal(Scenes.Samples(before), Scenes.Samples(frame));
    }

    [Fact]
    public void Overlays_in_yuv_and_in_rgb_have_the_same_light()
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(), Alpha = 1, Layers = OverlayLayers.Mesh });
        using VideoFrame rgb = Scenes.Flat(pool, 320, 240, 0), yuv = pool.Rent(PixelFormat.I420, 320, 240);
        yuv.Color = new ColorDescription(ColorMatrix.Bt709, FullRange: false);
        yuv.GetPlane(0).Row(0).Fill(16);
        TrackedFace face = Scenes.Face(default, new Vector3d(0, 0, 4));

        renderer.Compose(rgb, [face]);
        renderer.Compose(yuv, [face]);

        // The middle of the face is opaque, so its luma follows from its RGB by BT.709: 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B).
        for (int y = 90; y < 150; y += 7)
        {
            for (int x = 130; x < 190; x += 7)
            {
                Span<byte> p = rgb.GetPlane(0).Row(y)[(3 * x)..];
                double luma = 16 + 219 / 255.0 * (0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2]);
                Assert.InRange(yuv.GetPlane(0).Row(y)[x] - luma, -1.5, 1.5);
            }
        }
    }

    [Fact]
    public void Poses_without_a_picture_draw_nothing_and_extreme_ones_do_no_harm()
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(6), Layers = Everything });
        using VideoFrame frame = Scenes.Noise(pool, PixelFormat.I420, 160, 120), before = pool.RentCopy(frame);
        Box nowhere = new(-500, -500, -400, -400);

        renderer.Compose(frame,
        [
            Scenes.Face(new Vector3d(double.NaN, 0, 0), new Vector3d(0, 0, 5)),
            Scenes.Face(default, new Vector3d(0, 0, -5)),
            Scenes.Face(default, new Vector3d(0, 0, double.PositiveInfinity)),
        ]);
        Assert.Equal(Scenes.Samples(before), Scenes.Samples(frame));

        renderer.Compose(frame, [Scenes.Face(default, new Vector3d(1e9, -1e9, 1), nowhere), Scenes.Face(new Vector3d(9, 9, 9), new Vector3d(0, 0, 0.11), nowhere)]);
        renderer.Compose(frame, [Scenes.Face(default, new Vector3d(0, 0, 1e7), new Box(double.NaN, 0, 10, 10))]);
    }

    [Fact]
    public void Lines_and_lettering_are_drawn_at_the_box()
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(
            new OverlayOptions { Meshes = Scenes.FaceMeshes(6), Layers = OverlayLayers.Box | OverlayLayers.Label });
        using VideoFrame frame = Scenes.Flat(pool, 640, 360, 0);

        renderer.Compose(frame, [Scenes.Face(default, new Vector3d(0, 0, 8), new Box(200, 100, 400, 300))]);

        Assert.True(frame.GetPlane(0).Row(200)[3 * 200] > 150, "The left edge of the box is missing.");
        Assert.True(frame.GetPlane(0).Row(300)[3 * 300] > 150, "The lower edge of the box is missing.");
        Assert.Equal(0, frame.GetPlane(0).Row(200)[3 * 300]);
        int lettering = 0;
        for (int y = 80; y < 98; y++)
        {
            for (int x = 200; x < 420; x++)
            {
                if (frame.GetPlane(0).Row(y)[3 * x] > 150) lettering++;
            }
        }
        Assert.True(lettering > 150, $"Only {lettering} pixels of lettering.");
    }

    [Fact]
    public void Drawing_allocates_next_to_nothing_once_it_runs()
    {
        using FramePool pool = new();
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(6), Layers = Everything });
        using VideoFrame frame = Scenes.Noise(pool, PixelFormat.I420, 320, 240);
        TrackedFace[] faces = [Scenes.Face(default, new Vector3d(0, 0, 6), new Box(100, 60, 220, 180))];

        // 888 bytes in 50 frames were seen; a buffer, list or string for each frame would be more.
        Allocation.AssertAtMost(() => renderer.Compose(frame, faces), steps: 20, bound: 64);
    }

    [Fact]
    public void A_renderer_can_be_opened_and_closed_over_and_over_and_gives_every_frame_back()
    {
        int outstanding = FrameLeases.Outstanding;
        byte[]? first = null;
        for (int i = 0; i < 5; i++)
        {
            using FramePool pool = new();
            using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(6), Layers = Everything });
            using VideoFrame frame = Scenes.Noise(pool, PixelFormat.Nv12, 160, 120);
            renderer.Compose(frame, [Scenes.Face(default, new Vector3d(0, 0, 5), new Box(40, 30, 120, 110))]);
            first ??= Scenes.Samples(frame);
            Assert.Equal(first, Scenes.Samples(frame));
        }
        Assert.InRange(FrameLeases.Outstanding, 0, Math.Max(outstanding, 8)); // other tests lease frames meanwhile
    }

    [Fact]
    public void A_frame_that_others_hold_is_refused()
    {
        using OverlayRenderer renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes(6) });
        using FramePool pool = new();
        using VideoFrame writable = pool.Rent(PixelFormat.Rgb24, 16, 16);
        VideoFrame shared = new(new NoOwner());
        shared.Lease(PixelFormat.Rgb24, 16, 16, [writable.GetPlane(0)], writable: false);

        Assert.Throws<InvalidOperationException>(() => renderer.Compose(shared, [Scenes.Face(default, new Vector3d(0, 0, 5))]));
        shared.Dispose();
    }

    [Theory]
    [InlineData(-0.1f, 1)]
    [InlineData(1.1f, 1)]
    [InlineData(float.NaN, 1)]
    [InlineData(0.5f, 3)]
    public void Options_out_of_range_are_refused(float alpha, int samples) =>
        Assert.Throws<UsageException>(() => OverlayRenderer.Create(new OverlayOptions { Alpha = alpha, Samples = samples }));

    private sealed class NoOwner : IVideoFrameOwner
    {
        public void Reclaim(VideoFrame frame) { }
    }
}
