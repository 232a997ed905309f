using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Running;

/// <summary>What the user asked <c>run</c> to do, read from the command line and checked.</summary>
internal sealed record RunSettings
{
    /// <summary>Where frames come from, in the grammar of the command line.</summary>
    public required string Source { get; init; }

    /// <summary>Video file, picture file or folder to write, or null.</summary>
    public string? Output { get; init; }

    /// <summary>JSON Lines file, "-" for standard output, or null.</summary>
    public string? Json { get; init; }

    /// <summary>Name or file of the model; null for the default.</summary>
    public string? Model { get; init; }

    /// <summary>auto, cpu or cuda.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>How the network computes on a GPU.</summary>
    public CudaProviderOptions Provider { get; init; } = new();

    /// <summary>Threads of inference, over all looks at the same time; null: as the CPU budget says.</summary>
    public int? Threads { get; init; }

    /// <summary>Looks of the network at the same time; null: chosen by the engine.</summary>
    public int? Workers { get; init; }

    /// <summary>Files worked on side by side, where the source stands for several; null: as many as pay.</summary>
    public int? Jobs { get; init; }

    /// <summary>Lowest score; null for the model's own.</summary>
    public double? Score { get; init; }

    /// <summary>Overlap above which the weaker of two faces goes; null for the model's own.</summary>
    public double? Nms { get; init; }

    /// <summary>Settings of the original's networks, and looks at several sizes.</summary>
    public DetectionSettings Detection { get; init; } = new();

    /// <summary>Long side of the network's input; null for the model's own rule.</summary>
    public int? Size { get; init; }

    /// <summary>The network looks at every n-th frame.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Whether faces are followed by small looks between whole ones; null: as the engine chooses for the source.</summary>
    public bool? Follow { get; init; }

    /// <summary>Whether faces of any roll are looked for; null where the engine chooses.</summary>
    public bool? AnyRoll { get; init; }

    /// <summary>What is drawn.</summary>
    public OverlayLayers Overlay { get; init; } = OverlayLayers.Mesh;

    /// <summary>Opacity of the mesh.</summary>
    public float Alpha { get; init; } = 0.85f;

    /// <summary>CSV file of face boxes to pose instead of looking for faces, or null.</summary>
    public string? Boxes { get; init; }

    /// <summary>Where in the source to begin.</summary>
    public TimeSpan? Start { get; init; }

    /// <summary>How much of the source to take.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>What inputs may take of memory.</summary>
    public MemoryBudget Memory { get; init; } = MemoryBudget.Default;

    /// <summary>Whether a recorded video is played at its own speed, as a camera would show it.</summary>
    public bool RealTime { get; init; }

    /// <summary>Whether interlaced video is made progressive.</summary>
    public bool Deinterlace { get; init; } = true;

    /// <summary>How live sources are opened and kept.</summary>
    public LiveSourceOptions Live { get; init; } = new();

    /// <summary>Frames to take at most.</summary>
    public long? Frames { get; init; }

    /// <summary>h264, hevc or the name of an encoder; null: chosen from the source.</summary>
    public string? Codec { get; init; }

    /// <summary>The encoder's constant rate factor (or JPEG quality for pictures); null for the default.</summary>
    public int? Quality { get; init; }

    /// <summary>The encoder's speed preset; null for the default.</summary>
    public string? Preset { get; init; }

    /// <summary>Folder of the official reference points, or null.</summary>
    public string? Reference { get; init; }

    /// <summary>Folder for the best frontal picture of each identity, or null.</summary>
    public string? Views { get; init; }

    /// <summary>Whether faces keep identities over time.</summary>
    public bool Track { get; init; } = true;

    /// <summary>Whether poses are smoothed over time.</summary>
    public bool Smooth { get; init; } = true;

    /// <summary>Whether the unsmoothed poses are written too.</summary>
    public bool Raw { get; init; }

    /// <summary>Whether progress and summary are left out.</summary>
    public bool Quiet { get; init; }

    /// <summary>The window, other programs, crops, and the camera that poses are told in.</summary>
    public SinkSettings Sinks { get; init; } = new();

    /// <summary>
    /// Whether a recorded video is played at its own speed: where that was asked for, and where nothing comes of it but what is
    /// looked at now.
    /// </summary>
    public bool PlaysInRealTime => RealTime || ((Sinks.Show || Sinks.Send.Length > 0) && Output is null && Json is null && Sinks.Crops is null);

    /// <summary>The reference points that were asked for; null for the default.</summary>
    /// <exception cref="InputException">They cannot be read.</exception>
    public ReferenceFace? LoadReference() => Reference is null ? null : ReferenceFaceFiles.Load(Reference);

    /// <exception cref="UsageException">A value makes no sense.</exception>
    public RunSettings Validate()
    {
        Require(Source.Length > 0, "The source is empty; name a file, a folder, a list or lavfi:GRAPH.");
        Require(Output is not null || Json is not null || Views is not null || Sinks.Any, "Nothing would be written; give --out FILE, --json FILE, --show, --send, --crops or --views.");
        Require(Output is null or { Length: > 0 }, "--out is empty; name a file or folder.");
        Require(Output != "-", "--out cannot be standard output; name a file.");
        Require(Views is null || (Track && Views.Length > 0), "--views keeps the best picture of each identity; name a folder, and leave out --no-track.");
        Require(Json is null or { Length: > 0 }, "--json is empty; name a file, or - for standard output.");
        Require(Device is "auto" or "cpu" or "cuda" or "cuda+cpu", $"--device {Device} is unknown; known are auto, cpu, cuda and cuda+cpu.");
        Require(Score is null or (>= 0 and <= 1), $"--score {Score} is out of range; scores lie in 0…1.");
        Require(Nms is null or (>= 0 and <= 1), $"--nms {Nms} is out of range; overlaps lie in 0…1.");
        Require(Size is null or (>= 64 and <= 8192), $"--size {Size} is out of range; the long side may be 64…8192.");
        Require(Size is null || Detection.MinSize is null, "--size and --min-size both say how large the picture becomes; give one.");
        Require(Boxes is null || Detection.Scales is null, "--scales looks for faces; with --boxes there is nothing to look for.");
        Require(Follow != true || Track, "--look follow needs tracking; leave --no-track out.");
        Require(Follow != true || (Boxes is null && Detection.Scales is null), "--look follow looks for faces; with --boxes there is nothing to look for, and --scales looks at whole pictures.");
        Require(AnyRoll != true || Follow != true, "--look follow follows upright faces; leave out --roll any.");
        Require(AnyRoll != true || (Boxes is null && Detection.Scales is null), "--roll any looks for faces; with --boxes there is nothing to look for, and --scales has upright looks of its own.");
        Require(Alpha is >= 0 and <= 1, $"--alpha {Alpha} is out of range; opacity lies in 0…1.");
        Require(Threads is null or (>= 1 and <= 256), $"--threads {Threads} is out of range; it may be 1…256.");
        Require(Workers is null or (>= 1 and <= 64), $"--workers {Workers} is out of range; it may be 1…64.");
        Require(Jobs is null or (>= 1 and <= 64), $"--jobs {Jobs} is out of range; it may be 1…64.");
        Require(Frames is null or >= 1, $"--frames {Frames} is out of range; it starts at 1.");
        Require(Quality is null or (>= 0 and <= 100), $"--quality {Quality} is out of range; it may be 0…51 for video, 1…100 for pictures.");
        Require(Start is null || Start >= TimeSpan.Zero, "--start lies before the beginning.");
        Require(Duration is null || Duration > TimeSpan.Zero, "--duration must be longer than nothing.");
        Require(Track || Smooth, "--no-smooth says nothing when --no-track is given: without tracking nothing is smoothed.");
        return this;
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new UsageException(otherwise);
    }
}
