using System.Diagnostics.Metrics;

namespace Img2Pose;

/// <summary>Where the program's numbers about itself come from.</summary>
public static class Telemetry
{
    /// <summary>Name of the meter to listen to.</summary>
    public const string MeterName = "Img2Pose";

    /// <summary>The meter that every part adds its instruments to. Thread-safe; lives as long as the process.</summary>
    internal static Meter Meter { get; } = new(MeterName);
}
