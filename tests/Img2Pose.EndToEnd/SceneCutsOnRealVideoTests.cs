using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Testing;
using Img2Pose.Tracking;

namespace Img2Pose.EndToEnd;

/// <summary>The limits of <see cref="SceneCuts"/> against recorded videos: none is found within a scene, each is found between two.</summary>
public sealed class SceneCutsOnRealVideoTests
{
    // Each is one take, the street moves most, but for the one that goes from a face over a black frame to a title after 2.4 s.
    private static readonly string[] s_videos =
        ["WolfgangLanger_Pexels.mp4", "asl_brother.mkv", "face_noface.mov", "facenet_street_crowd.mp4", "liveportrait_d12.mp4"];

    [Fact]
    public void Every_cut_is_found_and_none_where_there_is_none()
    {
        string[] paths = [.. s_videos.Select(name => SharedData.Require("media", name))];
        int[] within = [.. paths.Select(CutsWithin)];
        int found = 0, pairs = 0;
        foreach (string first in paths)
        {
            foreach (string second in paths.Where(other => other != first))
            {
                pairs++;
                if (CutBetween(first, second)) found++;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"cuts within: {string.Join(", ", within)}; between: {found} of {pairs}");
        Assert.Equal([0, 0, 1, 0, 0], within);
        Assert.Equal(pairs, found);
    }

    private static int CutsWithin(string path)
    {
        SceneCuts cuts = new();
        return Observe(cuts, path, int.MaxValue, 0).Count(cut => cut);
    }

    private static bool CutBetween(string first, string second)
    {
        SceneCuts cuts = new();
        _ = Observe(cuts, first, 10, 0);
        return Observe(cuts, second, 1, 0.4)[0];
    }

    private static List<bool> Observe(SceneCuts cuts, string path, int most, double begin)
    {
        using IFrameSource source = MediaSource.Open(path);
        List<bool> seen = [];
        double? origin = null;
        while (seen.Count < most && source.TryRead(out VideoFrame? frame))
        {
            using (frame)
            {
                double time = source.Info.TimeOf(frame);
                origin ??= time;
                seen.Add(cuts.Observe(frame, begin + time - origin.Value));
            }
        }
        return seen;
    }
}
