using System.Numerics;
using System.Runtime.InteropServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Windows;

namespace Img2Pose.Rendering.Tests;

/// <summary>What a window's graphics device draws, without a window.</summary>
public sealed class WindowCanvasTests : IDisposable
{
    private const OverlayLayers Everything =
        OverlayLayers.Mesh | OverlayLayers.Box | OverlayLayers.Axes | OverlayLayers.Points | OverlayLayers.Label;

    private readonly OverlayRenderer _renderer = Scenes.Renderer(new OverlayOptions { Meshes = Scenes.FaceMeshes() });
    private readonly FramePool _pool = new();

    public void Dispose()
    {
        _pool.Dispose();
        _renderer.Dispose();
    }

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.P010)]
    [InlineData(PixelFormat.Rgb24)]
    public void A_colour_comes_out_as_it_went_into_the_samples(PixelFormat format)
    {
        using CanvasTarget target = new(_renderer, 32, 16);
        Vector4 rgb = new(0.78f, 0.24f, 0.47f, 1);
        foreach (ColorMatrix matrix in Enum.GetValues<ColorMatrix>())
        {
            foreach (bool fullRange in new[] { false, true })
            {
                using VideoFrame frame = Flat(format, new ColorDescription(matrix, fullRange), rgb);

                target.Draw(frame, new WindowArea(0, 0, 32, 16));

                Assert.All(target.Pixels(), pixel =>
                {
                    Assert.InRange(pixel.R, 197, 201);
                    Assert.InRange(pixel.G, 59, 63);
                    Assert.InRange(pixel.B, 118, 122);
                });
            }
        }
    }

    [Theory]
    [InlineData(PixelFormat.I420, false)]
    [InlineData(PixelFormat.I420, true)]
    [InlineData(PixelFormat.Nv12, true)]
    [InlineData(PixelFormat.I420P10, false)]
    [InlineData(PixelFormat.P010, true)]
    [InlineData(PixelFormat.Rgb24, true)]
    public void Where_picture_and_window_agree_every_pixel_is_its_sample(PixelFormat format, bool mirror)
    {
        // Neither a whole number of vectors nor of four bytes.
        const int Width = 38, Height = 10;
        using CanvasTarget target = new(_renderer, 50, 20);
        using VideoFrame frame = Flat(format, new ColorDescription(ColorMatrix.Bt709, FullRange: true), new Vector4(0.5f, 0.5f, 0.5f, 1));
        byte[] values = new byte[Width * Height];
        new Random(4).NextBytes(values);
        using VideoFrame noise = _pool.Rent(format, Width, Height);
        noise.Color = frame.Color;
        for (int i = 1; i < frame.PlaneCount; i++) FillLike(noise.GetPlane(i), frame.GetPlane(i));
        for (int y = 0; y < Height; y++) SetLuma(noise, y, values.AsSpan(y * Width, Width));

        target.Draw(noise, new WindowArea(7, 6, Width, Height), mirror);

        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                (int r, int g, int b) = target[7 + (mirror ? Width - 1 - x : x), 6 + y];
                int expected = values[y * Width + x];
                // Chroma of the grey is right to half a level.
                Assert.InRange(r, expected - 2, expected + 2);
                Assert.InRange(g, expected - 2, expected + 2);
                Assert.InRange(b, expected - 2, expected + 2);
            }
        }
        // What is around is black: the picture keeps its place.
        Assert.Equal((0, 0, 0), target[6, 6]);
        Assert.Equal((0, 0, 0), target[7, 5]);
        Assert.Equal((0, 0, 0), target[7 + Width, 6]);
        Assert.Equal((0, 0, 0), target[7, 6 + Height]);
    }

    [Theory]
    [InlineData(128, 32)] // twice as large
    [InlineData(16, 4)] // a quarter
    [InlineData(50, 32)] // to another shape
    public void A_ramp_stays_a_ramp_in_every_size(int width, int height)
    {
        using CanvasTarget target = new(_renderer, width, height);
        using VideoFrame frame = Flat(PixelFormat.I420, new ColorDescription(ColorMatrix.Bt601, FullRange: true), new Vector4(0.5f, 0.5f, 0.5f, 1), 64, 16);
        byte[] ramp = [.. Enumerable.Range(0, 64).Select(x => (byte)(4 * x))];
        for (int y = 0; y < 16; y++) SetLuma(frame, y, ramp);

        target.Draw(frame, new WindowArea(0, 0, width, height));

        double step = 64.0 / width;
        int edge = (int)Math.Ceiling(2 / step);
        for (int x = edge; x < width - edge; x++)
        {
            double expected = 4 * ((x + 0.5) * step - 0.5);
            Assert.InRange(target[x, height / 2].G, expected - 1.5, expected + 1.5);
        }
    }

    [Theory]
    [InlineData(OverlayLayers.Mesh, 1, false, 0.5)]
    [InlineData(OverlayLayers.Mesh, 2, true, 0.5)]
    // Half of the colour of fine lines is lost in the samples of a picture, and enlarged they are coarser than the window's.
    [InlineData(Everything, 1, true, 1.2)]
    [InlineData(Everything, 2, false, 2.0)]
    public void Faces_lie_over_the_picture_as_the_encoder_gets_them(OverlayLayers layers, int scale, bool mirror, double most)
    {
        const int Width = 320, Height = 240;
        using CanvasTarget target = new(_renderer, Width * scale + 20, Height * scale + 10), expected = new(_renderer, Width * scale + 20, Height * scale + 10);
        using CanvasTarget plain = new(_renderer, Width * scale + 20, Height * scale + 10);
        WindowArea area = new(20, 10, Width * scale, Height * scale);
        ColorDescription color = new(ColorMatrix.Bt601, FullRange: false);
        using VideoFrame frame = Flat(PixelFormat.I420, color, new Vector4(0.3f, 0.4f, 0.5f, 1), Width, Height);
        TrackedFace[] faces =
        [
            Scenes.Face(new Vector3d(0.1, 0.3, 0.1), new Vector3d(-0.9, 0.1, 8), new Box(60, 70, 140, 170)),
            Scenes.Face(new Vector3d(-0.2, -0.4, 0), new Vector3d(1.4, -0.2, 11), new Box(190, 60, 250, 140), id: 2),
        ];
        TrackedFace[] shown = mirror ? [.. faces.Select(face => PictureMirror.Of(face, Width, Height))] : faces;
        using VideoFrame composed = _pool.RentCopy(frame);
        _renderer.Compose(composed, shown, layers, 0.85f);

        target.Draw(frame, area, mirror, canvas => canvas.Draw(area, (Width, Height), color, shown, layers, 0.85f));
        expected.Draw(composed, area);
        plain.Draw(frame, area, mirror);

        Assert.InRange(target.Difference(expected), 0, most);
        Assert.True(target.Difference(plain) > 4, "no face is drawn");
    }

    [Fact]
    public void Each_of_several_pictures_has_its_own_faces()
    {
        using CanvasTarget target = new(_renderer, 640, 240);
        ColorDescription color = new(ColorMatrix.Bt709, FullRange: false);
        using VideoFrame frame = Flat(PixelFormat.Nv12, color, new Vector4(0.2f, 0.2f, 0.2f, 1), 320, 240);
        // Of one size, so that the second is drawn into the tile of the first.
        TrackedFace left = Scenes.Face(default, new Vector3d(-0.8, 0, 8)), right = Scenes.Face(default, new Vector3d(0.8, 0, 8));
        WindowArea first = new(0, 0, 320, 240), second = new(320, 0, 320, 240);

        target.Begin();
        using PictureTextures picture = target.Canvas.CreatePicture();
        picture.Upload(frame);
        foreach ((WindowArea area, TrackedFace face) in new[] { (first, left), (second, right) })
        {
            target.Canvas.Draw(picture, area, mirror: false);
            target.Canvas.Draw(area, (320, 240), color, [face], OverlayLayers.Mesh, 1);
        }
        target.End();

        CameraIntrinsics camera = CameraIntrinsics.ForImage(320, 240);
        int leftX = (int)camera.Project(new Vector3d(-0.8, 0, 8)).X, rightX = (int)camera.Project(new Vector3d(0.8, 0, 8)).X;
        Assert.True(target[leftX, 120].G > 90 && target[320 + rightX, 120].G > 90, "a face is missing");
        Assert.True(target[rightX, 120].G < 60 && target[320 + leftX, 120].G < 60, "a face is in the other picture");
    }

    [Fact]
    public unsafe void Lettering_is_laid_over_as_the_processor_lays_it()
    {
        using CanvasTarget target = new(_renderer, 200, 60);
        using VideoFrame frame = Flat(PixelFormat.I420, new ColorDescription(ColorMatrix.Bt709, false), new Vector4(0.8f, 0.6f, 0.2f, 1), 200, 60);
        TextPanel panel = new(_renderer);
        panel.Set("30 fps", 2, 150, new Tint(20, 40, 60, 128), new Tint(255, 255, 255, 255));
        using PixelTexture pixels = target.Canvas.CreatePixels();
        pixels.Upload(panel.Pixels, panel.Width, panel.Height);
        target.Draw(frame, new WindowArea(0, 0, 200, 60));
        byte[] expected = target.Bgra();
        fixed (byte* corner = &expected[4 * (200 * 13 + 9)]) panel.Blend(corner, 4 * 200, 191, 47);

        target.Draw(frame, new WindowArea(0, 0, 200, 60), mirror: false, canvas => canvas.Draw(pixels, 9, 13));

        byte[] drawn = target.Bgra();
        for (int i = 0; i < drawn.Length; i++) Assert.InRange(drawn[i], expected[i] - 1, expected[i] + 1);
        Assert.Contains(expected, value => value == 255);
    }

    [Fact]
    public void A_picture_after_the_first_ones_allocates_nothing()
    {
        const int Pictures = 100;
        using CanvasTarget target = new(_renderer, 400, 300);
        ColorDescription color = new(ColorMatrix.Bt709, FullRange: false);
        using VideoFrame frame = Flat(PixelFormat.I420, color, new Vector4(0.2f, 0.2f, 0.2f, 1), 320, 240);
        TrackedFace[] faces = [Scenes.Face(default, new Vector3d(-0.8, 0, 8), new Box(60, 70, 140, 170))];
        using PictureTextures picture = target.Canvas.CreatePicture();
        uint[] lettering = new uint[300 * 20];
        using PixelTexture pixels = target.Canvas.CreatePixels();
        for (int i = 0; i < 8; i++) Show();
        // A collection that others cause counts what is left of the thread's share of the heap, 8 KiB; not each time.
        long least = long.MaxValue, leastDrawn = long.MaxValue;
        for (int round = 0; round < 4; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread(), drawnBefore = target.AllocatedByDevice();
            for (int i = 0; i < Pictures; i++) Show();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            leastDrawn = Math.Min(leastDrawn, target.AllocatedByDevice() - drawnBefore);
        }

        // Asking is not free: a thousand bytes and more on each side, for all pictures together. The smallest object has 24 bytes.
        Assert.InRange(least, 0, Pictures * 24 - 1);
        Assert.InRange(leastDrawn, 0, Pictures * 24 - 1);

        void Show()
        {
            target.Begin();
            picture.Upload(frame);
            target.Canvas.Draw(picture, new WindowArea(0, 0, 400, 300), mirror: true);
            target.Canvas.Draw(new WindowArea(0, 0, 400, 300), (320, 240), color, faces, Everything, 0.85f);
            pixels.Upload(lettering, 300, 20);
            target.Canvas.Draw(pixels, 0, 280);
            target.Canvas.Submit();
        }
    }

    [Theory]
    [InlineData("llvmpipe (LLVM 15.0.6, 256 bits)", true)]
    [InlineData("softpipe", true)]
    [InlineData("Mesa DRI swrast", true)]
    [InlineData("Software Rasterizer", true)]
    [InlineData("NVIDIA H100 80GB HBM3/PCIe/SSE2", false)]
    [InlineData("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", false)]
    public void A_rasteriser_is_known_by_its_name(string name, bool isRasteriser) => Assert.Equal(isRasteriser, OverlayRenderer.IsRasteriser(name));

    /// <summary>A picture of one colour, by the map that the overlay is drawn with.</summary>
    private VideoFrame Flat(PixelFormat format, ColorDescription color, Vector4 rgb, int width = 30, int height = 14)
    {
        VideoFrame frame = _pool.Rent(format, width, height);
        frame.Color = color;
        (Vector4 first, Vector4 second, Vector4 third) = OverlayColor.Rows(format, color);
        float[] values = [Vector4.Dot(first, rgb), Vector4.Dot(second, rgb), Vector4.Dot(third, rgb)];
        bool ten = format is PixelFormat.I420P10 or PixelFormat.P010;
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            for (int y = 0; y < plane.Height; y++)
            {
                Span<byte> row = plane.Row(y);
                int samples = row.Length / (ten ? 2 : 1);
                int step = format == PixelFormat.Rgb24 ? 3 : i == 1 && frame.PlaneCount == 2 ? 2 : 1;
                for (int x = 0; x < samples; x++)
                {
                    int component = i + x % step;
                    if (!ten)
                    {
                        row[x] = (byte)MathF.Round(255 * values[component]);
                        continue;
                    }
                    float middle = component == 0 ? 0 : 128f / 255;
                    float level = color.FullRange ? 1023 * (values[component] - middle) + (component == 0 ? 0 : 512) : 4 * 255 * values[component];
                    MemoryMarshal.Cast<byte, ushort>(row)[x] = (ushort)((int)MathF.Round(level) << (format == PixelFormat.P010 ? 6 : 0));
                }
            }
        }
        return frame;
    }

    private static void FillLike(FramePlane plane, FramePlane flat)
    {
        for (int y = 0; y < plane.Height; y++)
        {
            Span<byte> row = plane.Row(y), like = flat.Row(0);
            for (int x = 0; x < row.Length; x++) row[x] = like[x % plane.BytesPerElement];
        }
    }

    private static void SetLuma(VideoFrame frame, int y, ReadOnlySpan<byte> values)
    {
        Span<byte> row = frame.GetPlane(0).Row(y);
        for (int x = 0; x < values.Length; x++)
        {
            int ten = (values[x] * 1023 + 127) / 255;
            switch (frame.Format)
            {
                case PixelFormat.I420P10:
                    MemoryMarshal.Cast<byte, ushort>(row)[x] = (ushort)ten;
                    break;
                case PixelFormat.P010:
                    MemoryMarshal.Cast<byte, ushort>(row)[x] = (ushort)(ten << 6);
                    break;
                case PixelFormat.Rgb24:
                    row.Slice(3 * x, 3).Fill(values[x]);
                    break;
                default:
                    row[x] = values[x];
                    break;
            }
        }
    }
}
