using System.Diagnostics.CodeAnalysis;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>A set of picture files, one frame each, every one in its own size. Unreadable ones are skipped and counted.</summary>
internal sealed class ImageListSource : IFrameSource
{
    private readonly List<string> _files;
    private readonly byte[]? _onlyPicture;
    private readonly SourceOptions _options;
    private readonly Lock _use = new();
    private VideoFrame? _first;
    private bool _disposed;
    private int _next;
    private long _index;

    public ImageListSource(string name, List<string> files, SourceOptions options)
        : this(name, files, null, options)
    {
    }

    /// <summary>A single picture whose bytes were read from a pipe.</summary>
    public ImageListSource(string name, byte[] picture, SourceOptions options)
        : this(name, [name], picture, options)
    {
    }

    private ImageListSource(string name, List<string> files, byte[]? picture, SourceOptions options)
    {
        _files = files;
        _onlyPicture = picture;
        _options = options;
        // A single picture's error is its own; of many, the last one stands for all.
        InputException? failure = null;
        while (_first is null)
        {
            if (_next == files.Count)
                throw files.Count == 1 ? failure! : new InputException($"{name}: none of its {files.Count} pictures can be read ({failure!.Message})", failure);
            _first = TryDecode(out failure);
        }
        Info = new SourceInfo
        {
            Name = SourceNames.Mask(name),
            Width = _first.DisplayWidth,
            Height = _first.DisplayHeight,
            CodedWidth = _first.Width,
            CodedHeight = _first.Height,
            Format = _first.Format,
            Color = _first.Color,
            FrameCount = files.Count,
            IsImages = true,
        };
    }

    public SourceInfo Info { get; }

    public long DamagedFrames { get; private set; }

    public bool TryRead([NotNullWhen(true)] out VideoFrame? frame)
    {
        lock (_use)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            frame = _first;
            _first = null;
            while (frame is null)
            {
                if (_next == _files.Count || _options.Cancellation.IsCancellationRequested) return false;
                frame = TryDecode(out _);
            }
            frame.Index = _index++;
            return true;
        }
    }

    private VideoFrame? TryDecode(out InputException? failure)
    {
        string path = _files[_next++];
        try
        {
            VideoFrame frame = ImageFile.Read(path, _onlyPicture, _options, out string? flaw);
            frame.SourceName = path;
            if (flaw is not null) _options.Warning?.Invoke($"{path}: {flaw}");
            if (flaw == ImageDecoder.EndsEarly) DamagedFrames++;
            failure = null;
            return frame;
        }
        catch (InputException e)
        {
            DamagedFrames++;
            if (_files.Count > 1) _options.Warning?.Invoke($"skipped: {e.Message}");
            failure = e;
            return null;
        }
    }

    public void Dispose()
    {
        lock (_use)
        {
            _disposed = true;
            _first?.Dispose();
            _first = null;
        }
    }
}
