using System.Globalization;
using System.Threading.Channels;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Monitor.Storage;

/// <summary>A pose of a track in one second, as it is kept.</summary>
internal readonly record struct PoseSample(string Camera, int Track, long Second, double Yaw, double Pitch, double Roll, double? Distance, double Depth, double X, double Y, double Score);

/// <summary>
/// Events and poses in SQLite, written by one thread in one transaction every half second, so that whatever ends the program loses no more
/// than that. What cannot be stored is left out and told; watching never waits for it, and storing is tried again. Thread-safe.
/// </summary>
internal sealed class EventStore : IAsyncDisposable
{
    private const int MostWaiting = 20_000, CannotOpen = 14, ReadOnly = 8;
    private static readonly TimeSpan s_filesPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_cleaning = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _beat, _retryAfter;
    private readonly Channel<Action<SqliteConnection, SqliteTransaction>> _waiting =
        Channel.CreateBounded<Action<SqliteConnection, SqliteTransaction>>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _writing;
    private volatile StorageConfiguration _settings;
    private volatile string? _problem;
    private long _stored;

    /// <param name="folder">The monitor's own folder; the database is <c>monitor.db</c> in it.</param>
    /// <param name="settings">What is kept, and for how long.</param>
    /// <param name="logger">Told of problems.</param>
    /// <param name="clock">Time; another in tests.</param>
    /// <param name="beat">Time between transactions; null: half a second.</param>
    public EventStore(string folder, StorageConfiguration settings, ILogger logger, TimeProvider? clock = null, TimeSpan? beat = null)
    {
        Folder = folder;
        _path = Path.Combine(folder, "monitor.db");
        (_settings, _logger, _clock) = (settings, logger, clock ?? TimeProvider.System);
        (_beat, _retryAfter) = (beat ?? s_beat, beat ?? s_retry);
        Files = new EventFiles(Path.Combine(folder, "events"), () => _settings.FreeMegabytes);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>The monitor's own folder.</summary>
    public string Folder { get; }

    /// <summary>Snapshots and clips.</summary>
    public EventFiles Files { get; }

    /// <summary>Why nothing is stored, or null where all is well.</summary>
    public string? Problem => _problem ?? Files.Problem;

    /// <summary>Transactions so far, for tests that wait for one.</summary>
    public long Transactions => Interlocked.Read(ref _stored);

    /// <summary>Takes other limits.</summary>
    public void Configure(StorageConfiguration settings) => _settings = settings;

    /// <summary>Keeps an event, or what has become of it.</summary>
    public void Add(PoseEvent happened) => _waiting.Writer.TryWrite((connection, transaction) =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            INSERT INTO events (id, camera, rule, kind, began, ended, track, looks, yaw, pitch, roll, off_camera, nearest, faces)
            VALUES ($id, $camera, $rule, $kind, $began, $ended, $track, $looks, $yaw, $pitch, $roll, $off, $nearest, $faces)
            ON CONFLICT (id) DO UPDATE SET ended = $ended, looks = $looks, yaw = $yaw, pitch = $pitch, roll = $roll, off_camera = $off, nearest = $nearest, faces = $faces
            """;
        PoseSummary poses = happened.Poses;
        Set(command, ("$id", happened.Id), ("$camera", happened.Camera), ("$rule", happened.Rule), ("$kind", happened.Kind.ToString()),
            ("$began", Seconds(happened.Start)), ("$ended", happened.End is { } end ? Seconds(end) : null), ("$track", happened.Track), ("$looks", poses.Looks),
            ("$yaw", poses.Yaw), ("$pitch", poses.Pitch), ("$roll", poses.Roll), ("$off", poses.MostOffCamera), ("$nearest", poses.Nearest), ("$faces", poses.MostFaces));
        command.ExecuteNonQuery();
    });

    /// <summary>Keeps poses.</summary>
    public void Add(IReadOnlyList<PoseSample> samples)
    {
        if (samples.Count == 0) return;
        _waiting.Writer.TryWrite((connection, transaction) =>
        {
            using SqliteCommand command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = "INSERT INTO samples (camera, track, second, yaw, pitch, roll, distance, depth, x, y, score) VALUES ($camera, $track, $second, $yaw, $pitch, $roll, $distance, $depth, $x, $y, $score)";
            foreach (PoseSample sample in samples)
            {
                command.Parameters.Clear();
                Set(command, ("$camera", sample.Camera), ("$track", sample.Track), ("$second", sample.Second), ("$yaw", Round(sample.Yaw)), ("$pitch", Round(sample.Pitch)), ("$roll", Round(sample.Roll)),
                    ("$distance", sample.Distance is { } mm ? Math.Round(mm) : null), ("$depth", Round(sample.Depth)), ("$x", Math.Round(sample.X, 4)), ("$y", Math.Round(sample.Y, 4)), ("$score", Math.Round(sample.Score, 3)));
                command.ExecuteNonQuery();
            }
        });
    }

    /// <summary>Notes that somebody has seen an event.</summary>
    public void Acknowledge(string id, string who) => _waiting.Writer.TryWrite((connection, transaction) =>
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "UPDATE events SET seen_by = $who WHERE id = $id";
        Set(command, ("$who", who), ("$id", id));
        command.ExecuteNonQuery();
    });

    /// <summary>Notes which cameras there are.</summary>
    public void SetCameras(IEnumerable<string> names)
    {
        string[] all = [.. names];
        double now = Seconds(_clock.GetUtcNow());
        _waiting.Writer.TryWrite((connection, transaction) =>
        {
            foreach (string name in all)
            {
                using SqliteCommand command = connection.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = "INSERT INTO cameras (name, first_seen, last_seen) VALUES ($name, $now, $now) ON CONFLICT (name) DO UPDATE SET last_seen = $now";
                Set(command, ("$name", name), ("$now", now));
                command.ExecuteNonQuery();
            }
        });
    }

    /// <summary>Opens the database to read; the caller disposes it. What lies where nothing can be written is read as it stands.</summary>
    /// <exception cref="SqliteException">It cannot be read.</exception>
    public SqliteConnection OpenToRead()
    {
        try
        {
            return OpenToRead(_path, pooling: true);
        }
        catch (SqliteException error) when (error.SqliteErrorCode is CannotOpen or ReadOnly && File.Exists(_path))
        {
            // Readers of a log beside the database make a file there, too, unless they are told that nobody writes.
            return OpenToRead($"file:{string.Join('/', _path.Split('/').Select(Uri.EscapeDataString))}?immutable=1", pooling: false);
        }
    }

    private static SqliteConnection OpenToRead(string source, bool pooling)
    {
        SqliteConnection connection = new(ReadingOf(source, pooling));
        try
        {
            connection.Open();
            // Opening looks at nothing yet.
            _ = Database.Number(connection, "SELECT COUNT(*) FROM sqlite_master");
            return connection;
        }
        catch
        {
            // Not to be used again: another file may come into this one's place.
            if (pooling) SqliteConnection.ClearPool(connection);
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Closes what is kept open for reading: a file that is moved away stays open there, and would be read for ever.</summary>
    private void ForgetReaders()
    {
        using SqliteConnection reader = new(ReadingOf(_path, pooling: true));
        SqliteConnection.ClearPool(reader);
    }

    private static string ReadingOf(string source, bool pooling) => new SqliteConnectionStringBuilder { DataSource = source, Mode = SqliteOpenMode.ReadOnly, DefaultTimeout = 5, Pooling = pooling }.ToString();

    /// <summary>Writes what waits, and closes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _ending.CancelAsync().ConfigureAwait(false);
        await _writing.ConfigureAwait(false);
        await Files.FinishAsync(s_filesPatience).ConfigureAwait(false);
        _ending.Dispose();
    }

    private async Task WriteAsync()
    {
        SqliteConnection? connection = null;
        long cleanAt = 0;
        try
        {
            while (true)
            {
                bool isEnding = _ending.IsCancellationRequested;
                try
                {
                    bool isCleaning = _clock.GetTimestamp() >= cleanAt && !isEnding;
                    if (isCleaning)
                    {
                        cleanAt = _clock.GetTimestamp() + (long)(s_cleaning.TotalSeconds * _clock.TimestampFrequency);
                        // Before all else: on a full disk, or beside a damaged database, nothing else makes room.
                        Retention.RemoveFiles(Files, _settings, Seconds(_clock.GetUtcNow()));
                    }
                    connection ??= Database.Open(_path, Seconds(_clock.GetUtcNow()));
                    if (isCleaning) Retention.Apply(connection, _settings, Seconds(_clock.GetUtcNow()), _path);
                    if (Files.FreeMegabytes is { } free && free < _settings.FreeMegabytes) throw new InputException(string.Create(CultureInfo.InvariantCulture, $"the disk is full ({free:0} MiB are free, {_settings.FreeMegabytes:0} are kept free)"));
                    Flush(connection);
                    if (_problem is not null)
                    {
                        _problem = null;
                        MonitorLog.StorageResumed(_logger);
                    }
                }
                catch (Exception error) when (error is SqliteException or Img2PoseException or IOException or UnauthorizedAccessException)
                {
                    string why = error is SqliteException sql ? $"{_path}: {Describe(sql)}" : error.Message;
                    if (_problem != why) MonitorLog.StorageStopped(_logger, why);
                    _problem = why;
                    // What would have been stored is lost; memory stays bounded.
                    while (_waiting.Reader.TryRead(out _))
                    {
                    }
                    connection?.Dispose();
                    connection = null;
                    ForgetReaders();
                }
                Interlocked.Increment(ref _stored);
                if (isEnding) return;
                await Task.Delay(_problem is null ? _beat : _retryAfter, _ending.Token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            }
        }
        finally
        {
            connection?.Dispose();
        }
    }

    private void Flush(SqliteConnection connection)
    {
        if (!_waiting.Reader.TryPeek(out _)) return;
        using SqliteTransaction transaction = connection.BeginTransaction();
        for (int count = 0; count < MostWaiting && _waiting.Reader.TryRead(out Action<SqliteConnection, SqliteTransaction>? write); count++) write(connection, transaction);
        transaction.Commit();
    }

    internal static void Set(SqliteCommand command, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        foreach ((string name, object? value) in values) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
    }

    internal static double Seconds(DateTimeOffset time) => Math.Round((time - DateTimeOffset.UnixEpoch).TotalSeconds, 3);

    private static double Round(double value) => Math.Round(value, 2);

    /// <summary>What a status of SQLite means for whoever runs this.</summary>
    internal static string Describe(SqliteException error) => error.SqliteErrorCode switch
    {
        5 or 6 => "the database is locked by another program",
        ReadOnly => "the database cannot be written to (read-only)",
        10 => "reading or writing the database failed (input/output error)",
        11 or 26 => "the database is damaged, or is none; move it away, and a new one is made",
        13 => "the disk is full",
        CannotOpen => "the database cannot be opened; may its folder be written to?",
        _ => $"the database fails ({error.SqliteErrorCode}: {error.Message})",
    };
}
