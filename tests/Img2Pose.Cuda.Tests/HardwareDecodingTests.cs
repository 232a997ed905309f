using FFmpeg.AutoGen;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Testing;

namespace Img2Pose.Cuda.Tests;

/// <summary>FFmpeg's NVDEC code in this process, on the emulator: its decoder hands out the clip's own pictures.</summary>
[Collection(nameof(EmulatorCollection))]
public sealed class HardwareDecodingTests : IDisposable
{
    private const int Width = 130, Height = 98, Count = 12;

    private static readonly string s_source = $"-f lavfi -i testsrc2=size={Width}x{Height}:rate=12:duration=1";

    private readonly Emulator _emulator = new();
    private readonly List<string> _warnings = [];

    public void Dispose()
    {
        Assert.Equal(0, FrameLeases.Outstanding);
        Assert.Equal(0, Emulator.Count("decoders"));
        Assert.Equal(0, Emulator.Count("short_pictures"));
        _emulator.Dispose();
    }

    [Theory]
    [InlineData("-c:v libx264", false, "eager")]
    [InlineData("-c:v libx264", false, "held")]
    [InlineData("-c:v libx265 -x265-params log-level=none:bframes=0", true, "delayed")]
    [InlineData("-c:v libx265 -x265-params log-level=none:bframes=0", true, "held")]
    [InlineData("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0", false, "held")]
    [InlineData("-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0", false, "held")]
    [InlineData("-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0", true, "delayed")]
    public void Pictures_stay_in_device_memory_and_are_the_streams(string encoder, bool tenBit, string pace)
    {
        Emulator.Set("STREAMS", pace);
        string clip = TestClip.Make(s_source, Width, Height, encoder, tenBit);
        using CudaDevice device = CudaDevice.Open();
        using HostFrames host = new(device);
        using IFrameSource source = Open(clip, device), software = MediaSource.Open(clip);
        int count = 0;

        while (source.TryRead(out VideoFrame? frame))
        {
            Assert.True(software.TryRead(out VideoFrame? expected));
            using (frame)
            using (expected)
            {
                Assert.Equal(MemoryKind.Cuda, frame.Memory);
                Assert.Equal(tenBit ? PixelFormat.P010 : PixelFormat.Nv12, frame.Format);
                Assert.Equal((expected.Index, expected.PresentationTime, expected.DurationTicks), (frame.Index, frame.PresentationTime, frame.DurationTicks));
                Assert.Equal((expected.Width, expected.Height, expected.Color), (frame.Width, frame.Height, frame.Color));
                using VideoFrame copy = host.Download(frame);
                Assert.Equal((MemoryKind.Host, frame.Index), (copy.Memory, copy.Index));
                // Ten bits come down as the planes that the processor's decoder gives.
                byte[] wanted = tenBit ? RandomFrames.Samples(expected) : TestClip.Raw(clip, count, Width * Height * 3 / 2);
                Assert.True(wanted.AsSpan().SequenceEqual(RandomFrames.Samples(copy)), $"picture {count} differs");
                count++;
            }
        }

        Assert.Equal(Count, count);
        Assert.Equal(0, source.DamagedFrames);
        Assert.Equal(tenBit ? PixelFormat.I420P10 : PixelFormat.Nv12, source.Info.Format);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("NVDEC_SESSIONS", "0", "too many decoders at the same time")]
    [InlineData("NVDEC_CODECS", "8", "does not take h264 of 8 bits")]
    [InlineData("NVDEC_SIDE", "64", "to 64x64, not 130x98")]
    [InlineData("REFUSE", "cuvidCreateDecoder:2", "too little memory")]
    [InlineData("REFUSE", "cuvidGetDecoderCaps:801", "does not take h264")]
    [InlineData("REFUSE", "cuStreamCreate:2", "out of memory")]
    public void What_the_gpu_refuses_the_processor_decodes_and_that_is_told_once(string setting, string value, string reason)
    {
        string clip = TestClip.Make(s_source, Width, Height);
        using CudaDevice device = CudaDevice.Open();
        Emulator.Set(setting, value);
        using IFrameSource source = Open(clip, device), software = MediaSource.Open(clip);

        AssertSame(software, source);

        Assert.Contains(reason, Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Contains(": decoded by the processor: ", _warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_codec_that_no_gpu_knows_is_decoded_by_the_processor()
    {
        string clip = TestClip.At("clip.mkv");
        TestClip.Ffmpeg($"{s_source} -c:v ffv1 -pix_fmt yuv420p {clip}");
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = Open(clip, device), software = MediaSource.Open(clip);

        AssertSame(software, source);

        Assert.Contains("does not take ffv1", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void More_frames_than_the_decoder_has_surfaces_can_be_held()
    {
        string clip = TestClip.Make($"-f lavfi -i testsrc2=size={Width}x{Height}:rate=25:duration=2", Width, Height);
        using CudaDevice device = CudaDevice.Open();
        using HostFrames host = new(device);
        using IFrameSource source = Open(clip, device);
        List<VideoFrame> held = [];

        while (source.TryRead(out VideoFrame? frame)) held.Add(frame);

        Assert.Equal(50, held.Count);
        Assert.Equal(0, source.DamagedFrames);
        Assert.Equal(0, Emulator.Count("surfaces_exhausted"));
        for (int i = 0; i < held.Count; i++)
        {
            using VideoFrame frame = held[i], copy = host.Download(frame);
            Assert.True(TestClip.Raw(clip, i, Width * Height * 3 / 2).AsSpan().SequenceEqual(RandomFrames.Samples(copy)), $"picture {i} differs");
        }
    }

    [Fact]
    public void A_surface_goes_back_only_when_its_reader_is_done()
    {
        Emulator.Set("STREAMS", "held");
        string clip = TestClip.Make(s_source, Width, Height);
        using CudaDevice device = CudaDevice.Open();
        using CudaQueue reader = new(device);
        PinnedBuffer[] copies = [.. Enumerable.Range(0, Count).Select(_ => new PinnedBuffer(device, 256 * Height))];
        using IFrameSource source = Open(clip, device);
        int count = 0;

        // Each is read in a queue that nobody waits for, and let go of at once.
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                CudaOrder order = CudaOrder.Of(frame);
                order.BeginRead(reader);
                reader.CopyPlane(frame.GetPlane(0), new FramePlane(copies[count].Address, MemoryKind.Host, 256, Width, Height, 1));
                order.EndRead(reader);
            }
            count++;
        }
        reader.Synchronize();

        Assert.Equal(Count, count);
        for (int i = 0; i < count; i++)
        {
            byte[] expected = TestClip.Raw(clip, i, Width * Height * 3 / 2);
            for (int y = 0; y < Height; y++)
                Assert.True(expected.AsSpan(y * Width, Width).SequenceEqual(copies[i].Bytes.Slice(256 * y, Width)), $"picture {i}, row {y}");
        }
        foreach (PinnedBuffer copy in copies) copy.Dispose();
    }

    [Fact]
    public void Interlaced_pictures_are_brought_to_the_host_and_deinterlaced()
    {
        string clip = TestClip.Make("-f lavfi -i testsrc2=size=128x96:rate=12:duration=1", 128, 96, "-c:v libx264 -flags +ildct+ilme -x264-params tff=1");
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = Open(clip, device), software = MediaSource.Open(clip);

        AssertSame(software, source);

        Assert.Contains("is deinterlaced", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_turned_video_is_brought_to_the_host_and_turned()
    {
        string clip = TestClip.Make(s_source, Width, Height), turned = TestClip.At("turned.mp4");
        TurnedVideo.Write(clip, turned, 90);
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = Open(turned, device), software = MediaSource.Open(turned);
        Assert.Equal(Height, software.Info.CodedWidth);

        AssertSame(software, source);

        Assert.Empty(_warnings);
    }

    [Fact]
    public void A_device_that_is_lost_ends_the_source_with_one_line()
    {
        string clip = TestClip.Make(s_source, Width, Height);
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = Open(clip, device);
        Assert.True(source.TryRead(out VideoFrame? first));
        first.Dispose();
        Emulator.Set("LOST_AFTER", Emulator.Count("calls"));

        CudaDeviceException error = Assert.Throws<CudaDeviceException>(() =>
        {
            while (source.TryRead(out VideoFrame? frame)) frame.Dispose();
        });

        Assert.Equal(CudaFailure.DeviceLost, error.Failure);
        Assert.DoesNotContain('\n', error.Message);
        // What is left is given back, so that nothing of it is outstanding in the emulator's books.
        Emulator.Set("LOST_AFTER", null);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("NVDEC_SESSIONS")]
    public unsafe void A_live_stream_is_decoded_alike(string? refused)
    {
        string clip = TestClip.Make(s_source, Width, Height);
        using CudaDevice device = CudaDevice.Open();
        using HostFrames host = new(device);
        if (refused is not null) Emulator.Set(refused, 0);
        SourceOptions options = new() { Cuda = device, Warning = _warnings.Add };
        ReadInterrupt interrupt = new(TestContext.Current.CancellationToken);
        using InputHandle input = Demuxer.Open(ByteInput.Open(clip, interrupt), interrupt, options.Limits);
        using LiveDecoder decoder = new(input.Pointer, clip, options, null);
        decoder.Select(Demuxer.FindVideo(input.Pointer, clip, options.Limits, out _));
        using PacketHandle packet = new();
        int count = 0;

        void Receive()
        {
            while (decoder.TryReceive() is { } frame)
            {
                using (frame)
                {
                    Assert.Equal(refused is null ? MemoryKind.Cuda : MemoryKind.Host, frame.Memory);
                    if (refused is null)
                    {
                        using VideoFrame copy = host.Download(frame);
                        Assert.True(TestClip.Raw(clip, count, Width * Height * 3 / 2).AsSpan().SequenceEqual(RandomFrames.Samples(copy)), $"picture {count} differs");
                    }
                    count++;
                }
            }
        }

        while (ffmpeg.av_read_frame(input.Pointer, packet.Pointer) >= 0)
        {
            decoder.Send(packet.Pointer);
            ffmpeg.av_packet_unref(packet.Pointer);
            Receive();
        }
        decoder.Send(null);
        Receive();

        Assert.Equal(Count, count);
        Assert.Equal(0, decoder.Damaged);
        Assert.Equal(refused is null ? 0 : 1, _warnings.Count);
    }

    private IFrameSource Open(string clip, CudaDevice device) => MediaSource.Open(clip, new SourceOptions { Cuda = device, Warning = _warnings.Add });

    /// <summary>The same pictures in host memory, whatever the layout of their chroma.</summary>
    private static void AssertSame(IFrameSource expected, IFrameSource actual)
    {
        int count = 0;
        while (actual.TryRead(out VideoFrame? frame))
        {
            Assert.True(expected.TryRead(out VideoFrame? wanted));
            using (frame)
            using (wanted)
            {
                Assert.Equal(MemoryKind.Host, frame.Memory);
                Assert.Equal((wanted.Width, wanted.Height, wanted.Index, wanted.PresentationTime), (frame.Width, frame.Height, frame.Index, frame.PresentationTime));
                FramePlane a = wanted.GetPlane(0), b = frame.GetPlane(0);
                for (int y = 0; y < a.Height; y++) Assert.True(a.Row(y).SequenceEqual(b.Row(y)), $"picture {count}, row {y}");
            }
            count++;
        }
        Assert.False(expected.TryRead(out _));
        Assert.Equal(expected.DamagedFrames, actual.DamagedFrames);
    }
}
