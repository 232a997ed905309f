using Img2Pose.Media;

namespace Img2Pose.Cli.Running;

/// <summary>Where frames go, decided from <c>--out</c> and the kind of source.</summary>
internal static class OutputPlan
{
    /// <summary>
    /// A video file, a picture file or a folder for pictures; null for nothing. What would overwrite the input is refused.
    /// </summary>
    /// <param name="settings">What the user asked for.</param>
    /// <param name="source">The opened source.</param>
    /// <param name="name">What a video in a folder is called, without extension; null: as its source.</param>
    /// <exception cref="UsageException">The output does not suit the source, or is the source.</exception>
    public static string? Create(RunSettings settings, SourceInfo source, string? name = null)
    {
        string? output = Choose(settings, source, name);
        if (settings.Json is not (null or "-"))
        {
            if (OutputPaths.AreSame(settings.Json, settings.Source)) throw new UsageException($"{settings.Json}: --json is the source; choose another file.");
            if (output is not null && OutputPaths.AreSame(settings.Json, output)) throw new UsageException($"{settings.Json}: --json and --out are the same file.");
        }
        if (output is not null && OutputPaths.AreSame(output, settings.Source))
            throw new UsageException($"{output}: the output is the source; choose another name.");
        return output;
    }

    private static string? Choose(RunSettings settings, SourceInfo source, string? name)
    {
        if (settings.Output is not { } output) return null;
        bool folder = Directory.Exists(output) || Path.EndsInDirectorySeparator(output);
        if (source.IsImages)
        {
            if (folder || VideoWriter.WritesPictures(output)) return output;
            throw new UsageException($"{output}: pictures go to pictures; give --out a folder, or a .png or .jpg file for a single picture.");
        }
        if (folder) return Path.Combine(output, (name ?? Path.GetFileNameWithoutExtension(settings.Source)) + ".posed.mp4");
        if (VideoWriter.WritesPictures(output))
            throw new UsageException($"{output}: a video is written as .mp4, .mkv, .mov or .m4v; change the name given to --out, or end it in / for a folder.");
        return output;
    }
}
