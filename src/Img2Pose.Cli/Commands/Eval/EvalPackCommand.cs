using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Evaluation;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Plots;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Sheets;
using Img2Pose.Formats;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Packages;
using Img2Pose.OpenCv;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary><c>img2pose eval pack FOLDER</c>: detection, pose and translation on an annotation pack.</summary>
internal static class EvalPackCommand
{
    /// <summary>Average precision wants the whole ranking; below this score nothing changes any more in three decimals.</summary>
    private const double LowestScore = 0.01;

    public static Command Create()
    {
        Argument<string> pack = new("FOLDER") { Description = "Folder with pictures and annotations.jsonl." };
        DetectorOptions detector = new();
        Option<string?> predictionsFile = new("--predictions") { Description = "Evaluate this prediction file (JSON lines) instead of a model.", HelpName = "FILE" };
        Option<string?> savePredictions = new("--save-predictions") { Description = "Save what the model found as JSON lines.", HelpName = "FILE" };
        Option<string?> json = new("--json") { Description = "Write the report as JSON; - is standard output, and the table then goes to standard error.", HelpName = "FILE" };
        Option<string?> plots = new("--plots") { Description = "Write precision-recall and error-by-yaw plots (SVG) into this folder.", HelpName = "FOLDER" };
        Option<string?> sheets = new("--sheets") { Description = "Write contact sheets of misses, false alarms and worst poses (PNG) into this folder.", HelpName = "FOLDER" };
        Option<int?> limit = new("--limit") { Description = "Only this many pictures, spread evenly over the pack." };
        Option<string[]> only = new("--only") { Description = "Only pictures whose name in the annotations contains one of these.", AllowMultipleArgumentsPerToken = true };
        Option<double?> score = new("--score") { Description = "Score threshold instead of the model's own." };
        Option<string?> calibrate = new("--calibrate") { Description = "Write the model, a one-stage package, with scores that mean the precision measured here, and its threshold moved alike.", HelpName = "FILE" };
        TurnedPackOptions turned = new();
        Command command = new("pack", "Measure detection and pose on an annotation pack.")
        {
            pack, predictionsFile, savePredictions, json, plots, sheets, limit, only, score, calibrate,
        };
        detector.AddTo(command);
        turned.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            turned.Check(parsed, [predictionsFile, savePredictions, plots, sheets, calibrate]);
            if (parsed.GetValue(calibrate) is not null && parsed.GetValue(predictionsFile) is not null) throw new UsageException($"{calibrate.Name} needs a model, and {predictionsFile.Name} has none.");
            // Before the hours of looking, not after them.
            if (parsed.GetValue(sheets) is not null) OpenCvLibrary.Require();
            string[] names = parsed.GetValue(only) ?? [];
            AnnotatedImage[] all = AnnotationPackReader.Load(parsed.GetValue(pack)!);
            if (names.Length > 0) all = [.. all.Where(image => names.Any(name => image.Image.Contains(name, StringComparison.Ordinal)))];
            AnnotatedImage[] images = PackPairing.Limit(all, EvalOutput.AtLeastOne(limit.Name, parsed.GetValue(limit)));
            if (images.Length == 0) throw new InputException($"{parsed.GetValue(pack)}: the pack holds no pictures{(names.Length > 0 ? " of these names (--only)" : "")}.");

            FileRoles roles = new();
            RunFiles.AddData(roles, parsed.GetValue(pack), images);
            roles.Reads(parsed.GetValue(predictionsFile), "the predictions (--predictions)");
            detector.AddTo(roles, parsed);
            roles.Writes(parsed.GetValue(savePredictions), "--save-predictions");
            roles.Writes(parsed.GetValue(json), "--json");
            roles.Writes(parsed.GetValue(calibrate), "--calibrate");
            using IDisposable guard = roles.Guard();
            if (turned.Step(parsed) is { } step)
            {
                return Task.FromResult(turned.Run(
                    parsed, detector, images, step, EvalOutput.Score(score.Name, parsed.GetValue(score)), parsed.GetValue(json), parsed.GetValue(pack)!, cancellation));
            }

            PredictionSet predictions;
            if (parsed.GetValue(predictionsFile) is { } file)
            {
                detector.RequireUnused(parsed, predictionsFile.Name);
                predictions = PredictionFile.Read(file);
            }
            else
            {
                PictureFile[] files = [.. images.Select(image => new PictureFile(image.Image, image.Path, image.Width, image.Height))];
                predictions = detector.Predict(parsed, files, LowestScore, cancellation);
            }
            int code = EvalOutput.ReportUnreadable(predictions.Unreadable);
            if (parsed.GetValue(savePredictions) is { } target) PredictionFile.Write(target, predictions);

            PackSample[] samples = PackPairing.Pair(images, predictions);
            if (samples.Length == 0) throw new InputException($"{parsed.GetValue(pack)}: none of the {images.Length} pictures can be read.");
            double threshold = EvalOutput.Score(score.Name, parsed.GetValue(score)) ?? predictions.Threshold;
            PackReport report = PackEvaluator.Evaluate(samples, new PackEvaluationOptions { Threshold = threshold });

            string? jsonTarget = parsed.GetValue(json);
            EvalOutput.Table(jsonTarget).Write(PackReportText.Write(report, predictions.Detector));
            EvalOutput.Json(jsonTarget, stream => PackReportJson.Write(stream, report, predictions.Detector, parsed.GetValue(pack)!));
            if (parsed.GetValue(plots) is { } plotFolder) EvaluationPlots.Write(plotFolder, report);
            if (parsed.GetValue(calibrate) is { } calibrated)
            {
                ScoreCalibration fit = report.Reliability.Calibration ?? throw new InputException($"{parsed.GetValue(pack)}: too few detections, or none of them wrong, to calibrate scores with; take a larger pack.");
                PackageCalibrator.Write(detector.Load(parsed).Path, fit, calibrated);
            }
            if (parsed.GetValue(sheets) is { } sheetFolder) ContactSheets.Write(sheetFolder, samples, threshold);
            return Task.FromResult(code);
        });
        return command;
    }
}
