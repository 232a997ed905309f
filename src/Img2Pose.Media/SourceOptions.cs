using Img2Pose.Cuda;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Media;

/// <summary>How a source is read.</summary>
public sealed record SourceOptions
{
    /// <summary>Where to start, counted from the beginning of the source; exact to the frame. Null: at the beginning.</summary>
    public TimeSpan? Start { get; init; }

    /// <summary>How much to read. Null: all.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Whether a recorded video is played at its own speed, as a camera would show it; what is live already is as it is.</summary>
    public bool RealTime { get; init; }

    /// <summary>Where a live source tells its state, from its opening on; null: where it likes (<see cref="IFrameSource.Status"/>).</summary>
    public LiveStatus? Status { get; init; }

    /// <summary>How a live source is opened and kept.</summary>
    public LiveSourceOptions Live { get; init; } = new();

    /// <summary>Where a live source logs what happens to it, by fixed event numbers; null: nowhere.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>
    /// A GPU whose own decoder is used where it takes a stream; its frames then stay in device memory
    /// (<see cref="Img2Pose.Frames.MemoryKind.Cuda"/>). Where it does not, the processor decodes, which is told once. The source and its
    /// frames are disposed before the device. Null: the processor decodes.
    /// </summary>
    public CudaDevice? Cuda { get; init; }

    /// <summary>Threads of the decoder; 0: one per processor.</summary>
    public int DecoderThreads { get; init; }

    /// <summary>
    /// Whether interlaced pictures are made progressive, so that faces are looked for in pictures without combs; where not, they stay
    /// as they are, and an output is told the order of their fields.
    /// </summary>
    public bool Deinterlace { get; init; } = true;

    /// <summary>Whether the sound of what is shown while it comes shall be had, too, for outputs that are pushed.</summary>
    public bool Sound { get; init; }

    /// <summary>
    /// Where a live source of the network hands its pictures as they are coded, before they are decoded, from the first key picture on;
    /// null: nowhere. Other sources have none to hand.
    /// </summary>
    public ICodedPictureTap? Coded { get; init; }

    /// <summary>What an input may demand.</summary>
    public MediaLimits Limits { get; init; } = MediaLimits.Default;

    /// <summary>What all that depends on the input may take together.</summary>
    public MemoryBudget Memory { get; init; } = MemoryBudget.Default;

    /// <summary>Ends what waits for data: opening throws, reading says that there is no more.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Told, in one line, of everything that is skipped. Called on the reading thread.</summary>
    public Action<string>? Warning { get; init; }

    internal void Validate()
    {
        if (Start is { } start && start < TimeSpan.Zero) throw new UsageException($"The start {start} is before the beginning");
        if (Duration is { } duration && duration <= TimeSpan.Zero) throw new UsageException($"The duration {duration} is not positive");
        Live.Validate();
        if (DecoderThreads is < 0 or > 64) throw new UsageException($"{DecoderThreads} decoder threads are not between 0 and 64");
    }
}
