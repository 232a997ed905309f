using System.Globalization;
using System.Text;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.OpenCv;

namespace Img2Pose.Training.Data.Lmdb;

/// <summary>What a conversion did.</summary>
/// <param name="Pictures">Pictures stored.</param>
/// <param name="Skipped">Pictures left out because no face has a pose.</param>
/// <param name="Faces">Faces stored.</param>
/// <param name="Posed">Faces stored with a pose.</param>
/// <param name="PoseMean">Mean of the local poses, six numbers.</param>
/// <param name="PoseStandardDeviation">Population standard deviation of the local poses, six numbers.</param>
public sealed record LmdbConversion(int Pictures, int Skipped, int Faces, int Posed, double[] PoseMean, double[] PoseStandardDeviation);

/// <summary>
/// The original's training data: a single-file LMDB with keys "0", "1", … (one MessagePack record a picture),
/// <c>__keys__</c> and <c>__len__</c>, and the local poses' mean and standard deviation beside it as NumPy files.
/// </summary>
public static class LmdbDataset
{
    /// <summary>
    /// Converts a list of JSON annotations. Boxes are cut to whole pixels, those without area dropped; poses come from
    /// the landmarks by OpenCV's EPnP; pictures in which no face has a pose are left out. With the official reference the
    /// entries are byte for byte those of the original's converter.
    /// </summary>
    /// <param name="list">Text file with one JSON file a line.</param>
    /// <param name="pictures">Folder of the pictures.</param>
    /// <param name="output">LMDB file to write; beside it NAME_pose_mean.npy and NAME_pose_stddev.npy.</param>
    /// <param name="reference">Reference face: the official one for data sets that the original is to train on.</param>
    /// <param name="leftOut">Told of each picture or annotation that cannot be used, which is left out; null: the first is thrown.</param>
    /// <param name="stop">Ends the conversion between two pictures; nothing is written then.</param>
    /// <exception cref="InputException">Something cannot be read, or no face has a pose.</exception>
    /// <exception cref="OutputException">The data set cannot be written.</exception>
    /// <exception cref="UsageException">The output is something that is read.</exception>
    /// <exception cref="ModelException">liblmdb is not installed, or OpenCV's library cannot be loaded.</exception>
    public static LmdbConversion Convert(string list, string pictures, string output, ReferenceFace reference, Action<InputException>? leftOut = null, CancellationToken stop = default)
    {
        ListedPicture[] listed = [.. JsonListReader.Read(list, pictures, leftOut)];
        string stem = Path.Combine(Path.GetDirectoryName(output) ?? "", Path.GetFileNameWithoutExtension(output));
        string meanPath = stem + "_pose_mean.npy", deviationPath = stem + "_pose_stddev.npy";
        FileRoles roles = new();
        roles.Reads(list, "the list");
        foreach (ListedPicture item in listed)
        {
            roles.Reads(item.Source, "a list of annotations");
            roles.Reads(item.Path, "a picture");
        }
        using IDisposable guard = roles.Guard();
        foreach (string target in new[] { output, meanPath, deviationPath }) roles.Writes(target, "the output");
        long capacity = 0;
        foreach (ListedPicture item in listed)
        {
            FileInfo file = new(item.Path);
            // One that is absent is told of in its turn.
            if (file.Exists) capacity += file.Length + 8192 + 2000L * item.Boxes.Length;
        }

        using LmdbWriter writer = LmdbWriter.Create(output, capacity);
        List<Pose> poses = [];
        int stored = 0, faces = 0, skipped = 0;
        foreach (ListedPicture item in listed)
        {
            stop.ThrowIfCancellationRequested();
            PoseRecord record;
            try
            {
                record = MakeRecord(item, reference);
            }
            catch (InputException error) when (leftOut is not null)
            {
                leftOut(error);
                continue;
            }
            if (record.Faces.All(face => face.LocalPose is null))
            {
                skipped++;
                continue;
            }
            writer.Put(stored.ToString(CultureInfo.InvariantCulture), record.Encode());
            stored++;
            faces += record.Faces.Count;
            poses.AddRange(record.Faces.Where(face => face.LocalPose is not null).Select(face => face.LocalPose!.Value));
        }
        if (poses.Count == 0) throw new InputException($"{list}: no face has landmarks that give a pose; there is nothing to train on");
        writer.Put("__keys__", EncodeKeys(stored));
        PackWriter length = new();
        length.Integer(stored);
        writer.Put("__len__", length.ToArray());

        // Statistics only beside data that are safely on the disk.
        writer.Commit();
        (double[] mean, double[] deviation) = PoseStatistics.Of(poses);
        NpyArray.Write(meanPath, mean, 6);
        NpyArray.Write(deviationPath, deviation, 6);
        writer.Complete();
        return new LmdbConversion(stored, skipped, faces, poses.Count, mean, deviation);
    }

    /// <summary>
    /// Unpacks a data set into an annotation pack: pictures under <c>images/</c> and <c>annotations.jsonl</c>. Faces
    /// without a pose become ignored ones.
    /// </summary>
    /// <param name="path">The LMDB file.</param>
    /// <param name="folder">Folder to write; created.</param>
    /// <param name="leftOut">Told of each record or picture that is damaged, which is left out; null: the first is thrown.</param>
    /// <param name="stop">Ends the work between two pictures; those that are out stay, without annotations.</param>
    /// <returns>The records written.</returns>
    /// <exception cref="InputException">The data set is damaged, or nothing of it can be used.</exception>
    /// <exception cref="OutputException">The pack cannot be written.</exception>
    public static IReadOnlyList<AnnotatedImage> Unpack(string path, string folder, Action<InputException>? leftOut = null, CancellationToken stop = default)
    {
        List<AnnotatedImage> images = [];
        string set = Path.GetFileNameWithoutExtension(path);
        FileRoles roles = new();
        roles.Reads(path, "the data set");
        using IDisposable guard = roles.Guard();
        using PoseDatabase data = PoseDatabase.Open(path);
        // Keys become names of files: all are looked at before the first is written.
        string[] names = [.. data.Keys.Select((key, i) => PlainName.Require(key, $"{path}, key {i + 1} of {data.Keys.Count}"))];
        foreach ((int index, PoseRecord record) in data.ReadEach(leftOut))
        {
            stop.ThrowIfCancellationRequested();
            string key = names[index];
            using VideoFrame? frame = TryDecode(record, data.Describe(index), leftOut);
            if (frame is null) continue;
            // Whoever reads the pack turns a picture as its EXIF says, away from its annotations: such a one is stored anew.
            bool upright = ImageFile.IsStoredUpright(record.Picture);
            string name = $"images/{key}{(upright ? Extension(record.Picture) : ".png")}";
            string file = Path.Combine(folder, name);
            if (upright)
            {
                AtomicFile.Write(file, stream => stream.Write(record.Picture), createFolder: true);
            }
            else
            {
                OutputFolder.Create(Path.GetDirectoryName(file)!);
                ImageFile.Write(file, frame);
            }
            images.Add(new AnnotatedImage
            {
                Image = name,
                Path = file,
                Width = frame.Width,
                Height = frame.Height,
                Set = set,
                Complete = true,
                Faces = [.. record.Faces.Select(face => ToAnnotated(face, frame.Width, frame.Height)).OfType<AnnotatedFace>()],
                Line = images.Count + 1,
            });
        }
        if (images.Count == 0 && names.Length > 0) throw new InputException($"{path}: none of its {names.Length} pictures can be used");
        AnnotationPackWriter.Write(Path.Combine(folder, AnnotationPackReader.FileName), images);
        return images;
    }

    private static VideoFrame? TryDecode(PoseRecord record, string source, Action<InputException>? leftOut)
    {
        try
        {
            return ImageFile.DecodeAsStored(record.Picture, source);
        }
        catch (InputException error) when (leftOut is not null)
        {
            leftOut(error);
            return null;
        }
    }

    /// <summary>The record of a listed picture.</summary>
    internal static PoseRecord MakeRecord(ListedPicture item, ReferenceFace reference)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(item.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{item.Source}: {item.Path} cannot be read: {e.Message}", e);
        }
        // Annotations count in stored pixels: the original opens pictures without regard to EXIF.
        using VideoFrame frame = ImageFile.DecodeAsStored(bytes, item.Path);
        CameraIntrinsics camera = CameraIntrinsics.ForImage(frame.Width, frame.Height);
        List<PoseRecordFace> faces = [];
        for (int i = 0; i < item.Boxes.Length; i++)
        {
            double[] b = item.Boxes[i];
            Box box = new(Math.Truncate(b[0]), Math.Truncate(b[1]), Math.Truncate(b[2]), Math.Truncate(b[3]));
            if (box.IsEmpty) continue;
            // The original solves for the pose in the box as if that were the picture, and brings it to the picture.
            Pose? local = LocalPose(item.Landmarks[i], box, reference, item.Source);
            Pose? global = local is { } pose ? ConverterArithmetic.ToPicture(pose, camera, box) : null;
            faces.Add(new PoseRecordFace(global, box, local, item.Landmarks[i]));
        }
        return new PoseRecord { Picture = bytes, Faces = faces };
    }

    /// <summary>
    /// The box-relative pose of 5 or 68 landmarks under the camera of a picture of the box's size, or null where one of them
    /// is −1. For the converter, and for the trainer, which solves for every picture that it crops or mirrors.
    /// </summary>
    /// <exception cref="InputException">The landmarks determine no pose.</exception>
    /// <exception cref="ModelException">OpenCV's library cannot be loaded.</exception>
    internal static Pose? LocalPose(PackedNumber[][] landmarks, in Box box, ReferenceFace reference, string source)
    {
        if (!IsMarked(landmarks)) return null;
        if (box.IsEmpty) throw new InputException($"{source}: the box {box.Left},{box.Top},{box.Right},{box.Bottom} is inverted; it must be l,t,r,b");
        (double left, double top) = (box.Left, box.Top);
        return LandmarkPose.Solve(
            PointsFor(landmarks, reference, source), [.. landmarks.Select(point => (point[0].Value - left, point[1].Value - top))],
            CameraIntrinsics.ForImage((int)box.Width, (int)box.Height))
            ?? throw new InputException($"{source}: the landmarks of a face determine no pose");
    }

    /// <summary>Whether no coordinate is −1, which stands for "not annotated". A third number is a score.</summary>
    private static bool IsMarked(PackedNumber[][] landmarks) => !landmarks.Any(point => point.Take(2).Any(number => number.Value == -1));

    private static ReadOnlySpan<Vector3d> PointsFor(PackedNumber[][] landmarks, ReferenceFace reference, string source) => landmarks.Length switch
    {
        68 => reference.Points68,
        5 => reference.Points5,
        _ => throw new InputException($"{source}: {landmarks.Length} landmarks; 5 or 68 are understood"),
    };

    private static byte[] EncodeKeys(int count)
    {
        PackWriter keys = new();
        keys.ArrayHeader(count);
        for (int i = 0; i < count; i++) keys.Binary(Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
        return keys.ToArray();
    }

    private static AnnotatedFace? ToAnnotated(PoseRecordFace face, int width, int height)
    {
        Box box = face.Box.ClipTo(width, height);
        if (box.IsEmpty) return null;
        bool marked = face.GlobalPose is not null && face.Landmarks.Length is 5 or 68;
        return new AnnotatedFace
        {
            Box = box,
            Pose = face.GlobalPose,
            Landmarks = marked ? [.. face.Landmarks.Select(point => (point[0].Value, point[1].Value))] : null,
            Label = face.GlobalPose is null ? "gtbox" : face.Landmarks.Length == 68 ? "gt68" : "gt5",
            Ignore = face.GlobalPose is null,
        };
    }

    private static string Extension(ReadOnlySpan<byte> picture) =>
        picture.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']) ? ".png"
        : picture.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8]) ? ".jpg"
        : picture.StartsWith("BM"u8) ? ".bmp"
        : ".img";
}
