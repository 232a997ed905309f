using System.Collections.Concurrent;
using Img2Pose.Formats;

namespace Img2Pose.Training.Data;

/// <summary>Decodes pictures of an annotation pack into memory.</summary>
public static class PictureLoader
{
    /// <summary>Decodes one picture.</summary>
    /// <exception cref="InputException">It cannot be decoded, or its size differs from the annotation's.</exception>
    public static RgbPicture Load(AnnotatedImage image)
    {
        RgbPicture picture;
        try
        {
            picture = PictureDecoder.Decode(image.Path);
        }
        catch (Exception e) when (e is Img2PoseException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{AnnotationPack.Place(image)}: {e.Message}", e);
        }
        if (picture.Width != image.Width || picture.Height != image.Height)
        {
            throw new InputException(
                $"{AnnotationPack.Place(image)}: {image.Image} is {picture.Width}x{picture.Height}, annotated as {image.Width}x{image.Height}");
        }
        return picture;
    }

    /// <summary>Decodes all pictures, several at a time; the result is parallel to <paramref name="images"/>.</summary>
    /// <param name="images">The records.</param>
    /// <param name="threads">Threads to use, at least 1.</param>
    /// <param name="progress">Called with the count of decoded pictures now and then, on any thread.</param>
    /// <param name="leftOut">Told of each that cannot be decoded, in their order, on this thread, and null stands for it; null: the first is thrown.</param>
    /// <param name="stop">Ends it between two pictures.</param>
    /// <exception cref="InputException">A picture cannot be decoded; of several, the one first in order is named.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> has fired.</exception>
    internal static RgbPicture?[] LoadAll(IReadOnlyList<AnnotatedImage> images, int threads, Action<int>? progress, Action<InputException>? leftOut, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        RgbPicture?[] pictures = new RgbPicture?[images.Count];
        ConcurrentDictionary<int, InputException> failures = new();
        int done = 0;
        Parallel.For(0, images.Count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = stop }, (i, loop) =>
        {
            try
            {
                pictures[i] = Load(images[i]);
            }
            catch (InputException e)
            {
                failures[i] = e;
                // Break, not Stop: earlier pictures still run, so that the error named does not depend on timing.
                if (leftOut is null) loop.Break();
            }
            int count = Interlocked.Increment(ref done);
            if (progress is not null && (count % 256 == 0 || count == images.Count)) progress(count);
        });
        foreach ((_, InputException failure) in failures.OrderBy(pair => pair.Key))
        {
            if (leftOut is null) throw failure;
            leftOut(failure);
        }
        return pictures;
    }
}
