using System.Diagnostics.Metrics;

namespace Img2Pose.Pipeline;

/// <summary>
/// The instruments of the meter "Img2Pose"; every measurement has the tag <c>stream</c>. Recording costs nothing worth naming
/// while nobody listens.
/// </summary>
internal static class EngineMetrics
{
    private static readonly Meter s_meter = Telemetry.Meter;

    private static readonly Counter<long> s_framesIn =
        s_meter.CreateCounter<long>("img2pose.stage.frames.in", "{frame}", "Frames that a stage has taken up.");

    private static readonly Counter<long> s_framesOut =
        s_meter.CreateCounter<long>("img2pose.stage.frames.out", "{frame}", "Frames that a stage has handed on.");

    private static readonly Counter<long> s_dropped =
        s_meter.CreateCounter<long>("img2pose.frames.dropped", "{frame}", "Frames that a full link has replaced by newer ones.");

    private static readonly Histogram<double> s_stageTime =
        s_meter.CreateHistogram<double>("img2pose.stage.duration", "s", "Time that a stage worked on a frame.");

    private static readonly Histogram<double> s_age =
        s_meter.CreateHistogram<double>("img2pose.frame.age", "s", "Time from a picture's capture to its end in a sink.");

    private static readonly Histogram<int> s_depth =
        s_meter.CreateHistogram<int>("img2pose.link.depth", "{frame}", "Frames waiting in a link just after a write.");

    private static readonly Counter<long> s_looks =
        s_meter.CreateCounter<long>("img2pose.looks", "{frame}", "Frames that the network has looked at, as a whole or only in crops around faces.");

    /// <summary>The network has looked at a frame.</summary>
    public static void Looked(string? stream, bool whole)
    {
        if (s_looks.Enabled) s_looks.Add(1, Tag("stream", stream), Tag("look", whole ? "whole" : "crops"));
    }

    /// <summary>A stage has taken up a frame.</summary>
    public static void FrameIn(string? stream, string stage)
    {
        if (s_framesIn.Enabled) s_framesIn.Add(1, Tag("stream", stream), Tag("stage", stage));
    }

    /// <summary>A stage has handed on a frame.</summary>
    public static void FrameOut(string? stream, string stage, double seconds)
    {
        if (s_framesOut.Enabled) s_framesOut.Add(1, Tag("stream", stream), Tag("stage", stage));
        if (s_stageTime.Enabled) s_stageTime.Record(seconds, Tag("stream", stream), Tag("stage", stage));
    }

    /// <summary>A link has replaced a frame.</summary>
    public static void Dropped(string? stream, string link)
    {
        if (s_dropped.Enabled) s_dropped.Add(1, Tag("stream", stream), Tag("link", link));
    }

    /// <summary>A sink is done with a frame of this age.</summary>
    public static void Age(string? stream, string sink, double seconds)
    {
        if (s_age.Enabled) s_age.Record(seconds, Tag("stream", stream), Tag("sink", sink));
    }

    /// <summary>Depth of a link.</summary>
    public static void Depth(string? stream, string link, int depth)
    {
        if (s_depth.Enabled) s_depth.Record(depth, Tag("stream", stream), Tag("link", link));
    }

    private static KeyValuePair<string, object?> Tag(string name, string? value) => new(name, value);
}
