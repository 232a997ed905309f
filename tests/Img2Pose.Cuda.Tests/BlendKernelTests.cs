using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cuda.Tests;

/// <summary>The blend kernel against the CPU's plain loops: equal to the last bit, and nothing outside the rectangle.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed unsafe class BlendKernelTests : IDisposable
{
    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData(PixelFormat.I420, 96, 40)]
    [InlineData(PixelFormat.I420, 77, 41)]
    [InlineData(PixelFormat.Nv12, 96, 40)]
    [InlineData(PixelFormat.Nv12, 77, 41)]
    [InlineData(PixelFormat.I420P10, 96, 40)]
    [InlineData(PixelFormat.I420P10, 77, 41)]
    [InlineData(PixelFormat.Rgb24, 77, 41)]
    [InlineData(PixelFormat.Rgb24, 5, 3)]
    public void A_rectangle_is_blended_as_on_the_cpu(PixelFormat format, int width, int height)
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        for (int seed = 0; seed < 8; seed++)
        {
            using VideoFrame source = RandomFrames.Create(pool, format, width, height, seed);
            source.Color = new ColorDescription(ColorMatrix.Bt709, FullRange: seed % 2 == 1);
            using VideoFrame expected = pool.RentCopy(source);
            int x = Math.Min(2 * (seed % 4), (width - 1) & ~1), y = Math.Min(2 * (seed % 3), (height - 1) & ~1);
            OverlayRegion region = new(x, y, (width - x + 1) & ~1, (height - y + 1) & ~1);
            byte[] tile = Tile(seed, region.Width, region.Height);
            fixed (byte* pixels = tile) OverlayBlender.Blend(expected, pixels, 4 * region.Width, tile.Length, region, vectorised: false);
            using DeviceFrame frame = frames.Rent(DeviceFrame.FormatOf(format), width, height);
            using DeviceBuffer deviceTile = new(device, tile.Length);
            using PinnedBuffer staging = new(device, tile.Length);
            tile.CopyTo(staging.Bytes);

            frame.Upload(source, queue);
            queue.Upload(staging, 0, deviceTile, 0, tile.Length);
            queue.Blend(new BlendParameters
            {
                Planes = frame.Picture.Planes,
                Strides = frame.Picture.Strides,
                Tile = deviceTile.Address,
                TileStride = 4 * region.Width,
                X = region.X,
                Y = region.Y,
                Width = Math.Min(region.Width, width - region.X),
                Height = Math.Min(region.Height, height - region.Y),
                ChromaWidth = Math.Min(region.Width / 2, (width + 1) / 2 - region.X / 2),
                ChromaHeight = Math.Min(region.Height / 2, (height + 1) / 2 - region.Y / 2),
                Format = frame.Picture.Format,
                TenBitScale = OverlayBlender.TenBitScale(source.Color.FullRange),
            });
            using VideoFrame actual = pool.RentCopy(source);
            frame.Download(actual, queue);

            Assert.Equal(RandomFrames.Samples(expected), RandomFrames.Samples(actual));
        }
    }

    // Premultiplied, as the renderer draws: no component exceeds the opacity. A part is empty, a part opaque.
    private static byte[] Tile(int seed, int width, int height)
    {
        Random random = new(seed);
        byte[] tile = new byte[4 * width * height];
        for (int i = 0; i < tile.Length; i += 4)
        {
            int opacity = random.Next(3) switch { 0 => 0, 1 => 255, _ => random.Next(256) };
            for (int c = 0; c < 3; c++) tile[i + c] = (byte)random.Next(opacity + 1);
            tile[i + 3] = (byte)opacity;
        }
        return tile;
    }
}
