using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Evaluation;
using Img2Pose.Evaluation.HeadPose;
using Img2Pose.Evaluation.Plots;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.OpenCv;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary><c>img2pose eval aflw2000</c> and <c>img2pose eval biwi</c>: the head-pose protocols of the original's notebooks.</summary>
internal static class EvalHeadPoseCommand
{
    /// <summary>The original's inference returns every face above this score, and so do the notebooks see them.</summary>
    private const double LowestScore = 0.05;

    public static Command CreateAflw2000()
    {
        Argument<string> folder = new("FOLDER") { Description = "Folder with the .jpg and .mat files of AFLW2000-3D." };
        Shared shared = new();
        Command command = new("aflw2000", "Measure head pose by the AFLW2000-3D protocol.") { folder };
        shared.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            // The poses of the landmarks come last; that they cannot be had shows at once.
            OpenCvLibrary.Require();
            Aflw2000Picture[] pictures = Aflw2000.Load(parsed.GetValue(folder)!, shared.LeftOut.Tell);
            PictureFile[] files = [.. pictures.Where(p => !p.IsSkipped).Select(p => new PictureFile(p.Image, p.Path))];
            return shared.Run(parsed, "aflw2000", files, [.. pictures.Select(p => Path.ChangeExtension(p.Path, ".mat"))], (run, reference) => Aflw2000.Evaluate(pictures, run, reference), cancellation);
        });
        return command;
    }

    public static Command CreateBiwi()
    {
        Argument<string> folder = new("FOLDER") { Description = "Folder of BIWI that holds 01, 02 and so on." };
        Option<string?> list = new("--list") { Description = "The frames to take, such as the original's BIWI_annotations.txt; default all.", HelpName = "FILE" };
        Option<string?> scales = new("--scales") { Description = $"Short sides to look at every picture at, separated by commas; the poses are averaged. The original's published figure is with 700; its notebook can average {string.Join(',', Biwi.AveragedSizes)}. Default: once, at the model's own size.", HelpName = "N,N…" };
        Option<string> angles = new("--angles") { Description = "Angles to compare: aflw, as the notebook behind the published figure, or zxy, as its multi-scale revision.", DefaultValueFactory = _ => "aflw" };
        angles.AcceptOnlyFromAmong("aflw", "zxy");
        Shared shared = new();
        Command command = new("biwi", "Measure head pose by the BIWI protocol.") { folder, list, scales, angles };
        shared.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            BiwiPicture[] pictures = Biwi.Load(parsed.GetValue(folder)!, parsed.GetValue(list), shared.LeftOut.Tell);
            PictureFile[] files = [.. pictures.Select(p => new PictureFile(p.Image, p.Path))];
            BiwiAngles convention = parsed.GetValue(angles) == "zxy" ? BiwiAngles.Zxy : BiwiAngles.Aflw;
            int[]? sides = parsed.GetValue(scales) is { } text ? EvalOutput.Lengths(scales.Name, text) : null;
            return shared.Run(
                parsed, "biwi", files, [.. pictures.Select(p => p.Path.Replace("_rgb.png", "_pose.txt", StringComparison.Ordinal)), parsed.GetValue(list) ?? ""], (run, _) => Biwi.Evaluate(pictures, run, convention), cancellation,
                sides is null ? null : detector => new BiwiScales(detector, sides));
        });
        return command;
    }

    private sealed class Shared
    {
        private readonly DetectorOptions _detector = new();
        private readonly Option<string?> _reference = new("--reference") { Description = "Folder with the reference points that the model was made with (official models: pose_references).", HelpName = "FOLDER" };
        private readonly Option<string?> _json = new("--json") { Description = "Write the report as JSON; - is standard output, and the table then goes to standard error.", HelpName = "FILE" };
        private readonly Option<string?> _plots = new("--plots") { Description = "Write the error-by-yaw plot (SVG) into this folder.", HelpName = "FOLDER" };

        /// <summary>The annotations that cannot be read.</summary>
        public LeftOut LeftOut { get; } = new();

        public void AddTo(Command command)
        {
            foreach (Option option in new Option[] { _reference, _json, _plots }) command.Add(option);
            _detector.AddTo(command);
        }

        public Task<int> Run(
            ParseResult parsed, string protocol, PictureFile[] files, string[] others, Func<PictureRun, ReferenceFace, HeadPoseReport> evaluate, CancellationToken cancellation,
            Func<OnnxPictureDetector, IPictureDetector>? wrap = null)
        {
            FileRoles roles = new();
            RunFiles.AddPictures(roles, files.Select(file => file.Path));
            foreach (string file in others) roles.Reads(file, "an annotation");
            roles.Reads(parsed.GetValue(_reference), "a file of the reference points (--reference)");
            _detector.AddTo(roles, parsed);
            roles.Writes(parsed.GetValue(_json), "--json");
            using IDisposable guard = roles.Guard();
            ModelPackage model = _detector.Load(parsed);
            ReferenceFace? given = parsed.GetValue(_reference) is { } points ? ReferenceFaceFiles.Load(points) : null;
            PictureRun run = _detector.Run(parsed, files, Create, cancellation);
            HeadPoseReport report = evaluate(run, given ?? ReferenceFace.Default);
            int code = Math.Max(EvalOutput.ReportUnreadable(report.Unreadable), LeftOut.Code);
            if (files.Length > 0 && run.Pictures.Count == 0) throw new InputException($"None of the {files.Length} pictures can be read.");

            string? target = parsed.GetValue(_json);
            EvalOutput.Table(target).Write(HeadPoseReportOutput.Text(report, model.Metadata.Name));
            EvalOutput.Json(target, stream => HeadPoseReportOutput.WriteJson(stream, report, protocol, model.Metadata.Name, model.Sha256));
            if (parsed.GetValue(_plots) is { } folder)
                EvaluationPlots.Save(folder, $"{protocol}-error-by-yaw.svg", EvaluationPlots.ErrorByYaw(HeadPoseReportOutput.Bins(report)));
            return Task.FromResult(code);

            IPictureDetector Create()
            {
                OnnxPictureDetector detector = _detector.Create(parsed, model, LowestScore, new PoseDetectorOptions { Reference = given });
                return wrap?.Invoke(detector) ?? detector;
            }
        }
    }
}
