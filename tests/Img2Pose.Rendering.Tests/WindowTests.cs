using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Windows;

namespace Img2Pose.Rendering.Tests;

/// <summary>The parts of a window that need no display.</summary>
public class WindowTests
{
    [Fact]
    public void A_picture_keeps_its_aspect_and_is_centred()
    {
        WindowArea area = Assert.Single(WindowLayout.Arrange(1000, 500, [(640, 480)]));

        Assert.Equal(new WindowArea(166, 0, 667, 500), area);
    }

    [Fact]
    public void A_picture_that_fits_is_shown_pixel_by_pixel() =>
        Assert.Equal(new WindowArea(0, 0, 1280, 720), Assert.Single(WindowLayout.Arrange(1280, 720, [(1280, 720)])));

    [Theory]
    [InlineData(1, 1280, 720)]
    [InlineData(2, 1280, 720)]
    [InlineData(3, 700, 900)]
    [InlineData(4, 1280, 720)]
    [InlineData(7, 1920, 1080)]
    [InlineData(40, 1920, 1080)]
    public void Tiles_lie_in_the_window_and_do_not_overlap(int count, int width, int height)
    {
        (int, int)[] sizes = [.. Enumerable.Range(0, count).Select(i => i % 3 == 0 ? (640, 480) : i % 3 == 1 ? (1280, 720) : (0, 0))];

        WindowArea[] areas = WindowLayout.Arrange(width, height, sizes);

        Assert.All(areas, area => Assert.True(area.Width > 0 && area.Height > 0 && area.X >= 0 && area.Y >= 0 && area.X + area.Width <= width && area.Y + area.Height <= height));
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                bool apart = areas[i].X >= areas[j].X + areas[j].Width || areas[j].X >= areas[i].X + areas[i].Width
                    || areas[i].Y >= areas[j].Y + areas[j].Height || areas[j].Y >= areas[i].Y + areas[i].Height;
                Assert.True(apart, $"{areas[i]} and {areas[j]} overlap");
            }
        }
    }

    [Fact]
    public void A_window_without_room_has_empty_places() => Assert.All(WindowLayout.Arrange(0, 0, [(640, 480), (1, 1)]), area => Assert.Equal(0, area.Width * area.Height));

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void A_mirror_exchanges_left_and_right_of_every_sample(PixelFormat format)
    {
        using FramePool pool = new();
        using VideoFrame source = pool.Rent(format, 38, 6), mirrored = pool.Rent(format, 38, 6), again = pool.Rent(format, 38, 6);
        for (int i = 0; i < source.PlaneCount; i++)
        {
            for (int y = 0; y < source.GetPlane(i).Height; y++)
            {
                Span<byte> row = source.GetPlane(i).Row(y);
                for (int x = 0; x < row.Length; x++) row[x] = (byte)(7 * x + 31 * y + 3 * i);
            }
        }

        PictureMirror.Copy(source, mirrored);
        PictureMirror.Copy(mirrored, again);

        FramePlane from = source.GetPlane(0), to = mirrored.GetPlane(0);
        int bytes = from.BytesPerElement;
        for (int x = 0; x < from.Width; x++)
            Assert.Equal(from.Row(2).Slice(x * bytes, bytes).ToArray(), to.Row(2).Slice((from.Width - 1 - x) * bytes, bytes).ToArray());
        for (int i = 0; i < source.PlaneCount; i++) Assert.Equal(source.GetPlane(i).Row(1).ToArray(), again.GetPlane(i).Row(1).ToArray());
    }

    [Theory]
    [InlineData(640)]
    [InlineData(641)]
    public void A_mirrored_face_projects_where_the_mirror_shows_it(int width)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, 480);
        Pose pose = new(new Vector3d(0.2, -0.5, 0.3), new Vector3d(1.2, -0.4, 9));
        TrackedFace face = new(1, new FaceDetection(new Box(100, 50, 180, 150), 1, pose), pose, Detected: true);

        TrackedFace mirrored = PictureMirror.Of(face, width, 480);

        Assert.Equal(new Box(width - 180, 50, width - 100, 150), mirrored.Face.Box);
        foreach (Vector3d point in (Vector3d[])[new(0.3, 0.2, -0.4), new(-0.5, 0.1, 0), new(0, 0.6, -0.7)])
        {
            (double x, double y) = camera.Project(RotationVector.ToMatrix(pose.Rotation) * point + pose.Translation);
            Vector3d other = point with { X = -point.X };
            (double mx, double my) = camera.Project(RotationVector.ToMatrix(mirrored.Face.Pose.Rotation) * other + mirrored.Face.Pose.Translation);
            // The principal point of an odd width lies half a pixel beside the middle, which shifts what is nearer a little more.
            Assert.Equal(width - x, mx, width % 2 == 0 ? 1e-9 : 0.1);
            Assert.Equal(y, my, 9);
        }
    }

    [Fact]
    public void Opacity_goes_round()
    {
        WindowView view = new(OverlayLayers.Mesh, 0.85f, Mirror: false);
        List<float> seen = [];
        for (int i = 0; i < 5; i++) seen.Add((view = view.NextOpacity()).Alpha);

        Assert.Equal([1, 0.25f, 0.5f, 0.85f, 1], seen);
        Assert.Equal(OverlayLayers.Mesh | OverlayLayers.Box, view.Toggle(OverlayLayers.Box).Layers);
    }

    [Fact]
    public unsafe void A_panel_is_drawn_once_and_laid_over_what_is_below()
    {
        using OverlayRenderer renderer = OverlayRenderer.Create();
        TextPanel panel = new(renderer);
        Tint ground = new(20, 40, 60, 128), ink = new(255, 255, 255, 255);

        Assert.True(panel.Set("30 fps", 2, 0, ground, ink));
        Assert.False(panel.Set("30 fps", 2, 0, ground, ink));
        uint[] target = new uint[(panel.Width + 3) * panel.Height];
        Array.Fill(target, 0xFF646464);
        fixed (uint* first = target) panel.Blend((byte*)first, 4 * (panel.Width + 3), panel.Width + 3, panel.Height);

        // Half of the ground's colour over grey; letters are white; what is beside the panel stays.
        uint corner = target[0];
        Assert.InRange((int)(corner & 255), 78, 82);
        Assert.InRange((int)((corner >> 16) & 255), 58, 62);
        Assert.Contains(target, pixel => (pixel & 0xFFFFFF) == 0xFFFFFF);
        Assert.Equal(0xFF646464, target[panel.Width]);
    }
}
