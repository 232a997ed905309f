using Img2Pose.Pipeline;

namespace Img2Pose.Monitor.Tests.Cameras;

/// <summary>A camera's own size of looks on the one engine is what an engine of that size would see.</summary>
public class LookSizeTests(HeadServer heads)
{
    private async Task<List<string>> FacesAsync(int? ofEngine, int? ofSession, bool follow, bool anyRoll)
    {
        await using PoseEngine engine = PoseEngine.Create(new PoseEngineOptions { Detection = new Inference.PoseDetectorOptions { Device = "cpu", Size = ofEngine } });
        List<string> faces = [];
        await foreach (PosedFrame frame in engine.Open(heads.Clip, new SessionOptions { Size = ofSession, Follow = follow, AnyRoll = anyRoll, MaximumFrames = 6 }).ReadAsync(TestContext.Current.CancellationToken))
            faces.AddRange(frame.Faces.Select(face => FormattableString.Invariant($"{frame.Index} {face.Id} {face.Face.Score:0.0000} {face.Face.Pose.Translation}")));
        return faces;
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_session_of_its_own_size_sees_what_an_engine_of_that_size_sees(bool follow, bool anyRoll)
    {
        List<string> expected = await FacesAsync(256, null, follow, anyRoll), usual = await FacesAsync(null, null, follow, anyRoll);

        Assert.NotEmpty(expected);
        Assert.Equal(expected, await FacesAsync(null, 256, follow, anyRoll));
        Assert.NotEqual(expected, usual);
    }
}
