using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Testing;
using Json.Schema;
using YamlDotNet.RepresentationModel;

namespace Img2Pose.Monitor.Tests.Configuration;

public class ConfigurationReaderTests
{
    private const string Whole = """
        cameras:
          - name: door
            url: rtsp://${DOOR_USER}:${DOOR_PASSWORD}@192.168.1.20/live
            transport: udp
            looks: 4
            size: 320
            priority: 2
            mask: true
            fov: 80
            schedule: { hours: 22:00-06:00, days: [mon, fri] }
            zones:
              mat: [[0.1, 0.5], [0.5, 0.5], [0.5, 1]]
            lines:
              sill: [[0, 0.5], [1, 0.5]]
            masks:
              - [[0, 0], [0.2, 0], [0.2, 0.2]]
          - { name: hall, url: "lavfi:testsrc2" }
        rules:
          - { name: looks, when: facing, for: 3s, cooldown: 1m, cameras: [door] }
          - { when: zone, zone: mat }
          - { when: line, line: sill, cameras: door }
          - { when: nearer, distance: 500, cameras: [door] }
          - { when: count, faces: 3, schedule: 08:00-18:00 }
        storage: { events: 10d, samples: 12h, clips_mb: 500, snapshots: 3d, snapshots_mb: 50 }
        users:
          - { name: anna, role: admin, password: "file:anna.txt" }
        tokens:
          - { name: script, role: viewer, token: 0123456789abcdef0123456789abcdef }
        webhooks:
          - { url: "https://example.org/hook", secret: shh, rules: [looks] }
        mqtt: { host: broker.local, tls: true }
        hosts: monitor.example.org
        allow_addresses: [169.254.7.0/24, 169.254.9.9]
        """;

    private static (MonitorConfiguration Read, List<ConfigurationError> Errors) Read(string text, params (string Name, string Value)[] environment)
    {
        List<ConfigurationError> errors = [];
        string folder = Directory.CreateTempSubdirectory("img2pose-config").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "anna.txt"), "a long password\n");
            File.WriteAllText(Path.Combine(folder, "empty.txt"), "\n");
            MonitorConfiguration read = ConfigurationReader.Read(text, new Secrets(folder, name => environment.FirstOrDefault(pair => pair.Name == name).Value), errors);
            return (read, errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Everything_that_can_be_said_is_read()
    {
        (MonitorConfiguration read, List<ConfigurationError> errors) = Read(Whole, ("DOOR_USER", "me"), ("DOOR_PASSWORD", "pw"));

        Assert.Empty(errors);
        CameraConfiguration door = read.Cameras[0];
        Assert.Equal(("door", "rtsp://me:pw@192.168.1.20/live", true, 4.0, 2.0, true, 80.0), (door.Name, door.Url, door.OverUdp, door.Looks, door.Priority, door.Mask, door.FieldOfView!.Value));
        Assert.Equal([DayOfWeek.Monday, DayOfWeek.Friday], door.Schedule!.Days);
        Assert.Equal(new PicturePoint(0.5, 1), Assert.Single(door.Zones).Points[2]);
        Assert.Equal(new LineConfiguration("sill", new PicturePoint(0, 0.5), new PicturePoint(1, 0.5)), Assert.Single(door.Lines));
        Assert.True(door.IsComposed);
        Assert.Equal((320, null), (door.Size, read.Cameras[1].Size));
        Assert.False(read.Cameras[1].IsComposed);
        Assert.Equal([RuleKind.Facing, RuleKind.Zone, RuleKind.Line, RuleKind.Nearer, RuleKind.Count], read.Rules.Select(rule => rule.Kind));
        Assert.Equal((3.0, 60.0, "looks"), (read.Rules[0].For, read.Rules[0].Cooldown, read.Rules[0].Name));
        Assert.Equal((10.0, 0.5, 500.0, 3.0, 50.0), (read.Storage.EventDays, read.Storage.SampleDays, read.Storage.ClipMegabytes, read.Storage.SnapshotDays, read.Storage.SnapshotMegabytes));
        Assert.Equal(new UserConfiguration("anna", Role.Admin, "a long password"), Assert.Single(read.Users));
        Assert.Equal(8883, read.Mqtt!.Port);
        Assert.True(read.AllowedAddresses[1].Contains(IPAddress.Parse("169.254.9.9")));
    }

    [Theory]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n  - name: A\n    url: rtsp://h/2\n", 4, "cameras[1].name", "already")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n    looks: fast\n", 4, "cameras[0].looks", "number from 0.1 to 60")]
    [InlineData("cameras:\n  - name: a\n", 2, "cameras[0].url", "is missing")]
    [InlineData("cameras:\n  - name: a b\n    url: rtsp://h/1\n", 2, "cameras[0].name", "letters")]
    [InlineData("cameras:\n  - name: a\n    url: gopher://h/1\n", 3, "cameras[0].url", "gopher:// is not read")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://${NOBODY}@h/1\n", 3, "cameras[0].url", "NOBODY is not set")]
    [InlineData("cameras:\n  - name: a\n    url: file:gone.txt\n", 3, "cameras[0].url", "gone.txt cannot be read")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n    zones:\n      mat: [[0.1, 0.2], [0.3, 1.2], [0.4, 0.4]]\n", 5, "cameras[0].zones.mat[1][1]", "number from 0 to 1")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n    colour: red\n", 4, "cameras[0].colour", "is unknown; known are name")]
    [InlineData("rules:\n  - when: zone\n    zone: mat\n", 3, "rules[0].zone", "no zone called \"mat\"")]
    [InlineData("rules:\n  - when: facing\n    cameras: [door]\n", 3, "rules[0].cameras[0]", "no camera called \"door\"")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n    size: 10\n", 4, "cameras[0].size", "number from 64 to 4096")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\n    lines:\n      \"a b\": [[0, 0], [1, 1]]\n", 5, "cameras[0].lines.a b", "letters")]
    [InlineData("rules:\n  - when: dancing\n", 2, "rules[0].when", "must be one of appears")]
    [InlineData("cameras:\n  - name: a\n    url: rtsp://h/1\nrules:\n  - when: nearer\n    distance: 500\n    cameras: [a]\n", 6, "rules[0].distance", "fov")]
    [InlineData("users:\n  - name: a\n    password: short\n", 3, "users[0].password", "eight characters")]
    [InlineData("users:\n  - name: a\n    password: \"\"\n", 3, "users[0].password", "is missing")]
    [InlineData("users:\n  - name: a\n    password: file:empty.txt\n", 3, "users[0].password", "is empty")]
    [InlineData("tokens:\n  - name: a\n    token: \"\"\n", 3, "tokens[0].token", "is missing")]
    [InlineData("tokens:\n  - name: a\n    token: file:empty.txt\n", 3, "tokens[0].token", "is empty")]
    [InlineData("webhooks:\n  - url: http://h/x\n    secret: file:empty.txt\n", 3, "webhooks[0].secret", "is empty")]
    [InlineData("webhooks:\n  - url: http://h/x\n    secret: \"\"\n", 3, "webhooks[0].secret", "is empty")]
    [InlineData("cameras:\n  - name: a\n    url: \"\"\n", 3, "cameras[0].url", "is missing")]
    [InlineData("cameras: [\n", 2, "YAML", "")]
    [InlineData("a: &x [1]\nb: *x\n", 2, "YAML", "references")]
    [InlineData("a: 1\nb: !!x%00y z\n", 2, "YAML", "is not understood")]
    [InlineData("- door\n", 1, "", "must be fields")]
    [InlineData("webhooks:\n  - url: ftp://h/x\n", 2, "webhooks[0].url", "http://")]
    [InlineData("allow_addresses: [nowhere]\n", 1, "allow_addresses", "no address or network")]
    public void A_mistake_is_told_with_its_line_and_field(string text, int line, string field, string message)
    {
        (_, List<ConfigurationError> errors) = Read(text);

        ConfigurationError error = Assert.Single(errors);
        Assert.Equal(line, error.Line);
        Assert.StartsWith(field, error.Field);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void A_secret_that_cannot_be_used_is_in_no_message()
    {
        (_, List<ConfigurationError> errors) = Read("cameras:\n  - name: a\n    url: rtsp://me:topsecret@h:port/1\n");

        Assert.DoesNotContain("topsecret", Assert.Single(errors).ToString());
    }

    [Fact]
    public void What_is_nested_without_end_is_refused_before_it_is_built()
    {
        (_, List<ConfigurationError> errors) = Read("cameras: " + new string('[', 100_000));

        Assert.Contains("nested too deeply", Assert.Single(errors).Message);
    }

    [Theory]
    [InlineData("lavfi:testsrc2")]
    [InlineData("/etc/passwd")]
    [InlineData("file:///etc/passwd")]
    [InlineData("0")]
    [InlineData("/dev/video0")]
    [InlineData("screen:")]
    [InlineData("udp://0.0.0.0:5000")]
    [InlineData("srt://:9000?mode=listener")]
    [InlineData("httpproxy://127.0.0.1/x")]
    [InlineData("-")]
    public void What_comes_over_the_network_names_network_cameras_only(string url)
    {
        List<ConfigurationError> errors = [];
        YamlField field = YamlField.Parse($"{{\"name\": \"a\", \"url\": \"{url}\"}}", errors, Secrets.None)!;

        ConfigurationReader.ReadCamera(field, CameraOrigin.Page);

        Assert.Contains("rtsp://", Assert.Single(errors).Message);
    }

    [Fact]
    public void What_comes_over_the_network_looks_nothing_up()
    {
        List<ConfigurationError> errors = [];
        YamlField field = YamlField.Parse("{\"name\": \"a\", \"url\": \"rtsp://${HOME}@h/x\"}", errors, Secrets.None)!;

        CameraConfiguration camera = ConfigurationReader.ReadCamera(field, CameraOrigin.Page);

        Assert.Equal("rtsp://${HOME}@h/x", camera.Url);
    }

    [Theory]
    [InlineData("22:00", "06:00", "2026-11-27T23:00", true)]
    [InlineData("22:00", "06:00", "2026-11-28T05:59", true)]
    [InlineData("22:00", "06:00", "2026-11-28T06:00", false)]
    [InlineData("22:00", "06:00", "2026-11-29T05:00", false)]
    [InlineData("08:00", "18:00", "2026-11-27T12:00", true)]
    [InlineData("08:00", "18:00", "2026-11-28T12:00", false)]
    public void Hours_over_midnight_belong_to_the_day_they_began_on(string from, string to, string now, bool inside)
    {
        // 2026-11-27 is a Friday.
        Schedule schedule = new([DayOfWeek.Friday], TimeOnly.Parse(from, System.Globalization.CultureInfo.InvariantCulture), TimeOnly.Parse(to, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(inside, schedule.Includes(DateTime.Parse(now, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void A_camera_with_masks_says_the_same_wherever_it_stands_in_the_file()
    {
        const string other = "  - { name: b, url: 'lavfi:testsrc2' }\n", masked = "  - { name: a, url: 'lavfi:testsrc2', masks: [[[0, 0], [0.2, 0], [0.2, 0.2]]] }\n";

        CameraConfiguration first = Read("cameras:\n" + masked + other).Read.Cameras[0], second = Read("cameras:\n" + other + masked).Read.Cameras[1];

        Assert.Equal("a", second.Name);
        Assert.Equal(first.Fingerprint(), second.Fingerprint());
    }

    [Fact]
    public void A_camera_hides_more_when_faces_are_hidden_or_an_area_is_another_one()
    {
        ZoneConfiguration Area(double x) => new() { Name = "", Points = [new(0, 0), new(x, 0), new(x, 1)] };
        CameraConfiguration open = new() { Name = "a", Url = "" }, area = open with { Masks = [Area(0.5)] };

        Assert.True(area.HidesMoreThan(open));
        Assert.True((area with { Mask = true }).HidesMoreThan(area));
        Assert.True((area with { Masks = [Area(0.6)] }).HidesMoreThan(area));
        Assert.True((area with { Masks = [Area(0.5), Area(0.6)] }).HidesMoreThan(area));
        Assert.False((area with { Masks = [Area(0.5)], Looks = 1 }).HidesMoreThan(area));
        Assert.False(open.HidesMoreThan(area with { Mask = true }));
    }

    [Fact]
    public void The_schema_knows_what_the_reader_knows()
    {
        JsonSchema schema = JsonSchema.FromFile(Path.Combine(SharedData.RepositoryRoot, "docs", "cameras.schema.json"));

        Assert.True(schema.Evaluate(ToJson(Whole)).IsValid);
        Assert.False(schema.Evaluate(ToJson("cameras:\n  - name: a\n    url: rtsp://h/1\n    colour: red\n")).IsValid);
        Assert.False(schema.Evaluate(ToJson("rules:\n  - when: dancing\n")).IsValid);
        // Each field that the schema has is one that the reader takes.
        JsonNode definitions = JsonNode.Parse(File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "cameras.schema.json")))!;
        List<ConfigurationError> errors = [];
        YamlField field = YamlField.Parse("x: 1", errors, Secrets.None)!;
        ConfigurationReader.ReadCamera(field, CameraOrigin.Disk);
        string known = errors[0].Message;
        Assert.All(definitions["$defs"]!["camera"]!["properties"]!.AsObject(), property => Assert.Contains(property.Key, known));
    }

    /// <summary>YAML as JSON, numbers and truths as such.</summary>
    private static JsonElement ToJson(string yaml)
    {
        YamlStream stream = [];
        stream.Load(new StringReader(yaml));
        return JsonSerializer.SerializeToElement(Convert(stream.Documents[0].RootNode));

        static JsonNode? Convert(YamlNode node) => node switch
        {
            YamlMappingNode mapping => new JsonObject(mapping.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, Convert(pair.Value)))),
            YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(Convert)]),
            YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: "true" or "false" } truth => JsonValue.Create(truth.Value == "true"),
            YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain } plain when double.TryParse(plain.Value, System.Globalization.CultureInfo.InvariantCulture, out double number) => JsonValue.Create(number),
            YamlScalarNode scalar => JsonValue.Create(scalar.Value),
            _ => null,
        };
    }
}
