using System.Text.Json;
using Img2Pose.Inference;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>One node as ONNX Runtime ran it, after its optimisations.</summary>
/// <param name="Name">Name of the node's time in the profile.</param>
/// <param name="Type">Operator.</param>
/// <param name="Milliseconds">The fastest of several runs.</param>
internal sealed record KernelTime(string Name, string Type, double Milliseconds);

/// <summary>What ONNX Runtime's own clock says of every node that it runs.</summary>
internal static class KernelTimes
{
    /// <summary>Runs a session several times on the same values.</summary>
    public static IReadOnlyList<KernelTime> Measure(
        Func<SessionOptions, InferenceSession> open, string[] inputs, OrtValue[] values, string[] outputs, int threads, int calls)
    {
        using SessionOptions options = InferenceDevice.CreateOptions(threads);
        options.ProfileOutputPathPrefix = Path.Combine(Path.GetTempPath(), $"img2pose-{Guid.NewGuid():N}");
        options.EnableProfiling = true;
        string profile;
        using (InferenceSession session = open(options))
        {
            using RunOptions run = new();
            for (int call = 0; call <= calls; call++) session.Run(run, inputs, values, outputs).Dispose();
            profile = session.EndProfiling();
        }
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(profile));
        File.Delete(profile);
        Dictionary<string, KernelTime> kernels = new(StringComparer.Ordinal);
        foreach (JsonElement entry in document.RootElement.EnumerateArray())
        {
            if (entry.GetProperty("cat").GetString() != "Node" || !entry.GetProperty("name").GetString()!.EndsWith("_kernel_time", StringComparison.Ordinal)) continue;
            KernelTime kernel = new(
                entry.GetProperty("name").GetString()!, entry.GetProperty("args").GetProperty("op_name").GetString()!, entry.GetProperty("dur").GetDouble() / 1000);
            if (!kernels.TryGetValue(kernel.Name, out KernelTime? best) || kernel.Milliseconds < best.Milliseconds) kernels[kernel.Name] = kernel;
        }
        return [.. kernels.Values];
    }
}
