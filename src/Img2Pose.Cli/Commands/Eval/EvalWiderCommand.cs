using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Evaluation;
using Img2Pose.Evaluation.Plots;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Wider;
using Img2Pose.Inference;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary><c>img2pose eval wider GROUND_TRUTH</c>: the official protocol of WIDER FACE.</summary>
internal static class EvalWiderCommand
{
    /// <summary>The original's evaluation takes every face above this score.</summary>
    private const double LowestScore = 0.05;

    public static Command Create()
    {
        Argument<string> truth = new("GROUND_TRUTH") { Description = "Folder with wider_face_val.mat and wider_{easy,medium,hard}_val.mat." };
        Option<string> predictions = new("--predictions") { Description = "Folder of prediction files EVENT/PICTURE.txt: written when --images is given, else read.", HelpName = "FOLDER", Required = true };
        Option<string?> images = new("--images") { Description = "Run a model on WIDER_val/images first.", HelpName = "FOLDER" };
        Option<string> sizes = new("--sizes") { Description = "Lengths of the shorter side, separated by commas; several are mirrored and merged too. The model's own size with 'own'.", DefaultValueFactory = _ => string.Join(',', WiderDetectionLoop.PublishedSizes) };
        Option<double> voting = new("--voting") { Description = "Overlap from which boxes are merged.", DefaultValueFactory = _ => WiderDetectionLoop.PublishedVotingThreshold };
        Option<string?> json = new("--json") { Description = "Write the results as JSON; - is standard output, and the table then goes to standard error.", HelpName = "FILE" };
        Option<string?> plots = new("--plots") { Description = "Write the precision-recall plot (SVG) into this folder.", HelpName = "FOLDER" };
        DetectorOptions detector = new();
        Command command = new("wider", "Measure detection by the WIDER FACE protocol.") { truth, predictions, images, sizes, voting, json, plots };
        detector.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            WiderPicture[] pictures = WiderGroundTruth.Load(parsed.GetValue(truth)!);
            string folder = parsed.GetValue(predictions)!;
            int code = ExitCode.Done;
            FileRoles roles = new();
            roles.Reads(parsed.GetValue(truth), "the ground truth");
            detector.AddTo(roles, parsed);
            if (parsed.GetValue(images) is { } imageFolder)
            {
                WiderDetectionLoop loop = new(Sizes(parsed.GetValue(sizes)!), EvalOutput.Score(voting.Name, parsed.GetValue(voting))!.Value);
                ModelPackage model = detector.Load(parsed);
                PictureFile[] files = [.. pictures.Select(p => $"{p.Event}/{p.Name}.jpg").Select(name => new PictureFile(name, Path.Combine(imageFolder, name)))];
                RunFiles.AddPictures(roles, files.Select(file => file.Path));
                foreach (WiderPicture picture in pictures) roles.Writes(WiderPredictions.PathOf(folder, picture.Event, picture.Name), "--predictions");
                roles.Writes(parsed.GetValue(json), "--json");
                using IDisposable reading = roles.Guard();
                PictureRun run = detector.Run(parsed, files, () => WiderRun.Loop(detector.Create(parsed, model, LowestScore), loop), cancellation);
                code = EvalOutput.ReportUnreadable(run.Unreadable);
                WiderRun.Write(folder, run);
                // The official evaluation knows no missing picture: one that cannot be read has no faces found in it.
                foreach (UnreadablePicture picture in run.Unreadable)
                    WiderPredictions.Write(Path.ChangeExtension(Path.Combine(folder, picture.Image), ".txt"), Path.GetFileName(picture.Image), []);
            }
            else
            {
                detector.RequireUnused(parsed, "prediction files alone (no --images)");
            }
            // From here on prediction files are read, whoever wrote them.
            foreach (WiderPicture picture in pictures) roles.Reads(WiderPredictions.PathOf(folder, picture.Event, picture.Name), "a prediction file");
            using IDisposable guard = roles.Guard();
            if (parsed.GetValue(images) is null) roles.Writes(parsed.GetValue(json), "--json");
            WiderResult[] results = WiderEvaluator.Evaluate(pictures, WiderRun.Read(folder, pictures));

            string? target = parsed.GetValue(json);
            EvalOutput.Table(target).Write(WiderReportOutput.Text(results, folder));
            EvalOutput.Json(target, stream => WiderReportOutput.WriteJson(stream, results, folder));
            if (parsed.GetValue(plots) is { } plotFolder)
                EvaluationPlots.Save(plotFolder, "wider-precision-recall.svg", EvaluationPlots.PrecisionRecall("WIDER FACE validation", WiderReportOutput.Curves(results)));
            return Task.FromResult(code);
        });
        return command;
    }

    private static int[] Sizes(string text)
    {
        // One size means "not merged, not mirrored" in the original, which then leaves the model's own size in place.
        if (text == "own") return [1];
        int[] sizes = EvalOutput.Lengths("--sizes", text);
        return sizes.Length > 1 ? sizes : throw new UsageException("--sizes needs at least two lengths to merge; use own for the model's own size, and --size to change it.");
    }
}
