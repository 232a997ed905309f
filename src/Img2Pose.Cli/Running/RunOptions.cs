using System.CommandLine;
using System.Globalization;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Running;

/// <summary>The options of <c>run</c> and how they become <see cref="RunSettings"/>.</summary>
internal sealed class RunOptions
{
    private readonly Argument<string> _source = new("SOURCE")
    {
        Description = "A video or picture file, a folder or glob of pictures, a .txt list of files or of streams, - for standard input, a camera (0 or /dev/video0), a URL (rtsp, rtsps, rtmp, srt, udp, http, https), screen:[DISPLAY], or lavfi:GRAPH.",
    };

    private readonly Option<string?> _output = Text("--out", "FILE|DIR|URL|DEVICE", "Video (mp4, mkv) or picture to write; a folder for pictures; a stream to push (rtsp, rtmp, srt, udp); /dev/videoN, a v4l2loopback device.");
    private readonly Option<string?> _json = Text("--json", "FILE|-", "Poses as JSON Lines, or a table with a row a face where FILE ends in .csv; - writes JSON, and nothing else, to standard output.");
    private readonly Option<string?> _model = Text("--model", "NAME|FILE", "Model to use instead of the default one.");
    private readonly Option<string> _device = new("--device") { Description = "Where the network runs: auto, cpu, cuda, or cuda+cpu for pictures on the GPU and the network on the processor.", HelpName = "NAME", DefaultValueFactory = _ => "auto" };
    private readonly Option<int?> _threads = new("--threads") { Description = "Threads of the network; default: all cores.", HelpName = "N" };
    private readonly Option<int?> _workers = new("--workers") { Description = "Frames that the network looks at at the same time, sharing its threads; default: chosen by device.", HelpName = "N" };
    private readonly Option<int?> _jobs = new("--jobs") { Description = "Files side by side, where SOURCE stands for several; default: one a core, at most four.", HelpName = "N" };
    private readonly Option<double?> _score = new("--score") { Description = "Lowest score of a face, 0…1; default: the model's.", HelpName = "X" };
    private readonly Option<double?> _nms = new("--nms") { Description = "Overlap above which the weaker of two faces goes, 0…1; default: the model's.", HelpName = "X" };
    private readonly Option<int?> _size = new("--size") { Description = "Long side of the network's input in pixels; larger finds smaller faces.", HelpName = "N" };
    private readonly LookOption _look = new();
    private readonly Option<string?> _roll = RollOption.Create("any in pictures, upright in videos");
    private readonly Option<string> _overlay = new("--overlay")
    {
        Description = "What is drawn: mesh, box, axes, points, label, frontal (small frontal views of up to four faces), joined by commas, or none.",
        HelpName = "LAYERS",
        DefaultValueFactory = _ => "mesh",
    };

    private readonly Option<float> _alpha = new("--alpha") { Description = "Opacity of the mesh, 0…1.", HelpName = "X", DefaultValueFactory = _ => 0.85f };
    private readonly Option<string?> _boxes = Text("--boxes", "CSV", "Pose these boxes instead of looking for faces: frame,l,t,r,b or file,l,t,r,b.");
    private readonly Option<string?> _start = Text("--start", "T", "Begin at T: seconds or h:mm:ss.");
    private readonly Option<string?> _duration = Text("--duration", "T", "Take only T: seconds or h:mm:ss.");
    private readonly Option<bool> _realTime = new("--realtime") { Description = "Play a recorded video at its own speed, as a camera would show it: what is too slow misses frames." };
    private readonly Option<long?> _frames = new("--frames") { Description = "Take only the first N frames.", HelpName = "N" };
    private readonly Option<string?> _memory = Text("--memory", "SIZE", "What inputs may take of memory, such as 512M or 3G; default: 2G.");
    private readonly Option<string> _deinterlace = new("--deinterlace") { Description = "auto makes interlaced video progressive; off leaves it interlaced.", HelpName = "auto|off", DefaultValueFactory = _ => "auto" };
    private readonly Option<string?> _codec = Text("--codec", "NAME", "h264, hevc, or the name of an encoder.");
    private readonly Option<int?> _quality = new("--quality") { Description = "Constant rate factor of the video (0 best … 51), or JPEG quality of pictures.", HelpName = "N" };
    private readonly Option<string?> _preset = Text("--preset", "NAME", "Speed preset of the encoder, such as veryfast or ultrafast.");
    private readonly Option<string?> _reference = Text("--reference", "DIR", "Use the official reference points in this folder.");
    private readonly Option<string?> _views = Text("--views", "DIR", "Folder for the best frontal picture of each tracked face, renewed as it goes.");
    private readonly Option<bool> _noTrack = new("--no-track") { Description = "Treat every frame on its own; ids are 0." };
    private readonly Option<bool> _noSmooth = new("--no-smooth") { Description = "Track, but do not smooth the poses." };
    private readonly Option<bool> _raw = new("--raw") { Description = "Add the unsmoothed poses to the JSON." };
    private readonly DetectionOptions _detection = new();
    private readonly LiveOptions _live = new();
    private readonly SinkOptions _sinks = new();
    private readonly Option<bool> _quiet = new("--quiet") { Description = "Print errors only." };

    /// <summary>Adds the argument and options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(_source);
        Option[] options =
        [
            _output, _json, _model, _device, _threads, _workers, _jobs, _score, _nms, _size, _roll, _overlay, _alpha, _boxes, _start, _duration, _realTime,
            _frames, _memory, _deinterlace, _codec, _quality, _preset, _reference, _views, _noTrack, _noSmooth, _raw, _quiet, .. _look.All, .. _detection.All, .. _live.All, .. _sinks.All,
        ];
        foreach (Option option in options) command.Options.Add(option);
    }

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public RunSettings Read(ParseResult parsed)
    {
        (int every, bool? follow) = _look.Read(parsed);
        return new RunSettings
        {
            Source = parsed.GetRequiredValue(_source),
            Output = parsed.GetValue(_output),
            Json = parsed.GetValue(_json),
            Model = parsed.GetValue(_model),
            Device = parsed.GetRequiredValue(_device),
            Threads = parsed.GetValue(_threads),
            Workers = parsed.GetValue(_workers),
            Jobs = parsed.GetValue(_jobs),
            Score = parsed.GetValue(_score),
            Nms = parsed.GetValue(_nms),
            Detection = _detection.Read(parsed),
            Size = parsed.GetValue(_size),
            Every = every,
            Follow = follow,
            AnyRoll = parsed.IsAny(_roll),
            Overlay = ParseLayers(parsed.GetRequiredValue(_overlay)),
            Alpha = parsed.GetValue(_alpha),
            Boxes = parsed.GetValue(_boxes),
            Start = ParseTime("--start", parsed.GetValue(_start)),
            Duration = ParseTime("--duration", parsed.GetValue(_duration)),
            RealTime = parsed.GetValue(_realTime),
            Live = _live.Read(parsed),
            Frames = parsed.GetValue(_frames),
            Memory = parsed.GetValue(_memory) is { } memory ? MemoryBudget.Parse(memory) : MemoryBudget.Default,
            Deinterlace = parsed.GetRequiredValue(_deinterlace) switch
            {
                "auto" => true,
                "off" => false,
                string other => throw new UsageException($"--deinterlace {other} is unknown; known are auto and off."),
            },
            Codec = parsed.GetValue(_codec),
            Quality = parsed.GetValue(_quality),
            Preset = parsed.GetValue(_preset),
            Reference = parsed.GetValue(_reference),
            Views = parsed.GetValue(_views),
            Track = !parsed.GetValue(_noTrack),
            Smooth = !parsed.GetValue(_noSmooth),
            Raw = parsed.GetValue(_raw),
            Quiet = parsed.GetValue(_quiet),
            Sinks = _sinks.Read(parsed),
        }.Validate();
    }

    /// <summary>Layers by name, joined by commas; "none" alone for nothing.</summary>
    internal static OverlayLayers ParseLayers(string text)
    {
        if (text == "none") return OverlayLayers.None;
        OverlayLayers layers = OverlayLayers.None;
        foreach (string name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            layers |= name switch
            {
                "mesh" => OverlayLayers.Mesh,
                "box" => OverlayLayers.Box,
                "axes" => OverlayLayers.Axes,
                "points" => OverlayLayers.Points,
                "label" => OverlayLayers.Label,
                "frontal" => OverlayLayers.Frontal,
                _ => throw new UsageException($"--overlay {text}: there is no layer '{name}'; known are mesh, box, axes, points, label, frontal, or none alone."),
            };
        }
        return layers;
    }

    /// <summary>Seconds, m:ss or h:mm:ss, with decimals; null for null.</summary>
    internal static TimeSpan? ParseTime(string option, string? text)
    {
        if (text is null) return null;
        double seconds = 0;
        string[] parts = text.Split(':');
        bool good = parts.Length <= 3;
        for (int i = 0; good && i < parts.Length; i++)
        {
            bool last = i == parts.Length - 1;
            good = double.TryParse(parts[i], last ? NumberStyles.AllowDecimalPoint : NumberStyles.None, CultureInfo.InvariantCulture, out double value)
                && (i == 0 || value < 60);
            seconds = seconds * 60 + value;
        }
        // Ten years of seconds; beyond that TimeSpan's own limit is not far.
        if (!good || !(seconds <= 315_360_000))
            throw new UsageException($"{option} {text} is not a time; give seconds (12.5) or h:mm:ss (0:01:30).");
        return TimeSpan.FromSeconds(seconds);
    }

    private static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description };
}
