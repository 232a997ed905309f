using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Training.Data;

namespace Img2Pose.Cli.Commands;

/// <summary>
/// <c>img2pose dataset annotate</c>: labels a folder of pictures, with a model or from landmark files, and writes its
/// <c>annotations.jsonl</c>.
/// </summary>
internal static class DatasetAnnotate
{
    public static Command Create()
    {
        Argument<string> folder = new("folder") { Description = "Folder of pictures, subfolders included." };
        Option<string?> model = new("--model") { Description = "Model file (.onnx) that finds the faces." };
        Option<string?> landmarks = new("--landmarks") { Description = "Folder of .pts files named as the pictures; poses come from them by EPnP." };
        Option<double?> sure = new("--sure") { Description = "With --model: faces scored below this are written as ignored; default: the model's threshold.", HelpName = "X" };
        Option<double?> possible = new("--possible") { Description = "With --model: faces scored below this are not written; default: half of --sure.", HelpName = "X" };
        Option<string> set = new("--set") { Description = "Name of the set in the records.", DefaultValueFactory = _ => "annotated" };
        Option<bool> replace = new("--replace") { Description = "Replace annotations that the folder already has." };
        Option<string?> reference = DatasetCommand.Reference();
        Command command = new("annotate", "Labels a folder of pictures with a model or from landmarks.")
        {
            folder, model, landmarks, sure, possible, set, replace, reference,
        };
        command.SetAction((parsed, cancellation) =>
        {
            string root = parsed.GetValue(folder)!;
            string output = Path.Combine(root, AnnotationPackReader.FileName);
            if ((parsed.GetValue(model) is null) == (parsed.GetValue(landmarks) is null))
                throw new UsageException("dataset annotate: give either --model or --landmarks");
            if (File.Exists(output) && !parsed.GetValue(replace))
                throw new UsageException($"{output} exists; add --replace to write it anew");
            string[] pictures = Pictures(root);
            FileRoles roles = new();
            RunFiles.AddPictures(roles, pictures);
            roles.Reads(parsed.GetValue(model), "the model");
            roles.Reads(parsed.GetValue(landmarks), "a file of the landmarks");
            roles.Reads(parsed.GetValue(reference), "a file of the reference points (--reference)");
            roles.Writes(output, "the annotation file");
            using IDisposable guard = roles.Guard();

            LeftOut left = new();
            List<AnnotatedImage> images = parsed.GetValue(model) is { } path
                ? WithModel(root, pictures, path, left, parsed.GetValue(possible), parsed.GetValue(sure), parsed.GetValue(set)!, cancellation)
                : FromLandmarks(root, pictures, parsed.GetValue(landmarks)!, left, DatasetCommand.ReferenceOf(parsed.GetValue(reference)), parsed.GetValue(set)!, cancellation);
            if (images.Count == 0 && left.Count > 0) throw new InputException($"{root}: none of its pictures can be read");
            AnnotationPackWriter.Write(output, images);
            Console.Error.WriteLine($"{images.Count} pictures, {images.Sum(i => i.Faces.Count)} faces in {output}");
            return Task.FromResult(left.Code);
        });
        return command;
    }

    private static string[] Pictures(string folder)
    {
        if (!Directory.Exists(folder)) throw new InputException($"{folder}: no such folder");
        string[] pictures = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(ImageFile.HasImageExtension).Order(StringComparer.Ordinal)];
        return pictures.Length > 0 ? pictures : throw new InputException($"{folder}: holds no pictures");
    }

    private static VideoFrame? TryRead(string path, LeftOut left)
    {
        try
        {
            return ImageFile.Read(path);
        }
        catch (InputException error)
        {
            left.Tell(error);
            return null;
        }
    }

    /// <summary>What the model finds; doubtful faces are ignored and make their picture incomplete.</summary>
    private static List<AnnotatedImage> WithModel(
        string root, string[] pictures, string model, LeftOut left, double? possible, double? sure, string set, CancellationToken cancellation)
    {
        ModelPackage package = ModelPackage.Load(model);
        double certain = sure ?? package.Metadata.ScoreThreshold, lowest = possible ?? package.Metadata.PartOf(certain, 0.5);
        if (!(lowest >= 0 && lowest <= certain && certain <= 1))
            throw new UsageException(FormattableString.Invariant($"--possible {lowest} and --sure {certain}: scores lie in 0…1, and what is not possible cannot be sure."));
        using PoseDetector detector = PoseDetector.Create(package, new PoseDetectorOptions { ScoreThreshold = lowest });
        List<FaceDetection> found = [];
        List<AnnotatedImage> images = [];
        foreach (string path in pictures)
        {
            cancellation.ThrowIfCancellationRequested();
            using VideoFrame? frame = TryRead(path, left);
            if (frame is null) continue;
            found.Clear();
            detector.Detect(frame, found);
            // A model of the original may give boxes that reach out of the picture or lie outside, which no pack may hold.
            AnnotatedFace[] faces =
            [
                .. found.Select(face => face with { Box = face.Box.ClipTo(frame.Width, frame.Height) })
                    .Where(face => !face.Box.IsEmpty && face.Pose.Translation.Z > 0)
                    .Select(face => new AnnotatedFace
                    {
                        Box = face.Box,
                        Pose = face.Pose,
                        Label = "teacher",
                        Ignore = face.Score < certain,
                        Score = face.Score,
                    }),
            ];
            images.Add(Record(root, path, frame, set, complete: faces.All(face => !face.Ignore), faces));
        }
        return images;
    }

    /// <summary>One face a .pts file; pictures stay incomplete, as landmarks say nothing about other faces in them.</summary>
    private static List<AnnotatedImage> FromLandmarks(
        string root, string[] pictures, string landmarks, LeftOut left, ReferenceFace reference, string set, CancellationToken cancellation)
    {
        if (!Directory.Exists(landmarks)) throw new InputException($"{landmarks}: no such folder");
        List<AnnotatedImage> images = [];
        foreach (string path in pictures)
        {
            cancellation.ThrowIfCancellationRequested();
            string points = Path.Combine(landmarks, Path.ChangeExtension(Path.GetRelativePath(root, path), ".pts"));
            if (!File.Exists(points)) continue;
            using VideoFrame? frame = TryRead(path, left);
            if (frame is null) continue;
            try
            {
                AnnotatedFace face = LandmarkFile.ToFace(LandmarkFile.Read(points), frame.Width, frame.Height, reference)
                    ?? throw new InputException($"{points}: the landmarks give no pose in {path}");
                images.Add(Record(root, path, frame, set, complete: false, [face]));
            }
            catch (InputException error)
            {
                left.Tell(error);
            }
        }
        return images.Count > 0 || left.Count > 0 ? images : throw new InputException($"{landmarks}: no .pts file named as a picture of {root}");
    }

    private static AnnotatedImage Record(string root, string path, VideoFrame frame, string set, bool complete, AnnotatedFace[] faces) => new()
    {
        Image = Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/'),
        Path = path,
        Width = frame.Width,
        Height = frame.Height,
        Set = set,
        Complete = complete,
        Faces = faces,
    };
}
