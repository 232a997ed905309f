using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation;

/// <summary>A picture to run a detector on.</summary>
/// <param name="Image">Its name in results and messages.</param>
/// <param name="Path">Its file.</param>
/// <param name="Width">The width that it must have, or null for any.</param>
/// <param name="Height">The height that it must have, or null for any.</param>
public readonly record struct PictureFile(string Image, string Path, int? Width = null, int? Height = null);

/// <summary>The outcome of <see cref="PictureRunner.Run"/>.</summary>
/// <param name="Pictures">What was found, in the order of the files, unreadable ones left out.</param>
/// <param name="Unreadable">Files that could not be read or have another size, in the order of the files.</param>
/// <param name="MillisecondsPerPicture">Mean time of reading and detecting one picture on one worker; 0 without pictures.</param>
public sealed record PictureRun(
    IReadOnlyList<PicturePrediction> Pictures, IReadOnlyList<UnreadablePicture> Unreadable, double MillisecondsPerPicture);

/// <summary>Runs a detector over picture files, each worker with a detector of its own.</summary>
public static class PictureRunner
{
    /// <summary>Runs.</summary>
    /// <param name="files">The pictures.</param>
    /// <param name="read">Reads a file; throws <see cref="InputException"/> for one that it cannot.</param>
    /// <param name="create">Makes a detector; called once a worker, disposed here.</param>
    /// <param name="workers">Pictures processed at a time, from 1.</param>
    /// <param name="progress">Told the number of pictures done, from any worker.</param>
    /// <param name="cancellation">Stops between pictures.</param>
    /// <exception cref="ModelException">The detector failed, or gave a number that is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PictureRun Run(
        IReadOnlyList<PictureFile> files, Func<string, VideoFrame> read, Func<IPictureDetector> create, int workers,
        Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        PicturePrediction?[] found = new PicturePrediction?[files.Count];
        string?[] reasons = new string?[files.Count];
        int next = -1, done = 0;
        long ticks = 0;

        void Work(int worker)
        {
            using IPictureDetector detector = create();
            for (int i = Interlocked.Increment(ref next); i < files.Count; i = Interlocked.Increment(ref next))
            {
                cancellation.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                (found[i], reasons[i]) = Process(files[i], read, detector);
                Interlocked.Add(ref ticks, Stopwatch.GetTimestamp() - start);
                progress?.Invoke(Interlocked.Increment(ref done));
            }
        }

        int parallel = Math.Min(workers, Math.Max(1, files.Count));
        try
        {
            Parallel.For(0, parallel, new ParallelOptions { MaxDegreeOfParallelism = parallel }, Work);
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }

        UnreadablePicture[] unreadable =
            [.. Enumerable.Range(0, files.Count).Where(i => reasons[i] is not null).Select(i => new UnreadablePicture(files[i].Image, reasons[i]!))];
        double milliseconds = files.Count == 0 ? 0 : ticks * 1000.0 / Stopwatch.Frequency / files.Count;
        return new PictureRun([.. found.OfType<PicturePrediction>()], unreadable, milliseconds);
    }

    private static (PicturePrediction?, string?) Process(
        PictureFile file, Func<string, VideoFrame> read, IPictureDetector detector)
    {
        VideoFrame picture;
        try
        {
            picture = read(file.Path);
        }
        catch (InputException error)
        {
            return (null, error.Message);
        }
        using (picture)
        {
            int width = picture.DisplayWidth, height = picture.DisplayHeight;
            if ((file.Width ?? width) != width || (file.Height ?? height) != height)
                return (null, $"{file.Path}: is {width}x{height}, but the annotation says {file.Width}x{file.Height}");
            List<FaceDetection> faces = [];
            detector.Detect(picture, faces);
            foreach (FaceDetection face in faces)
            {
                if (!double.IsFinite(face.Score) || !face.Pose.IsFinite || !double.IsFinite(face.Box.Left + face.Box.Top + face.Box.Right + face.Box.Bottom))
                    throw new ModelException($"{file.Path}: the model gave a score, box or pose that is not finite; it is damaged or not trained.");
            }
            return (new PicturePrediction(file.Image, width, height, faces), null);
        }
    }
}
