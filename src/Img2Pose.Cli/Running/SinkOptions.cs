using System.CommandLine;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Pipeline;

namespace Img2Pose.Cli.Running;

/// <summary>Where frames and poses go besides files, and the camera that poses are told in.</summary>
internal sealed record SinkSettings
{
    /// <summary>Whether a window shows the pictures.</summary>
    public bool Show { get; init; }

    /// <summary>Whether the window shows them as a mirror does.</summary>
    public bool Mirror { get; init; }

    /// <summary>Where the window's keys save to; null: the working folder.</summary>
    public string? Captures { get; init; }

    /// <summary>Programs that are told poses.</summary>
    public SendTarget[] Send { get; init; } = [];

    /// <summary>Which face they are told of; null: the largest.</summary>
    public string? Face { get; init; }

    /// <summary>Whether the first pose that is sent is the neutral one.</summary>
    public bool Neutral { get; init; }

    /// <summary>Folder for the best crop of each face, or null.</summary>
    public string? Crops { get; init; }

    /// <summary>The user's camera and the size of heads; null: the assumed camera, without millimetres.</summary>
    public Func<ReferenceFace?, CameraView>? Camera { get; init; }

    /// <summary>The file that the camera is read from, or null.</summary>
    public string? CameraFile { get; init; }

    /// <summary>Whether anything comes of a run by these alone.</summary>
    public bool Any => Show || Send.Length > 0 || Crops is not null;
}

/// <summary>The options that become <see cref="SinkSettings"/>.</summary>
internal sealed class SinkOptions
{
    private readonly Option<bool> _show = new("--show") { Description = "Show the pictures in a window; its key h tells what else there is. A recorded video alone plays at its own speed." };
    private readonly Option<bool> _mirror = new("--mirror") { Description = "Let the window show them as a mirror does." };
    private readonly Option<string?> _captures = new("--captures") { HelpName = "DIR", Description = "Where the window's keys s and r save to; default: the working folder." };
    private readonly Option<string[]> _send = new("--send")
    {
        HelpName = "PROTOCOL:HOST:PORT",
        Description = "Tell poses to another program, by UDP: opentrack:HOST[:4242] or json:HOST:PORT; may be given several times.",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _face = new("--face") { HelpName = "WHICH", Description = "The face that --send tells of: largest, nearest or an identity; default: largest." };
    private readonly Option<bool> _neutral = new("--neutral") { Description = "Let the first pose that is sent be the neutral one (the window's key c does that at any time)." };
    private readonly Option<string?> _crops = new("--crops") { HelpName = "DIR", Description = "Write the best aligned crop of each tracked face." };
    private readonly Option<double?> _focal = new("--focal") { HelpName = "PIXELS", Description = "The camera's focal length: poses are told as this camera sees them, and in millimetres." };
    private readonly Option<double?> _fieldOfView = new("--fov") { HelpName = "DEGREES", Description = "Its horizontal field of view instead." };
    private readonly Option<string?> _camera = new("--camera") { HelpName = "FILE", Description = "Its calibration by OpenCV instead (YAML: camera matrix and distortion)." };
    private readonly Option<double?> _headSize = new("--head-size") { HelpName = "MM", Description = "Distance of the outer corners of the eyes, for millimetres; default: the mean of adults, 90.7." };

    /// <summary>Every option.</summary>
    public IEnumerable<Option> All => [_show, _mirror, _captures, _send, _face, _neutral, _crops, _focal, _fieldOfView, _camera, _headSize];

    /// <summary>Reads and checks them; a camera's file is read here.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    /// <exception cref="InputException">The camera's file cannot be read.</exception>
    public SinkSettings Read(ParseResult parsed)
    {
        string? face = parsed.GetValue(_face);
        SinkSettings settings = new()
        {
            Show = parsed.GetValue(_show),
            Mirror = parsed.GetValue(_mirror),
            Captures = parsed.GetValue(_captures),
            Send = parsed.GetValue(_send) is { Length: > 0 } targets ? Array.ConvertAll(targets, SendTarget.Parse) : [],
            Face = face,
            Neutral = parsed.GetValue(_neutral),
            Crops = parsed.GetValue(_crops),
            CameraFile = parsed.GetValue(_camera),
            Camera = ReadCamera(parsed.GetValue(_focal), parsed.GetValue(_fieldOfView), parsed.GetValue(_camera), parsed.GetValue(_headSize)),
        };
        if (face is not null) _ = FaceChoice.Parse(face);
        Require(settings.Show || !settings.Mirror, "--mirror is of the window; give --show, too.");
        Require(settings.Show || settings.Captures is null, "--captures is of the window's keys; give --show, too.");
        Require(settings.Send.Length > 0 || face is null, "--face is of --send, which is not given.");
        Require(settings.Send.Length > 0 || !settings.Neutral, "--neutral is of --send, which is not given.");
        return settings;
    }

    private static Func<ReferenceFace?, CameraView>? ReadCamera(double? focal, double? fieldOfView, string? file, double? headSize)
    {
        Require((focal is null ? 0 : 1) + (fieldOfView is null ? 0 : 1) + (file is null ? 0 : 1) <= 1, "--focal, --fov and --camera all say what the camera is; give one.");
        Require(focal is null or (>= 10 and <= 1_000_000), FormattableString.Invariant($"--focal {focal} is out of range; give the focal length in pixels of the picture."));
        Require(fieldOfView is null or (>= 1 and <= 170), FormattableString.Invariant($"--fov {fieldOfView} is out of range; the horizontal field of view may be 1…170 degrees."));
        Require(headSize is null or (>= 20 and <= 500), FormattableString.Invariant($"--head-size {headSize} is out of range; the distance of the outer corners of the eyes may be 20…500 mm."));
        if (focal is null && fieldOfView is null && file is null && headSize is null) return null;
        CameraModel? camera = file is not null ? CameraFile.Load(file) : focal is { } pixels ? new CameraModel { FocalX = pixels, FocalY = pixels } : null;
        return reference => new CameraView(camera, headSize, reference, fieldOfView);
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new UsageException(otherwise);
    }
}
