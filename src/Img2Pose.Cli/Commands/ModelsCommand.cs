using System.CommandLine;
using System.Globalization;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Formats.Onnx;
using Img2Pose.Inference;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Packages;

namespace Img2Pose.Cli.Commands;

/// <summary><c>img2pose models</c>: what there is, and how the official checkpoints become packages.</summary>
internal static class ModelsCommand
{
    public static Command Create() => new("models", "List, inspect, import, verify, export and average models.")
    {
        List(), Info(), Import(), Verify(), Export(), Average(),
    };

    private static Command List()
    {
        Command command = new("list", "The models that are installed, and the official ones and where they come from.");
        command.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            output.WriteLine("Installed:");
            int count = 0;
            foreach (string path in ModelLocator.List())
            {
                count++;
                try
                {
                    ModelPackage package = ModelPackage.Load(path);
                    output.WriteLine($"  {Path.GetFileNameWithoutExtension(path),-28} {Mebibytes(package.FileSize),10}  {package.Metadata.Licence}");
                }
                catch (ModelException error)
                {
                    output.WriteLine($"  {Path.GetFileNameWithoutExtension(path),-28} unusable: {error.Message}");
                }
            }
            if (count == 0) output.WriteLine($"  none in {string.Join(", ", ModelLocator.Folders)}");
            output.WriteLine("Official, not part of this program (fetch the archive, then 'img2pose models import ARCHIVE'):");
            foreach (OfficialModel model in OfficialModel.All)
            {
                output.WriteLine($"  {model.Name,-28} {Parameters(model.Depth),10}  {model.Licence}");
                output.WriteLine($"    {model.About}");
                output.WriteLine($"    from {model.Source}; sha256 {model.Sha256 ?? "not recorded"}");
            }
        });
        return command;
    }

    private static Command Info()
    {
        Argument<string> name = ModelArgument();
        Command command = new("info", "What a model says of itself: licence, input contract, settings, metrics, sha256.") { name };
        command.SetAction(parsed =>
        {
            ModelPackage package = ModelPackage.Load(ModelLocator.Find(parsed.GetRequiredValue(name)));
            ModelMetadata metadata = package.Metadata;
            TextWriter output = parsed.InvocationConfiguration.Output;
            void Line(string what, string value) => output.WriteLine($"{what,-18} {value}");
            Line("name", metadata.Name);
            Line("file", package.Path);
            Line("size", Mebibytes(package.FileSize));
            Line("sha256", package.Sha256);
            Line("licence", metadata.Licence);
            Line("input size", Describe(metadata.Size));
            Line("pose mean", Numbers(metadata.PoseMean));
            Line("pose stddev", Numbers(metadata.PoseStddev));
            Line("reference face", metadata.Reference);
            Line("score threshold", metadata.ScoreThreshold.ToString(CultureInfo.InvariantCulture));
            Line("scores", metadata.Calibration is { } calibration
                ? $"calibrated: 0.4 as trained is {calibration.Apply(0.4).ToString("F3", CultureInfo.InvariantCulture)}, 0.5 {calibration.Apply(0.5).ToString("F3", CultureInfo.InvariantCulture)}, 0.6 {calibration.Apply(0.6).ToString("F3", CultureInfo.InvariantCulture)}"
                : "as trained");
            Line("NMS threshold", metadata.NmsThreshold.ToString(CultureInfo.InvariantCulture));
            Line("box factors", Numbers([metadata.BoxFactors.Width, metadata.BoxFactors.Height, metadata.BoxFactors.Forehead]));
            Line("precision", metadata.IsInt8
                ? $"{metadata.Precision} ({Int8Support.Warning(metadata) ?? $"this processor has {Int8Support.Instructions}"})"
                : metadata.Precision);
            Line("metrics", metadata.MetricsJson ?? "none recorded");
            Line("training manifest", metadata.TrainingManifestSha256 ?? "none recorded");
            Line("inputs", "image float32 [N,3,H,W], sizes int64 [N,2], boxes float32 [K,5], score_threshold float32 []");
            Line("outputs", "proposals [M,4], image_index [M], scores [M], pose_index [P], poses [P,6]");
        });
        return command;
    }

    private static Command Import()
    {
        Argument<string> source = new("FILE") { Description = "A checkpoint (.pth) or the archive of the authors' model zoo (.zip)." };
        Option<string?> output = new("--out") { Description = "The package to write; default: models/NAME.onnx.", HelpName = "FILE" };
        Option<string?> mean = new("--pose-mean") { Description = "Pose means (.npy); default: the one beside the checkpoint.", HelpName = "FILE" };
        Option<string?> deviation = new("--pose-stddev") { Description = "Pose standard deviations (.npy); default: the one beside the checkpoint.", HelpName = "FILE" };
        Option<string?> checkpoint = new("--checkpoint") { Description = "Which checkpoint of an archive with several.", HelpName = "NAME" };
        Option<string?> name = new("--name") { Description = "Name of the package; default: the checkpoint's.", HelpName = "NAME" };
        Option<string?> licence = new("--licence") { Description = "Licence of the weights; default: that of the authors' checkpoints, for others unknown.", HelpName = "TEXT" };
        Option<int?> depth = new("--depth") { Description = "Depth of the network (18, 50, 101); default: told by the tensors.", HelpName = "N" };
        Option<string> torchvision = new("--torchvision") { Description = "Release to imitate: 0.8.2 as the authors pinned, or 0.14.", DefaultValueFactory = _ => "0.8.2" };
        torchvision.AcceptOnlyFromAmong("0.8.2", "0.14");
        Option<int> min = new("--min-size") { Description = "Short side of the resized picture.", HelpName = "N", DefaultValueFactory = _ => 400 };
        Option<int> max = new("--max-size") { Description = "Limit of its long side.", HelpName = "N", DefaultValueFactory = _ => 1400 };
        Option<int> before = new("--proposals-before") { Description = "Anchors kept per level before suppression.", HelpName = "N", DefaultValueFactory = _ => 6000 };
        Option<int> after = new("--proposals-after") { Description = "Proposals kept per picture.", HelpName = "N", DefaultValueFactory = _ => 1000 };
        Command command = new("import", "Turn a checkpoint, official or your own, into a model package, without Python.")
        {
            source, output, mean, deviation, checkpoint, name, licence, depth, torchvision, min, max, before, after,
        };
        command.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(source);
            FileRoles roles = new();
            roles.Reads(file, "the checkpoint");
            roles.Reads(parsed.GetValue(mean), "the pose means (--pose-mean)");
            roles.Reads(parsed.GetValue(deviation), "the pose deviations (--pose-stddev)");
            using IDisposable guard = roles.Guard();
            roles.Writes(parsed.GetValue(output), "--out");
            CheckpointBundle bundle = CheckpointBundle.Load(file, parsed.GetValue(mean), parsed.GetValue(deviation), parsed.GetValue(checkpoint));
            ImportOptions options = new()
            {
                Depth = parsed.GetValue(depth),
                Name = parsed.GetValue(name),
                Licence = parsed.GetValue(licence),
                Behaviour = parsed.GetRequiredValue(torchvision) == "0.14" ? TorchvisionBehaviour.V014 : TorchvisionBehaviour.V082,
                MinSize = parsed.GetValue(min),
                MaxSize = parsed.GetValue(max),
                ProposalsBeforeSuppression = parsed.GetValue(before),
                ProposalsAfterSuppression = parsed.GetValue(after),
            };
            string path = parsed.GetValue(output) ?? Path.Combine("models", (options.Name ?? Path.GetFileName(bundle.Name)) + ".onnx");
            if (parsed.GetValue(output) is null) roles.Writes(path, "--name");
            OutputFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
            ModelImporter.Import(bundle, options, path);
            TextWriter errors = parsed.InvocationConfiguration.Error;
            errors.WriteLine($"img2pose: wrote {path} ({Mebibytes(new FileInfo(path).Length)}); use it with --model {path}.");
            errors.WriteLine($"img2pose: licence of the weights: {ModelImporter.LicenceOf(bundle, options)}.");
            if (OfficialModel.Find(bundle.Name, bundle.Sha256) is { } official) errors.WriteLine($"img2pose: {official.Name} is published at {official.Source}.");
        });
        return command;
    }

    private static Command Verify()
    {
        Argument<string> name = ModelArgument();
        Command command = new("verify", "Check a package: contract, metadata, every weight finite, and that the network loads.") { name };
        command.SetAction(parsed =>
        {
            ModelPackage package = ModelPackage.Load(ModelLocator.Find(parsed.GetRequiredValue(name)));
            ModelProto model = OnnxFile.Read(package.Path);
            PackageCheck.RequireFinite(model, package.Path);
            using PoseDetector detector = PoseDetector.Create(package, new PoseDetectorOptions { Device = "cpu" });
            detector.Verify();
            parsed.InvocationConfiguration.Output.WriteLine($"{package.Path}: sound; {model.Graph.Node.Count} nodes, sha256 {package.Sha256}, loads on {detector.ProviderDescription}.");
        });
        return command;
    }

    private static Command Export()
    {
        Argument<string> name = ModelArgument();
        Option<string> output = new("--out") { Description = "The package to write (.onnx).", HelpName = "FILE", Required = true };
        Option<string?> newName = new("--name") { Description = "Name of the new package.", HelpName = "NAME" };
        Option<int?> before = new("--proposals-before") { Description = "Anchors kept per level before suppression.", HelpName = "N" };
        Option<int?> after = new("--proposals-after") { Description = "Proposals kept per picture: fewer are faster and find fewer faces.", HelpName = "N" };
        Option<double?> score = new("--score") { Description = "Default score threshold.", HelpName = "X" };
        Option<bool> int8 = new("--int8") { Description = "Compute in 8 bits: faster on processors with VNNI, less exact. Needs --calibrate." };
        Option<bool> fullRange = new("--int8-full-range") { Description = "With --int8: weights of all eight bits, slightly more exact, wrong on processors without VNNI." };
        Option<string?> calibrate = new("--calibrate") { Description = "Pictures like those that the model will see, some of them with faces: 20 or more.", HelpName = "FOLDER" };
        Option<bool> half = new("--fp16") { Description = "Compute in 16-bit floating point, for GPUs." };
        Option<bool> uncalibrated = new("--uncalibrated") { Description = "Scores as the network was trained to give them, before 'eval pack --calibrate'." };
        Command command = new("export", "Write a package under other settings.") { name, output, newName, before, after, score, int8, fullRange, calibrate, half, uncalibrated };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(output), source = ModelLocator.Find(parsed.GetRequiredValue(name));
            string? folder = parsed.GetValue(calibrate);
            if (parsed.GetValue(int8) != folder is not null) throw new UsageException("--int8 and --calibrate FOLDER belong together.");
            if (parsed.GetValue(fullRange) && folder is null) throw new UsageException("--int8-full-range has a meaning only with --int8.");
            FileRoles roles = new();
            roles.Reads(source, "the model");
            roles.Reads(folder, "a picture of --calibrate");
            using IDisposable guard = roles.Guard();
            roles.Writes(path, "--out");
            if (folder is not null && parsed.GetValue(half)) throw new UsageException("A package is exported with --int8 or with --fp16, not both.");
            OutputFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
            TextWriter errors = parsed.InvocationConfiguration.Error;
            PackageExporter.Export(
                source,
                new ExportOptions
                {
                    Name = parsed.GetValue(newName),
                    ProposalsBeforeSuppression = parsed.GetValue(before),
                    ProposalsAfterSuppression = parsed.GetValue(after),
                    ScoreThreshold = parsed.GetValue(score),
                    Half = parsed.GetValue(half),
                    Uncalibrated = parsed.GetValue(uncalibrated),
                    Int8Ranges = folder is null ? null : Calibration.Take(source, folder, errors),
                    FullRangeWeights = parsed.GetValue(fullRange),
                },
                path);
            ModelPackage package = ModelPackage.Load(path);
            errors.WriteLine($"img2pose: wrote {path} ({Mebibytes(package.FileSize)}); licence of the weights: {package.Metadata.Licence}.");
            if (Int8Support.Warning(package.Metadata) is { } warning) errors.WriteLine($"img2pose: {warning}.");
        });
        return command;
    }

    private static Command Average()
    {
        Argument<string[]> names = new("MODELS") { Description = "Packages of one network that were trained on from the same start, two or more.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = new("--out") { Description = "The package to write (.onnx).", HelpName = "FILE", Required = true };
        Command command = new("average", "Write the mean of the weights of several packages of one network.") { names, output };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(output);
            string[] sources = [.. parsed.GetRequiredValue(names).Select(name => ModelLocator.Find(name))];
            FileRoles roles = new();
            foreach (string source in sources) roles.Reads(source, "a model");
            using IDisposable guard = roles.Guard();
            roles.Writes(path, "--out");
            OutputFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
            PackageAverage.Write(sources, path);
            ModelPackage package = ModelPackage.Load(path);
            parsed.InvocationConfiguration.Error.WriteLine($"img2pose: wrote {path}, the mean of {sources.Length} ({Mebibytes(package.FileSize)}); licence of the weights: {package.Metadata.Licence}.");
        });
        return command;
    }

    private static Argument<string> ModelArgument() => new("MODEL") { Description = "Name of an installed model, or a file." };

    private static string Describe(SizeRule size) => size.Kind == SizeRuleKind.LongSide
        ? $"long side {size.Side}{(size.Enlarge ? "" : " at most")}, padded to multiples of {size.Multiple}"
        : $"short side {size.Min}, long side at most {size.Max}, padded to multiples of {size.Multiple}, torchvision {(size.DoublePrecision ? "0.8.2" : "0.14")}'s rounding";

    private static string Numbers(IEnumerable<double> values) => string.Join(", ", values.Select(v => v.ToString("G6", CultureInfo.InvariantCulture)));

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB");

    private static string Parameters(int depth)
    {
        long count = DetectorGraph.OfficialParameters(depth).Sum(p => p.Shape.Aggregate(1L, (a, b) => a * b));
        return string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:F1} M numbers");
    }
}
