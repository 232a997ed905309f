using Img2Pose.Inference;
using Img2Pose.Inference.TwoStage;
using Img2Pose.Models.Networks;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Models.Tests.Networks;

/// <summary>A network cut at its proposals, as the CPU runs it, against the same package run as one graph, as a GPU runs it.</summary>
public sealed class TwoStageNetworkTests : IDisposable
{
    private const int Pictures = 2, Height = 96, Width = 160;

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-two-stage").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(TorchvisionBehaviour.V082, 1)]
    [InlineData(TorchvisionBehaviour.V014, 3)]
    public void The_parts_give_what_the_whole_graph_gives(TorchvisionBehaviour behaviour, int threads)
    {
        ModelPackage model = GeneratedPackage.Write(_folder, behaviour);
        using SessionOptions options = Options(threads);
        using PoseGraph whole = new(new InferenceSession(model.Path, options), onCpu: true);
        using TwoStageNetwork parts = TwoStageNetwork.TryCreate(model, options, threads)!;
        Assert.NotNull(parts);
        Fill(whole);
        Fill(parts);
        NetworkResults expected = new(), actual = new();
        whole.Run(new NetworkRequest(-1), expected);
        NetworkRequest request = new(Gap(expected.Scores));

        // Twice: the second run reuses what the first has bound.
        for (int run = 0; run < 2; run++)
        {
            whole.Run(request, expected);
            parts.Run(request, actual);
            AssertSame(expected, actual);
            Assert.InRange(actual.PoseIndex.Length, 1, actual.Scores.Length - 1);
        }
    }

    [Fact]
    public void Given_boxes_take_the_place_of_proposals_in_their_order()
    {
        ModelPackage model = GeneratedPackage.Write(_folder, TorchvisionBehaviour.V082);
        using SessionOptions options = Options(1);
        using PoseGraph whole = new(new InferenceSession(model.Path, options), onCpu: true);
        using TwoStageNetwork parts = TwoStageNetwork.TryCreate(model, options, 1)!;
        // Every level, half outside, wholly outside, a point.
        float[] boxes = [0, 10, 10, 30, 25, 1, 0, 0, 160, 96, 0, -40, -30, 50, 40, 1, 400, 400, 500, 500, 0, 20, 20, 20, 20];
        foreach (PoseNetwork network in (PoseNetwork[])[whole, parts]) Fill(network);
        NetworkResults expected = new(), actual = new();

        whole.Run(new NetworkRequest(-1, boxes), expected);
        parts.Run(new NetworkRequest(-1, boxes), actual);

        Assert.Equal(boxes.Length / 5, actual.Scores.Length);
        AssertClose(expected.Proposals, actual.Proposals, 0);
        AssertClose(expected.Scores, actual.Scores, 1e-4f);
        AssertClose(expected.Poses, actual.Poses, 1e-4f);
    }

    private static void AssertSame(NetworkResults expected, NetworkResults actual)
    {
        Assert.Equal(expected.Scores.Length, actual.Scores.Length);
        int[] match = new int[expected.Scores.Length];
        for (int i = 0; i < match.Length; i++)
        {
            // Neighbours of nearly the same objectness may swap places.
            match[i] = -1;
            for (int j = Math.Max(0, i - 3); j < Math.Min(match.Length, i + 4) && match[i] < 0; j++)
            {
                float worst = expected.ImageIndex[i] == actual.ImageIndex[j] ? Math.Abs(expected.Scores[i] - actual.Scores[j]) : float.MaxValue;
                for (int c = 0; c < 4; c++) worst = Math.Max(worst, 0.05f * Math.Abs(expected.Proposals[4 * i + c] - actual.Proposals[4 * j + c]));
                if (worst < 1e-3f) match[i] = j;
            }
            Assert.True(match[i] >= 0, $"proposal {i} of the whole graph is missing");
        }
        Assert.Equal(expected.PoseIndex.ToArray().Select(i => (long)match[i]).Order(), actual.PoseIndex.ToArray());
        Dictionary<long, int> rows = [];
        for (int k = 0; k < actual.PoseIndex.Length; k++) rows[actual.PoseIndex[k]] = k;
        for (int k = 0; k < expected.PoseIndex.Length; k++)
        {
            int row = rows[match[expected.PoseIndex[k]]];
            AssertClose(expected.Poses.Slice(6 * k, 6), actual.Poses.Slice(6 * row, 6), 1e-3f);
        }
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }

    private static void Fill(PoseNetwork network)
    {
        NetworkInput input = network.Shape(Pictures, Height, Width);
        Random random = new(7);
        foreach (ref float value in input.Image) value = 4 * random.NextSingle() - 2;
        // The second picture is padded.
        ((ReadOnlySpan<long>)[Height, Width, 90, 131]).CopyTo(input.Sizes);
    }

    // The middle of the widest gap between scores of the middle half: rounding puts no proposal on the other side.
    private static float Gap(ReadOnlySpan<float> scores)
    {
        float[] sorted = [.. scores.ToArray().Order()];
        int widest = Enumerable.Range(sorted.Length / 4, sorted.Length / 2).MaxBy(i => sorted[i + 1] - sorted[i]);
        return (sorted[widest] + sorted[widest + 1]) / 2;
    }

    private static SessionOptions Options(int threads)
    {
        try
        {
            return InferenceDevice.CreateOptions(threads);
        }
        catch (ModelException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }
}
