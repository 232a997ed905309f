using System.Collections.Concurrent;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Data;

/// <summary>
/// The pictures of a training set that hold a face with a pose: those of an annotation pack (a folder), or of an LMDB file of
/// the original or of <c>dataset convert</c>. Pictures are decoded when they are asked for; any thread may ask.
/// </summary>
internal sealed class PaperPictureSource : IDisposable
{
    private readonly Func<int, PaperPicture> _load;
    private readonly PoseDatabase? _lmdb;
    private readonly int[] _indices;
    private readonly Action<InputException>? _leftOut;
    // Of both parts of a set.
    private readonly ConcurrentDictionary<int, bool> _unusable;

    private PaperPictureSource(
        Func<int, PaperPicture> load, int[] indices, double[] mean, double[] deviation, PoseDatabase? lmdb, Action<InputException>? leftOut, ConcurrentDictionary<int, bool> unusable)
    {
        (_load, _indices, _lmdb, _leftOut, _unusable) = (load, indices, lmdb, leftOut, unusable);
        (PoseMean, PoseDeviation) = (mean, deviation);
    }

    /// <summary>Number of pictures.</summary>
    internal int Count => _indices.Length;

    /// <summary>Mean of the box-relative poses, six numbers.</summary>
    internal double[] PoseMean { get; }

    /// <summary>Their standard deviation.</summary>
    internal double[] PoseDeviation { get; }

    /// <summary>Opens a folder or an LMDB file.</summary>
    /// <param name="path">It.</param>
    /// <param name="reference">Reference face, for poses without landmarks.</param>
    /// <param name="leftOut">Told once of each picture that cannot be used, by any thread; null: it is thrown.</param>
    /// <param name="stop">Ends the opening.</param>
    /// <exception cref="InputException">It cannot be read, or holds no face with a pose.</exception>
    internal static PaperPictureSource Open(string path, ReferenceFace reference, Action<InputException>? leftOut = null, CancellationToken stop = default) =>
        Directory.Exists(path) ? OpenPack(path, reference, leftOut) : File.Exists(path) ? OpenLmdb(path, leftOut, stop) : throw new InputException($"{path}: neither an annotation pack nor an LMDB file");

    /// <summary>Two sources: all pictures but every <paramref name="every"/>-th, and those.</summary>
    internal (PaperPictureSource Training, PaperPictureSource Validation) Split(int every)
    {
        if (Count < 2) throw new InputException($"one picture with a pose is too few: {every - 1} of {every} train, the others validate");
        int step = Math.Min(every, Count);
        return (Part((_, i) => i % step != 0), Part((_, i) => i % step == 0));

        PaperPictureSource Part(Func<int, int, bool> belongs) => new(_load, [.. _indices.Where(belongs)], PoseMean, PoseDeviation, null, _leftOut, _unusable);
    }

    /// <summary>Decodes a picture.</summary>
    /// <exception cref="InputException">It cannot be decoded.</exception>
    internal PaperPicture Load(int index) => _load(_indices[index]);

    /// <summary>Decodes a picture and makes something of it; null where that is not possible, which is told once.</summary>
    /// <exception cref="InputException">It is not possible, and the source leaves nothing out.</exception>
    internal T? TryUse<T>(int index, Func<PaperPicture, T> make)
        where T : class
    {
        int own = _indices[index];
        if (_unusable.ContainsKey(own)) return null;
        try
        {
            return make(_load(own));
        }
        catch (InputException error) when (_leftOut is not null)
        {
            if (_unusable.TryAdd(own, true)) _leftOut(error);
            return null;
        }
    }

    public void Dispose() => _lmdb?.Dispose();

    private static PaperPictureSource OpenPack(string folder, ReferenceFace reference, Action<InputException>? leftOut)
    {
        AnnotatedImage[] images = AnnotationPack.Load(folder);
        int[] indices = [.. Enumerable.Range(0, images.Length).Where(i => images[i].Faces.Any(HasPose))];
        Pose[] local = [.. indices.SelectMany(i => images[i].Faces.Where(HasPose).Select(face => PoseConversion.FullToBox(face.Pose!.Value, images[i].Camera, face.Box)))];
        (double[] mean, double[] deviation) = Statistics(local, folder);
        return new PaperPictureSource(i => FromPack(images[i], reference), indices, mean, deviation, null, leftOut, new());
    }

    private static bool HasPose(AnnotatedFace face) => face is { Pose: not null, Ignore: false };

    private static PaperPicture FromPack(AnnotatedImage image, ReferenceFace reference)
    {
        List<PaperFace> faces = [];
        foreach (AnnotatedFace face in image.Faces)
        {
            if (!HasPose(face))
            {
                faces.Add(new PaperFace(new MarkedFace(face.Box, null), null, false));
                continue;
            }
            Pose pose = face.Pose!.Value;
            Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
            (double X, double Y)[] points = new (double, double)[reference.Points68.Length];
            for (int i = 0; i < points.Length; i++) points[i] = image.Camera.Project(rotation * reference.Points68[i] + pose.Translation);
            faces.Add(new PaperFace(new MarkedFace(face.Box, points), pose, false));
        }
        return new PaperPicture(PictureLoader.Load(image), faces, AnnotationPack.Place(image));
    }

    private static PaperPictureSource OpenLmdb(string path, Action<InputException>? leftOut, CancellationToken stop)
    {
        PoseDatabase data = PoseDatabase.Open(path);
        try
        {
            List<int> indices = [];
            List<Pose> local = [];
            foreach ((int i, PoseRecord record) in data.ReadEach(leftOut))
            {
                stop.ThrowIfCancellationRequested();
                Pose[] poses = [.. record.Faces.Select(face => face.LocalPose).OfType<Pose>()];
                if (poses.Length > 0) indices.Add(i);
                local.AddRange(poses);
            }
            (double[] mean, double[] deviation) = Statistics(local, path);
            return new PaperPictureSource(index => FromRecord(data.Read(index), data.Describe(index)), [.. indices], mean, deviation, data, leftOut, new());
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    internal static PaperPicture FromRecord(PoseRecord record, string source)
    {
        // As the original opens it: without regard to EXIF.
        using Frames.VideoFrame frame = Media.ImageFile.DecodeAsStored(record.Picture, source);
        RgbPicture picture = PictureDecoder.Copy(frame);
        CameraIntrinsics camera = CameraIntrinsics.ForImage(picture.Width, picture.Height);
        return new PaperPicture(picture, [.. record.Faces.Select(face => ToFace(face, camera))], source);
    }

    private static PaperFace ToFace(PoseRecordFace face, CameraIntrinsics camera)
    {
        if (face.LocalPose is not { } local) return new PaperFace(new MarkedFace(face.Box, null), null, false);
        (double X, double Y)[] points = [.. face.Landmarks.Select(point => (point[0].Value, point[1].Value))];
        return new PaperFace(new MarkedFace(face.Box, points), PoseConversion.BoxToFull(local, camera, face.Box), true);
    }

    private static (double[] Mean, double[] Deviation) Statistics(IReadOnlyCollection<Pose> poses, string source)
    {
        if (poses.Count == 0) throw new InputException($"{source}: no face has a pose; the paper's network learns from nothing else");
        (double[] mean, double[] deviation) = PoseStatistics.Of(poses);
        return deviation.All(number => number > 1e-6) ? (mean, deviation) : throw new InputException($"{source}: its poses are all alike; training needs faces that differ");
    }
}
