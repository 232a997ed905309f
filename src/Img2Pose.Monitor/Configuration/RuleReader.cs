namespace Img2Pose.Monitor.Configuration;

/// <summary>Reads the rules of a configuration, which name cameras, zones and lines of it.</summary>
internal static class RuleReader
{
    private static readonly string[] s_kinds = ["appears", "leaves", "facing", "away", "turned", "head_down", "nearer", "count", "zone", "line"];

    /// <summary>Reads all of them, and checks that what they name is there.</summary>
    public static List<RuleConfiguration> ReadAll(YamlField field, IReadOnlyList<CameraConfiguration> cameras)
    {
        List<RuleConfiguration> rules = [];
        foreach (YamlField item in field.Items())
        {
            if (Read(item) is not { } rule) continue;
            if (rules.Exists(other => other.Name == rule.Name)) item["name"].Fail($"there is a rule called \"{rule.Name}\" already");
            Check(item, rule, cameras);
            rules.Add(rule);
        }
        return rules;
    }

    private static RuleConfiguration? Read(YamlField field)
    {
        if (!field.IsMapping("name", "when", "cameras", "for", "angle", "distance", "faces", "zone", "line", "cooldown", "gap", "schedule", "before", "after")) return null;
        string? word = field["when"].Word(s_kinds);
        if (!field["when"].IsThere) field["when"].Fail($"is missing; it is one of {string.Join(", ", s_kinds)}");
        RuleKind kind = (RuleKind)Math.Max(0, Array.IndexOf(s_kinds, word));
        string name = field["name"].Text() ?? word ?? "";
        if (name.Length > 0 && !ConfigurationReader.IsName(name)) field["name"].Fail("may be up to 40 letters, digits, '-' and '_' of ASCII");
        const double longest = 3600;
        double angle = field["angle"].Number(1, 180) ?? kind switch { RuleKind.Facing => 20, RuleKind.HeadDown => 25, _ => 45 };
        if (kind == RuleKind.Nearer && !field["distance"].IsThere) field["distance"].Fail("is missing: how near, in millimetres");
        if (kind == RuleKind.Zone && !field["zone"].IsThere) field["zone"].Fail("is missing: the name of a zone");
        if (kind == RuleKind.Line && !field["line"].IsThere) field["line"].Fail("is missing: the name of a line");
        return new RuleConfiguration
        {
            Name = name,
            Kind = kind,
            Cameras = [.. field["cameras"].Items().Select(camera => camera.Required())],
            For = field["for"].Seconds(0, longest) ?? kind switch { RuleKind.Facing or RuleKind.Away or RuleKind.HeadDown => 3, _ => 0 },
            Angle = angle,
            Distance = field["distance"].Number(10, 100_000) ?? 0,
            Faces = (int)(field["faces"].Number(0, 1000) ?? 1),
            Zone = field["zone"].Text(),
            Line = field["line"].Text(),
            Cooldown = field["cooldown"].Seconds(0, 86400) ?? 0,
            Gap = field["gap"].Seconds(0, 60) ?? 0.4,
            Schedule = ConfigurationReader.ReadSchedule(field["schedule"]),
            Before = field["before"].Seconds(0, 15) ?? 3,
            After = field["after"].Seconds(0, 60) ?? 3,
        };
    }

    private static void Check(YamlField field, RuleConfiguration rule, IReadOnlyList<CameraConfiguration> cameras)
    {
        // A camera that is entered in the page may be missing here; one that is misspelt never matches, and is told.
        foreach (YamlField named in field["cameras"].Items())
        {
            string name = named.Text() ?? "";
            if (name.Length > 0 && !cameras.Any(camera => camera.Name == name)) named.Fail($"there is no camera called \"{name}\"");
        }
        CameraConfiguration[] meant = [.. cameras.Where(camera => rule.Cameras.Count == 0 || rule.Cameras.Contains(camera.Name))];
        // Of the cameras that are named each must have it; where none is named it holds for those that do.
        if (rule.Zone is { } zone && !Has(meant, rule, camera => camera.Zones.Any(area => area.Name == zone)))
            field["zone"].Fail($"there is no zone called \"{zone}\" {Where(rule)}");
        if (rule.Line is { } line && !Has(meant, rule, camera => camera.Lines.Any(other => other.Name == line)))
            field["line"].Fail($"there is no line called \"{line}\" {Where(rule)}");
        if (rule.Kind == RuleKind.Nearer && rule.Cameras.Count > 0)
        {
            foreach (CameraConfiguration camera in meant.Where(camera => camera.FieldOfView is null))
                field["distance"].Fail($"needs the lens of the camera \"{camera.Name}\": give it a fov, its horizontal field of view in degrees");
        }
    }

    private static bool Has(CameraConfiguration[] cameras, RuleConfiguration rule, Func<CameraConfiguration, bool> has) =>
        rule.Cameras.Count > 0 ? cameras.All(has) : cameras.Any(has);

    private static string Where(RuleConfiguration rule) => rule.Cameras.Count switch
    {
        0 => "on any camera",
        1 => $"on the camera \"{rule.Cameras[0]}\"",
        _ => "on each of its cameras",
    };
}
