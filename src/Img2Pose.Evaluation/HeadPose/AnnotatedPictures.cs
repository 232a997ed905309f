namespace Img2Pose.Evaluation.HeadPose;

/// <summary>Sets in which every picture has an annotation file of its own.</summary>
internal static class AnnotatedPictures
{
    /// <summary>Reads the annotation of each picture.</summary>
    /// <param name="folder">The set, for the message when nothing is left.</param>
    /// <param name="names">The pictures.</param>
    /// <param name="read">Reads one; throws <see cref="InputException"/>.</param>
    /// <param name="leftOut">Told of each that cannot be read, which is left out; null: the first is thrown.</param>
    /// <exception cref="InputException">Nothing is left, or, without <paramref name="leftOut"/>, one cannot be read.</exception>
    public static T[] Read<T>(string folder, IReadOnlyList<string> names, Func<string, T> read, Action<InputException>? leftOut)
    {
        List<T> pictures = new(names.Count);
        foreach (string name in names)
        {
            try
            {
                pictures.Add(read(name));
            }
            catch (InputException error) when (leftOut is not null)
            {
                leftOut(error);
            }
        }
        return pictures.Count > 0 ? [.. pictures] : throw new InputException($"{folder}: none of its {names.Count} annotations can be read.");
    }
}
