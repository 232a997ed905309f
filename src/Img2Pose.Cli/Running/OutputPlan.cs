using Img2Pose.Core;
using Img2Pose.Media;

namespace Img2Pose.Cli.Running;

/// <summary>Where frames go, decided from <c>--out</c> and the kind of source.</summary>
internal static class OutputPlan
{
    private const string PosedEnd = ".posed.mp4";

    /// <summary>
    /// A video file, a picture file or a folder for pictures; null for nothing. What would overwrite a file that the run
    /// reads is refused.
    /// </summary>
    /// <param name="settings">What the user asked for.</param>
    /// <param name="source">The opened source.</param>
    /// <param name="roles">What the job reads and writes; the outputs are noted in it.</param>
    /// <param name="name">What a video in a folder is called, without extension; null: as its source.</param>
    /// <exception cref="UsageException">The output does not suit the source, or is read by the run.</exception>
    public static string? Create(RunSettings settings, SourceInfo source, FileRoles roles, string? name = null)
    {
        string? output = Choose(settings, source, name);
        if (settings.Json is not (null or "-") && (Directory.Exists(settings.Json) || Path.EndsInDirectorySeparator(settings.Json)))
            throw new UsageException($"{settings.Json}: --json takes a file, and this is a folder; name a file in it.");
        roles.Writes(settings.Json, "--json");
        // A stream is no file, whatever its address looks like.
        if (output is not null && VideoWriter.IsStream(output)) return output;
        bool isFolder = output is not null && source.IsImages && (Directory.Exists(output) || !ImageFile.HasImageExtension(output));
        if (!isFolder)
        {
            roles.Writes(output, "--out");
            return output;
        }
        foreach (string file in MediaSource.FilesOf(settings.Source))
        {
            // Early, for what is known now; the writer asks again for every picture, whose number may come later.
            string target = Path.Combine(output!, VideoWriter.PictureName(file));
            if (roles.ReadAs(target) is { } role) throw new UsageException($"{target}: --out would replace {role}; choose another folder.");
        }
        return output;
    }

    private static string? Choose(RunSettings settings, SourceInfo source, string? name)
    {
        if (settings.Output is not { } output) return null;
        if (VideoWriter.IsStream(output))
        {
            string shown = VideoWriter.Describe(output);
            if (source.IsImages) throw new UsageException($"{shown}: pictures are not pushed as a stream; give --out a folder.");
            return output;
        }
        bool folder = Directory.Exists(output) || Path.EndsInDirectorySeparator(output);
        if (source.IsImages)
        {
            if (folder || VideoWriter.WritesPictures(output)) return output;
            throw new UsageException($"{output}: pictures go to pictures; give --out a folder, or a .png or .jpg file for a single picture.");
        }
        if (folder)
        {
            string target = Path.Combine(output, TemporaryName.Fit(name ?? Path.GetFileNameWithoutExtension(settings.Source), PosedEnd.Length) + PosedEnd);
            return !Directory.Exists(target) ? target : throw new UsageException($"{target}: is a folder, and the video should get this name; move it away.");
        }
        if (VideoWriter.WritesPictures(output))
            throw new UsageException($"{output}: a video is written as .mp4, .mkv, .mov or .m4v; change the name given to --out, or end it in / for a folder.");
        return output;
    }
}
