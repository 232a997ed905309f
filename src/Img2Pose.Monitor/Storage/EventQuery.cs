using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Img2Pose.Monitor.Storage;

/// <summary>An event as it is kept.</summary>
internal sealed record StoredEvent(
    string Id, string Camera, string Rule, string Kind, double Start, double? End, int Track, int Looks, double Yaw, double Pitch, double Roll,
    double OffCamera, double? Nearest, int Faces, string? SeenBy);

/// <summary>Which events are asked for; what is null is not looked at. Times are seconds since 1970.</summary>
internal sealed record EventFilter
{
    public string? Camera { get; init; }

    public string? Rule { get; init; }

    public string? Kind { get; init; }

    public double? From { get; init; }

    public double? To { get; init; }

    /// <summary>Only events before this one, for the next page.</summary>
    public string? Before { get; init; }

    /// <summary>The same for what may be gone meanwhile: its begin and identity.</summary>
    public (double Start, string Id)? After { get; init; }

    /// <summary>At most this many, the newest first.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>Reads what is kept.</summary>
internal static class EventQuery
{
    /// <summary>Events, the newest first.</summary>
    public static IEnumerable<StoredEvent> Events(SqliteConnection connection, EventFilter filter)
    {
        using SqliteCommand command = connection.CreateCommand();
        StringBuilder sql = new("SELECT id, camera, rule, kind, began, ended, track, looks, yaw, pitch, roll, off_camera, nearest, faces, seen_by FROM events WHERE 1 = 1");
        Where(command, sql, " AND camera = $camera", "$camera", filter.Camera);
        Where(command, sql, " AND rule = $rule", "$rule", filter.Rule);
        Where(command, sql, " AND kind = $kind COLLATE NOCASE", "$kind", filter.Kind);
        Where(command, sql, " AND began >= $from", "$from", filter.From);
        Where(command, sql, " AND began < $to", "$to", filter.To);
        Where(command, sql, " AND (began, id) < ((SELECT began FROM events WHERE id = $before), $before)", "$before", filter.Before);
        if (filter.After is { } last)
        {
            Where(command, sql, " AND (began, id) < ($start, $id)", "$start", last.Start);
            command.Parameters.AddWithValue("$id", last.Id);
        }
        sql.Append(" ORDER BY began DESC, id DESC LIMIT $limit");
        command.Parameters.AddWithValue("$limit", filter.Limit);
#pragma warning disable CA2100 // Made of the texts above; values are parameters.
        command.CommandText = sql.ToString();
#pragma warning restore CA2100
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new StoredEvent(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetDouble(4), reader.IsDBNull(5) ? null : reader.GetDouble(5),
                reader.GetInt32(6), reader.GetInt32(7), reader.GetDouble(8), reader.GetDouble(9), reader.GetDouble(10), reader.GetDouble(11),
                reader.IsDBNull(12) ? null : reader.GetDouble(12), reader.GetInt32(13), reader.IsDBNull(14) ? null : reader.GetString(14));
        }
    }

    /// <summary>Poses of a camera between two seconds, by time.</summary>
    public static IEnumerable<PoseSample> Samples(SqliteConnection connection, string? camera, long from, long to, int limit)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT camera, track, second, yaw, pitch, roll, distance, depth, x, y, score FROM samples WHERE ($camera IS NULL OR camera = $camera) AND second >= $from AND second < $to ORDER BY second, track LIMIT $limit";
        EventStore.Set(command, ("$camera", camera), ("$from", from), ("$to", to), ("$limit", limit));
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) yield return Sample(reader);
    }

    /// <summary>The same in parts, by time and then as they were kept: what comes behind the place that the last part ended at.</summary>
    public static IEnumerable<(PoseSample Sample, long Row)> Samples(SqliteConnection connection, string? camera, long from, long to, (long Second, long Row) after, int limit)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT camera, track, second, yaw, pitch, roll, distance, depth, x, y, score, rowid FROM samples WHERE ($camera IS NULL OR camera = $camera) AND second >= $from AND second < $to AND (second, rowid) > ($second, $row) ORDER BY second, rowid LIMIT $limit";
        EventStore.Set(command, ("$camera", camera), ("$from", from), ("$to", to), ("$second", after.Second), ("$row", after.Row), ("$limit", limit));
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) yield return (Sample(reader), reader.GetInt64(11));
    }

    private static PoseSample Sample(SqliteDataReader reader) => new(
        reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetDouble(3), reader.GetDouble(4), reader.GetDouble(5),
        reader.IsDBNull(6) ? null : reader.GetDouble(6), reader.GetDouble(7), reader.GetDouble(8), reader.GetDouble(9), reader.GetDouble(10));

    /// <summary>A pose as a line of CSV, in the order of <see cref="SampleCsvHeader"/>.</summary>
    public static string Csv(PoseSample sample) => string.Join(',', new[]
    {
        Cell(sample.Camera), Text(sample.Track), Iso(sample.Second), Text(sample.Yaw), Text(sample.Pitch), Text(sample.Roll), sample.Distance is { } distance ? Text(distance) : "",
        Text(sample.Depth, 4), Text(sample.X, 4), Text(sample.Y, 4), Text(sample.Score, 4),
    });

    /// <summary>The names of the columns.</summary>
    public const string SampleCsvHeader = "camera,track,time,yaw,pitch,roll,distance_mm,depth,x,y,score";

    /// <summary>An event as a line of CSV, in the order of <see cref="CsvHeader"/>.</summary>
    public static string Csv(StoredEvent happened) => string.Join(',', new[]
    {
        happened.Id, Cell(happened.Camera), Cell(happened.Rule), happened.Kind, Iso(happened.Start), happened.End is { } end ? Iso(end) : "", Text(happened.Track), Text(happened.Looks),
        Text(happened.Yaw), Text(happened.Pitch), Text(happened.Roll), Text(happened.OffCamera), happened.Nearest is { } near ? Text(near) : "", Text(happened.Faces), Cell(happened.SeenBy ?? ""),
    });

    /// <summary>The names of the columns.</summary>
    public const string CsvHeader = "id,camera,rule,kind,start,end,track,looks,yaw,pitch,roll,most_off_camera,nearest_mm,most_faces,seen_by";

    /// <summary>A time as ISO 8601 in UTC.</summary>
    public static string Iso(double seconds) => (DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds)).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static void Where(SqliteCommand command, StringBuilder sql, string clause, string name, object? value)
    {
        if (value is null) return;
        sql.Append(clause);
        command.Parameters.AddWithValue(name, value);
    }

    private static string Text(double value, int digits = 2) => Math.Round(value, digits).ToString(CultureInfo.InvariantCulture);

    /// <summary>In quotes where needed; what a spreadsheet would take for a formula is made text.</summary>
    private static string Cell(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@') text = "'" + text;
        return text.AsSpan().IndexOfAny("\",\n\r") >= 0 ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
