using Img2Pose.Formats;


namespace Img2Pose.Evaluation.Pack;

/// <summary>Brings annotations and predictions together.</summary>
public static class PackPairing
{
    /// <summary>
    /// The samples of the annotated pictures, in their order; pictures that the predictions call unreadable are left out,
    /// predictions for other pictures are not used.
    /// </summary>
    /// <exception cref="InputException">
    /// An annotated picture has no prediction, or one for another size, or two; or a picture is annotated twice.
    /// </exception>
    public static PackSample[] Pair(IReadOnlyList<AnnotatedImage> images, PredictionSet predictions)
    {
        Dictionary<string, PicturePrediction> byImage = [];
        foreach (PicturePrediction picture in predictions.Pictures)
        {
            if (!byImage.TryAdd(picture.Image, picture))
                throw new InputException($"{picture.Image}: there are two predictions for this picture.");
        }
        HashSet<string> unreadable = [.. predictions.Unreadable.Select(picture => picture.Image)];
        HashSet<string> seen = [];
        List<PackSample> samples = [];
        foreach (AnnotatedImage image in images)
        {
            if (!seen.Add(image.Image))
                throw new InputException($"{image.Image} is annotated twice, the second time in line {image.Line}; remove one.");
            if (unreadable.Contains(image.Image)) continue;
            if (!byImage.TryGetValue(image.Image, out PicturePrediction? found))
                throw new InputException($"{image.Image}: no prediction for this picture; were the predictions made for another pack?");
            if ((found.Width, found.Height) != (image.Width, image.Height))
                throw new InputException($"{image.Image}: predicted at {found.Width}x{found.Height}, annotated at {image.Width}x{image.Height}.");
            samples.Add(new PackSample(image, found.Faces));
        }
        return [.. samples];
    }

    /// <summary>At most <paramref name="limit"/> pictures, spread evenly over the pack so that every set keeps its share.</summary>
    public static AnnotatedImage[] Limit(IReadOnlyList<AnnotatedImage> images, int? limit) =>
        limit is not { } count || count >= images.Count
            ? [.. images]
            : [.. Enumerable.Range(0, count).Select(i => images[(int)((long)i * images.Count / count)])];
}
