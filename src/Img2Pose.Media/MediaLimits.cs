namespace Img2Pose.Media;

/// <summary>
/// What an input may demand before it is refused. The limits keep a small damaged or hostile file from taking all memory.
/// </summary>
/// <param name="MaxPixels">Pixels of a picture. Default 2^27 (134 million: 16,384 × 8,192).</param>
/// <param name="MaxStreams">Streams of a container. Default 256.</param>
/// <param name="ProbeBytes">Bytes read at most to find out what a container holds. Default 32 MiB.</param>
/// <param name="MaxImageBytes">Size of a picture file. Default 512 MiB.</param>
/// <param name="MaxQueuedBytes">Sound and subtitles that wait for their picture. Default 64 MiB.</param>
public sealed record MediaLimits(
    long MaxPixels = 1L << 27, int MaxStreams = 256, long ProbeBytes = 32L << 20, long MaxImageBytes = 512L << 20,
    long MaxQueuedBytes = 64L << 20)
{
    /// <summary>The default limits.</summary>
    public static MediaLimits Default { get; } = new();

    internal void CheckPixels(string name, long width, long height)
    {
        if (width * height > MaxPixels)
        {
            throw new InputException(
                $"{name}: the picture is {width}x{height}, more than the limit of {MaxPixels} pixels (MediaLimits.MaxPixels)");
        }
    }
}
