using System.Collections.Concurrent;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// FFmpeg's own NVENC code on an emulated encoder, which writes every sample as it is: what is decoded from the file is what was drawn, or the
/// encoder read a picture too early, too late or at a wrong place.
/// </summary>
[Collection(nameof(EmulatorCollection))]
public sealed class NvencTests : IDisposable
{
    private readonly Emulator _emulator = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-nvenc").FullName;
    private readonly ConcurrentQueue<string> _warnings = [];
    private readonly long _errors = Emulator.Count("nvenc_errors");
    private readonly long _leaks = Emulator.Count("nvenc_leaks");

    public NvencTests() => Assert.SkipUnless(Emulator.HasEncoder, "libnvidia-encode.so.1 is not built here: libffmpeg-nvenc-dev is missing");

    public void Dispose()
    {
        _emulator.Dispose();
        Directory.Delete(_folder, recursive: true);
        Assert.Equal(_errors, Emulator.Count("nvenc_errors"));
        Assert.Equal(_leaks, Emulator.Count("nvenc_leaks"));
    }

    [Theory]
    [InlineData("eager", "auto")]
    [InlineData("delayed", "h264_nvenc")]
    [InlineData("held", "h264")]
    [InlineData("held", "hevc")]
    [InlineData("delayed", "hevc_nvenc")]
    public async Task Pictures_go_from_the_decoder_to_the_encoder_without_the_host(string pace, string codec)
    {
        string clip = FaceClip.Make();
        List<byte[]> expected = await DrawnAsync(clip);
        Emulator.Set("STREAMS", pace);
        (long down, long encoded) = (Emulator.Count("bytes_to_host"), Emulator.Count("nvenc_device_pictures"));

        (string video, string encoder) = await EncodeAsync(clip, codec);

        Assert.Equal(codec.StartsWith("hevc", StringComparison.Ordinal) ? "hevc_nvenc" : "h264_nvenc", encoder);
        Assert.Equal(FaceClip.Frames, Emulator.Count("nvenc_device_pictures") - encoded);
        // The tensor, since the network is on the processor here, and the brightness; no picture.
        Assert.InRange(Emulator.Count("bytes_to_host") - down, 1, FaceClip.Frames * (20_000 + (12L * 320 * 256)));
        AssertSame(expected, video);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Pictures_of_the_processor_go_up_to_the_encoder()
    {
        string clip = FaceClip.Make();
        List<byte[]> expected = await DrawnAsync(clip);
        Emulator.Set("STREAMS", "held");
        Emulator.Set("NVDEC_SESSIONS", 0);

        (string video, string encoder) = await EncodeAsync(clip, "auto");

        Assert.Equal("h264_nvenc", encoder);
        AssertSame(expected, video);
        Assert.Contains("decoded by the processor", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("h264_nvenc", 0, false)]
    [InlineData("h264_nvenc", 30, false)]
    [InlineData("h264_nvenc", null, true)]
    [InlineData("hevc_nvenc", 0, false)]
    [InlineData("hevc_nvenc", 30, true)]
    [InlineData("hevc_nvenc", null, false)]
    public void Each_of_the_options_is_one_that_the_encoder_takes(string codec, int? quality, bool fromHost)
    {
        string clip = FaceClip.Make();
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = fromHost ? null : device });
        string video = Path.Combine(_folder, "out.mp4");
        List<byte[]> expected = [];
        using (VideoWriter writer = VideoWriter.Create(video, source, new VideoWriterOptions
        {
            Codec = codec,
            Quality = quality,
            LowLatency = quality == 30,
            Cuda = fromHost ? null : device,
            Warning = _warnings.Enqueue,
        }))
        {
            Assert.Equal(!fromHost, writer.Takes(MemoryKind.Cuda));
            using HostFrames host = new(device);
            while (source.TryRead(out VideoFrame? frame))
            {
                using (frame)
                {
                    writer.Write(frame);
                    using VideoFrame copy = frame.Memory == MemoryKind.Cuda ? host.Download(frame) : frame.AddReference();
                    expected.Add(Planar(copy));
                }
            }
            writer.Complete();
        }

        AssertSame(expected, video);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("NVENC_SESSIONS", "0")]
    [InlineData("NVENC_VERSION", "16")]
    [InlineData("NVENC_SIDE", "64")]
    [InlineData("REFUSE", "NvEncodeAPIGetMaxSupportedVersion:20")]
    [InlineData("REFUSE", "NvEncodeAPICreateInstance:15")]
    [InlineData("REFUSE", "nvEncOpenEncodeSessionEx:2")]
    [InlineData("REFUSE", "nvEncGetEncodePresetConfigEx:12")]
    [InlineData("REFUSE", "nvEncInitializeEncoder:10")]
    public void An_encoder_that_refuses_leaves_the_file_to_the_processor_and_that_is_said(string setting, string value)
    {
        string clip = FaceClip.Make();
        using CudaDevice device = CudaDevice.Open();
        Emulator.Set(setting, value);
        string video = Path.Combine(_folder, "out.mp4");

        Assert.Equal("libx264", Write(clip, video, new VideoWriterOptions { Cuda = device, Warning = _warnings.Enqueue }));

        Assert.Equal(3, Read(video).Count);
        Assert.Contains("encoded by the processor: h264_nvenc does not start", Assert.Single(_warnings), StringComparison.Ordinal);
        OutputException named = Assert.Throws<OutputException>(() => Write(clip, video, new VideoWriterOptions { Codec = "h264_nvenc", Cuda = device }));
        Assert.Contains("h264_nvenc does not start", named.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chip_without_the_codec_leaves_it_to_the_processor()
    {
        using CudaDevice device = CudaDevice.Open();
        Emulator.Set("NVENC_CODECS", "h264");
        string video = Path.Combine(_folder, "out.mp4");

        Assert.Equal("libx265", Write(FaceClip.Make(), video, new VideoWriterOptions { Codec = "hevc", Cuda = device, Warning = _warnings.Enqueue }));

        Assert.Equal(3, Read(video).Count);
        Assert.Contains("hevc_nvenc does not start", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_memory_for_its_surfaces_the_encoder_is_given_host_pictures()
    {
        string clip = FaceClip.Make();
        using CudaDevice device = CudaDevice.Open();
        using IFrameSource source = MediaSource.Open(clip);
        Emulator.Set("REFUSE", "cuMemAlloc_v2:2,cuMemAllocPitch_v2:2");

        using VideoWriter writer = VideoWriter.Create(Path.Combine(_folder, "out.mp4"), source, new VideoWriterOptions { Cuda = device, Warning = _warnings.Enqueue });

        Assert.Equal("h264_nvenc", writer.EncoderName);
        Assert.False(writer.Takes(MemoryKind.Cuda));
    }

    [Theory]
    [InlineData("nvEncEncodePicture:20", null)]
    [InlineData("nvEncEncodePicture:20", "held")]
    [InlineData("nvEncLockBitstream:20", null)]
    [InlineData("nvEncMapInputResource:10", "held")]
    public async Task An_encoder_that_fails_in_mid_run_ends_its_session_with_one_line(string refusal, string? streams)
    {
        if (streams is not null) Emulator.Set("STREAMS", streams);
        string clip = FaceClip.Make();

        OutputException error = await Assert.ThrowsAsync<OutputException>(() => EncodeAsync(clip, "h264_nvenc", after: (4, () => Emulator.Set("REFUSE", refusal))));

        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Writes the first three pictures of a clip, and tells by what.</summary>
    private static string Write(string clip, string video, VideoWriterOptions options)
    {
        using IFrameSource source = MediaSource.Open(clip);
        using VideoWriter writer = VideoWriter.Create(video, source, options);
        for (int i = 0; i < 3 && source.TryRead(out VideoFrame? frame); i++)
        {
            using (frame) writer.Write(frame);
        }
        writer.Complete();
        return writer.EncoderName;
    }

    private async Task<(string Video, string Encoder)> EncodeAsync(string clip, string codec, (int Frames, Action Do)? after = null)
    {
        string video = Path.Combine(_folder, $"{Guid.NewGuid():N}.mp4");
        using CudaDevice device = CudaDevice.Open();
        await using PoseEngine engine = CreateEngine("cuda+cpu", device);
        IFrameSource source = MediaSource.Open(clip, new SourceOptions { Cuda = device, Warning = _warnings.Enqueue });
        await using PoseSession session = engine.Open(source, new SessionOptions { Draw = true });
        VideoWriter writer = VideoWriter.Create(video, source, new VideoWriterOptions { Codec = codec, Cuda = engine.Cuda, Warning = _warnings.Enqueue });
        session.AddSink(writer);
        if (after is { } event_) session.AddSink(new Counting(event_.Frames, event_.Do));
        await session.RunAsync(TestContext.Current.CancellationToken);
        return (video, writer.EncoderName);
    }

    /// <summary>The drawn pictures of a run on the processor alone.</summary>
    private static async Task<List<byte[]>> DrawnAsync(string clip)
    {
        List<byte[]> pictures = [];
        await using PoseEngine engine = CreateEngine("cpu", null);
        await using PoseSession session = engine.Open(MediaSource.Open(clip), new SessionOptions { Draw = true });
        session.AddSink(new Pictures(pictures));
        await session.RunAsync(TestContext.Current.CancellationToken);
        return pictures;
    }

    private static PoseEngine CreateEngine(string name, CudaDevice? device) => PoseEngine.Create(new PoseEngineOptions
    {
        Detection = new PoseDetectorOptions { Device = name, Cuda = device },
        Overlay = new OverlayOptions { Layers = OverlayLayers.Mesh | OverlayLayers.Box },
        Workers = 1,
    });

    private static void AssertSame(List<byte[]> expected, string video)
    {
        List<byte[]> seen = Read(video);
        Assert.Equal(expected.Count, seen.Count);
        for (int i = 0; i < seen.Count; i++) Assert.True(expected[i].AsSpan().SequenceEqual(seen[i]), $"picture {i} differs");
    }

    private static List<byte[]> Read(string video)
    {
        List<byte[]> pictures = [];
        using IFrameSource source = MediaSource.Open(video);
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) pictures.Add(Planar(frame));
        }
        return pictures;
    }

    /// <summary>A frame's samples, planar whatever the layout of their chroma.</summary>
    private static byte[] Planar(VideoFrame frame)
    {
        byte[] samples = RandomFrames.Samples(frame);
        if (frame.Format != PixelFormat.Nv12) return samples;
        int luma = frame.Width * frame.Height, chroma = (samples.Length - luma) / 2;
        byte[] planar = [.. samples.AsSpan(0, luma), .. new byte[2 * chroma]];
        for (int i = 0; i < chroma; i++) (planar[luma + i], planar[luma + chroma + i]) = (samples[luma + 2 * i], samples[luma + 2 * i + 1]);
        return planar;
    }

    private sealed class Pictures(List<byte[]> pictures) : IFrameSink
    {
        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => pictures.Add(Planar(frame));

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Takes frames wherever they lie, and does something after a number of them.</summary>
    private sealed class Counting(int frames, Action act) : IFrameSink
    {
        private int _seen;

        public bool Takes(MemoryKind memory) => true;

        public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
        {
            if (++_seen == frames) act();
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
