using Img2Pose.Inference.TwoStage;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>Opens a model on the device that was asked for, or on the best one there is.</summary>
internal static class InferenceDevice
{
    /// <summary>ONNX Runtime's name of its CUDA provider.</summary>
    internal const string Cuda = "CUDAExecutionProvider";

    private const string WithoutCuda = "this build has ONNX Runtime's package for processors; build it with -p:OnnxRuntime=Gpu (run.sh does where libcuda.so.1 loads)";

    /// <summary>A network and where it runs.</summary>
    /// <param name="Network">The network; the caller disposes of it.</param>
    /// <param name="Name">"cpu" or "cuda".</param>
    /// <param name="Note">Why a better device was not used, or null.</param>
    /// <param name="IsProfiling">Whether the session still records which provider runs which node.</param>
    public readonly record struct Opened(PoseNetwork Network, string Name, string? Note, bool IsProfiling);

    /// <summary>Opens the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    /// <param name="threads">Threads within an operator; 0 for one a core.</param>
    /// <param name="stop">Ends runs; see <see cref="PoseDetectorOptions.Stop"/>.</param>
    /// <exception cref="UsageException">There is no such device.</exception>
    /// <exception cref="ModelException">The device or the model cannot be used.</exception>
    public static Opened Open(ModelPackage model, string device, int threads, CancellationToken stop = default)
    {
        OrtEnv environment = OnnxRuntimeLibrary.Environment();
        bool hasCuda = environment.GetAvailableProviders().Contains(Cuda);
        switch (device)
        {
            case "cpu":
                return new Opened(OpenOnCpu(model, threads, stop), "cpu", null, false);
            case "cuda":
                if (!hasCuda) throw new ModelException($"CUDA cannot be used: {WithoutCuda}, or use --device cpu.");
                return OpenOnGpu(model, threads, "cuda", static options => options.AppendExecutionProvider_CUDA(), stop);
            case "auto":
                // Without a driver nothing is tried, so that an absent GPU costs nothing.
                if (!HasNvidiaDriver()) return new Opened(OpenOnCpu(model, threads, stop), "cpu", null, false);
                if (!hasCuda) return new Opened(OpenOnCpu(model, threads, stop), "cpu", $"there is an NVIDIA driver, but {WithoutCuda}", false);
                try
                {
                    return OpenOnGpu(model, threads, "cuda", static options => options.AppendExecutionProvider_CUDA(), stop);
                }
                catch (ModelException error)
                {
                    return new Opened(OpenOnCpu(model, threads, stop), "cpu", error.Message, false);
                }
            default:
                throw new UsageException($"There is no device '{device}'; use auto, cpu or cuda.");
        }
    }

    private static PoseNetwork OpenOnCpu(ModelPackage model, int threads, CancellationToken stop)
    {
        using SessionOptions options = CreateOptions(threads);
        RunGuard guard = new(RunGuard.TimeLimit, stop);
        try
        {
            // On the CPU proposals and pooling are faster here than as operators; on a GPU maps would have to come back first.
            return (PoseNetwork?)TwoStageNetwork.TryCreate(model, options, threads == 0 ? System.Environment.ProcessorCount : threads, guard)
                ?? new PoseGraph(new InferenceSession(model.Path, options), onCpu: true, guard);
        }
        catch (Exception error)
        {
            guard.Dispose();
            if (error is not OnnxRuntimeException) throw;
            throw new ModelException($"{model.Path}: ONNX Runtime cannot load the model: {OneLine.Of(error.Message)}", error);
        }
    }

    private static Opened OpenOnGpu(ModelPackage model, int threads, string name, Action<SessionOptions> append, CancellationToken stop)
    {
        using SessionOptions options = CreateOptions(threads);
        RunGuard guard = new(RunGuard.TimeLimit, stop);
        try
        {
            append(options);
            options.ProfileOutputPathPrefix = Path.Combine(Path.GetTempPath(), $"img2pose-{Guid.NewGuid():N}");
            options.EnableProfiling = true;
            return new Opened(new PoseGraph(new InferenceSession(model.Path, options), onCpu: false, guard), name, null, true);
        }
        catch (Exception error) when (error is OnnxRuntimeException or EntryPointNotFoundException)
        {
            guard.Dispose();
            throw new ModelException($"{name} cannot be used: {OneLine.Of(error.Message)} Use --device cpu, or see 'img2pose doctor'.", error);
        }
    }

    /// <summary>Options of a session on this program's terms.</summary>
    internal static SessionOptions CreateOptions(int threads)
    {
        SessionOptions options = new()
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Waiting threads sleep: decoder, encoder and renderer share the cores.
        // All sessions share one arena, which has a limit: a graph that asks for more ends with an error that names it.
        options.AddSessionConfigEntry("session.use_env_allocators", "1");
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        return options;
    }

    private static bool HasNvidiaDriver() => File.Exists("/dev/nvidiactl") || File.Exists("/dev/dxg");
}
