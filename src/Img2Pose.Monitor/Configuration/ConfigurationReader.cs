using System.Globalization;
using System.Net;
using Img2Pose.Media;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Configuration;

/// <summary>Reads a configuration from YAML. All mistakes are found in one go.</summary>
internal static class ConfigurationReader
{
    /// <summary>Cameras at most: each is a connection, a decoder and several threads.</summary>
    public const int MostCameras = 64;

    /// <summary>Sizes of the picture for the network, pixels: below nobody is found, above a processor is busy for seconds.</summary>
    public const int LeastSize = 64, MostSize = 4096;

    private const int LongestName = 40, MostCorners = 100;

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="secrets">Where variables and files come from.</param>
    /// <param name="errors">Receives what is wrong.</param>
    /// <param name="others">Cameras that stand elsewhere, which rules may name as well.</param>
    public static MonitorConfiguration Read(string text, Secrets secrets, List<ConfigurationError> errors, IReadOnlyList<CameraConfiguration>? others = null)
    {
        if (YamlField.Parse(text, errors, secrets) is not { IsThere: true } root) return new MonitorConfiguration();
        if (!root.IsMapping("cameras", "rules", "storage", "users", "tokens", "webhooks", "mqtt", "hosts", "allow_addresses")) return new MonitorConfiguration();
        List<CameraConfiguration> cameras = [];
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (YamlField field in root["cameras"].Items())
        {
            CameraConfiguration camera = ReadCamera(field, CameraOrigin.Disk);
            if (camera.Name.Length > 0 && !names.Add(camera.Name)) field["name"].Fail($"there is a camera called \"{camera.Name}\" already; give each its own name");
            cameras.Add(camera);
        }
        if (cameras.Count > MostCameras) root["cameras"].Fail($"{cameras.Count} cameras are more than the limit of {MostCameras}");
        return new MonitorConfiguration
        {
            Cameras = cameras,
            Rules = RuleReader.ReadAll(root["rules"], [.. cameras, .. others ?? []]),
            Storage = ReadStorage(root["storage"]),
            Users = ReadUsers(root["users"]),
            Tokens = [.. root["tokens"].Items().Select(ReadToken)],
            Webhooks = [.. root["webhooks"].Items().Select(ReadWebhook)],
            Mqtt = ReadMqtt(root["mqtt"]),
            Hosts = [.. root["hosts"].Items().Select(host => host.Required().ToLowerInvariant())],
            AllowedAddresses = [.. root["allow_addresses"].Items().Select(ReadNetwork).OfType<IPNetwork>()],
        };
    }

    /// <summary>Reads one camera.</summary>
    /// <param name="field">Its fields.</param>
    /// <param name="origin">Who entered it: what came over the network may name network addresses only.</param>
    public static CameraConfiguration ReadCamera(YamlField field, CameraOrigin origin)
    {
        CameraConfiguration nothing = new() { Name = "", Url = "", Origin = origin };
        if (!field.IsMapping("name", "url", "user", "password", "transport", "insecure", "looks", "size", "priority", "mask", "clips", "fov", "schedule", "overlay", "masks", "zones", "lines"))
        {
            if (!field.IsThere) field.Fail("is empty; a camera has a name and a url");
            return nothing;
        }
        string[] overlay = [.. field["overlay"].Items().Select(item => item.Word("box", "axes", "name", "none") ?? "").Where(word => word is not ("" or "none"))];
        return new CameraConfiguration
        {
            Name = ReadName(field["name"]),
            Url = ReadUrl(field, origin),
            Origin = origin,
            OverUdp = field["transport"].Word("tcp", "udp") == "udp",
            Insecure = field["insecure"].YesNo() ?? false,
            Looks = field["looks"].Number(0.1, 60) ?? CameraConfiguration.UsualLooks,
            Size = field["size"].Number(LeastSize, MostSize) is { } size ? (int)size : null,
            Priority = field["priority"].Number(0.1, 100) ?? 1,
            Mask = field["mask"].YesNo() ?? false,
            Clips = field["clips"].YesNo() ?? true,
            FieldOfView = field["fov"].Number(5, 170),
            Schedule = ReadSchedule(field["schedule"]),
            Overlay = field["overlay"].IsThere ? overlay : nothing.Overlay,
            Masks = [.. field["masks"].Items().Select(area => new ZoneConfiguration { Name = "", Points = ReadPoints(area, 3) })],
            Zones = [.. field["zones"].Entries().Select(entry => new ZoneConfiguration { Name = Named(entry), Points = ReadPoints(entry.Value, 3) })],
            Lines = [.. field["lines"].Entries().Select(entry => (Name: Named(entry), Points: ReadPoints(entry.Value, 2))).Where(line => line.Points.Count >= 2).Select(line => new LineConfiguration(line.Name, line.Points[0], line.Points[1]))],
        };
    }

    /// <summary>Reads days and hours: "22:00-06:00", or fields days and hours; null where nothing is said.</summary>
    public static Schedule? ReadSchedule(YamlField field)
    {
        if (!field.IsThere) return null;
        YamlField hours = field, days = field["days"];
        bool isText = field["hours"] is { IsThere: false } && !days.IsThere;
        if (!isText)
        {
            _ = field.IsMapping("days", "hours");
            hours = field["hours"];
        }
        string[] named = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        List<DayOfWeek> chosen = [.. days.Items().Select(day => Array.IndexOf(named, day.Word(named) ?? "")).Where(day => day >= 0).Select(day => (DayOfWeek)day)];
        if (!hours.IsThere) return new Schedule(chosen, default, default);
        string[] ends = (hours.Text() ?? "").Split('-');
        if (ends.Length == 2 && TimeOnly.TryParseExact(ends[0].Trim(), "H:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly from)
            && TimeOnly.TryParseExact(ends[1].Trim() is "24:00" ? "0:00" : ends[1].Trim(), "H:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly to))
            return new Schedule(chosen, from, to);
        hours.Fail("must be two times of the day, such as 08:00-18:30");
        return null;
    }

    private static string ReadName(YamlField field)
    {
        string name = field.Required();
        // It becomes part of addresses, topics and file names.
        if (name.Length > 0 && !IsName(name)) field.Fail($"may be up to {LongestName} letters, digits, '-' and '_' of ASCII");
        return name;
    }

    private static string Named((string Name, YamlField Value) entry)
    {
        if (!IsName(entry.Name)) entry.Value.Fail($"its name may be up to {LongestName} letters, digits, '-' and '_' of ASCII");
        return entry.Name;
    }

    /// <summary>Whether a text can name a camera, a zone or a rule.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string ReadUrl(YamlField camera, CameraOrigin origin)
    {
        YamlField field = camera["url"];
        if (!field.IsThere || field.IsBlank)
        {
            field.Fail("is missing; give the address of the camera, such as rtsp://192.168.1.20/live");
            return "";
        }
        string url = field.Secret() ?? "";
        string? user = camera["user"].Secret(), password = camera["password"].Secret();
        if (url.Length == 0) return "";
        if (user is not null || password is not null)
        {
            int host = url.IndexOf("://", StringComparison.Ordinal) + 3;
            if (host < 3 || url[host..].Split('/')[0].Contains('@'))
            {
                camera["user"].Fail("goes with a url that has no user of its own, such as rtsp://192.168.1.20/live");
                return url;
            }
            url = $"{url[..host]}{Uri.EscapeDataString(user ?? "")}:{Uri.EscapeDataString(password ?? "")}@{url[host..]}";
        }
        try
        {
            if (origin == CameraOrigin.Page) SourcePolicy.RequireNetwork(url);
            else if (MediaSource.IsLive(url)) _ = LiveAddress.Parse(url);
        }
        catch (Img2PoseException error)
        {
            // The message has the address with its credentials masked.
            field.Fail(error.Message);
        }
        return url;
    }

    private static List<PicturePoint> ReadPoints(YamlField field, int least)
    {
        List<PicturePoint> points = [];
        foreach (YamlField point in field.Items())
        {
            double[] pair = [.. point.Items().Select(number => number.Number(0, 1) ?? double.NaN)];
            if (pair.Length != 2) point.Fail("must be two numbers from 0 to 1, x from the left and y from above, such as [0.5, 0.2]");
            else if (!double.IsNaN(pair[0] + pair[1])) points.Add(new PicturePoint(pair[0], pair[1]));
            // What lies off the picture has been told by the number.
            else return [];
        }
        if (points.Count > MostCorners) field.Fail(string.Create(CultureInfo.InvariantCulture, $"has more than {MostCorners} points"));
        if (points.Count < least) field.Fail(string.Create(CultureInfo.InvariantCulture, $"needs {least} points at least, such as [[0.1, 0.2], [0.4, 0.2], [0.4, 0.9]]"));
        return points;
    }

    private static StorageConfiguration ReadStorage(YamlField field)
    {
        StorageConfiguration usual = new();
        if (!field.IsMapping("events", "samples", "clips", "clips_mb", "snapshots", "snapshots_mb", "database_mb", "keep_free_mb")) return usual;
        const double day = 86400, longest = 3650 * day;
        return new StorageConfiguration
        {
            EventDays = (field["events"].Seconds(60, longest) ?? usual.EventDays * day) / day,
            SampleDays = (field["samples"].Seconds(60, longest) ?? usual.SampleDays * day) / day,
            ClipDays = (field["clips"].Seconds(60, longest) ?? usual.ClipDays * day) / day,
            ClipMegabytes = field["clips_mb"].Number(1, 1e8) ?? usual.ClipMegabytes,
            SnapshotDays = (field["snapshots"].Seconds(60, longest) ?? usual.SnapshotDays * day) / day,
            SnapshotMegabytes = field["snapshots_mb"].Number(1, 1e8) ?? usual.SnapshotMegabytes,
            DatabaseMegabytes = field["database_mb"].Number(1, 1e6) ?? usual.DatabaseMegabytes,
            FreeMegabytes = field["keep_free_mb"].Number(0, 1e6) ?? usual.FreeMegabytes,
        };
    }

    private static List<UserConfiguration> ReadUsers(YamlField field)
    {
        List<UserConfiguration> users = [];
        foreach (YamlField user in field.Items())
        {
            if (!user.IsMapping("name", "role", "password")) continue;
            string name = ReadName(user["name"]);
            if (users.Exists(other => other.Name == name)) user["name"].Fail($"there is a user called \"{name}\" already");
            YamlField password = user["password"];
            string? word = password.Secret();
            if (word is null || password.IsBlank) password.Fail("is missing");
            else if (word.Length is > 0 and < 8) password.Fail("needs eight characters at least");
            users.Add(new UserConfiguration(name, ReadRole(user["role"]), word ?? ""));
        }
        return users;
    }

    private static Role ReadRole(YamlField field) => field.Word("viewer", "operator", "admin") switch { "admin" => Role.Admin, "operator" => Role.Operator, _ => Role.Viewer };

    private static TokenConfiguration ReadToken(YamlField field)
    {
        if (!field.IsMapping("name", "role", "token")) return new TokenConfiguration("", Role.Viewer, "");
        string? token = field["token"].Secret();
        if (token is null || field["token"].IsBlank) field["token"].Fail("is missing");
        else if (token.Length is > 0 and < 24) field["token"].Fail("needs 24 characters at least, for example what \"openssl rand -hex 24\" writes");
        return new TokenConfiguration(ReadName(field["name"]), ReadRole(field["role"]), token ?? "");
    }

    private static WebhookConfiguration ReadWebhook(YamlField field)
    {
        Uri nothing = new("http://localhost/");
        if (!field.IsMapping("url", "secret", "rules")) return new WebhookConfiguration { Url = nothing };
        string? text = field["url"].Secret();
        Uri? url = null;
        if (text is null) field["url"].Fail("is missing");
        else if (!Uri.TryCreate(text, UriKind.Absolute, out url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0) field["url"].Fail("must be an address that begins with http:// or https://");
        if (field["secret"] is { IsThere: true, IsBlank: true } secret) secret.Fail("is empty; leave it out where bodies are not signed");
        return new WebhookConfiguration { Url = url is { Scheme: "http" or "https" } ? url : nothing, Secret = field["secret"].Secret(), Rules = [.. field["rules"].Items().Select(rule => rule.Required())] };
    }

    private static MqttConfiguration? ReadMqtt(YamlField field)
    {
        if (!field.IsMapping("host", "port", "tls", "user", "password", "topic", "discovery")) return null;
        string topic = field["topic"].Text() ?? "img2pose";
        if (topic.Length == 0 || topic.AsSpan().IndexOfAny("+#\0") >= 0) field["topic"].Fail("may not hold + or #");
        string? discovery = field["discovery"].Text() ?? "homeassistant";
        bool tls = field["tls"].YesNo() ?? false;
        return new MqttConfiguration
        {
            Host = field["host"].Required(),
            Port = (int)(field["port"].Number(1, 65535) ?? (tls ? 8883 : 1883)),
            Tls = tls,
            User = field["user"].Secret(),
            Password = field["password"].Secret(),
            Topic = topic,
            Discovery = discovery is "off" or "false" or "no" ? null : discovery,
        };
    }

    private static IPNetwork? ReadNetwork(YamlField field)
    {
        string text = field.Required();
        if (IPNetwork.TryParse(text.Contains('/') ? text : text + (text.Contains(':') ? "/128" : "/32"), out IPNetwork network)) return network;
        field.Fail($"\"{text}\" is no address or network, such as 169.254.20.0/24");
        return null;
    }
}
