using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class TrainingOptionsTests
{
    private static readonly TrainingOptions s_good = new() { Data = "data", Output = "out" };

    public static TheoryData<TrainingOptions, string> Senseless => new()
    {
        { s_good with { Network = "nano-three-stage" }, "'nano-three-stage'" },
        { s_good with { Steps = 0 }, "steps" },
        { s_good with { Batch = -1 }, "batch" },
        { s_good with { EpochSteps = 0 }, "epoch steps" },
        { s_good with { WarmUp = -1 }, "warm-up" },
        { s_good with { ValidationEvery = 1 }, "validation" },
        { s_good with { LearningRate = 0 }, "learning rate" },
        { s_good with { LearningRate = double.NaN }, "learning rate" },
        { s_good with { GradientClip = 0 }, "gradient clip" },
        { s_good with { AverageDecay = 1 }, "average" },
        { s_good with { WeightDecay = -0.1 }, "weight decay" },
        { s_good with { Sizes = [] }, "multiples of 64" },
        { s_good with { Sizes = [320, 100] }, "multiples of 64" },
        { s_good with { Sizes = [0] }, "multiples of 64" },
        { s_good with { Device = "tpu" }, "'tpu'" },
        { s_good with { Precision = "half" }, "'half'" },
        { s_good with { Network = "nano-two-stage", Precision = "bfloat16" }, "float32 only" },
        { s_good with { Start = "resnet18-imagenet" }, "r18 and resnet18 only, not nano" },
        { s_good with { Network = "nano-two-stage", Start = "models/img2pose-nano.onnx" }, "nano and r18 only, not nano-two-stage" },
        { s_good with { Without = ["person01", ""] }, "empty part" },
        { s_good with { Network = "nano-two-stage", FreezeBackbone = true }, "no frozen backbone" },
        { s_good with { Network = "nano-two-stage", FreezeNorms = true }, "batches' statistics only" },
        { s_good with { AnyRoll = 1.1 }, "turned by any angle" },
        { s_good with { AnyRoll = double.NaN }, "turned by any angle" },
        { s_good with { Network = "nano-two-stage", Teacher = "models/img2pose-r18.onnx" }, "only nano and r18 can have a teacher" },
        { s_good with { Teacher = "models/img2pose-r18.onnx", TeacherWeight = 0 }, "teacher's weight" },
        { s_good with { TeacherWeight = double.NaN }, "teacher's weight" },
        { s_good with { FreezeNorms = true }, "--freeze-norms goes with --init" },
    };

    [Fact]
    public void The_defaults_make_sense() => s_good.Validate();

    [Theory]
    [InlineData(1, "at least 2 pictures")]
    [InlineData(0, "at least 2 pictures")]
    public void A_batch_of_which_the_papers_pose_head_has_no_variance_is_refused(int batch, string named)
    {
        PaperTrainingOptions options = new() { Data = "data", Output = "out", Batch = batch };

        Assert.Contains(named, Assert.Throws<UsageException>(() => new PaperTrainer(options, _ => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_rate_rises_falls_and_rises_anew_where_a_run_goes_on_without_moments()
    {
        WarmCosine whole = new(1, 10, 110), resumed = whole with { MomentsSince = 60 };

        Assert.Equal(0.1, whole.Rate(0), 12);
        Assert.Equal(1, whole.Rate(9), 12);
        Assert.Equal(0.5, whole.Rate(60), 12);
        Assert.Equal(0.002, whole.Rate(109), 12);
        Assert.Equal(0.05, resumed.Rate(60), 12);
        // From there on as if nothing had been.
        Assert.Equal(whole.Rate(69), resumed.Rate(69));
        Assert.Equal(whole.Rate(109), resumed.Rate(109));
        // Without a rise.
        Assert.Equal(1, new WarmCosine(1, 0, 100).Rate(0), 12);
    }

    [Theory]
    [MemberData(nameof(Senseless), DisableDiscoveryEnumeration = true)]
    public void A_senseless_value_is_refused_before_anything_is_read(TrainingOptions options, string named)
    {
        UsageException error = Assert.Throws<UsageException>(() => new NanoTrainer(options, _ => { }));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }
}
