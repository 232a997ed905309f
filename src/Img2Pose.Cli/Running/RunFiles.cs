using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Rendering.Meshes;

namespace Img2Pose.Cli.Running;

/// <summary>The files that a run reads, so that none of them is written.</summary>
internal static class RunFiles
{
    /// <summary>Notes everything that a run with these settings reads.</summary>
    /// <param name="settings">The settings of the whole job.</param>
    /// <param name="sources">Its single sources.</param>
    public static FileRoles Of(RunSettings settings, IReadOnlyList<string> sources)
    {
        FileRoles roles = new();
        foreach (string source in sources.Prepend(settings.Source).Distinct(StringComparer.Ordinal)) AddSource(roles, source);
        roles.Reads(settings.Boxes, "the boxes (--boxes)");
        roles.Reads(settings.Reference, "a file of the reference points (--reference)");
        roles.Reads(settings.Sinks.CameraFile, "the camera (--camera)");
        AddModel(roles, settings.Model);
        roles.Reads(FaceSurface.FindDefault(), "the face surface");
        return roles;
    }

    /// <summary>Notes every file of a source.</summary>
    public static void AddSource(FileRoles roles, string source)
    {
        foreach (string file in MediaSource.FilesOf(source)) roles.Reads(file, "the source");
    }

    /// <summary>Notes an annotation pack, or a data set in one file.</summary>
    public static void AddData(FileRoles roles, string? folderOrFile, IEnumerable<AnnotatedImage>? images = null)
    {
        if (folderOrFile is null) return;
        roles.Reads(Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, AnnotationPackReader.FileName) : folderOrFile, "the annotations");
        if (images is not null) AddPictures(roles, images.Select(image => image.Path));
    }

    /// <summary>Notes pictures of a data set.</summary>
    public static void AddPictures(FileRoles roles, IEnumerable<string> pictures)
    {
        foreach (string picture in pictures) roles.Reads(picture, "a picture of the data set");
    }

    /// <summary>Notes the file of a model.</summary>
    public static void AddModel(FileRoles roles, string? nameOrFile)
    {
        try
        {
            roles.Reads(ModelLocator.Find(nameOrFile), "the model");
        }
        catch (ModelException)
        {
            // Who loads it reports it.
        }
    }
}
