namespace Img2Pose.Media;

/// <summary>
/// Opens sources by one grammar: a video or picture file; a folder; a pattern with * and ?; a <c>.txt</c> list of sources, one
/// a line; <c>lavfi:GRAPH</c>, an FFmpeg filter graph that makes pictures.
/// </summary>
public static class MediaSource
{
    /// <summary>
    /// Opens a source that is one sequence of pictures. A folder, pattern or list must hold pictures only, or one video:
    /// <see cref="Expand"/> tells the single sources of others.
    /// </summary>
    /// <exception cref="InputException">The source cannot be opened or holds nothing to show.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported, or names several videos.</exception>
    /// <exception cref="ModelException">FFmpeg is missing.</exception>
    public static IFrameSource Open(string source, SourceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new SourceOptions();
        options.Validate();
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal))
            return VideoStreamSource.OpenGraph(source, source[SourceNames.LavfiPrefix.Length..], options);

        List<string> files = Resolve(source, out bool isSet);
        if (!isSet) return IsPicture(files[0]) ? new ImageListSource(source, files, options) : VideoStreamSource.OpenFile(files[0], options);
        if (files.TrueForAll(IsPicture)) return new ImageListSource(source, files, options);
        if (files.Count == 1) return Open(files[0], options);
        throw new UsageException($"{source}: names {files.Count} files that are not all pictures; give one video at a time");
    }

    /// <summary>
    /// The sources to open one after the other for a name that may stand for several: each video of a folder, pattern or list;
    /// the name itself where it is one sequence.
    /// </summary>
    /// <exception cref="InputException">Nothing is found.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported.</exception>
    public static IReadOnlyList<string> Expand(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal)) return [source];
        List<string> files = Resolve(source, out bool isSet);
        return !isSet || files.TrueForAll(IsPicture) ? [source] : files;
    }

    /// <summary>Every file that a source stands for, and the list that names them. Empty for what is no file.</summary>
    /// <exception cref="InputException">Nothing is found.</exception>
    /// <exception cref="UsageException">The source is of a kind that is not supported.</exception>
    public static IReadOnlyList<string> FilesOf(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.StartsWith(SourceNames.LavfiPrefix, StringComparison.Ordinal)) return [];
        List<string> files = Resolve(source, out bool isSet);
        return isSet && File.Exists(source) ? [source, .. files] : files;
    }

    private static List<string> Resolve(string source, out bool isSet)
    {
        isSet = false;
        if (source.Length == 0) throw new UsageException("The source has no name");
        string shown = SourceNames.Mask(source);
        if (source.StartsWith("file://", StringComparison.Ordinal)) source = new Uri(source).LocalPath;
        if (SourceNames.IsUrl(source))
            throw new UsageException($"{shown}: streams from the network are not supported yet; record to a file first");
        if (SourceNames.IsCamera(source))
            throw new UsageException($"{shown}: cameras are not supported yet; record to a file first");
        if (source.Contains('\0')) throw new UsageException("The source's name holds a null character");

        bool isFolder = Directory.Exists(source);
        bool isFile = !isFolder && File.Exists(source);
        isSet = isFolder || (isFile && SourceNames.IsList(source)) || (!isFile && SourceNames.IsPattern(source));
        try
        {
            List<string> files = !isSet ? [source]
                : isFile ? SourceNames.ReadList(source)
                : isFolder ? [.. SourceNames.ListFolder(source).Where(IsMedia)]
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

    /// <summary>Whether a file of a folder counts: by extension, since folders also hold notes and labels.</summary>
    private static bool IsMedia(string path) =>
        ImageFile.HasImageExtension(path) || Array.IndexOf(s_videoExtensions, Path.GetExtension(path).ToLowerInvariant()) >= 0;

    private static readonly string[] s_videoExtensions =
    [
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ogv", ".mxf",
        ".h264", ".264", ".hevc", ".h265", ".265", ".ivf", ".y4m", ".mjpeg", ".mjpg", ".obu",
    ];

    /// <summary>Whether a file is one picture: by extension where that says so, else by its first bytes. GIF counts as video.</summary>
    private static bool IsPicture(string path)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension == ".gif" || Array.IndexOf(s_videoExtensions, extension) >= 0) return false;
        if (ImageFile.HasImageExtension(path)) return true;
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[64];
            int count = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            FFmpeg.AutoGen.AVCodecID codec = ImageHeader.Read(start[..count]).Codec;
            return codec is not (FFmpeg.AutoGen.AVCodecID.AV_CODEC_ID_NONE or FFmpeg.AutoGen.AVCodecID.AV_CODEC_ID_GIF);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The opener reports it, with the right words.
            return false;
        }
    }
}
