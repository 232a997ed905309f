namespace Img2Pose.Media;

/// <summary>
/// A compressed picture on its way: as a network source sent it (<see cref="SourceOptions.Coded"/>), or as <see cref="LiveEncoder"/>
/// made it. Its bytes are lent for the call that it is given to.
/// </summary>
public readonly ref struct CodedPicture
{
    /// <summary>FFmpeg's name of the codec, such as "h264".</summary>
    public required string Codec { get; init; }

    /// <summary>Width in samples, as the stream says.</summary>
    public required int Width { get; init; }

    /// <summary>Height in samples.</summary>
    public required int Height { get; init; }

    /// <summary>The picture's bytes, in the form that <see cref="ExtraData"/> implies: with start codes, or with lengths (H.264, H.265).</summary>
    public required ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Parameter sets and the like, as the container or encoder gave them; may be empty.</summary>
    public required ReadOnlySpan<byte> ExtraData { get; init; }

    /// <summary>Whether decoding can begin here.</summary>
    public required bool IsKey { get; init; }

    /// <summary>When the picture was taken, a timestamp of the monotonic clock.</summary>
    public required long CaptureTime { get; init; }

    /// <summary>Its time in the stream, seconds: even where arrival is not; NaN where the stream has none. Jumps where the stream's clock does.</summary>
    public double Time { get; init; }

    /// <summary>Seconds by which it is shown after it is decoded; 0 without pictures that refer to later ones.</summary>
    public double Delay { get; init; }
}

/// <summary>Takes compressed pictures as they come.</summary>
public interface ICodedPictureTap
{
    /// <summary>
    /// Takes a picture, on the thread that reads or encodes, which waits for it: a tap copies what it wants, and is quick. It throws
    /// nothing.
    /// </summary>
    void Take(in CodedPicture picture);
}
