using Img2Pose.Inference;
using Img2Pose.Rendering.Overlay;

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
}
