using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Tests;

public sealed unsafe class OverlayBlenderTests
{
    public static TheoryData<PixelFormat, bool, int, int> Cases()
    {
        TheoryData<PixelFormat, bool, int, int> cases = [];
        // P010 is a layout of device memory; on the host it is I420P10.
        foreach (PixelFormat format in Enum.GetValues<PixelFormat>().Where(format => format != PixelFormat.P010))
        {
            foreach (bool fullRange in (bool[])[false, true])
            {
                cases.Add(format, fullRange, 96, 40);
                cases.Add(format, fullRange, 77, 41); // odd sides, rows that are no whole number of vectors
                cases.Add(format, fullRange, 5, 3);
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_vector_loops_give_the_plain_loops_result_to_the_bit(PixelFormat format, bool fullRange, int width, int height)
    {
        using FramePool pool = new();
        for (int seed = 0; seed < 8; seed++)
        {
            using VideoFrame plain = Scenes.Noise(pool, format, width, height, seed);
            plain.Color = new ColorDescription(ColorMatrix.Bt709, fullRange);
            using VideoFrame vectors = pool.RentCopy(plain);
            int x = 2 * (seed % 3), y = 2 * (seed % 2);
            OverlayRegion region = new(Math.Min(x, (width - 1) & ~1), Math.Min(y, (height - 1) & ~1), 0, 0);
            region = region with { Width = (width - region.X + 1) & ~1, Height = (height - region.Y + 1) & ~1 };
            byte[] tile = Tile(seed, region.Width, region.Height);

            fixed (byte* pixels = tile)
            {
                OverlayBlender.Blend(plain, pixels, 4 * region.Width, tile.Length, region, vectorised: false);
                OverlayBlender.Blend(vectors, pixels, 4 * region.Width, tile.Length, region);
            }

            Assert.Equal(Scenes.Samples(plain), Scenes.Samples(vectors));
        }
    }

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.Nv12)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void An_empty_tile_changes_nothing(PixelFormat format)
    {
        using FramePool pool = new();
        using VideoFrame frame = Scenes.Noise(pool, format, 64, 32), before = pool.RentCopy(frame);
        byte[] tile = new byte[64 * 32 * 4];

        fixed (byte* pixels = tile)
        {
            OverlayBlender.Blend(frame, pixels, 256, tile.Length, new OverlayRegion(0, 0, 64, 32));
            OverlayBlender.Blend(frame, pixels, 256, tile.Length, new OverlayRegion(0, 0, 64, 32), vectorised: false);
        }

        Assert.Equal(Scenes.Samples(before), Scenes.Samples(frame));
    }

    [Theory]
    [InlineData(-2, 0, 8, 8, 32, 256)]
    [InlineData(0, -2, 8, 8, 32, 256)]
    [InlineData(1, 0, 8, 8, 32, 256)]
    [InlineData(64, 0, 8, 8, 32, 256)]
    [InlineData(0, 32, 8, 8, 32, 256)]
    [InlineData(0, 0, 0, 8, 32, 256)]
    [InlineData(0, 0, 8, int.MaxValue, 32, 256)]
    [InlineData(0, 0, int.MaxValue, 8, 32, 256)]
    // Rows that overlap, and a tile that ends early.
    [InlineData(0, 0, 8, 8, 28, 256)]
    [InlineData(0, 0, 8, 8, 32, 255)]
    [InlineData(0, 0, 8, 8, int.MaxValue, 256)]
    public unsafe void A_region_outside_the_picture_or_the_tile_is_refused(int x, int y, int width, int height, int stride, long bytes)
    {
        using FramePool pool = new();
        using VideoFrame frame = Scenes.Noise(pool, PixelFormat.I420, 64, 32), before = pool.RentCopy(frame);
        byte[] tile = new byte[256];
        tile.AsSpan().Fill(255);

        Assert.Throws<ArgumentException>(() =>
        {
            fixed (byte* pixels = tile) OverlayBlender.Blend(frame, pixels, stride, bytes, new OverlayRegion(x, y, width, height));
        });

        Assert.Equal(Scenes.Samples(before), Scenes.Samples(frame));
    }

    [Fact]
    public void An_opaque_tile_replaces_and_a_half_one_mixes()
    {
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.I420, 16, 2);
        for (int i = 0; i < 3; i++)
        {
            for (int y = 0; y < frame.GetPlane(i).Height; y++) frame.GetPlane(i).Row(y).Fill(100);
        }
        byte[] tile = new byte[16 * 2 * 4];
        for (int i = 0; i < tile.Length; i += 4)
        {
            bool opaque = i / 4 % 16 < 8;
            // 200, 60, 220: whole, then times 51/255 = one fifth.
            (tile[i], tile[i + 1], tile[i + 2], tile[i + 3]) = opaque ? ((byte)200, (byte)60, (byte)220, (byte)255) : ((byte)40, (byte)12, (byte)44, (byte)51);
        }

        fixed (byte* pixels = tile) OverlayBlender.Blend(frame, pixels, 64, tile.Length, new OverlayRegion(0, 0, 16, 2));

        Assert.Equal(200, frame.GetPlane(0).Row(0)[0]);
        Assert.Equal(120, frame.GetPlane(0).Row(1)[15]); // 0.2 · 200 + 0.8 · 100
        Assert.Equal(60, frame.GetPlane(1).Row(0)[0]);
        Assert.Equal(92, frame.GetPlane(1).Row(0)[7]); // 0.2 · 60 + 0.8 · 100
        Assert.Equal(220, frame.GetPlane(2).Row(0)[0]);
        Assert.Equal(124, frame.GetPlane(2).Row(0)[7]); // 0.2 · 220 + 0.8 · 100
    }

    [Theory]
    // Eight-bit codes of pure red: ITU-R BT.601-7 and BT.709-6, quantised by their section on digital representation.
    [InlineData(ColorMatrix.Bt601, false, 81, 90, 240)]
    [InlineData(ColorMatrix.Bt709, false, 63, 102, 240)]
    [InlineData(ColorMatrix.Bt709, true, 54, 99, 255)]
    public void Red_has_the_codes_of_its_matrix_and_range(ColorMatrix matrix, bool fullRange, int y, int u, int v)
    {
        (Vector4 first, Vector4 second, Vector4 third) = OverlayColor.Rows(PixelFormat.I420, new ColorDescription(matrix, fullRange));
        Vector4 red = new(1, 0, 0, 1);

        Assert.Equal(y, (int)MathF.Round(255 * Vector4.Dot(first, red)));
        Assert.Equal(u, (int)MathF.Round(255 * Vector4.Dot(second, red)));
        Assert.Equal(v, (int)MathF.Round(Math.Min(255, 255 * Vector4.Dot(third, red))));
    }

    /// <summary>Pixels multiplied by their opacity, a third of them empty, in runs as a drawing has them.</summary>
    private static byte[] Tile(int seed, int width, int height)
    {
        Random random = new(seed);
        byte[] tile = new byte[width * height * 4];
        for (int i = 0; i < tile.Length; i += 4)
        {
            if (i / 64 % 3 == 0) continue;
            int opacity = random.Next(4) switch { 0 => 255, 1 => 0, _ => random.Next(256) };
            for (int c = 0; c < 3; c++) tile[i + c] = (byte)((random.Next(256) * opacity + 127) / 255);
            tile[i + 3] = (byte)opacity;
        }
        return tile;
    }

    [Theory]
    [InlineData(1, 235)] // BT.709
    [InlineData(16, 143.2)] // PQ: 203 cd/m2 is 0.5807 of the signal
    [InlineData(18, 180.25)] // HLG: 75 %
    public void White_is_paper_white_in_pictures_of_high_dynamic_range(int transfer, double luma)
    {
        (Vector4 first, Vector4 second, Vector4 third) = OverlayColor.Rows(
            PixelFormat.I420P10, new ColorDescription(ColorMatrix.Bt2020, FullRange: false, TransferTag: transfer));
        Vector4 white = Vector4.One;

        Assert.Equal(luma, 255 * Vector4.Dot(first, white), 0.1);
        Assert.Equal(128, 255 * Vector4.Dot(second, white), 0.1);
        Assert.Equal(128, 255 * Vector4.Dot(third, white), 0.1);
    }
}
