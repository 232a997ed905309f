using Img2Pose.Cuda;

namespace Img2Pose.Media;

/// <summary>How pictures are encoded.</summary>
public sealed record VideoWriterOptions
{
    /// <summary>
    /// <c>auto</c> or <c>h264</c>: H.264, by NVENC where that works, else libx264; <c>hevc</c>: the same with libx265;
    /// or the name of one encoder: <c>libx264</c>, <c>libx265</c>, <c>h264_nvenc</c>, <c>hevc_nvenc</c>.
    /// </summary>
    public string Codec { get; init; } = "auto";

    /// <summary>Preset of libx264 and libx265, <c>ultrafast</c> to <c>placebo</c>; NVENC always uses its <c>p4</c>.</summary>
    public string Preset { get; init; } = "veryfast";

    /// <summary>
    /// Constant rate factor, 0 (lossless) to 51 (worst); null: 23, or 28 for HEVC. For written pictures it does not matter.
    /// </summary>
    public int? Quality { get; init; }

    /// <summary>JPEG quality, 1 to 100, of written pictures.</summary>
    public int JpegQuality { get; init; } = 92;

    /// <summary>The GPU that frames may lie on, whose encoder then reads them there; null: pictures are encoded from host memory.</summary>
    public CudaDevice? Cuda { get; init; }

    /// <summary>Threads of the encoder; 0: its own choice.</summary>
    public int Threads { get; init; }

    /// <summary>Whether the source's sound is copied where the container takes it.</summary>
    public bool CopySound { get; init; } = true;

    /// <summary>
    /// Whether pictures are shown when they were taken, by the monotonic clock, counted from the first, instead of at their
    /// presentation times.
    /// </summary>
    public bool TimesAreCaptureTimes { get; init; }

    /// <summary>Whether each picture leaves the encoder at once: no pictures in both directions, a key frame a second.</summary>
    internal bool LowLatency { get; init; }

    /// <summary>What a file is to the run that writes, as in "the source", or null where it does not read it: such a file is never written. Null: only a picture's own source is spared.</summary>
    public Func<string, string?>? ReadAs { get; init; }

    /// <summary>
    /// When it fires, a video is closed soon: after a second what the encoder still holds is left out, and the file stays in fragments,
    /// whole and playable.
    /// </summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Told, in one line, of what the output lacks.</summary>
    public Action<string>? Warning { get; init; }

    private static readonly string[] s_codecs = ["auto", "h264", "hevc", "libx264", "libx265", "h264_nvenc", "hevc_nvenc"];

    private static readonly string[] s_presets =
        ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"];

    internal void Validate()
    {
        if (Array.IndexOf(s_codecs, Codec) < 0) throw new UsageException($"Codec {Codec} is none of {string.Join(", ", s_codecs)}");
        if (Array.IndexOf(s_presets, Preset) < 0) throw new UsageException($"Preset {Preset} is none of {string.Join(", ", s_presets)}");
        if (Quality is < 0 or > 51) throw new UsageException($"Quality {Quality} is not between 0 and 51");
        if (JpegQuality is < 1 or > 100) throw new UsageException($"JPEG quality {JpegQuality} is not between 1 and 100");
        if (Threads is < 0 or > 64) throw new UsageException($"{Threads} encoder threads are not between 0 and 64");
    }

    /// <summary>How long an encoder may go on after <see cref="Stop"/>: a program that is told to stop ends within two seconds.</summary>
    internal TimeSpan Closing { get; init; } = TimeSpan.FromSeconds(1);
}
