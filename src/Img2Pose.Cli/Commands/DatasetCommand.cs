using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;
using Img2Pose.Training.Data.Lmdb;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose dataset</c>: converts, unpacks, counts, shows and labels training data.</summary>
internal static class DatasetCommand
{
    public static Command Create() => new("dataset", "Prepares and looks at training data.")
    {
        Convert(), Unpack(), Stats(), View(), DatasetAnnotate.Create(),
    };

    private static Command Convert()
    {
        Argument<string> list = new("list") { Description = "Text file that names one JSON annotation file a line." };
        Option<string> images = new("--images") { Description = "Folder of the pictures.", Required = true };
        Option<string> output = new("--out") { Description = "LMDB file to write; the pose mean and deviation go beside it.", Required = true };
        Option<string?> reference = Reference();
        Command command = new("convert", "Converts the original's JSON lists to its LMDB format.") { list, images, output, reference };
        command.SetAction((parsed, cancellation) =>
        {
            LeftOut left = new();
            LmdbConversion done = LmdbDataset.Convert(
                parsed.GetValue(list)!, parsed.GetValue(images)!, parsed.GetValue(output)!, ReferenceOf(parsed.GetValue(reference)), left.Tell, cancellation);
            Console.Error.WriteLine(
                $"{done.Pictures} pictures, {done.Faces} faces, {done.Posed} with a pose; {done.Skipped} pictures left out for want of a pose");
            return Task.FromResult(left.Code);
        });
        return command;
    }

    private static Command Unpack()
    {
        Argument<string> file = new("lmdb") { Description = "LMDB file of the original or of 'dataset convert'." };
        Option<string> output = new("--out") { Description = "Folder for pictures and annotations.jsonl.", Required = true };
        Command command = new("unpack", "Unpacks an LMDB data set to pictures and annotations.jsonl.") { file, output };
        command.SetAction((parsed, cancellation) =>
        {
            LeftOut left = new();
            IReadOnlyList<AnnotatedImage> images = LmdbDataset.Unpack(parsed.GetValue(file)!, parsed.GetValue(output)!, left.Tell, cancellation);
            Console.Error.WriteLine($"{images.Count} pictures, {images.Sum(i => i.Faces.Count)} faces in {parsed.GetValue(output)}");
            return Task.FromResult(left.Code);
        });
        return command;
    }

    private static Command Stats()
    {
        Argument<string> pack = new("pack") { Description = "Folder with annotations.jsonl." };
        Command command = new("stats", "Counts pictures, faces, sizes and poses of an annotation pack.") { pack };
        command.SetAction(parsed =>
        {
            PackStatistics.Write(Console.Out, AnnotationPack.Load(parsed.GetValue(pack)!));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command View()
    {
        Argument<string> pack = new("pack") { Description = "Folder with annotations.jsonl." };
        Option<string> output = new("--out") { Description = "Picture to write (.png or .jpg).", Required = true };
        Option<int> count = new("--count") { Description = "Pictures on the sheet.", DefaultValueFactory = _ => 48 };
        Option<int> columns = new("--columns") { Description = "Pictures in a row.", DefaultValueFactory = _ => 8 };
        Option<int> cell = new("--cell") { Description = "Side of a picture on the sheet, pixels.", DefaultValueFactory = _ => 240 };
        Option<string?> set = new("--set") { Description = "Only pictures of this set." };
        Option<double> yaw = new("--min-yaw") { Description = "Only pictures with a face turned by at least so many degrees." };
        Option<ulong> seed = new("--seed") { Description = "Which pictures are drawn.", DefaultValueFactory = _ => 1 };
        Option<bool> samples = new("--samples") { Description = "Show augmented training samples instead of the pictures." };
        Option<string?> mesh = new("--mesh") { Description = "With --samples: folder of the face-mesh pack, for synthetic large poses." };
        Option<string?> reference = Reference();
        Command command = new("view", "Draws a contact sheet of labelled pictures or of training samples.")
        {
            pack, output, count, columns, cell, set, yaw, seed, samples, mesh, reference,
        };
        command.SetAction((parsed, cancellation) =>
        {
            LeftOut left = new();
            Require(parsed.GetValue(count) > 0, "--count must be above 0");
            Require(parsed.GetValue(columns) > 0, "--columns must be above 0");
            Require(parsed.GetValue(cell) >= 16, "--cell must be at least 16");
            AnnotatedImage[] images = [.. AnnotationPack.Load(parsed.GetValue(pack)!)
                .Where(image => parsed.GetValue(set) is not { } wanted || image.Set == wanted)
                .Where(image => parsed.GetValue(yaw) <= 0 || image.Faces.Any(face => Turned(face, parsed.GetValue(yaw))))];
            if (images.Length == 0) throw new InputException($"{parsed.GetValue(pack)}: no picture fits --set and --min-yaw");
            FileRoles roles = new();
            RunFiles.AddData(roles, parsed.GetValue(pack), images);
            roles.Reads(parsed.GetValue(mesh), "a file of the meshes (--mesh)");
            roles.Reads(parsed.GetValue(reference), "a file of the reference points (--reference)");
            roles.Writes(parsed.GetValue(output), "--out");
            using IDisposable guard = roles.Guard();
            ReferenceFace face = ReferenceOf(parsed.GetValue(reference));
            int number = parsed.GetValue(samples) ? parsed.GetValue(count) : Math.Min(parsed.GetValue(count), images.Length);
            using ContactSheet sheet = new(number, parsed.GetValue(columns), parsed.GetValue(cell), face);
            if (parsed.GetValue(samples))
            {
                SampleGenerator generator = SampleGenerator.Create(
                    images, new SampleGeneratorOptions { Reference = face, MeshFolder = parsed.GetValue(mesh) }, leftOut: left.Tell, stop: cancellation);
                for (int i = 0; i < number; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    sheet.Add(generator.Generate(parsed.GetValue(seed), i));
                }
            }
            else
            {
                // The stride walks evenly through the pack, so that every set shows; the seed shifts it.
                int start = (int)(parsed.GetValue(seed) % (ulong)images.Length);
                for (int i = 0; i < number; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    AnnotatedImage image = images[(start + (int)((long)i * images.Length / number)) % images.Length];
                    try
                    {
                        sheet.Add(PictureLoader.Load(image), image);
                    }
                    catch (InputException error)
                    {
                        left.Tell(error);
                    }
                }
            }
            int shown = number - (parsed.GetValue(samples) ? 0 : left.Count);
            if (shown == 0) throw new InputException($"{parsed.GetValue(pack)}: none of its pictures can be shown");
            sheet.Save(parsed.GetValue(output)!);
            Console.Error.WriteLine($"{shown} pictures in {parsed.GetValue(output)}");
            return Task.FromResult(left.Code);
        });
        return command;
    }

    /// <summary>The option that names another reference face than the built-in one.</summary>
    internal static Option<string?> Reference() =>
        new("--reference") { Description = "Folder with the official reference points; default: the built-in ones." };

    /// <summary>The reference face that <see cref="Reference"/> chose.</summary>
    internal static ReferenceFace ReferenceOf(string? folder) => folder is null ? ReferenceFace.Default : ReferenceFaceFiles.Load(folder);

    private static bool Turned(AnnotatedFace face, double yaw) =>
        face.Pose is { } pose && Math.Abs(EulerAngles.FromRotationVector(pose.Rotation).Yaw) >= yaw;

    private static void Require(bool holds, string message)
    {
        if (!holds) throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"dataset view: {message}"));
    }
}
