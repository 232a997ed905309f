using System.Globalization;
using Img2Pose.Core;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>Writes each frame as a picture, named after the picture that it came from or by its number.</summary>
internal sealed class PictureSink : IVideoOutput
{
    private readonly string _path;
    private readonly bool _isFolder;
    private readonly int _quality;
    private readonly Func<string, string?>? _readAs;
    private readonly Action<string>? _warn;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _wrote;

    private PictureSink(string path, bool isFolder, VideoWriterOptions options)
    {
        _path = path;
        _isFolder = isFolder;
        _quality = options.JpegQuality;
        _readAs = options.ReadAs;
        _warn = options.Warning;
    }

    public string EncoderName => _isFolder ? "png or jpeg" : Path.GetExtension(_path).Equals(".png", StringComparison.OrdinalIgnoreCase) ? "png" : "jpeg";

    public static PictureSink Create(string path, SourceInfo source, VideoWriterOptions options)
    {
        bool isFolder = Directory.Exists(path) || !ImageFile.HasImageExtension(path);
        if (isFolder)
        {
            OutputFolder.Create(path);
            return new PictureSink(path, isFolder, options);
        }
        if (Path.GetExtension(path).ToLowerInvariant() is not (".png" or ".jpg" or ".jpeg"))
            throw new UsageException($"{path}: pictures are written as .png or .jpg");
        if (!source.IsImages || source.FrameCount is not 1)
            throw new UsageException($"{path}: names one picture, but {source.Name} has more; give a folder");
        if (OutputPaths.AreSame(path, source.Name)) throw new UsageException($"{path}: the output is the input; give another name");
        return new PictureSink(path, isFolder, options);
    }

    public long Failed { get; private set; }

    public void Write(VideoFrame frame)
    {
        try
        {
            WriteOne(frame);
        }
        catch (OutputException error) when (_isFolder && frame.SourceName is not null)
        {
            // The other pictures may well be written.
            Failed++;
            _warn?.Invoke(error.Message);
        }
    }

    private void WriteOne(VideoFrame frame)
    {
        if (!_isFolder && _wrote) throw new OutputException($"{_path}: only one picture fits into it; give a folder");
        string target = _isFolder ? Path.Combine(_path, Name(frame)) : _path;
        if (frame.SourceName is { } origin && OutputPaths.AreSame(target, origin))
            throw new UsageException($"{target}: the output would replace the input; give another folder");
        if (_readAs?.Invoke(target) is { } role) throw new UsageException($"{target}: the output would replace {role}; give another folder");
        ImageFile.Write(target, frame, _quality);
        _wrote = true;
    }

    /// <summary>What a picture of a set is called in a folder: its own name, as a PNG where its kind is only read here.</summary>
    public static string FileName(string source)
    {
        string extension = Path.GetExtension(source).ToLowerInvariant() is ".jpg" or ".jpeg" or ".jpe" ? ".jpg" : ".png";
        return Path.GetFileNameWithoutExtension(source) + extension;
    }

    private string Name(VideoFrame frame)
    {
        if (frame.SourceName is not { } source) return frame.Index.ToString("D6", CultureInfo.InvariantCulture) + ".png";
        string first = FileName(source), name = first;
        // Lists may name pictures of different folders that are called the same; a number never leads to a file that the run reads.
        for (int i = 2; !_names.Add(name) || (name != first && _readAs?.Invoke(Path.Combine(_path, name)) is not null); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(first)}_{i}{Path.GetExtension(first)}");
        return name;
    }

    public void Complete()
    {
        // Each picture was complete when it got its name.
    }

    public void Dispose()
    {
    }
}
