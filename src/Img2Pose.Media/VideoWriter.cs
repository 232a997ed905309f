using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Media;

/// <summary>
/// Writes frames as a video file (.mp4, .m4v, .mov, .mkv), as one picture file (.png, .jpg), or as pictures into a folder.
/// A video is written as <c>NAME.partial.EXT</c>, playable up to its last fragment, and gets its name by
/// <see cref="Complete"/>; <see cref="Dispose"/> without it leaves the partial file. Used by one thread at a time, which is the
/// one that encodes.
/// </summary>
public sealed class VideoWriter : IFrameSink
{
    private static readonly string[] s_videoExtensions = [".mp4", ".m4v", ".mov", ".mkv"];

    private readonly IVideoOutput _output;

    private VideoWriter(string path, IVideoOutput output)
    {
        Path = path;
        _output = output;
    }

    /// <summary>What a picture of a set is called in a folder of pictures, before names that meet get numbers.</summary>
    public static string PictureName(string source) => PictureSink.FileName(source);

    /// <summary>The output's name.</summary>
    public string Path { get; }

    /// <summary>What encodes: the encoder's name, <c>png</c> or <c>jpeg</c>.</summary>
    public string EncoderName => _output.EncoderName;

    /// <summary>Frames taken so far.</summary>
    public long FramesWritten { get; private set; }

    /// <summary>
    /// Pictures of a set that could not be written into their folder, each of which was told by
    /// <see cref="VideoWriterOptions.Warning"/>; the others are there.
    /// </summary>
    public long FailedPictures => _output.Failed;

    /// <summary>Whether a name is that of a picture or a folder for pictures, not of a video.</summary>
    public static bool WritesPictures(string path) =>
        !IsStream(path) && (Directory.Exists(path) || ImageFile.HasImageExtension(path) || System.IO.Path.GetExtension(path).Length == 0);

    /// <summary>
    /// Whether a name is that of a stream to push to (<c>rtsp:// rtmp:// srt:// udp://</c>) or of a device that other programs see as
    /// a camera (<c>/dev/videoN</c>). Nothing is whole or partial there: who watches sees what comes.
    /// </summary>
    public static bool IsStream(string path) => StreamTarget.IsOne(path);

    /// <summary>A name without credentials, for people.</summary>
    public static string Describe(string path) => StreamTarget.IsOne(path) ? SourceNames.Mask(path) : path;

    /// <summary>
    /// Creates an output for the frames of <paramref name="source"/>. Where sound is copied this must happen before the source's
    /// first frame is read.
    /// </summary>
    /// <param name="path">A video file, a picture file, or a folder (an existing one, or a name without extension).</param>
    /// <param name="source">Where size, colour, times and sound come from.</param>
    /// <param name="options">How to encode.</param>
    /// <exception cref="UsageException">The name's extension or an option is not supported; the output is the input.</exception>
    /// <exception cref="OutputException">The file cannot be created, or no encoder starts.</exception>
    public static VideoWriter Create(string path, IFrameSource source, VideoWriterOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _ = FFmpegRuntime.EnsureLoaded();
        string extension = System.IO.Path.GetExtension(path).ToLowerInvariant();
        if (StreamTarget.IsOne(path)) return new VideoWriter(SourceNames.Mask(path), new StreamSink(StreamTarget.Parse(path), source, options));
        if (WritesPictures(path)) return new VideoWriter(path, PictureSink.Create(path, source.Info, options));
        if (Array.IndexOf(s_videoExtensions, extension) < 0)
            throw new UsageException($"{path}: videos are written as {string.Join(", ", s_videoExtensions)}, pictures as .png or .jpg");
        if (OutputPaths.AreSame(path, source.Info.Name))
            throw new UsageException($"{path}: the output is the input; give another name");
        return new VideoWriter(path, new VideoSink(path, source, options));
    }

    /// <summary>Encodes a frame; the caller keeps its lease. Times must rise from frame to frame.</summary>
    /// <exception cref="OutputException">
    /// Writing fails, for example because the disk is full; of a set of pictures in a folder one that fails is counted instead.
    /// </exception>
    public void Write(VideoFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        _output.Write(frame);
        FramesWritten++;
    }

    /// <summary>Whether frames are taken where they lie; in device memory only by an encoder on the same device.</summary>
    public bool Takes(MemoryKind memory) => memory == MemoryKind.Host || _output.TakesDevice;

    void IFrameSink.Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces) => Write(frame);

    /// <summary>
    /// Finishes the output and gives it its name; a video that no frame was written to leaves no file. Nothing may be written
    /// afterwards.
    /// </summary>
    /// <exception cref="OutputException">Writing fails; the partial file stays.</exception>
    public void Complete() => _output.Complete();

    /// <inheritdoc/>
    public void Interrupt() => _output.Interrupt();

    /// <summary>Closes the output; one that was not completed stays as <c>NAME.partial.EXT</c>.</summary>
    public void Dispose() => _output.Dispose();
}

/// <summary>Encodes frames, in order.</summary>
internal interface IVideoOutput : IDisposable
{
    string EncoderName { get; }

    /// <summary>Pictures that could not be written while others could.</summary>
    long Failed => 0;

    /// <summary>Whether it takes frames in device memory, too.</summary>
    bool TakesDevice => false;

    void Write(VideoFrame frame);

    void Complete();

    /// <summary>Makes what waits for a peer end soon. Called on any thread.</summary>
    void Interrupt()
    {
    }
}
