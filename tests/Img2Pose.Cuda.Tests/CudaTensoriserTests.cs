using System.Runtime.InteropServices;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;

namespace Img2Pose.Cuda.Tests;

/// <summary>The kernel against the CPU's tensoriser: equal to the last bit.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class CudaTensoriserTests : IDisposable
{
    private static readonly Normalisation s_normalisation = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

    private readonly Emulator _emulator = new();

    public void Dispose() => _emulator.Dispose();

    [Theory]
    [InlineData(PixelFormat.I420, 128, 72, 64, 36, false, false)] // halves evenly
    [InlineData(PixelFormat.Nv12, 128, 72, 64, 36, true, false)]
    [InlineData(PixelFormat.I420P10, 101, 67, 77, 51, false, false)]
    [InlineData(PixelFormat.Nv12, 101, 67, 77, 51, false, true)]
    [InlineData(PixelFormat.Rgb24, 101, 67, 133, 90, false, true)]
    [InlineData(PixelFormat.I420, 331, 187, 61, 40, true, false)] // block means both ways
    [InlineData(PixelFormat.Nv12, 331, 187, 61, 40, true, true)]
    [InlineData(PixelFormat.I420P10, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.Rgb24, 331, 187, 61, 40, true, false)]
    [InlineData(PixelFormat.Rgb24, 64, 40, 64, 40, true, false)]
    [InlineData(PixelFormat.I420, 1, 1, 1, 1, true, false)]
    [InlineData(PixelFormat.Nv12, 2, 3, 9, 1, false, false)]
    public void Every_format_is_that_of_the_cpu_to_the_bit(
        PixelFormat format, int width, int height, int targetWidth, int targetHeight, bool prefilter, bool mirror)
    {
        using CudaDevice device = CudaDevice.Open();

        AssertEqual(device, format, new ColorDescription(ColorMatrix.Bt709, false), (width, height), (targetWidth, targetHeight), prefilter, mirror, 1);
    }

    [Fact]
    public void Any_size_to_any_size_is_that_of_the_cpu_to_the_bit()
    {
        using CudaDevice device = CudaDevice.Open();
        Random random = new(20);
        for (int i = 0; i < 60; i++)
        {
            AssertEqual(
                device, (PixelFormat)random.Next(4), new ColorDescription((ColorMatrix)random.Next(3), random.Next(2) == 1),
                (random.Next(1, 120), random.Next(1, 90)), (random.Next(1, 60), random.Next(1, 40)),
                random.Next(2) == 1, random.Next(2) == 1, i);
        }
    }

    [Theory]
    [InlineData("eager")]
    [InlineData("delayed")]
    [InlineData("held")]
    public void A_batch_of_differing_pictures_is_one_launch_and_has_the_order_that_markers_give(string pace)
    {
        Emulator.Set("STREAMS", pace);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue uploads = new(device), compute = new(device);
        using CudaTensoriser tensoriser = new(compute, s_normalisation, prefilter: true, capacity: 4);
        using FramePool pool = new(16);
        using DeviceFramePool frames = new(device);
        using DeviceBuffer tensor = new(device, 4L * 3 * 48 * 32 * sizeof(float));
        using PinnedBuffer host = new(device, (int)tensor.Length);
        (int Width, int Height)[] targets = [(48, 27), (40, 32), (48, 32), (13, 32)];

        // More rounds than job lists, so that each is written again after the device has read it.
        for (int round = 0; round < 8; round++)
        {
            VideoFrame[] sources = [.. Enumerable.Range(0, 4).Select(i => RandomFrames.Create(pool, PixelFormat.Nv12, 96, 54, 10 * round + i))];
            long launches = Emulator.Count("launches");
            DeviceFrame[] batch = [.. sources.Select(_ => frames.Rent(DevicePixelFormat.Nv12, 96, 54))];
            for (int slot = 0; slot < batch.Length; slot++)
            {
                batch[slot].Upload(sources[slot], uploads);
                compute.WaitFor(batch[slot].Ready);
                tensoriser.Add(
                    batch[slot].Picture, sources[slot].Color, targets[slot].Width, targets[slot].Height,
                    TensorRectangle.Slot(tensor, slot, 48, 32));
            }
            tensoriser.Run();
            // Given back before the device has read them: the next holder's uploads wait for this one's reading.
            foreach (DeviceFrame frame in batch)
            {
                compute.Mark(frame.Consumed);
                frame.Dispose();
            }
            compute.Download(tensor, 0, host, 0, host.Length);
            compute.Synchronize();

            Assert.Equal(1, Emulator.Count("launches") - launches);
            Span<float> values = MemoryMarshal.Cast<byte, float>(host.Bytes);
            for (int slot = 0; slot < 4; slot++)
            {
                float[] expected = OnCpu(sources[slot], targets[slot].Width, targets[slot].Height, 48, 32, prefilter: true, mirror: false);
                AssertSame(expected, values.Slice(slot * expected.Length, expected.Length));
                sources[slot].Dispose();
            }
        }
    }

    [Fact]
    public void A_crop_is_that_of_the_same_samples_in_a_frame_of_their_own()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaTensoriser tensoriser = new(queue, s_normalisation, prefilter: true, capacity: 1);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        foreach (PixelFormat format in Enum.GetValues<PixelFormat>().Where(f => f <= PixelFormat.Rgb24))
        {
            using VideoFrame whole = RandomFrames.Create(pool, format, 90, 60, 3);
            using VideoFrame part = CutOut(pool, whole, 22, 14, 40, 31);
            using DeviceFrame frame = frames.Rent(DeviceFrame.FormatOf(format), 90, 60);
            frame.Upload(whole, queue);

            float[] actual = Run(device, queue, tensoriser, frame.Picture.Crop(22, 14, 40, 31), whole.Color, (25, 20), (30, 24));

            AssertSame(OnCpu(part, 25, 20, 30, 24, prefilter: true, mirror: false), actual);
        }
    }

    [Fact]
    public void Ten_bits_in_the_high_bits_are_those_in_the_low_bits()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaTensoriser tensoriser = new(queue, s_normalisation, prefilter: true, capacity: 1);
        using FramePool pool = new();
        using VideoFrame planar = RandomFrames.Create(pool, PixelFormat.I420P10, 50, 38, 4);
        byte[] luma = HighBits(planar, 0), cb = HighBits(planar, 1), cr = HighBits(planar, 2);
        byte[] pairs = [.. Enumerable.Range(0, cb.Length / 2).SelectMany(i => (byte[])[cb[2 * i], cb[2 * i + 1], cr[2 * i], cr[2 * i + 1]])];
        using DeviceBuffer memory = new(device, luma.Length + pairs.Length);
        using PinnedBuffer host = new(device, luma.Length + pairs.Length);
        luma.CopyTo(host.Bytes);
        pairs.CopyTo(host.Bytes[luma.Length..]);
        queue.Upload(host, 0, memory, 0, host.Length);
        DevicePicture picture = new(
            DevicePixelFormat.P010, 50, 38, new Triple<nint> { First = memory.Address, Second = memory.Address + luma.Length },
            new Triple<long> { First = 100, Second = 100 });

        float[] actual = Run(device, queue, tensoriser, picture, planar.Color, (32, 20), (32, 20));

        AssertSame(OnCpu(planar, 32, 20, 32, 20, prefilter: true, mirror: false), actual);
    }

    [Fact]
    public void A_half_precision_tensor_is_the_single_precision_one_rounded()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        using VideoFrame source = RandomFrames.Create(pool, PixelFormat.I420, 64, 48, 5);
        using DeviceFrame frame = frames.Rent(DevicePixelFormat.I420, 64, 48);
        frame.Upload(source, queue);
        // The last divides by so little and so much that values overflow, or fall below the normal ones.
        foreach (Normalisation normalisation in (Normalisation[])[s_normalisation, new([0.5, 0, 0.1], [1e-6, 3e5, 1e9])])
        {
            using CudaTensoriser tensoriser = new(queue, normalisation, prefilter: false, capacity: 1);
            using DeviceBuffer tensor = new(device, 3L * 33 * 25 * sizeof(ushort));
            using PinnedBuffer host = new(device, (int)tensor.Length);

            tensoriser.Add(frame.Picture, source.Color, 33, 25, TensorRectangle.Slot(tensor, 0, 33, 25, half: true));
            tensoriser.Run();
            queue.Download(tensor, 0, host, 0, host.Length);
            queue.Synchronize();

            float[] single = new float[3 * 33 * 25];
            using Tensoriser cpu = new(normalisation, prefilter: false);
            cpu.Write(source, 33, 25, single, 33, 25);
            Half[] expected = [.. single.Select(v => (Half)v)];
            Assert.Equal(expected.Select(BitConverter.HalfToUInt16Bits), MemoryMarshal.Cast<byte, ushort>(host.Bytes).ToArray());
        }
    }

    [Fact]
    public void A_rectangle_of_a_canvas_leaves_the_rest_of_it_alone()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaTensoriser tensoriser = new(queue, s_normalisation, prefilter: false, capacity: 2);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        using VideoFrame source = RandomFrames.Create(pool, PixelFormat.Nv12, 40, 40, 6);
        using DeviceFrame frame = frames.Rent(DevicePixelFormat.Nv12, 40, 40);
        frame.Upload(source, queue);
        const int Width = 64, Height = 40;
        using DeviceBuffer tensor = new(device, 3L * Width * Height * sizeof(float));
        using PinnedBuffer host = new(device, (int)tensor.Length);
        host.Bytes.Fill(0x40);
        float before = MemoryMarshal.Cast<byte, float>(host.Bytes)[0];
        queue.Upload(host, 0, tensor, 0, host.Length);

        TensorRectangle place = new(tensor.Address + (5 * Width + 30) * sizeof(float), 20, 20, Width, Width * Height);
        tensoriser.Add(frame.Picture, source.Color, 20, 16, place);
        tensoriser.Run();
        queue.Download(tensor, 0, host, 0, host.Length);
        queue.Synchronize();

        float[] canvas = MemoryMarshal.Cast<byte, float>(host.Bytes).ToArray();
        float[] expected = OnCpu(source, 20, 16, 20, 20, prefilter: false, mirror: false);
        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < Height; y++)
            {
                for (int x = 0; x < Width; x++)
                {
                    bool inside = x is >= 30 and < 50 && y is >= 5 and < 25;
                    float wanted = inside ? expected[(c * 20 + y - 5) * 20 + x - 30] : before;
                    Assert.Equal(BitConverter.SingleToUInt32Bits(wanted), BitConverter.SingleToUInt32Bits(canvas[(c * Height + y) * Width + x]));
                }
            }
        }
    }

    [Theory]
    [InlineData(PixelFormat.I420, false)]
    [InlineData(PixelFormat.I420, true)]
    [InlineData(PixelFormat.Nv12, false)]
    [InlineData(PixelFormat.Nv12, true)]
    [InlineData(PixelFormat.I420P10, true)]
    [InlineData(PixelFormat.Rgb24, true)]
    public void Behind_the_common_interface_a_network_gets_the_same_input_whatever_memory_frames_and_input_lie_in(PixelFormat format, bool onDevice)
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        // Fewer than the pictures of the batch, which then is more than one launch.
        using CudaTensoriser cuda = new(queue, s_normalisation, prefilter: true, capacity: 2);
        using Tensoriser host = new(s_normalisation, prefilter: true);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        using VideoFrame source = RandomFrames.Create(pool, format, 90, 60, 7);
        using DeviceFrame uploaded = frames.Rent(DeviceFrame.FormatOf(format), 90, 60);
        uploaded.Upload(source, queue);
        using NetworkInput onHost = new(), inDevice = new(queue);
        (PictureRegion Region, int Width, int Height)[] pictures = [(PictureRegion.Whole(90, 60), 48, 32), (new PictureRegion(22, 14, 40, 31), 40, 31), (new PictureRegion(0, 0, 2, 60), 1, 32)];

        for (int round = 0; round < 4; round++)
        {
            using VideoFrame frame = onDevice ? InDeviceMemory(uploaded, source) : source.AddReference();
            onHost.Shape(pictures.Length, 32, 48);
            inDevice.Shape(pictures.Length, 32, 48);
            Write(host, source, onHost);
            Write(cuda, frame, inDevice);

            using PinnedBuffer values = new(device, (int)inDevice.DeviceImage.Length);
            queue.Download(inDevice.DeviceImage, 0, values, 0, values.Length);
            queue.Synchronize();
            AssertSame(onHost.Image, MemoryMarshal.Cast<byte, float>(values.Bytes));
            Assert.Equal(onHost.Sizes, inDevice.Sizes);
            Assert.True(inDevice.ImageValue.IsTensor);
        }

        void Write(ITensoriser tensoriser, VideoFrame frame, NetworkInput input)
        {
            Assert.Equal(input.Memory, tensoriser.Memory);
            for (int i = 0; i < pictures.Length; i++)
                tensoriser.Write(frame, pictures[i].Region, pictures[i].Width, pictures[i].Height, input, i, mirror: i == 1);
            tensoriser.Finish();
        }
    }

    [Fact]
    public void A_picture_that_does_not_fit_takes_the_batch_with_it_and_not_the_next_one()
    {
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue queue = new(device);
        using CudaTensoriser cuda = new(queue, s_normalisation, prefilter: true, capacity: 4);
        using FramePool pool = new();
        using VideoFrame source = RandomFrames.Create(pool, PixelFormat.I420, 32, 32, 7);
        using NetworkInput input = new(queue);
        input.Shape(2, 32, 32);
        ITensoriser tensoriser = cuda;
        PictureRegion whole = PictureRegion.Whole(32, 32);

        tensoriser.Write(source, whole, 32, 32, input, 0, mirror: false);
        Assert.Throws<ArgumentException>(() => tensoriser.Write(source, new PictureRegion(0, 0, 64, 32), 32, 32, input, 1, mirror: false));
        long before = Emulator.Count("launches");
        tensoriser.Finish();

        Assert.Equal(before, Emulator.Count("launches"));
        Assert.Throws<InvalidOperationException>(() => { _ = input.Image.Length; });
    }

    private static VideoFrame InDeviceMemory(DeviceFrame memory, VideoFrame like)
    {
        VideoFrame frame = new(new NoOwner());
        DevicePicture picture = memory.Picture;
        nint[] addresses = [picture.Planes.First, picture.Planes.Second, picture.Planes.Third];
        long[] strides = [picture.Strides.First, picture.Strides.Second, picture.Strides.Third];
        FramePlane[] planes = [.. Enumerable.Range(0, like.PlaneCount).Select(i =>
            new FramePlane(addresses[i], MemoryKind.Cuda, (int)strides[i], like.GetPlane(i).Width, like.GetPlane(i).Height, like.GetPlane(i).BytesPerElement))];
        frame.Lease(like.Format, like.Width, like.Height, planes, writable: false);
        frame.CopyPropertiesFrom(like);
        frame.Order = memory.Order;
        return frame;
    }

    private sealed class NoOwner : IVideoFrameOwner
    {
        public void Reclaim(VideoFrame frame)
        {
        }
    }

    private static void AssertEqual(
        CudaDevice device, PixelFormat format, ColorDescription color, (int Width, int Height) size, (int Width, int Height) target,
        bool prefilter, bool mirror, int seed)
    {
        using CudaQueue queue = new(device);
        using CudaTensoriser tensoriser = new(queue, s_normalisation, prefilter, capacity: 1);
        using FramePool pool = new();
        using DeviceFramePool frames = new(device);
        using VideoFrame source = RandomFrames.Create(pool, format, size.Width, size.Height, seed);
        source.Color = color;
        using DeviceFrame frame = frames.Rent(DeviceFrame.FormatOf(format), size.Width, size.Height);
        frame.Upload(source, queue);
        (int Width, int Height) padded = (target.Width + seed % 3, target.Height + seed % 2);

        float[] actual = Run(device, queue, tensoriser, frame.Picture, color, target, padded, mirror);

        AssertSame(OnCpu(source, target.Width, target.Height, padded.Width, padded.Height, prefilter, mirror), actual);
    }

    private static float[] Run(
        CudaDevice device, CudaQueue queue, CudaTensoriser tensoriser, DevicePicture picture, ColorDescription color,
        (int Width, int Height) target, (int Width, int Height) padded, bool mirror = false)
    {
        using DeviceBuffer tensor = new(device, 3L * padded.Width * padded.Height * sizeof(float));
        using PinnedBuffer host = new(device, (int)tensor.Length);
        tensoriser.Add(picture, color, target.Width, target.Height, TensorRectangle.Slot(tensor, 0, padded.Width, padded.Height), mirror);
        tensoriser.Run();
        queue.Download(tensor, 0, host, 0, host.Length);
        queue.Synchronize();
        return MemoryMarshal.Cast<byte, float>(host.Bytes).ToArray();
    }

    private static float[] OnCpu(VideoFrame source, int width, int height, int paddedWidth, int paddedHeight, bool prefilter, bool mirror)
    {
        float[] values = new float[3 * paddedWidth * paddedHeight];
        using Tensoriser tensoriser = new(s_normalisation, prefilter);
        tensoriser.Write(source, width, height, values, paddedWidth, paddedHeight, mirror);
        return values;
    }

    private static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        Assert.Equal(MemoryMarshal.Cast<float, uint>(expected), MemoryMarshal.Cast<float, uint>(actual));

    private static VideoFrame CutOut(FramePool pool, VideoFrame whole, int x, int y, int width, int height)
    {
        VideoFrame part = pool.Rent(whole.Format, width, height);
        for (int p = 0; p < part.PlaneCount; p++)
        {
            FramePlane from = whole.GetPlane(p), to = part.GetPlane(p);
            int divisor = p == 0 ? 1 : 2;
            for (int row = 0; row < to.Height; row++)
                from.Row(y / divisor + row).Slice(x / divisor * from.BytesPerElement, to.RowBytes).CopyTo(to.Row(row));
        }
        part.Color = whole.Color;
        return part;
    }

    private static byte[] HighBits(VideoFrame frame, int plane)
    {
        List<byte> bytes = [];
        for (int y = 0; y < frame.GetPlane(plane).Height; y++)
        {
            foreach (ushort sample in MemoryMarshal.Cast<byte, ushort>(frame.GetPlane(plane).Row(y)))
                bytes.AddRange(BitConverter.GetBytes((ushort)(sample << 6)));
        }
        return [.. bytes];
    }
}
