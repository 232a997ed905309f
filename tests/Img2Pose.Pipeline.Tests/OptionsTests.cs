using Img2Pose.Inference;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Testing;
using Img2Pose.Tracking;

namespace Img2Pose.Pipeline.Tests;

/// <summary>Options of sessions and engines that make no sense.</summary>
public sealed class OptionsTests
{
    public static TheoryData<SessionOptions> Senseless =>
    [
        new SessionOptions { Every = 0 }, new SessionOptions { LinkCapacity = 0 }, new SessionOptions { MaximumFrames = 0 }, new SessionOptions { Weight = 0 },
        new SessionOptions { Weight = double.NaN }, new SessionOptions { Name = "" }, new SessionOptions { Draw = true, Composer = new FakeComposer() },
        new SessionOptions { AnyRoll = true, Follow = true },
    ];

    [Theory]
    [MemberData(nameof(Senseless))]
    public void Options_out_of_range_are_refused(SessionOptions options) => Assert.Throws<UsageException>(options.Validate);

    public static TheoryData<PoseEngineOptions> SenselessEngines =>
    [
        new PoseEngineOptions { Sessions = 0 }, new PoseEngineOptions { Workers = 0 }, new PoseEngineOptions { MaximumBatch = 257 },
        new PoseEngineOptions { Budget = new CpuBudget(1, 0, 1, 1) }, new PoseEngineOptions { Detection = new PoseDetectorOptions { ScoreThreshold = 1 } },
        new PoseEngineOptions { Scales = new MultiScaleOptions { ShortSides = [] } }, new PoseEngineOptions { Overlay = new OverlayOptions { Alpha = 2 } },
    ];

    [Theory]
    [MemberData(nameof(SenselessEngines))]
    public void An_engine_refuses_what_is_out_of_range_in_any_of_its_options(PoseEngineOptions options) =>
        Assert.Throws<UsageException>(() => PoseEngine.Create(options with { Model = "no model is looked for before that" }));

    [Fact]
    public async Task The_score_from_which_a_new_face_is_sure_is_calibrated_with_the_model()
    {
        ModelPackage model = ModelPackage.Load(Path.Combine(SharedData.RepositoryRoot, "models", "img2pose-nano.onnx"));
        await using PoseEngine engine = PoseEngine.Create(model, new PoseEngineOptions { Detection = new PoseDetectorOptions { Device = "cpu" } });

        TrackerOptions options = engine.TrackerOptionsFor(smooth: true, hasScores: true, lookInterval: null);

        double trained = new TrackerOptions().ConfidentScore;
        Assert.Equal(model.Metadata.Calibration!.Apply(trained), options.ConfidentScore);
        Assert.NotEqual(trained, options.ConfidentScore, 0.1);
        Assert.Equal(model.Metadata.ScoreThreshold, options.StartScore);
    }
}
