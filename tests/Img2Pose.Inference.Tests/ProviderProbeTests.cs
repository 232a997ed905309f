using System.Text;
using System.Text.Json;

namespace Img2Pose.Inference.Tests;

public sealed class ProviderProbeTests
{
    [Fact]
    public void Shares_of_providers_are_counted_over_the_nodes_that_ran()
    {
        // The shape of ONNX Runtime's profile: events, of which those of nodes name their provider.
        const string Profile = """
            [{"cat":"Session","name":"model_run","args":{}},
             {"cat":"Node","name":"Conv_kernel_time","args":{"op_name":"Conv","provider":"CUDAExecutionProvider"}},
             {"cat":"Node","name":"Relu_kernel_time","args":{"op_name":"Relu","provider":"CUDAExecutionProvider"}},
             {"cat":"Node","name":"Add_kernel_time","args":{"op_name":"Add","provider":"CUDAExecutionProvider"}},
             {"cat":"Node","name":"NonMaxSuppression_kernel_time","args":{"op_name":"NonMaxSuppression","provider":"CPUExecutionProvider"}}]
            """;
        // The part behind it, a session of its own.
        const string Behind = """
            [{"cat":"Node","name":"a","args":{"op_name":"Gather","provider":"CPUExecutionProvider"}},
             {"cat":"Node","name":"b","args":{"op_name":"Gather","provider":"CPUExecutionProvider"}}]
            """;
        Dictionary<string, Dictionary<string, int>> nodes = [];

        foreach (string profile in (string[])[Profile, Behind]) ProviderProbe.Count(new MemoryStream(Encoding.UTF8.GetBytes(profile)), nodes);

        Assert.Equal("CUDA 50 % of nodes, CPU 50 % (2 Gather, NonMaxSuppression)", ProviderProbe.Summarise(nodes));
    }

    [Fact]
    public void A_profile_cut_short_is_not_read() =>
        Assert.ThrowsAny<JsonException>(() => ProviderProbe.Count(new MemoryStream("[{\"cat\":"u8.ToArray()), []));

    [Fact]
    public void A_provider_that_ran_nothing_is_a_fallback_and_said()
    {
        ModelException error = Assert.Throws<ModelException>(
            () => ProviderProbe.Require("CUDAExecutionProvider", Ran(("CPUExecutionProvider", 90))));

        Assert.Contains("CPU 100 % of nodes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_provider_that_ran_some_nodes_is_used() =>
        ProviderProbe.Require("CUDAExecutionProvider", Ran(("CPUExecutionProvider", 90), ("CUDAExecutionProvider", 1)));

    private static Dictionary<string, Dictionary<string, int>> Ran(params (string Provider, int Nodes)[] nodes) =>
        nodes.ToDictionary(one => one.Provider, one => new Dictionary<string, int> { ["Conv"] = one.Nodes });
}
