using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>What is known about a source once it is open.</summary>
public sealed record SourceInfo
{
    /// <summary>The source as it was named, credentials masked.</summary>
    public required string Name { get; init; }

    /// <summary>Width as displayed, in square pixels, of every frame; of the first one where the source is a set of pictures.</summary>
    public required int Width { get; init; }

    /// <summary>Height as displayed, in square pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Width in samples, rotation applied; differs from <see cref="Width"/> where samples are wider than high.</summary>
    public required int CodedWidth { get; init; }

    /// <summary>Height in samples, rotation applied.</summary>
    public required int CodedHeight { get; init; }

    /// <summary>Width of a sample to its height, rotation applied.</summary>
    public Rational SampleAspectRatio { get; init; } = Rational.One;

    /// <summary>Layout of the frames' samples.</summary>
    public required PixelFormat Format { get; init; }

    /// <summary>Colour of the first frame.</summary>
    public required ColorDescription Color { get; init; }

    /// <summary>Fields of the first frame, as it is read: progressive where it was deinterlaced.</summary>
    public FieldOrder Fields { get; init; }

    /// <summary>Mean frame rate; null for pictures and where it is unknown.</summary>
    public double? FramesPerSecond { get; init; }

    /// <summary>Frames, as far as the container says; null where it does not.</summary>
    public long? FrameCount { get; init; }

    /// <summary>Seconds from the first frame to the end, as far as known.</summary>
    public double? Duration { get; init; }

    /// <summary>Seconds a tick of <see cref="VideoFrame.PresentationTicks"/>.</summary>
    public Rational TimeBase { get; init; } = new(1, 1_000_000);

    /// <summary>Whether pictures come at their own pace and are lost if nobody takes them.</summary>
    public bool IsLive { get; init; }

    /// <summary>Whether the source is a set of single pictures, each with its own size and name.</summary>
    public bool IsImages { get; init; }

    /// <summary>Whether there is sound.</summary>
    public bool HasAudio { get; init; }

    /// <summary>
    /// The time of a frame for whatever follows things through a video, in seconds: its presentation time; without one, its
    /// place at the nominal rate, or at 25 a second where there is none either.
    /// </summary>
    public double TimeOf(VideoFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        return frame.PresentationTime ?? frame.Index / (FramesPerSecond ?? 25);
    }

    /// <summary>FFmpeg's name of the video codec.</summary>
    public string? Codec { get; init; }
}
