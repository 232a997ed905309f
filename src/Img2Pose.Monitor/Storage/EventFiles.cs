using Img2Pose.Core;

namespace Img2Pose.Monitor.Storage;

/// <summary>Snapshots and clips of events: files named by the event, in a folder for each day. Thread-safe.</summary>
internal sealed class EventFiles
{
    /// <summary>Bytes of files that may wait to be written: a disk that hangs costs no more memory.</summary>
    private const long MostWaiting = 192 << 20;

    private readonly string _folder;
    private readonly Func<double> _keepFree;
    private volatile string? _problem;
    private long _waiting;

    /// <param name="folder">Where they go.</param>
    /// <param name="keepFree">MiB that stay free on the disk.</param>
    public EventFiles(string folder, Func<double> keepFree) => (_folder, _keepFree) = (folder, keepFree);

    /// <summary>Why the last one could not be written, or null.</summary>
    public string? Problem => _problem;

    /// <summary>MiB that are free on the disk, or null where nobody says.</summary>
    public double? FreeMegabytes
    {
        get
        {
            try
            {
                string parent = Path.GetDirectoryName(_folder)!;
                return new DriveInfo(parent).AvailableFreeSpace / (double)(1 << 20);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return null;
            }
        }
    }

    /// <summary>A place for a file that waits to be written, given back when it is disposed; null where too much waits already, and the file is left out.</summary>
    public IDisposable? TryBegin(long bytes)
    {
        if (Interlocked.Add(ref _waiting, bytes) <= MostWaiting) return new Place(this, bytes);
        Interlocked.Add(ref _waiting, -bytes);
        _problem = "the disk is too slow: snapshots and clips are left out";
        return null;
    }

    /// <summary>Waits for files that are being written, at most so long.</summary>
    public async Task FinishAsync(TimeSpan patience)
    {
        long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        // Nothing tells that the last one is written; the wait is bounded and short.
        while (Interlocked.Read(ref _waiting) > 0 && Environment.TickCount64 < end) await Task.Delay(20).ConfigureAwait(false);
    }

    /// <summary>Writes a file of an event; false where it cannot be.</summary>
    /// <param name="id">The event.</param>
    /// <param name="extension">".jpg" or ".mp4".</param>
    /// <param name="content">All of it.</param>
    public bool Write(string id, string extension, byte[] content)
    {
        if (PathOf(id, extension) is not { } path) return false;
        try
        {
            if (FreeMegabytes is { } free && free < _keepFree() + content.Length / (double)(1 << 20))
            {
                _problem = "the disk is full: snapshots and clips are left out";
                return false;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, stream => stream.Write(content));
            _problem = null;
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or OutputException)
        {
            _problem = error.Message;
            return false;
        }
    }

    /// <summary>The file of an event, or null where there is none.</summary>
    public string? Find(string id, string extension) => PathOf(id, extension) is { } path && File.Exists(path) ? path : null;

    /// <summary>All files, with size and time, the oldest first.</summary>
    public IEnumerable<FileInfo> All() => !Directory.Exists(_folder) ? []
        : new DirectoryInfo(_folder).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.Extension is ".jpg" or ".mp4").OrderBy(file => file.LastWriteTimeUtc);

    /// <summary>What a program that was killed while it wrote has left: never younger than a day, so none that is being written.</summary>
    public IEnumerable<FileInfo> Leftovers(double now) => !Directory.Exists(_folder) ? []
        : new DirectoryInfo(_folder).EnumerateFiles("*.partial", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }).Where(file => file.LastWriteTimeUtc < DateTime.UnixEpoch.AddSeconds(now - 86400));

    /// <summary>Removes a file, and its folder where that is empty then.</summary>
    public static void Remove(FileInfo file)
    {
        try
        {
            file.Delete();
            if (file.Directory is { } day && !day.EnumerateFileSystemInfos().Any()) day.Delete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Tried again the next time.
        }
    }

    private sealed class Place(EventFiles files, long bytes) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) Interlocked.Add(ref files._waiting, -bytes);
        }
    }

    /// <summary>Where a file of an event lies; null where that is no event's identity, so that no name leads elsewhere.</summary>
    private string? PathOf(string id, string extension)
    {
        if (id.Length is < 13 or > 80 || !id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) return null;
        if (!long.TryParse(id.AsSpan(0, 11), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out long milliseconds) || milliseconds < 0) return null;
        if (extension is not (".jpg" or ".mp4")) return null;
        string day = DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, 253_402_300_799_000)).UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return Path.Combine(_folder, day, id + extension);
    }
}
