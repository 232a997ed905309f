using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Monitor.Configuration;

/// <summary>
/// Where the configuration comes from: the user's own file, which is only read, or addresses of the command line; and
/// <c>cameras.local.yaml</c> beside it, which holds what was entered in the page and belongs to the monitor. Thread-safe.
/// </summary>
internal sealed class ConfigurationFiles
{
    private const long LongestFile = 1 << 20;

    private static readonly JsonSerializerOptions s_text = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string? _path;
    private readonly IReadOnlyList<string> _urls;
    private readonly Func<string, string?>? _environment;
    private readonly Lock _lock = new();

    /// <param name="path">The user's file, or null.</param>
    /// <param name="urls">Addresses of the command line.</param>
    /// <param name="folder">Where the local file goes where there is no user's file, or nothing can be written beside it.</param>
    /// <param name="environment">Gives variables; another in tests.</param>
    public ConfigurationFiles(string? path, IReadOnlyList<string> urls, string folder, Func<string, string?>? environment = null)
    {
        (_path, _urls, _environment) = (path is null ? null : Path.GetFullPath(path), urls, environment);
        LocalPath = Path.Combine(folder, "cameras.local.yaml");
        if (_path is null) return;
        string beside = Path.Combine(Path.GetDirectoryName(_path)!, Path.GetFileNameWithoutExtension(_path) + ".local.yaml");
        // A service may not write where its configuration is.
        if (File.Exists(beside) || MayWrite(Path.GetDirectoryName(_path)!)) LocalPath = beside;
    }

    /// <summary>The user's file, or null.</summary>
    public string? UserPath => _path;

    /// <summary>The monitor's own file, which may not be there.</summary>
    public string LocalPath { get; }

    /// <summary>Reads all of it.</summary>
    /// <exception cref="InputException">A file cannot be read.</exception>
    /// <exception cref="UsageException">There are mistakes; the first is told, with the number of the others.</exception>
    public MonitorConfiguration Load()
    {
        (MonitorConfiguration configuration, List<(string File, ConfigurationError Error)> errors) = Check();
        if (errors.Count == 0) return configuration;
        string others = errors.Count switch { 1 => "", 2 => " There is another mistake (--check shows both).", _ => string.Create(CultureInfo.InvariantCulture, $" There are {errors.Count - 1} other mistakes (--check shows all).") };
        throw new UsageException($"{errors[0].File}: {errors[0].Error}.{others}");
    }

    /// <summary>Reads all of it, with every mistake.</summary>
    /// <param name="entered">Cameras of the page as they shall become; null: as they stand in their file.</param>
    public (MonitorConfiguration Configuration, List<(string File, ConfigurationError Error)> Errors) Check(IReadOnlyList<CameraConfiguration>? entered = null)
    {
        List<(string, ConfigurationError)> all = [];
        List<ConfigurationError> localErrors = [];
        IReadOnlyList<CameraConfiguration> local = entered is null ? ReadLocal(localErrors) : ParseLocal(TextOf(entered), localErrors);
        MonitorConfiguration configuration = new();
        if (_path is not null)
        {
            List<ConfigurationError> errors = [];
            configuration = ConfigurationReader.Read(ReadText(_path), new Secrets(Path.GetDirectoryName(_path)!, _environment), errors, local);
            all.AddRange(errors.Select(error => (_path, error)));
        }
        List<CameraConfiguration> cameras = [.. configuration.Cameras];
        foreach (string url in _urls) cameras.Add(OfCommandLine(url, cameras));
        foreach (CameraConfiguration camera in local)
        {
            if (cameras.Exists(other => string.Equals(other.Name, camera.Name, StringComparison.OrdinalIgnoreCase)))
                localErrors.Add(new ConfigurationError(0, camera.Name, "there is a camera of this name in the other file as well; rename one of them"));
            else cameras.Add(camera);
        }
        all.AddRange(localErrors.Select(error => (LocalPath, error)));
        return (configuration with { Cameras = cameras }, all);
    }

    /// <summary>The cameras that were entered in the page.</summary>
    public IReadOnlyList<CameraConfiguration> ReadLocal(List<ConfigurationError> errors)
    {
        lock (_lock)
        {
            return File.Exists(LocalPath) ? ParseLocal(ReadText(LocalPath), errors) : [];
        }
    }

    /// <summary>Replaces the monitor's own file by these cameras.</summary>
    /// <returns>The whole configuration as it is then.</returns>
    /// <exception cref="UsageException">They do not go with the other file, whose rules name one that is not there any more, for example; nothing is written.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public MonitorConfiguration WriteLocal(IReadOnlyList<CameraConfiguration> cameras)
    {
        (MonitorConfiguration configuration, List<(string File, ConfigurationError Error)> errors) = Check(cameras);
        if (errors.Count > 0) throw new UsageException($"{Path.GetFileName(errors[0].File)}: {errors[0].Error}");
        lock (_lock)
        {
            try
            {
                PrivateFile.Write(LocalPath, TextOf(cameras));
                return configuration;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw AtomicFile.CannotWrite(LocalPath, error);
            }
        }
    }

    /// <summary>Nothing in it is looked up: it came over the network.</summary>
    internal static List<CameraConfiguration> ParseLocal(string text, List<ConfigurationError> errors)
    {
        List<CameraConfiguration> cameras = [];
        if (YamlField.Parse(text, errors, Secrets.None) is not { IsThere: true } root || !root.IsMapping("cameras")) return cameras;
        foreach (YamlField field in root["cameras"].Items())
        {
            CameraConfiguration camera = ConfigurationReader.ReadCamera(field, CameraOrigin.Page);
            if (cameras.Exists(other => string.Equals(other.Name, camera.Name, StringComparison.OrdinalIgnoreCase))) field["name"].Fail($"there is a camera called \"{camera.Name}\" already");
            else cameras.Add(camera);
        }
        return cameras;
    }

    internal static string TextOf(IReadOnlyList<CameraConfiguration> cameras)
    {
        StringBuilder text = new("# Cameras that were entered in the page. The monitor writes this file.\n");
        text.Append(cameras.Count == 0 ? "cameras: []\n" : "cameras:\n");
        foreach (CameraConfiguration camera in cameras) Append(text, camera);
        return text.ToString();
    }

    private static CameraConfiguration OfCommandLine(string url, List<CameraConfiguration> cameras)
    {
        string first = NameOf(url), name = first;
        for (int i = 2; cameras.Exists(camera => string.Equals(camera.Name, name, StringComparison.OrdinalIgnoreCase)); i++) name = string.Create(CultureInfo.InvariantCulture, $"{first}-{i}");
        return new CameraConfiguration { Name = name, Url = url, Origin = CameraOrigin.Disk };
    }

    /// <summary>A camera's name from its address: host and path, without credentials.</summary>
    internal static string NameOf(string url)
    {
        string shown = Media.MediaSource.Mask(url);
        int scheme = shown.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            shown = shown[(scheme + 3)..];
            shown = shown[(shown.LastIndexOf('@') + 1)..];
            int query = shown.AsSpan().IndexOfAny("?#");
            if (query >= 0) shown = shown[..query];
        }
        else
        {
            shown = Path.GetFileNameWithoutExtension(shown);
        }
        string name = string.Concat(shown.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
        if (name.Length > 36) name = name[..36].Trim('-');
        return name.Length == 0 || name.All(char.IsAsciiDigit) ? "camera" + name : name;
    }

    private static void Append(StringBuilder text, CameraConfiguration camera)
    {
        // What stands in double quotes reads in YAML as it does in JSON.
        static string Quote(string value) => JsonSerializer.Serialize(value, s_text);
        static string Point(PicturePoint point) => FormattableString.Invariant($"[{point.X}, {point.Y}]");
        static string Points(IEnumerable<PicturePoint> points) => $"[{string.Join(", ", points.Select(Point))}]";
        CultureInfo culture = CultureInfo.InvariantCulture;
        text.Append(culture, $"  - name: {Quote(camera.Name)}\n    url: {Quote(camera.Url)}\n");
        if (camera.OverUdp) text.Append("    transport: udp\n");
        if (camera.Insecure) text.Append("    insecure: true\n");
        text.Append(culture, $"    looks: {camera.Looks}\n    priority: {camera.Priority}\n    mask: {(camera.Mask ? "true" : "false")}\n    clips: {(camera.Clips ? "true" : "false")}\n");
        if (camera.Size is { } size) text.Append(culture, $"    size: {size}\n");
        if (camera.FieldOfView is { } degrees) text.Append(culture, $"    fov: {degrees}\n");
        if (camera.Schedule is { } schedule)
        {
            text.Append(culture, $"    schedule:\n      hours: \"{schedule.From:HH\\:mm}-{schedule.To:HH\\:mm}\"\n");
            if (schedule.Days.Count > 0) text.Append(culture, $"      days: [{string.Join(", ", schedule.Days.Select(day => day.ToString()[..3].ToLowerInvariant()))}]\n");
        }
        text.Append(culture, $"    overlay: [{string.Join(", ", camera.Overlay.DefaultIfEmpty("none"))}]\n");
        if (camera.Masks.Count > 0) text.Append(culture, $"    masks: [{string.Join(", ", camera.Masks.Select(mask => Points(mask.Points)))}]\n");
        if (camera.Zones.Count > 0) text.Append(culture, $"    zones: {{{string.Join(", ", camera.Zones.Select(zone => $"{Quote(zone.Name)}: {Points(zone.Points)}"))}}}\n");
        if (camera.Lines.Count > 0) text.Append(culture, $"    lines: {{{string.Join(", ", camera.Lines.Select(line => $"{Quote(line.Name)}: {Points([line.From, line.To])}"))}}}\n");
    }

    private static bool MayWrite(string folder)
    {
        string trial = Path.Combine(folder, $".img2pose-{Guid.NewGuid():N}");
        try
        {
            PrivateFile.Write(trial, "");
            File.Delete(trial);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string ReadText(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > LongestFile) throw new InputException($"{path}: has more than 1 MiB, which is no configuration");
            using StreamReader reader = new(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException error)
        {
            throw new InputException($"{path}: is no UTF-8 text", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({(error is UnauthorizedAccessException ? "permission denied" : error is FileNotFoundException or DirectoryNotFoundException ? "it is not there" : error.Message.TrimEnd('.'))})", error);
        }
    }
}
