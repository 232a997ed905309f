using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;
using Img2Pose.Monitor.Storage;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Tests.Storage;

public sealed class EventStoreTests : IDisposable
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-store").FullName;
    private readonly LogLines _log = new();

    private string Database => Path.Combine(_folder, "monitor.db");

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private EventStore Open(StorageConfiguration? settings = null) => new(_folder, settings ?? new StorageConfiguration { FreeMegabytes = 0 }, _log, new MovingClock(), TimeSpan.FromMilliseconds(20));

    private static PoseEvent Event(int number, double start = 0, double? end = null, string camera = "door", RuleKind kind = RuleKind.Facing) => new()
    {
        Id = $"{(s_now.ToUnixTimeMilliseconds() + (long)(start * 1000)):x11}-{camera}-{number}",
        Camera = camera,
        Rule = "looks",
        Kind = kind,
        Start = s_now + TimeSpan.FromSeconds(start),
        End = end is { } seconds ? s_now + TimeSpan.FromSeconds(seconds) : null,
        Track = number,
        Poses = new PoseSummary(5, 1, 2, 3, 20, 800, 1),
    };

    private static async Task WrittenAsync(EventStore store)
    {
        long before = store.Transactions;
        using CancellationTokenSource limit = new(MonitorHost.Limit);
        while (store.Transactions < before + 2) await Task.Delay(10, limit.Token);
    }

    private static StoredEvent[] Read(EventStore store, EventFilter? filter = null)
    {
        using SqliteConnection connection = store.OpenToRead();
        return [.. EventQuery.Events(connection, filter ?? new EventFilter())];
    }

    [Fact]
    public async Task Events_are_kept_with_what_became_of_them_and_found_by_filters()
    {
        await using EventStore store = Open();
        store.Add(Event(1));
        store.Add(Event(1, 0, 4));
        store.Add(Event(2, 10, 11, "hall", RuleKind.HeadDown));
        store.Acknowledge(Event(1).Id, "anna");
        await WrittenAsync(store);

        StoredEvent[] all = Read(store);
        Assert.Equal(["hall", "door"], all.Select(one => one.Camera));
        Assert.Equal((4.0, "anna", 800.0), (all[1].End!.Value - all[1].Start, all[1].SeenBy, all[1].Nearest));
        Assert.Equal("hall", Assert.Single(Read(store, new EventFilter { Camera = "hall" })).Camera);
        Assert.Equal("hall", Assert.Single(Read(store, new EventFilter { Kind = "headdown" })).Camera);
        Assert.Equal("door", Assert.Single(Read(store, new EventFilter { To = EventStore.Seconds(s_now) + 5 })).Camera);
        Assert.Equal("door", Assert.Single(Read(store, new EventFilter { Before = all[0].Id })).Camera);
        Assert.Equal(EventQuery.CsvHeader.Split(',').Length, EventQuery.Csv(all[1]).Split(',').Length);
    }

    [Fact]
    public async Task What_was_under_way_when_the_program_was_killed_is_there_and_has_ended()
    {
        EventStore killed = Open();
        killed.Add(Event(1));
        await WrittenAsync(killed);
        // What a killed program leaves: the files as they are at this moment.
        string copy = Directory.CreateTempSubdirectory("img2pose-killed").FullName;
        foreach (string file in Directory.EnumerateFiles(_folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        await killed.DisposeAsync();

        await using (EventStore store = new(copy, new StorageConfiguration { FreeMegabytes = 0 }, _log, new MovingClock(), TimeSpan.FromMilliseconds(20)))
        {
            await WrittenAsync(store);
            StoredEvent kept = Assert.Single(Read(store));
            Assert.Equal(kept.Start, kept.End);
        }
        Directory.Delete(copy, recursive: true);
    }

    [Fact]
    public async Task A_database_of_the_first_version_is_brought_up()
    {
        using (SqliteConnection old = new($"Data Source={Database};Pooling=False"))
        {
            old.Open();
            Monitor.Storage.Database.Execute(old, "CREATE TABLE cameras (name TEXT PRIMARY KEY, first_seen REAL NOT NULL, last_seen REAL NOT NULL); CREATE TABLE events (id TEXT PRIMARY KEY, camera TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL, began REAL NOT NULL, ended REAL, track INTEGER NOT NULL, looks INTEGER NOT NULL, yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL, off_camera REAL NOT NULL, nearest REAL, faces INTEGER NOT NULL); CREATE TABLE samples (camera TEXT NOT NULL, track INTEGER NOT NULL, second INTEGER NOT NULL, yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL, distance REAL, depth REAL NOT NULL, x REAL NOT NULL, y REAL NOT NULL, score REAL NOT NULL); INSERT INTO events VALUES ('x', 'door', 'r', 'Away', 1795000000, 1795000001, 1, 1, 0, 0, 0, 0, NULL, 1); PRAGMA user_version = 1;");
        }

        await using EventStore store = Open();
        await WrittenAsync(store);

        Assert.Null(store.Problem);
        Assert.Equal("x", Assert.Single(Read(store)).Id);
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_left_alone_and_told()
    {
        using (SqliteConnection newer = new($"Data Source={Database};Pooling=False"))
        {
            newer.Open();
            Monitor.Storage.Database.Execute(newer, "PRAGMA user_version = 99");
        }

        await using EventStore store = Open();
        store.Add(Event(1));
        await WrittenAsync(store);

        Assert.Contains("version 99", store.Problem);
    }

    [Fact]
    public async Task A_damaged_database_stops_storing_not_watching_until_it_is_moved_away()
    {
        await File.WriteAllTextAsync(Database, new string('x', 20_000), TestContext.Current.CancellationToken);
        await using EventStore store = Open();
        store.Add(Event(1));
        await WrittenAsync(store);
        Assert.Contains("damaged", store.Problem);
        // Somebody has the page open meanwhile, whose connection must not stay with the file that is moved away.
        Assert.Throws<SqliteException>(() => Read(store));

        File.Delete(Database);
        await WrittenAsync(store);
        store.Add(Event(2));
        await WrittenAsync(store);

        Assert.Null(store.Problem);
        Assert.Single(Read(store));
        Assert.Single(_log.Lines, line => line.StartsWith("6020 ", StringComparison.Ordinal));
        Assert.Single(_log.Lines, line => line.StartsWith("6021 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_locked_database_is_told_and_waited_for()
    {
        await using EventStore first = Open();
        await WrittenAsync(first);
        using SqliteConnection other = new($"Data Source={Database};Pooling=False;Default Timeout=1");
        other.Open();
        using (SqliteTransaction held = other.BeginTransaction())
        {
            Monitor.Storage.Database.Execute(other, "INSERT INTO cameras VALUES ('x', 0, 0)", held);
            first.Add(Event(1));
            using CancellationTokenSource limit = new(MonitorHost.Limit);
            while (first.Problem is null) await Task.Delay(20, limit.Token);
            Assert.Contains("locked", first.Problem);
            held.Rollback();
        }
        await WrittenAsync(first);
        first.Add(Event(2));
        await WrittenAsync(first);

        Assert.Null(first.Problem);
        Assert.Equal(2, Assert.Single(Read(first)).Track);
    }

    [Fact]
    public async Task A_disk_without_room_stops_storing_and_says_so()
    {
        await using EventStore store = Open(new StorageConfiguration { FreeMegabytes = 1e9 });
        store.Add(Event(1));
        await WrittenAsync(store);

        Assert.Contains("disk is full", store.Problem);
        Assert.False(store.Files.Write(Event(1).Id, ".jpg", [1, 2, 3]));
        store.Configure(new StorageConfiguration { FreeMegabytes = 0 });
        await WrittenAsync(store);
        store.Add(Event(2));
        await WrittenAsync(store);
        Assert.Single(Read(store));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_too_old_goes_on_a_full_disk_and_beside_a_damaged_database_too(bool isDamaged)
    {
        string old;
        await using (EventStore first = Open(new StorageConfiguration { FreeMegabytes = 0, ClipDays = 3650 }))
        {
            Assert.True(first.Files.Write(Event(1).Id, ".mp4", [1]));
            old = first.Files.Find(Event(1).Id, ".mp4")!;
            // Not while it is cleaned itself.
            await WrittenAsync(first);
        }
        File.SetLastWriteTimeUtc(old, s_now.UtcDateTime.AddDays(-40));
        if (isDamaged) await File.WriteAllTextAsync(Database, new string('x', 20_000), TestContext.Current.CancellationToken);

        await using EventStore store = Open(new StorageConfiguration { FreeMegabytes = isDamaged ? 0 : 1e9 });
        await WrittenAsync(store);

        Assert.Contains(isDamaged ? "damaged" : "disk is full", store.Problem);
        Assert.False(File.Exists(old));
    }

    [Fact]
    public async Task Poses_are_read_in_parts_none_twice_and_none_left_out()
    {
        await using EventStore store = Open();
        long second = s_now.ToUnixTimeSeconds();
        // Many of one second, so that parts end within it.
        PoseSample[] all = [.. Enumerable.Range(0, 40).Select(i => new PoseSample(i % 3 == 0 ? "hall" : "door", i, second + i / 20, i, 2, 3, i % 2 == 0 ? null : 4, 5, 6, 7, 0.5))];
        store.Add(all);
        await WrittenAsync(store);
        using SqliteConnection connection = store.OpenToRead();

        List<PoseSample> read = [];
        for ((long, long) after = (long.MinValue, 0); ;)
        {
            (PoseSample Sample, long Row)[] part = [.. EventQuery.Samples(connection, null, 0, second + 10, after, 7)];
            if (part.Length == 0) break;
            read.AddRange(part.Select(one => one.Sample));
            after = (part[^1].Sample.Second, part[^1].Row);
        }

        Assert.Equal(all, read);
        Assert.Equal(all.Where(one => one.Camera == "hall" && one.Second == second), EventQuery.Samples(connection, "hall", second, second + 1, (long.MinValue, 0), 100).Select(one => one.Sample));
        Assert.Equal(EventQuery.SampleCsvHeader.Split(',').Length, EventQuery.Csv(all[0]).Split(',').Length);
        Assert.Equal($"door,1,{EventQuery.Iso(second)},1,2,3,4,5,6,7,0.5", EventQuery.Csv(all[1]));
    }

    [Fact]
    public async Task What_is_older_or_more_than_shall_be_kept_goes()
    {
        await using EventStore store = Open();
        store.Add(Event(1, -40 * 86400, -40 * 86400 + 1));
        store.Add(Event(2));
        store.Add([.. Enumerable.Range(0, 20_000).Select(i => new PoseSample("door", 1, s_now.ToUnixTimeSeconds() - i, 1, 2, 3, 4, 5, 6, 7, 8))]);
        store.Files.Write(Event(2).Id, ".mp4", new byte[300_000]);
        store.Files.Write(Event(3, 1).Id, ".mp4", new byte[900_000]);
        store.Files.Write(Event(2).Id, ".jpg", new byte[900_000]);
        store.Files.Write(Event(3, 1).Id, ".jpg", new byte[1000]);
        File.SetLastWriteTimeUtc(store.Files.Find(Event(2).Id, ".mp4")!, s_now.UtcDateTime.AddHours(-1));
        File.SetLastWriteTimeUtc(store.Files.Find(Event(3, 1).Id, ".mp4")!, s_now.UtcDateTime);
        File.SetLastWriteTimeUtc(store.Files.Find(Event(2).Id, ".jpg")!, s_now.UtcDateTime.AddDays(-20));
        File.SetLastWriteTimeUtc(store.Files.Find(Event(3, 1).Id, ".jpg")!, s_now.UtcDateTime);
        await WrittenAsync(store);
        using SqliteConnection connection = new($"Data Source={Database};Pooling=False");
        connection.Open();

        StorageConfiguration settings = new() { EventDays = 30, SampleDays = 100, ClipMegabytes = 1, SnapshotDays = 10, DatabaseMegabytes = 1 };
        Retention.RemoveFiles(store.Files, settings, EventStore.Seconds(s_now));
        Retention.Apply(connection, settings, EventStore.Seconds(s_now), Database);

        Assert.Equal(2, Assert.Single(Read(store)).Track);
        Assert.InRange(Monitor.Storage.Database.Number(connection, "SELECT COUNT(*) FROM samples"), 1000, 19_000);
        Assert.Equal(s_now.ToUnixTimeSeconds(), Monitor.Storage.Database.Number(connection, "SELECT MAX(second) FROM samples"));
        // Of clips the older is too much, of snapshots too old.
        Assert.Null(store.Files.Find(Event(2).Id, ".mp4"));
        Assert.NotNull(store.Files.Find(Event(3, 1).Id, ".mp4"));
        Assert.Null(store.Files.Find(Event(2).Id, ".jpg"));
        Assert.NotNull(store.Files.Find(Event(3, 1).Id, ".jpg"));
        // What was freed can be given back to the disk.
        Assert.Equal(2, Monitor.Storage.Database.Number(connection, "PRAGMA auto_vacuum"));
    }

    [Fact]
    public async Task A_database_that_cannot_be_written_to_is_told_and_read_all_the_same()
    {
        await using (EventStore first = Open())
        {
            first.Add(Event(1));
            await WrittenAsync(first);
        }
        SqliteConnection.ClearAllPools();
        // A version of writing that nobody knows: SQLite opens it for reading alone, whoever asks.
        using (FileStream file = new(Database, FileMode.Open, FileAccess.Write))
        {
            file.Position = 18;
            file.WriteByte(3);
        }

        await using EventStore store = Open();
        store.Add(Event(2));
        await WrittenAsync(store);

        Assert.Contains("read-only", store.Problem);
        Assert.Equal(1, Assert.Single(Read(store)).Track);
    }

    [Fact]
    public async Task Files_that_wait_for_a_slow_disk_are_bounded()
    {
        await using EventStore store = Open();
        List<IDisposable> places = [];
        while (store.Files.TryBegin(64 << 20) is { } place) places.Add(place);

        Assert.Equal(3, places.Count);
        Assert.Contains("too slow", store.Problem);
        places[0].Dispose();
        places[0].Dispose();
        Assert.NotNull(store.Files.TryBegin(64 << 20));
        Assert.Null(store.Files.TryBegin(64 << 20));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("0193f4a1b2c-door-1/../../x")]
    [InlineData("zzzzzzzzzzz-door-1")]
    [InlineData("")]
    public async Task Only_events_have_files(string id)
    {
        await using EventStore store = Open();

        Assert.Null(store.Files.Find(id, ".jpg"));
        Assert.False(store.Files.Write(id, ".jpg", [1]));
    }
}
