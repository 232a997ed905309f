using System.Globalization;
using Img2Pose.Cuda;

namespace Img2Pose.Inference;

/// <summary>How ONNX Runtime's CUDA provider computes; to be measured on the card at hand.</summary>
public sealed record CudaProviderOptions
{
    /// <summary>Whether convolutions work on channels-last maps, which tensor cores prefer.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Whether 32-bit products are rounded to TF32 first: faster on Ampere and later, poses differ in the third decimal.</summary>
    public bool Tf32 { get; init; }

    /// <summary>Whether cuDNN tries every algorithm at each new shape, which takes seconds once, instead of guessing.</summary>
    public bool SearchesAlgorithms { get; init; }

    /// <summary>
    /// Whether the dense part of a one-stage network is recorded as a CUDA graph, once a shape, and replayed: one call to the driver instead of
    /// one a layer. Off by default: while ONNX Runtime records, the driver refuses allocations and questions of all other threads, so that
    /// a decoder beside it would fail.
    /// </summary>
    public bool Records { get; init; }

    /// <summary>Most bytes of device memory that the provider takes for its values; null: no limit.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Reads the options' short names: <c>nhwc</c>, <c>tf32</c>, <c>search</c>, <c>graph</c>, separated by commas.</summary>
    /// <exception cref="UsageException">A name is unknown.</exception>
    public static CudaProviderOptions Parse(string names)
    {
        ArgumentNullException.ThrowIfNull(names);
        CudaProviderOptions options = new();
        foreach (string name in names.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            options = name switch
            {
                "nhwc" => options with { ChannelsLast = true },
                "tf32" => options with { Tf32 = true },
                "search" => options with { SearchesAlgorithms = true },
                "graph" => options with { Records = true },
                _ => throw new UsageException($"'{name}' is no option of the CUDA provider; known are nhwc, tf32, search and graph."),
            };
        }
        return options;
    }

    /// <summary>The provider's own names and values.</summary>
    /// <param name="queue">The queue that the network runs in: the same that its input is made in.</param>
    internal Dictionary<string, string> ToProvider(CudaQueue queue)
    {
        Dictionary<string, string> values = new(StringComparer.Ordinal)
        {
            ["device_id"] = queue.Device.Ordinal.ToString(CultureInfo.InvariantCulture),
            // Without it ONNX Runtime takes the stream for given, but not its address: it would compute in the legacy stream, which waits for none
            // of ours.
            ["has_user_compute_stream"] = "1",
            ["user_compute_stream"] = ((nuint)queue.Handle).ToString(CultureInfo.InvariantCulture),
            // What is copied is ordered with what is computed.
            ["do_copy_in_default_stream"] = "1",
            // The arena grows by what is asked for, not by powers of two: many things share the card.
            ["arena_extend_strategy"] = "kSameAsRequested",
            ["cudnn_conv_algo_search"] = SearchesAlgorithms ? "EXHAUSTIVE" : "HEURISTIC",
            ["prefer_nhwc"] = ChannelsLast ? "1" : "0",
            ["use_tf32"] = Tf32 ? "1" : "0",
        };
        if (MemoryLimit is { } limit) values["gpu_mem_limit"] = limit.ToString(CultureInfo.InvariantCulture);
        return values;
    }
}
