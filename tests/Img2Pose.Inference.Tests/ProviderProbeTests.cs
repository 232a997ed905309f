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

        string summary = ProviderProbe.Summarise(ProviderProbe.Count(new MemoryStream(Encoding.UTF8.GetBytes(Profile))));

        Assert.Equal("CUDA 75 % of nodes, CPU 25 %", summary);
    }

    [Fact]
    public void A_profile_cut_short_is_not_read() =>
        Assert.ThrowsAny<JsonException>(() => ProviderProbe.Count(new MemoryStream("[{\"cat\":"u8.ToArray())));

    [Fact]
    public void A_provider_that_ran_nothing_is_a_fallback_and_said()
    {
        ModelException error = Assert.Throws<ModelException>(
            () => ProviderProbe.Require("CUDAExecutionProvider", new Dictionary<string, int> { ["CPUExecutionProvider"] = 90 }));

        Assert.Contains("CPU 100 % of nodes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_provider_that_ran_some_nodes_is_used() =>
        ProviderProbe.Require("CUDAExecutionProvider", new Dictionary<string, int> { ["CPUExecutionProvider"] = 90, ["CUDAExecutionProvider"] = 1 });
}
