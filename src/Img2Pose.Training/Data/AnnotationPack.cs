using Img2Pose.Formats;


namespace Img2Pose.Training.Data;

/// <summary>Reads annotation packs for training: what the reader accepts, and pictures that are there.</summary>
public static class AnnotationPack
{
    /// <summary>Reads and checks every record; pictures are looked for but not decoded.</summary>
    /// <param name="folder">The pack's folder, with <see cref="AnnotationPackReader.FileName"/> in it.</param>
    /// <exception cref="InputException">
    /// The pack is missing or empty, a line is malformed, a pose lies behind the camera, or a picture is missing; the
    /// message names file and line.
    /// </exception>
    public static AnnotatedImage[] Load(string folder)
    {
        AnnotatedImage[] images = AnnotationPackReader.Load(folder);
        if (images.Length == 0) throw new InputException($"{folder}: the annotation pack holds no record");
        foreach (AnnotatedImage image in images)
        {
            if (!File.Exists(image.Path)) throw new InputException($"{Place(image)}: picture {image.Path} not found");
            if (image.Faces.Any(face => face.Pose is { Translation.Z: <= 0 }))
                throw new InputException($"{Place(image)}: a pose lies behind the camera; its sixth number must be above 0");
        }
        return images;
    }

    /// <summary>File and line of a record, for messages.</summary>
    internal static string Place(AnnotatedImage image)
    {
        string name = image.Image.Replace('/', Path.DirectorySeparatorChar);
        string folder = image.Path.EndsWith(name, StringComparison.Ordinal) ? image.Path[..^name.Length] : image.Path;
        return $"{Path.Combine(folder, AnnotationPackReader.FileName)}, line {image.Line}";
    }
}
