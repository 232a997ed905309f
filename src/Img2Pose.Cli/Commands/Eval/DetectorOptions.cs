using System.CommandLine;
using Img2Pose.Cli.Running;
using Img2Pose.Core;
using Img2Pose.Evaluation;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Cli.Commands.Eval;

/// <summary>The options that choose the model and how it runs, for every verb of <c>eval</c> that runs one.</summary>
internal sealed class DetectorOptions
{
    private readonly Option<string?> _model = new("--model") { Description = "Model to use instead of the default one.", HelpName = "NAME|FILE" };
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu or cuda.", DefaultValueFactory = _ => "auto" };
    private readonly Option<int?> _threads = new("--threads") { Description = "Pictures at a time, each on one thread; default one a core on the CPU, one picture at a time on a GPU." };
    private readonly Option<int?> _size = new("--size") { Description = "Size of the picture for the network instead of the model's own." };
    private readonly Option<bool> _bestCell = new("--best-cell") { Description = "A face's pose is what the best cell of a one-stage network says of it, instead of the mean of all." };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _model, _device, _threads, _size, _bestCell }) command.Add(option);
    }

    /// <exception cref="UsageException">One of the options was given although <paramref name="instead"/> replaces the model.</exception>
    public void RequireUnused(ParseResult parsed, string instead)
    {
        foreach (Option option in new Option[] { _model, _threads, _size, _bestCell })
        {
            if (parsed.GetResult(option) is { Implicit: false }) throw new UsageException($"{option.Name} has no meaning with {instead}.");
        }
    }

    /// <summary>Notes the model as read.</summary>
    public void AddTo(FileRoles roles, ParseResult parsed) => RunFiles.AddModel(roles, parsed.GetValue(_model));

    /// <summary>The model.</summary>
    public ModelPackage Load(ParseResult parsed) => ModelPackage.Load(ModelLocator.Find(parsed.GetValue(_model)));

    /// <summary>A detector on one thread.</summary>
    public OnnxPictureDetector Create(ParseResult parsed, ModelPackage model, double lowestScore, PoseDetectorOptions? options = null) =>
        new(CreateNetwork(parsed, model, lowestScore, options));

    /// <summary>A network on one thread.</summary>
    public PoseDetector CreateNetwork(ParseResult parsed, ModelPackage model, double lowestScore, PoseDetectorOptions? options = null) =>
        PoseDetector.Create(model, (options ?? new PoseDetectorOptions()) with
        {
            Device = parsed.GetValue(_device)!,
            Threads = 1,
            Size = parsed.GetValue(_size) ?? options?.Size,
            ScoreThreshold = lowestScore,
            PoseVoting = !parsed.GetValue(_bestCell),
        });

    /// <summary>Runs the model over picture files, with a progress line on a terminal.</summary>
    public PictureRun Run(
        ParseResult parsed, IReadOnlyList<PictureFile> files, Func<IPictureDetector> create, CancellationToken cancellation, Func<string, VideoFrame>? read = null)
    {
        string device = parsed.GetValue(_device)!;
        int workers = EvalOutput.AtLeastOne(_threads.Name, parsed.GetValue(_threads)) ?? (device is "auto" or "cpu" ? Environment.ProcessorCount : 1);
        bool terminal = !Console.IsErrorRedirected;
        Lock writing = new();
        PictureRun run = PictureRunner.Run(files, read ?? ImageFile.Read, create, workers, Progress, cancellation);
        if (terminal && files.Count > 0) Console.Error.WriteLine();
        return run;

        void Progress(int done)
        {
            if (!terminal || (done % 10 != 0 && done != files.Count)) return;
            lock (writing) StandardError.Status($"{done} of {files.Count} pictures");
        }
    }

    /// <summary>Runs the model over the pictures of a pack.</summary>
    public PredictionSet Predict(ParseResult parsed, IReadOnlyList<PictureFile> files, double lowestScore, CancellationToken cancellation)
    {
        ModelPackage model = Load(parsed);
        // As many detections as before calibration, so that the ranking is as long.
        double lowest = Math.Min(model.Metadata.Calibration?.Apply(lowestScore) ?? lowestScore, model.Metadata.ScoreThreshold);
        PictureRun run = Run(parsed, files, () => Create(parsed, model, lowest), cancellation);
        return Predictions(model, lowest, run);
    }

    /// <summary>What a model found in the pictures of a run.</summary>
    public static PredictionSet Predictions(ModelPackage model, double lowestScore, PictureRun run) => new()
    {
        Model = model.Metadata.Name,
        ModelSha256 = model.Sha256,
        Threshold = model.Metadata.ScoreThreshold,
        LowestScore = lowestScore,
        MillisecondsPerPicture = run.MillisecondsPerPicture,
        Pictures = run.Pictures,
        Unreadable = run.Unreadable,
    };
}
