using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Storage;

/// <summary>The database's form, and how older ones become it.</summary>
internal static class Database
{
    /// <summary>What each version adds to the one before.</summary>
    private static readonly string[] s_migrations =
    [
        """
        CREATE TABLE cameras (name TEXT PRIMARY KEY, first_seen REAL NOT NULL, last_seen REAL NOT NULL);
        CREATE TABLE events (
            id TEXT PRIMARY KEY, camera TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL, began REAL NOT NULL, ended REAL, track INTEGER NOT NULL,
            looks INTEGER NOT NULL, yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL, off_camera REAL NOT NULL, nearest REAL, faces INTEGER NOT NULL);
        CREATE INDEX events_by_time ON events (began);
        CREATE INDEX events_by_camera ON events (camera, began);
        CREATE TABLE samples (
            camera TEXT NOT NULL, track INTEGER NOT NULL, second INTEGER NOT NULL, yaw REAL NOT NULL, pitch REAL NOT NULL, roll REAL NOT NULL,
            distance REAL, depth REAL NOT NULL, x REAL NOT NULL, y REAL NOT NULL, score REAL NOT NULL);
        CREATE INDEX samples_by_time ON samples (camera, second);
        """,
        "ALTER TABLE events ADD COLUMN seen_by TEXT;",
        // What is too old is looked for every minute, whatever the camera.
        "CREATE INDEX samples_by_second ON samples (second);",
    ];

    /// <summary>The version that this program makes and reads.</summary>
    public static int Version => s_migrations.Length;

    /// <summary>Opens or makes a database, and brings it to this version. Events that were under way when the program ended are ended.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <exception cref="InputException">It is of a newer version.</exception>
    /// <exception cref="SqliteException">It cannot be opened or changed.</exception>
    public static SqliteConnection Open(string path, double now)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 5, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // Before anything is in it: later it would have no effect.
            Execute(connection, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
            Migrate(connection, path);
            using SqliteCommand ending = connection.CreateCommand();
            ending.CommandText = "UPDATE events SET ended = MIN(began, $now) WHERE ended IS NULL";
            ending.Parameters.AddWithValue("$now", now);
            ending.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement without values.</summary>
    public static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
#pragma warning disable CA2100 // Only texts of this program.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>A single number.</summary>
    public static long Number(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Only texts of this program.
        command.CommandText = sql;
#pragma warning restore CA2100
        return Convert.ToInt64(command.ExecuteScalar() ?? 0, CultureInfo.InvariantCulture);
    }

    private static void Migrate(SqliteConnection connection, string path)
    {
        long version = Number(connection, "PRAGMA user_version");
        if (version > Version) throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}: is of version {version}, which a newer program made; this one knows up to {Version}"));
        for (long next = version; next < Version; next++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            Execute(connection, s_migrations[next], transaction);
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {next + 1}"), transaction);
            transaction.Commit();
        }
    }
}
