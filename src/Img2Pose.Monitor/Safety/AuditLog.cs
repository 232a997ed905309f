using System.Text;
using System.Text.Json;

namespace Img2Pose.Monitor.Safety;

/// <summary>
/// Who did what: a line of JSON each, in a file that only this user reads. Two files of at most 8 MiB are kept. Thread-safe; where it
/// cannot be written the monitor goes on, and says so once.
/// </summary>
internal sealed class AuditLog : IDisposable
{
    private const long Longest = 8 << 20;

    private readonly string _path;
    private readonly Action<string> _warn;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private FileStream? _file;
    private bool _failed;

    public AuditLog(string folder, Action<string> warn, TimeProvider? clock = null)
    {
        _path = Path.Combine(folder, "audit.jsonl");
        _warn = warn;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Notes an act.</summary>
    /// <param name="who">The user or token, or null where nobody is known.</param>
    /// <param name="from">The address that it came from.</param>
    /// <param name="act">What was done, such as "login".</param>
    /// <param name="detail">To what; no secrets.</param>
    public void Note(string? who, string? from, string act, string? detail = null)
    {
        using MemoryStream line = new();
        using (Utf8JsonWriter json = new(line))
        {
            json.WriteStartObject();
            json.WriteString("time", _clock.GetUtcNow().ToString("O", System.Globalization.CultureInfo.InvariantCulture));
            json.WriteString("who", Whole(who));
            json.WriteString("from", Whole(from));
            json.WriteString("act", act);
            if (detail is not null) json.WriteString("detail", Whole(detail.Length > 300 ? detail[..300] : detail));
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        lock (_lock)
        {
            try
            {
                _file ??= Open();
                if (_file.Length > Longest)
                {
                    _file.Dispose();
                    _file = null;
                    File.Move(_path, _path + ".1", overwrite: true);
                    _file = PrivateFile.Append(_path);
                }
                _file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
                _file.Flush();
                _failed = false;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                if (!_failed) _warn($"{_path}: the audit log cannot be written: {error.Message}");
                _failed = true;
            }
        }
    }

    private FileStream Open()
    {
        FileStream file = PrivateFile.Append(_path);
        if (file.Length > 0 && !EndsWithLine()) file.WriteByte((byte)'\n');
        return file;
    }

    /// <summary>Whatever ended the program may have cut the last line; another one shall not become part of it.</summary>
    private bool EndsWithLine()
    {
        using FileStream file = new(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    /// <summary>A text without halves of characters, which JSON refuses: nobody keeps an act out of the log by them.</summary>
    private static string? Whole(string? text) => text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The last lines that are whole, newest first.</summary>
    public IReadOnlyList<string> Last(int count)
    {
        lock (_lock)
        {
            try
            {
                if (!File.Exists(_path)) return [];
                using FileStream file = new(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                // Lines are short: the end holds enough of them.
                file.Seek(-Math.Min(file.Length, 1024L * count), SeekOrigin.End);
                bool isCut = file.Position > 0;
                using StreamReader reader = new(file, Encoding.UTF8);
                string[] lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
                return [.. lines.Skip(isCut ? 1 : 0).Reverse().Where(IsWhole).Take(count)];
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return [];
            }
        }
    }

    /// <summary>Whatever ended the program may have cut a line.</summary>
    private static bool IsWhole(string line)
    {
        try
        {
            using JsonDocument read = JsonDocument.Parse(line);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _file?.Dispose();
    }
}
