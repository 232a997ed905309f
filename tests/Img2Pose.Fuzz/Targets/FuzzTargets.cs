namespace Img2Pose.Fuzz;

/// <summary>All targets.</summary>
internal static class FuzzTargets
{
    /// <summary>One for each parser.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new CheckpointTarget(), new PickleTarget(), new SafetensorsTarget(), new NpyTarget(), new MatTarget(), new ObjTarget(), new FitTarget(), new SurfaceTarget(),
        new LmdbTarget(), new MessagePackTarget(), new AnnotationTarget(), new PredictionTarget(), new BoxesTarget(), new FacesTarget(), new JsonListTarget(), new PointsTarget(),
        new SourceTarget(), new LiveNameTarget(), new OptionsTarget(), new CameraTarget(), new OutputTarget(), new HeaderTarget(), new ModelTarget(), new NetworkTarget(), new MediaTarget(),
        new MonitorConfigurationTarget(), new CodedFeedTarget(), new RedirectTarget(),
    ];

    /// <summary>The target of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static FuzzTarget Find(string name) => All.FirstOrDefault(target => target.Name == name) ?? throw new ArgumentException($"There is no target {name}.");
}
