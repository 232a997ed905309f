using System.Diagnostics.Metrics;

namespace Img2Pose.Pipeline;

/// <summary>The instruments of the meter "Img2Pose". Recording costs nothing worth naming while nobody listens.</summary>
internal static class PipelineMetrics
{
    private static readonly Meter s_meter = Telemetry.Meter;

    private static readonly Counter<long> s_framesIn =
        s_meter.CreateCounter<long>("img2pose.stage.frames.in", "{frame}", "Frames that a stage has taken up.");

    private static readonly Counter<long> s_framesOut =
        s_meter.CreateCounter<long>("img2pose.stage.frames.out", "{frame}", "Frames that a stage has handed on.");

    private static readonly Counter<long> s_dropped =
        s_meter.CreateCounter<long>("img2pose.frames.dropped", "{frame}", "Frames that a full channel has dropped.");

    private static readonly Histogram<double> s_stageTime =
        s_meter.CreateHistogram<double>("img2pose.stage.duration", "s", "Time that a stage worked on a frame.");

    private static readonly Histogram<double> s_latency =
        s_meter.CreateHistogram<double>("img2pose.frame.latency", "s", "Time from decoding to output of a frame.");

    private static readonly Histogram<int> s_depth =
        s_meter.CreateHistogram<int>("img2pose.channel.depth", "{frame}", "Frames waiting in a channel just after a write.");

    /// <summary>A stage has taken up a frame.</summary>
    public static void FrameIn(string stage) => s_framesIn.Add(1, new KeyValuePair<string, object?>("stage", stage));

    /// <summary>A stage has handed on a frame.</summary>
    public static void FrameOut(string stage, double seconds)
    {
        KeyValuePair<string, object?> tag = new("stage", stage);
        s_framesOut.Add(1, tag);
        s_stageTime.Record(seconds, tag);
    }

    /// <summary>A channel has dropped a frame.</summary>
    public static void Dropped(string channel) => s_dropped.Add(1, new KeyValuePair<string, object?>("channel", channel));

    /// <summary>A frame has reached the outputs.</summary>
    public static void Latency(double seconds) => s_latency.Record(seconds);

    /// <summary>Depth of a channel.</summary>
    public static void Depth(string channel, int depth) =>
        s_depth.Record(depth, new KeyValuePair<string, object?>("channel", channel));
}
