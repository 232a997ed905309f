using System.Text.Json.Nodes;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Testing;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class NanoTrainerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nano-trainer-");

    private string Pack => Path.Combine(_folder.FullName, "pack");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("nano", "loss")]
    [InlineData("nano-two-stage", "objectness")]
    public async Task A_short_run_learns_its_pictures_and_exports_a_model_that_finds_their_faces(string network, string falling)
    {
        Torch.Require();
        AnnotatedImage[] pictures = LinkPack(13);
        TrainingOptions options = Options("out") with
        {
            Network = network,
            Steps = 150,
            Batch = 2,
            Sizes = [128],
            LearningRate = 2e-3,
            WarmUp = 10,
            AverageDecay = 0.9,
            EpochSteps = 150,
        };

        NanoTrainer trainer = new(options, Ignore);
        long reached = await trainer.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(150, reached);
        (long Step, float Value)[] losses = EventRecords.Series(options.Output, $"train/{falling}");
        Assert.Equal([25L, 50, 75, 100, 125, 150], losses.Select(point => point.Step));
        Assert.True(losses[^1].Value < 0.9f * losses[0].Value, $"{falling} fell only from {losses[0].Value} to {losses[^1].Value}");
        Assert.Single(EventRecords.Series(options.Output, "validation/loss"));

        using PoseDetector detector = PoseDetector.Create(
            ModelPackage.Load(trainer.ModelPath), new PoseDetectorOptions { Device = "cpu", Threads = 1, ScoreThreshold = 0.2 });
        // The first picture was kept for validation. How many of the other twelve faces so short a run finds depends on every
        // rounding: with seeds 1 to 8 the one-stage network found 4 to 10 (its loss fell to 0.62 to 0.70 of the first), the
        // two-stage one 2 to 6 (objectness: 0.45 to 0.59); without learning it is none.
        double[] overlaps = [.. pictures.Skip(1).Select(picture => BestOverlap(detector, picture))];
        Assert.Contains(overlaps, overlap => overlap >= 0.5);
    }

    [Fact]
    public async Task A_run_that_was_interrupted_goes_on_as_if_it_had_not_been()
    {
        Torch.Require();
        LinkPack(4);
        TrainingOptions whole = Options("whole") with { Steps = 4, Batch = 2, Sizes = [128], EpochSteps = 2, WarmUp = 0, Threads = 1 };
        TrainingOptions parts = whole with { Output = Path.Combine(_folder.FullName, "parts") };
        string checkpoint = Path.Combine(parts.Output, NanoTrainer.CheckpointName);
        await new NanoTrainer(whole, Ignore).RunAsync(TestContext.Current.CancellationToken);

        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        long interrupted = await new NanoTrainer(parts, line => CancelAt(line, "validation at 2", interrupt)).RunAsync(interrupt.Token);
        Dictionary<string, float[]> halfway = Weights(checkpoint);
        List<string> said = [];
        long finished = await new NanoTrainer(parts with { Resume = checkpoint }, said.Add).RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, interrupted);
        Assert.Contains(said, line => line.Contains("at step 2", StringComparison.Ordinal));
        Assert.Equal(4, finished);
        Assert.Equal([4L], EventRecords.Series(parts.Output, "validation/loss").Select(point => point.Step).Except([2L]));
        Dictionary<string, float[]> expected = Weights(Path.Combine(whole.Output, NanoTrainer.CheckpointName)), actual = Weights(checkpoint);
        // Batches, Adam's moments, rate and running statistics must all go on; sums of floats may be ordered otherwise.
        double moved = Difference(expected, halfway), apart = Difference(expected, actual);
        Assert.True(moved > 1e-5, $"the second half moved the weights by {moved} only");
        Assert.True(apart < 0.01 * moved, $"the weights differ by {apart}, after a way of {moved}");
    }

    [Fact]
    public async Task A_run_stopped_between_validations_leaves_its_averaged_state_as_far_on_as_its_checkpoint()
    {
        Torch.Require();
        LinkPack(4);
        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        TrainingOptions options = Options("out") with
        {
            Steps = 9,
            Batch = 1,
            Sizes = [128],
            EpochSteps = 9,
            Threads = 1,
            Entering = (_, step) =>
            {
                if (step == 2) interrupt.Cancel();
            },
        };

        long reached = await new NanoTrainer(options, Ignore).RunAsync(interrupt.Token);

        Assert.Equal(3, reached);
        Assert.Equal("3", SafetensorsFile.Read(Path.Combine(options.Output, NanoTrainer.CheckpointName)).Metadata["step"]);
        Assert.Equal("3", SafetensorsFile.Read(Path.Combine(options.Output, NanoTrainer.AverageName)).Metadata["step"]);
    }

    [Fact]
    public async Task On_a_frozen_backbone_only_pyramid_and_heads_learn_and_pictures_can_be_left_out_by_name()
    {
        Torch.Require();
        AnnotatedImage[] pictures = LinkPack(5);
        TrainingOptions options = Options("out") with
        {
            Steps = 2,
            Batch = 1,
            Sizes = [128],
            EpochSteps = 1,
            FreezeBackbone = true,
            Without = [Path.GetFileName(pictures[1].Image)],
            // A frozen part must stay so in every replica.
            Device = "cpu,cpu",
            Precision = "bfloat16",
        };
        string checkpoint = Path.Combine(options.Output, NanoTrainer.CheckpointName);
        List<string> said = [];
        await new NanoTrainer(options with { Steps = 1 }, said.Add).RunAsync(TestContext.Current.CancellationToken);
        Dictionary<string, float[]> before = Weights(checkpoint);

        await new NanoTrainer(options with { Resume = checkpoint }, said.Add).RunAsync(TestContext.Current.CancellationToken);

        Assert.Contains(said, line => line.StartsWith("3 training and 1 validation pictures", StringComparison.Ordinal));
        string[] changed = [.. Weights(checkpoint).Where(pair => !pair.Value.SequenceEqual(before[pair.Key])).Select(pair => pair.Key)];
        Assert.Contains("model.head0.output.weight", changed);
        Assert.Contains("model.lateral1.conv.weight", changed);
        Assert.DoesNotContain(changed, name => name.EndsWith("conv.weight", StringComparison.Ordinal) && name.Contains("st", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Another_networks_checkpoint_is_refused_in_one_line_and_averaged_weights_go_on_at_their_step()
    {
        Torch.Require();
        LinkPack(4);
        TrainingOptions options = Options("out") with { Steps = 2, Batch = 1, Sizes = [128], EpochSteps = 2 };
        await new NanoTrainer(options, Ignore).RunAsync(TestContext.Current.CancellationToken);
        string averaged = Path.Combine(options.Output, NanoTrainer.AverageName);
        TrainingOptions further = options with { Steps = 3, Output = Path.Combine(_folder.FullName, "further"), Resume = averaged, Device = "cpu,cpu" };

        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new NanoTrainer(options with { Network = "r18", Resume = Path.Combine(options.Output, NanoTrainer.CheckpointName) }, Ignore).RunAsync(TestContext.Current.CancellationToken));
        List<string> said = [];
        long reached = await new NanoTrainer(further, said.Add).RunAsync(TestContext.Current.CancellationToken);

        Assert.Matches(@"^\S+checkpoint\.safetensors: was made by another network \(.*conv1\.weight.*\)$", error.Message);
        Assert.Equal(3, reached);
        Assert.Contains(said, line => line.Contains("at step 2 without the optimiser's moments", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""[{"box":[10,10,50,60],"pose":null,"label":"gtbox","ignore":true}]""")]
    [InlineData("""[{"box":[10,10,16,16],"pose":null,"label":"gtbox","ignore":false}]""")]
    public async Task A_pack_without_a_face_to_train_on_is_an_error_that_names_it(string faces)
    {
        string picture = SharedData.Require("data", "train", "images", "genki", "file0001.jpg");
        Directory.CreateDirectory(Pack);
        string annotations = Path.Combine(Pack, AnnotationPackReader.FileName);
        string line = $$"""{"image":{{JsonValue.Create(picture).ToJsonString()}},"width":178,"height":192,"set":"s","complete":true,"faces":{{faces}}}""";
        File.WriteAllLines(annotations, [line, line]);

        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new NanoTrainer(Options("out"), Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("no face to train on", error.Message, StringComparison.Ordinal);
        Assert.Contains(AnnotationPackReader.FileName, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pack_that_is_absent_is_an_error_that_names_it()
    {
        InputException error = await Assert.ThrowsAsync<InputException>(() =>
            new NanoTrainer(Options("out"), Ignore).RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains(Pack, error.Message, StringComparison.Ordinal);
    }

    private static void Ignore(string line) { }

    private static void CancelAt(string line, string start, CancellationTokenSource source)
    {
        if (line.StartsWith(start, StringComparison.Ordinal)) source.Cancel();
    }

    private TrainingOptions Options(string output) => new() { Data = Pack, Output = Path.Combine(_folder.FullName, output) };

    private AnnotatedImage[] LinkPack(int count) => LinkedPack.Write(Pack, count);

    private static double BestOverlap(PoseDetector detector, AnnotatedImage picture)
    {
        using VideoFrame frame = ImageFile.Read(picture.Path);
        List<FaceDetection> faces = [];
        detector.Detect(frame, faces);
        return faces.Count == 0 ? 0 : faces.Max(face => face.Box.IntersectionOverUnion(picture.Faces[0].Box));
    }

    private static Dictionary<string, float[]> Weights(string checkpoint) =>
        SafetensorsFile.Read(checkpoint).Arrays.Where(array => array.Name.StartsWith("model.", StringComparison.Ordinal)).ToDictionary(array => array.Name, array => array.Values);

    private static double Difference(Dictionary<string, float[]> left, Dictionary<string, float[]> right) =>
        left.SelectMany(pair => pair.Value.Zip(right[pair.Key], (a, b) => (double)Math.Abs(a - b))).Average();
}
