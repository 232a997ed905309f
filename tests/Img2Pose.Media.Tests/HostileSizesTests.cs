using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media.Tests;

/// <summary>Sizes, strides and pointers that do not fit together never reach a loop or swscale.</summary>
public sealed unsafe class HostileSizesTests
{
    private const AVPixelFormat I420 = AVPixelFormat.AV_PIX_FMT_YUV420P;

    public static TheoryData<string> Lies => new("wider", "higher", "stride", "zero stride", "no plane", "plane behind", "plane before", "chroma behind");

    [Theory]
    [MemberData(nameof(Lies))]
    public void A_decoders_picture_that_does_not_lie_in_its_memory_is_refused(string lie)
    {
        using FrameHandle handle = Picture(64, 32);
        AVFrame* picture = handle.Pointer;
        switch (lie)
        {
            case "wider": picture->width = 4096; break;
            case "higher": picture->height = 4096; break;
            case "stride": picture->linesize[0] = int.MaxValue; break;
            case "zero stride": picture->linesize[0] = 0; break;
            case "no plane": picture->data[1] = null; break;
            case "plane behind": picture->data[0] += picture->buf[0]->size; break;
            case "plane before": picture->data[0] -= 64; break;
            case "chroma behind": picture->data[2] += 1 << 20; break;
        }
        using DecodedPictures pictures = new();

        Assert.ThrowsAny<Exception>(() => pictures.Lease(picture, PixelFormat.I420).Dispose());

        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Fact]
    public void A_decoders_picture_that_is_what_it_says_is_lent()
    {
        using FrameHandle handle = Picture(64, 32);
        using DecodedPictures pictures = new();

        using VideoFrame frame = pictures.Lease(handle.Pointer, PixelFormat.I420);

        Assert.Equal((64, 32, 3), (frame.Width, frame.Height, frame.PlaneCount));
    }

    [Fact]
    public void Turning_needs_room_for_the_turned_picture()
    {
        using FramePool pool = new();
        using VideoFrame stored = pool.Rent(PixelFormat.I420, 64, 32), same = pool.Rent(PixelFormat.I420, 64, 32);
        using FramePool others = new();
        using VideoFrame turned = others.Rent(PixelFormat.I420, 32, 64), rgb = new FramePool().Rent(PixelFormat.Rgb24, 32, 64);

        Assert.Throws<ArgumentException>(() => PictureOrientation.Rotate90.Apply(stored, same));
        Assert.Throws<ArgumentException>(() => PictureOrientation.Rotate180.Apply(stored, turned));
        Assert.Throws<ArgumentException>(() => PictureOrientation.Rotate90.Apply(stored, rgb));
        PictureOrientation.Rotate90.Apply(stored, turned);
    }

    [Theory]
    // What is said of the source, what is to be written, and where.
    [InlineData(128, 32, 64, 32, 0, 0)]
    [InlineData(64, 33, 64, 32, 0, 0)]
    [InlineData(64, 32, 66, 32, 0, 0)]
    [InlineData(64, 32, 64, 34, 0, 0)]
    [InlineData(64, 32, 64, 32, 2, 0)]
    [InlineData(64, 32, 64, 32, 0, 2)]
    [InlineData(64, 32, 32, 16, -2, 0)]
    [InlineData(64, 32, 32, 16, 0, -2)]
    [InlineData(64, 32, 32, 16, 1, 0)]
    [InlineData(64, 32, int.MaxValue, 16, 2, 0)]
    public void Scaling_reads_and_writes_within_the_frames(int width, int height, int targetWidth, int targetHeight, int x, int y)
    {
        using FramePool pool = new();
        using VideoFrame source = pool.Rent(PixelFormat.I420, 64, 32), target = pool.Rent(PixelFormat.I420, 64, 32);
        using PixelConverter converter = new();
        PictureLayout read = new(I420, width, height, ColorMatrix.Bt601, false, true), written = read with { Width = targetWidth, Height = targetHeight };

        Assert.Throws<ArgumentException>(() => converter.Convert(source, read, target, written, x, y));
    }

    [Fact]
    public void Scaling_takes_a_picture_for_what_it_is()
    {
        using FramePool pool = new();
        using VideoFrame target = pool.Rent(PixelFormat.I420, 64, 32);
        using FrameHandle picture = Picture(64, 32);
        using PixelConverter converter = new();
        PictureLayout layout = new(I420, 64, 32, ColorMatrix.Bt601, false, true);

        Assert.Throws<ArgumentException>(() => converter.Convert(picture.Pointer, layout with { Height = 64 }, target, layout));
        Assert.Throws<ArgumentException>(() => converter.Convert(picture.Pointer, layout, target, layout with { Format = AVPixelFormat.AV_PIX_FMT_RGB24 }));
        converter.Convert(picture.Pointer, layout, target, layout);
    }

    private static FrameHandle Picture(int width, int height)
    {
        FrameHandle handle = new();
        (handle.Pointer->width, handle.Pointer->height, handle.Pointer->format) = (width, height, (int)I420);
        Assert.Equal(0, ffmpeg.av_frame_get_buffer(handle.Pointer, 0));
        return handle;
    }
}
