using Img2Pose.Monitor.Configuration;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Storage;

/// <summary>Removes what is older, or more, than shall be kept.</summary>
internal static class Retention
{
    private const double Day = 86400;

    /// <summary>Removes events and poses once.</summary>
    /// <param name="connection">The database.</param>
    /// <param name="settings">What is kept.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="path">The database's file.</param>
    public static void Apply(SqliteConnection connection, StorageConfiguration settings, double now, string path)
    {
        using (SqliteCommand command = connection.CreateCommand())
        {
            command.CommandText = "DELETE FROM events WHERE began < $events; DELETE FROM samples WHERE second < $samples;";
            EventStore.Set(command, ("$events", now - settings.EventDays * Day), ("$samples", now - settings.SampleDays * Day));
            command.ExecuteNonQuery();
        }
        Shrink(connection, settings, path);
    }

    /// <summary>Removes snapshots and clips once.</summary>
    /// <param name="files">Snapshots and clips.</param>
    /// <param name="settings">What is kept.</param>
    /// <param name="now">Seconds since 1970.</param>
    public static void RemoveFiles(EventFiles files, StorageConfiguration settings, double now)
    {
        foreach (FileInfo leftover in files.Leftovers(now).ToArray()) EventFiles.Remove(leftover);
        FileInfo[] all = [.. files.All()];
        Remove([.. all.Where(file => file.Extension == ".mp4")], settings.ClipDays, settings.ClipMegabytes, now);
        Remove([.. all.Where(file => file.Extension == ".jpg")], settings.SnapshotDays, settings.SnapshotMegabytes, now);
    }

    /// <summary>Removes files, the oldest first, until they are young and few enough.</summary>
    private static void Remove(FileInfo[] files, double days, double megabytes, double now)
    {
        DateTime oldest = DateTime.UnixEpoch + TimeSpan.FromSeconds(now - days * Day);
        long kept = files.Sum(file => file.Length), most = (long)(megabytes * (1 << 20));
        foreach (FileInfo file in files)
        {
            if (file.LastWriteTimeUtc >= oldest && kept <= most) break;
            kept -= file.Length;
            EventFiles.Remove(file);
        }
    }

    /// <summary>Poses are most of a database: the oldest tenth goes until it is small enough.</summary>
    private static void Shrink(SqliteConnection connection, StorageConfiguration settings, string path)
    {
        for (int round = 0; round < 5; round++)
        {
            long used = (Database.Number(connection, "PRAGMA page_count") - Database.Number(connection, "PRAGMA freelist_count")) * Database.Number(connection, "PRAGMA page_size");
            if (used <= settings.DatabaseMegabytes * (1 << 20)) break;
            Database.Execute(connection, "DELETE FROM samples WHERE rowid IN (SELECT rowid FROM samples ORDER BY second LIMIT MAX(1000, (SELECT COUNT(*) / 10 FROM samples)))");
            Database.Execute(connection, "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events ORDER BY began LIMIT (SELECT CASE WHEN EXISTS (SELECT 1 FROM samples) THEN 0 ELSE 1000 END))");
        }
        Database.Execute(connection, "PRAGMA incremental_vacuum(2000)");
        // The log beside the database, where it has grown.
        if (new FileInfo(path + "-wal") is { Exists: true, Length: > 16 << 20 }) Database.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}
