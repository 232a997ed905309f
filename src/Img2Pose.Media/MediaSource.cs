namespace Img2Pose.Media;

/// <summary>
/// Opens sources by one grammar: a video or picture file; a folder; a pattern with * and ?; a <c>.txt</c> list of files or of streams,
/// one a line; a named pipe, or <c>-</c> for standard input; a camera's number or device file; a URL of the network; <c>screen:</c>,
/// the picture of an X11 display; <c>lavfi:GRAPH</c>, an FFmpeg filter graph that makes pictures.
/// What a file is is told by its content; in a folder, whose other files are notes and labels, by name or content.
/// </summary>
public static class MediaSource
{
    /// <summary>Streams that a list may name: each is a connection, a decoder and a thread, all at the same time.</summary>
    public const int MaxStreams = 64;

    /// <summary>
    /// Whether a name is that of a live source by its form: a camera's number or device file, <c>screen:</c>, or a URL of the network
    /// (which may turn out to be a recording once it is open).
    /// </summary>
    public static bool IsLive(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return LiveAddress.Is(source);
    }

    /// <summary>A source's name as it may be shown and logged: user names, passwords, tokens and the like of URLs replaced by asterisks.</summary>
    public static string Mask(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return SourceNames.Mask(source);
    }

    /// <summary>
    /// Opens a source that is one sequence of pictures. A folder, pattern or list must hold pictures only, or one video:
    /// <see cref="Expand"/> tells the single sources of others.
    /// </summary>
    /// <exception cref="InputException">The source cannot be opened or holds nothing to show.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported, or names several videos.</exception>
    /// <exception cref="OperationCanceledException">The options' token fired first.</exception>
    /// <exception cref="ModelException">FFmpeg is missing.</exception>
    public static IFrameSource Open(string source, SourceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new SourceOptions();
        options.Validate();
        IFrameSource opened = OpenRecorded(source, options);
        return options.RealTime && opened.Info is { IsLive: false, IsImages: false } ? new PacedSource(opened, options) : opened;
    }

    private static IFrameSource OpenRecorded(string source, SourceOptions options)
    {
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal))
            return VideoStreamSource.OpenGraph(source, source[SourceNames.LavfiPrefix.Length..], options);
        if (LiveAddress.Is(source)) return LiveSource.Open(source, options);

        List<string> files = Resolve(source, out bool isSet);
        if (isSet && files.Exists(LiveAddress.Is))
        {
            if (files.Count == 1) return LiveSource.Open(files[0], options);
            throw new UsageException($"{source}: names {files.Count} sources; give one at a time");
        }
        if (!isSet) return OpenFile(files[0], options);
        if (Array.TrueForAll(Kinds(files), IsOfPictures)) return new ImageListSource(source, files, options);
        if (files.Count == 1) return OpenFile(files[0], options);
        throw new UsageException($"{source}: names {files.Count} files that are not all pictures; give one video at a time");
    }

    /// <summary>
    /// The sources to open one after the other for a name that may stand for several: each file of a folder, pattern or list with
    /// a video in it; the name itself where it is one sequence.
    /// </summary>
    /// <exception cref="InputException">Nothing is found.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported.</exception>
    public static IReadOnlyList<string> Expand(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal) || IsLive(source)) return [source];
        List<string> files = Resolve(source, out bool isSet);
        int live = files.Count(LiveAddress.Is);
        if (live > 0)
        {
            if (live < files.Count)
                throw new InputException($"{source}: it names {live} streams and {files.Count - live} files; streams run side by side, files one after the other: make two lists");
            if (live > MaxStreams) throw new InputException($"{source}: it names {live} streams, more than the limit of {MaxStreams}");
            return files;
        }
        return !isSet || Array.TrueForAll(Kinds(files), IsOfPictures) ? [source] : files;
    }

    /// <summary>The files, folders' contents and lists' entries that a name stands for, which are what a run reads.</summary>
    /// <exception cref="InputException">Nothing is found.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported.</exception>
    public static IReadOnlyList<string> Files(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal) || source == SourceNames.StandardInput || IsLive(source)) return [];
        return Resolve(source, out _).FindAll(file => !LiveAddress.Is(file));
    }

    /// <summary>Every file that a source stands for, and the list that names them. Empty for what is no file.</summary>
    /// <exception cref="InputException">Nothing is found.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported.</exception>
    public static IReadOnlyList<string> FilesOf(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal) || IsLive(source)) return [];
        List<string> files = Resolve(source, out bool isSet);
        files.RemoveAll(LiveAddress.Is);
        return isSet && File.Exists(source) ? [source, .. files] : files;
    }

    private static List<string> Resolve(string source, out bool isSet)
    {
        isSet = false;
        if (source.Length == 0) throw new UsageException("The source has no name");
        if (source == SourceNames.StandardInput) return [source];
        if (source.Contains('\0')) throw new UsageException("The source's name holds a null character");
        source = SourceNames.ToPath(source);

        bool isFolder = FileNames.FolderExists(source);
        bool isFile = !isFolder && FileNames.FileExists(source);
        isSet = isFolder || (isFile && SourceNames.IsList(source)) || (!isFile && SourceNames.IsPattern(source));
        try
        {
            List<string> files = !isSet ? [source]
                : isFile ? SourceNames.ReadList(source)
                : isFolder ? SourceNames.ListMedia(source)
                : SourceNames.Match(source);
            if (files.Count == 0)
                throw new InputException(isFolder ? $"{source}: no video or picture in this folder" : $"{source}: no file matches");
            return files;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.CannotOpen(source, e);
        }
    }

    private static IFrameSource OpenFile(string path, SourceOptions options)
    {
        ReadInterrupt interrupt = new(options.Cancellation);
        ByteInput? bytes = null;
        try
        {
            bytes = ByteInput.Open(path, interrupt);
            if (!IsMotionJpeg(path))
            {
                ReadOnlySpan<byte> start = bytes.Peek();
                if (interrupt.IsCancelled) throw new OperationCanceledException(options.Cancellation);
                MediaKind kind = MediaContent.Sniff(start);
                // A pipe cannot be looked through before it is read.
                if (kind == MediaKind.Picture && IsAnimated(path, bytes, start)) kind = MediaKind.Animation;
                if (kind == MediaKind.Animation && MediaContent.WhyNoAnimation(start) is { } why)
                    throw new InputException($"{bytes.Name}: cannot be opened: {why}");
                if (kind is MediaKind.Picture or MediaKind.Unreadable)
                {
                    if (bytes.IsSeekable && path != SourceNames.StandardInput) return new ImageListSource(path, [path], options);
                    return new ImageListSource(bytes.Name, bytes.ReadAll(options.Limits.MaxImageBytes), options);
                }
            }
            ByteInput owned = bytes;
            bytes = null;
            return VideoStreamSource.Open(owned, interrupt, options);
        }
        finally
        {
            if (bytes is not null)
            {
                bytes.Dispose();
                interrupt.Free();
            }
        }
    }

    private static bool IsAnimated(string path, ByteInput bytes, ReadOnlySpan<byte> start)
    {
        if (bytes.IsSeekable && path != SourceNames.StandardInput)
        {
            using FileStream file = new(FileNames.Open(path), FileAccess.Read);
            return MediaContent.IsAnimated(file, start);
        }
        using MemoryStream beginning = new(start.ToArray());
        return MediaContent.IsAnimated(beginning, start);
    }

    /// <summary>
    /// Whether a file of a set goes with pictures. An animation does: beside pictures, its first one stands for it.
    /// </summary>
    private static bool IsOfPictures(MediaKind kind) => kind is MediaKind.Picture or MediaKind.Animation or MediaKind.Unreadable;

    private static MediaKind[] Kinds(List<string> files)
    {
        MediaKind[] kinds = [.. files.Select(KindOf)];
        // An animation alone is a video.
        if (kinds.Length == 1 && kinds[0] == MediaKind.Animation) kinds[0] = MediaKind.Video;
        return kinds;
    }

    private static MediaKind KindOf(string path)
    {
        if (IsMotionJpeg(path)) return MediaKind.Video;
        try
        {
            using FileStream file = new(FileNames.Open(path), FileAccess.Read);
            // A pipe among files is left to its opener: what is read from it is gone.
            if (!file.CanSeek) return MediaKind.Unknown;
            Span<byte> start = stackalloc byte[MediaContent.SniffBytes];
            int count = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            MediaKind kind = MediaContent.Sniff(start[..count]);
            file.Position = 0;
            if (kind == MediaKind.Picture && MediaContent.IsAnimated(file, start[..count])) kind = MediaKind.Animation;
            // What has the name of a picture and holds none is a broken picture, not a video.
            return kind == MediaKind.Unknown && ImageFile.HasImageExtension(path) ? MediaKind.Picture : kind;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InputException)
        {
            // The opener reports it, with the right words.
            return ImageFile.HasImageExtension(path) ? MediaKind.Picture : MediaKind.Unknown;
        }
    }

    /// <summary>A row of JPEGs begins as one does; only its name tells.</summary>
    private static bool IsMotionJpeg(string path) => Path.GetExtension(path).ToLowerInvariant() is ".mjpeg" or ".mjpg";
}
