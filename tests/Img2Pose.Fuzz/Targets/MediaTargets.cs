using Img2Pose.EndToEnd;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Fuzz;

/// <summary>Pictures made by code, for seeds.</summary>
internal static class PictureSeeds
{
    /// <summary>A test picture in the format of the extension.</summary>
    public static byte[] Make(string extension)
    {
        string path = Path.Combine(Workspace.Folder, "seed" + extension);
        using IFrameSource source = Open();
        if (!source.TryRead(out VideoFrame? frame)) throw new InvalidOperationException("The test picture has no frame.");
        using (frame) ImageFile.Write(path, frame);
        return File.ReadAllBytes(path);
    }

    /// <summary>A bitmap of 8 × 8 pixels.</summary>
    public static byte[] Bitmap() =>
    [
        .. "BM"u8, 246, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 1, 0, 24, 0, .. new byte[24],
        .. Enumerable.Range(0, 192).Select(i => (byte)(i * 5)),
    ];

    /// <summary>A short test video in the container of the extension.</summary>
    public static byte[] MakeVideo(string extension, bool interlaced = false)
    {
        string path = Path.Combine(Workspace.Folder, "seed" + extension);
        using IFrameSource source = Open(interlaced ? ",interlace" : "");
        using (VideoWriter writer = VideoWriter.Create(path, source, new VideoWriterOptions { Preset = "ultrafast", Threads = 1 }))
        {
            while (source.TryRead(out VideoFrame? frame))
            {
                using (frame) writer.Write(frame);
            }
            writer.Complete();
        }
        return File.ReadAllBytes(path);
    }

    private static IFrameSource Open(string filters = "")
    {
        try
        {
            return MediaSource.Open(
                $"lavfi:testsrc=size=64x48:rate=8:duration=0.5{filters}", new SourceOptions { DecoderThreads = 1, Deinterlace = false });
        }
        catch (ModelException error)
        {
            throw new TargetUnavailableException(error.Message);
        }
    }
}

/// <summary>What is read of a picture's first bytes.</summary>
internal sealed class HeaderTarget : FuzzTarget
{
    public override string Name => "headers";

    public override IEnumerable<byte[]> Seeds() => [PictureSeeds.Make(".jpg"), PictureSeeds.Make(".png"), PictureSeeds.Bitmap(), Exif(), Gif(), WebP()];

    public override int Run(byte[] input)
    {
        ImageHeader header = ImageHeader.Read(input);
        return HashCode.Combine(header.Codec, header.Orientation, header.Width == 0);
    }

    private static byte[] Exif() =>
    [
        0xFF, 0xD8, 0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
        0xFF, 0xC0, 0, 17, 8, 0, 48, 0, 64, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xFF, 0xD9,
    ];

    private static byte[] Gif() => [.. "GIF89a"u8, 64, 0, 48, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x3b];

    private static byte[] WebP() => [.. "RIFF"u8, 30, 0, 0, 0, .. "WEBPVP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, 63, 0, 0, 47, 0, 0, .. "EXIF"u8, 0, 0, 0, 0];
}

/// <summary>Media through decoding, detection and encoding, with a model that sees a face in whatever it is given.</summary>
internal sealed class MediaTarget : FileTarget
{
    private const int MostFrames = 6;
    private readonly List<FaceDetection> _faces = [];
    private PoseDetector? _detector;

    public override string Name => "media";

    public override (long Fixed, long PerByte) Memory => (64L << 20, 512);

    public override double Seconds => 60;

    protected override string Extension => ".bin";

    public override IEnumerable<byte[]> Seeds() =>
        [PictureSeeds.Make(".jpg"), PictureSeeds.Make(".png"), PictureSeeds.Bitmap(), PictureSeeds.MakeVideo(".mp4"), PictureSeeds.MakeVideo(".mkv"),
            PictureSeeds.MakeVideo(".mkv", interlaced: true)];

    protected override int Run(string path)
    {
        _detector ??= CreateDetector();
        string output = Path.Combine(Workspace.Folder, "output.mp4");
        SourceOptions options = new() { DecoderThreads = 1, Limits = MediaLimits.Default };
        using IFrameSource source = MediaSource.Open(path, options);
        using VideoWriter writer = VideoWriter.Create(output, source, new VideoWriterOptions { Preset = "ultrafast", Threads = 1 });
        int frames = 0;
        while (frames < MostFrames && source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                // The largest pictures that the limits let through take seconds each to encode.
                if ((long)frame.Width * frame.Height > 1 << 22) return -1;
                _detector.Detect(frame, _faces);
                writer.Write(frame);
                frames++;
            }
        }
        if (frames > 0) writer.Complete();
        return HashCode.Combine(frames, _faces.Count, source.Info.Width);
    }

    private static PoseDetector CreateDetector()
    {
        string model = Path.Combine(Workspace.Folder, "constant.onnx");
        ConstantModel.Save(model);
        return PoseDetector.Create(ModelPackage.Load(model), new PoseDetectorOptions { Threads = 1 });
    }
}
