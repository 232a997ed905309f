using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Evaluation;
using Img2Pose.Evaluation.Pack;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.OpenCv;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary><c>eval pack --turned</c>: the pack's pictures turned to every angle.</summary>
internal sealed class TurnedPackOptions
{
    private const int DefaultStep = 15;

    private readonly Option<int?> _turned = new("--turned")
    {
        Description = $"Instead, turn the pictures to every so many degrees (a divisor of 360; {DefaultStep} where no number is given) and measure faces from 48 pixels that are whole at every angle: recall, false alarms and rotation at each.",
        HelpName = "DEGREES",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _roll = RollOption.Create("any; only with --turned");

    public void AddTo(Command command)
    {
        command.Add(_turned);
        command.Add(_roll);
    }

    /// <summary>Degrees from one angle to the next; null: pictures are not turned.</summary>
    public int? Step(ParseResult parsed) => parsed.GetResult(_turned) is null ? null : parsed.GetValue(_turned) ?? DefaultStep;

    /// <exception cref="UsageException">The step divides no circle, or options were given that do not go together.</exception>
    public void Check(ParseResult parsed, IEnumerable<Option> others)
    {
        if (Step(parsed) is not { } step)
        {
            if (parsed.GetValue(_roll) is not null) throw new UsageException($"{_roll.Name} has a meaning only with {_turned.Name}.");
            return;
        }
        if (step < 1 || 360 % step != 0) throw new UsageException($"{_turned.Name}: {step} degrees do not divide a circle; give a divisor of 360 such as 15.");
        foreach (Option option in others)
        {
            if (parsed.GetResult(option) is not null) throw new UsageException($"{option.Name} has no meaning with {_turned.Name}.");
        }
        OpenCvLibrary.Require();
    }

    /// <summary>Measures, and writes the report.</summary>
    /// <returns>The exit code.</returns>
    public int Run(
        ParseResult parsed, DetectorOptions detector, AnnotatedImage[] images, int step, double? score, string? json, string pack, CancellationToken cancellation)
    {
        ModelPackage model = detector.Load(parsed);
        double threshold = score ?? model.Metadata.ScoreThreshold;
        bool anyRoll = parsed.IsAny(_roll) ?? true;
        using FramePool pool = new(2 * Environment.ProcessorCount);
        List<TurnedRow> rows = [];
        PredictionSet? upright = null;
        Dictionary<string, AnnotatedImage> annotated = [];
        foreach (AnnotatedImage image in images) annotated[image.Path] = image;
        for (int degrees = 0; degrees < 360; degrees += step)
        {
            int angle = degrees;
            AnnotatedImage[] turned = [.. images.Select(image => TurnedPack.Turn(image, angle))];
            PictureFile[] files = [.. turned.Select(image => new PictureFile(image.Image, image.Path, image.Width, image.Height))];
            // Which look counts is a matter of the threshold: everything is looked at as in use.
            PictureRun run = detector.Run(parsed, files, Create, cancellation, path => Read(path, angle));
            PredictionSet predictions = DetectorOptions.Predictions(model, threshold, run);
            upright ??= predictions;
            PackSample[] samples = PackPairing.Pair(turned, predictions);
            if (samples.Length == 0) throw new InputException($"{pack}: none of the {images.Length} pictures can be read.");
            rows.Add(TurnedReport.Evaluate(degrees, samples, new PackEvaluationOptions { Threshold = threshold }));
        }
        int code = EvalOutput.ReportUnreadable(upright!.Unreadable);
        TurnedReport report = new(threshold, images.Length - upright.Unreadable.Count, rows);
        EvalOutput.Table(json).Write(TurnedReportOutput.Write(report, upright.Detector));
        EvalOutput.Json(json, stream => TurnedReportOutput.WriteJson(stream, report, upright.Detector, pack));
        return code;

        IPictureDetector Create()
        {
            PoseDetector network = detector.CreateNetwork(parsed, model, threshold);
            return anyRoll ? new AnyRollPictureDetector(network) : new OnnxPictureDetector(network);
        }

        VideoFrame Read(string path, int angle)
        {
            using VideoFrame picture = ImageFile.Read(path);
            AnnotatedImage image = annotated[path];
            if ((picture.Width, picture.Height) != (image.Width, image.Height))
                throw new InputException($"{path}: is {picture.Width}x{picture.Height}, but the annotation says {image.Width}x{image.Height}");
            return TurnedPack.Turn(picture, angle, pool);
        }
    }
}
