using System.Runtime.InteropServices;
using Img2Pose.Cuda;
using Img2Pose.Inference.OneStage;
using Img2Pose.Inference.TwoStage;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>Opens a model on the device that was asked for, or on the best one there is.</summary>
internal static class InferenceDevice
{
    /// <summary>ONNX Runtime's name of its CUDA provider.</summary>
    internal const string Cuda = "CUDAExecutionProvider";

    /// <summary>Pictures are prepared on the GPU, and the network runs on the processor.</summary>
    internal const string CudaThenCpu = "cuda+cpu";

    private const string WithoutCuda = "this build has ONNX Runtime's package for processors; build it with -p:OnnxRuntime=Gpu (run.sh does where libcuda.so.1 loads)";

    /// <summary>A network and where it runs. Disposed in this order: the network, what fills its input, the queue, the device.</summary>
    /// <param name="Network">The network; the caller disposes of it.</param>
    /// <param name="Name">"cpu", "cuda" or "cuda+cpu".</param>
    /// <param name="Note">Why a better device was not used, or null.</param>
    /// <param name="IsProfiling">Whether the session still records which provider runs which node.</param>
    /// <param name="Queue">The queue that fills its input, where that lies on a device; the caller disposes of it.</param>
    /// <param name="Owned">The device, where it was opened for this network; the caller disposes of it.</param>
    public readonly record struct Opened(PoseNetwork Network, string Name, string? Note, bool IsProfiling, CudaQueue? Queue = null, CudaDevice? Owned = null)
    {
        /// <summary>Frees all of it; nothing else fills the input any more.</summary>
        public void Dispose()
        {
            Network.Dispose();
            Queue?.Dispose();
            Owned?.Dispose();
        }
    }

    /// <summary>Opens the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="choice">The device, threads and the token that ends runs.</param>
    /// <exception cref="UsageException">There is no such device.</exception>
    /// <exception cref="ModelException">The device or the model cannot be used.</exception>
    public static Opened Open(ModelPackage model, PoseDetectorOptions choice)
    {
        OrtEnv environment = OnnxRuntimeLibrary.Environment();
        bool hasCuda = environment.GetAvailableProviders().Contains(Cuda);
        switch (choice.Device)
        {
            case "cpu":
                return Processor(null);
            case CudaThenCpu:
                return OnDevice(choice, (queue, owned) => new Opened(OpenOnCpu(model, choice, new NetworkInput(queue, isFetched: true)), CudaThenCpu, null, false, queue, owned));
            case "cuda":
                if (!hasCuda) throw new ModelException($"CUDA cannot be used: {WithoutCuda}, or use --device cpu.");
                return OnDevice(choice, (queue, owned) => OpenOnGpu(model, choice, queue, owned));
            case "auto":
                // Without a driver nothing is tried, so that an absent GPU costs nothing.
                if (choice.Cuda is null && !HasDriver()) return Processor(null);
                if (!hasCuda) return Processor($"there is an NVIDIA driver, but {WithoutCuda}");
                try
                {
                    return OnDevice(choice, (queue, owned) => OpenOnGpu(model, choice, queue, owned));
                }
                catch (ModelException error)
                {
                    return Processor(error.Message);
                }
            default:
                throw new UsageException($"There is no device '{choice.Device}'; use auto, cpu, cuda or {CudaThenCpu}.");
        }

        Opened Processor(string? note) => new(OpenOnCpu(model, choice, null), "cpu", note, false);
    }

    /// <summary>Whether this build and this machine have what "auto" tries a GPU with.</summary>
    public static bool MayHaveCuda => HasDriver() && OnnxRuntimeLibrary.Environment().GetAvailableProviders().Contains(Cuda);

    private static Opened OnDevice(PoseDetectorOptions choice, Func<CudaQueue, CudaDevice?, Opened> open)
    {
        CudaDevice? owned = null;
        CudaQueue? queue = null;
        try
        {
            CudaDevice device = choice.Cuda ?? (owned = CudaDevice.Open());
            queue = new CudaQueue(device);
            return open(queue, owned);
        }
        catch (Exception error)
        {
            queue?.Dispose();
            owned?.Dispose();
            if (error is not CudaDeviceException) throw;
            throw new ModelException($"CUDA cannot be used: {OneLine.Of(error.Message)}", error);
        }
    }

    private static PoseNetwork OpenOnCpu(ModelPackage model, PoseDetectorOptions choice, NetworkInput? input)
    {
        int threads = choice.Threads;
        using SessionOptions options = CreateOptions(threads);
        RunGuard guard = new(RunGuard.TimeLimit, choice.Stop);
        try
        {
            // On the CPU proposals and pooling are faster here than as operators; on a GPU maps would have to come back first.
            return (PoseNetwork?)TwoStageNetwork.TryCreate(model, options, threads == 0 ? System.Environment.ProcessorCount : threads, guard, input)
                ?? new PoseGraph(new InferenceSession(model.Path, options), onCpu: true, guard, input);
        }
        catch (Exception error)
        {
            guard.Dispose();
            if (error is not OnnxRuntimeException) throw;
            throw new ModelException($"{model.Path}: ONNX Runtime cannot load the model: {OneLine.Of(error.Message)}", error);
        }
    }

    private static Opened OpenOnGpu(ModelPackage model, PoseDetectorOptions choice, CudaQueue queue, CudaDevice? owned)
    {
        string? missing = CudaLibraries.Missing;
        using SessionOptions options = CreateOptions(choice.Threads);
        RunGuard guard = new(RunGuard.TimeLimit, choice.Stop);
        try
        {
            AppendCuda(options, choice, queue, records: false);
            Profile(options, Path.Combine(Path.GetTempPath(), $"img2pose-{Guid.NewGuid():N}"));
            // Cut where the GPU's part ends; else the graph as it is, of which the provider runs what it can.
            string? note = null;
            PoseNetwork network = (PoseNetwork?)TryOpenOneStage(model, choice, options, queue, guard, ref note)
                ?? (PoseNetwork?)TryOpenTwoStage(model, choice, options, queue, guard, ref note)
                ?? new PoseGraph(new InferenceSession(model.Path, options), onCpu: false, guard, new NetworkInput(queue));
            return new Opened(network, "cuda", note, true, queue, owned);
        }
        catch (Exception error)
        {
            guard.Dispose();
            if (error is not (OnnxRuntimeException or EntryPointNotFoundException)) throw;
            // The provider's own words name the first library that it missed; this names all of them, and where they are.
            string reason = CudaLibraries.TooOld(queue.Device.DriverVersion) ?? missing ?? OneLine.Of(error.Message);
            throw new ModelException($"cuda cannot be used: {reason}. Use --device cpu, or see 'img2pose doctor'.", error);
        }
    }

    private static OneStageNetwork? TryOpenOneStage(ModelPackage model, PoseDetectorOptions choice, SessionOptions onGpu, CudaQueue queue, RunGuard guard, ref string? note)
    {
        if (OneStageParts.TryRead(model) is not { } parts) return null;
        InferenceSession dense = OpenDense(parts.Dense, choice, onGpu, queue, ref note);
        try
        {
            using SessionOptions onProcessor = CreateOptions(1);
            Profile(onProcessor, $"{onGpu.ProfileOutputPathPrefix}-choosing");
            OrtMemoryInfo memory = new("Cuda", OrtAllocatorType.DeviceAllocator, queue.Device.Ordinal, OrtMemType.Default);
            return new OneStageNetwork(parts, dense, new InferenceSession(parts.Choosing, onProcessor), queue, memory, isFetched: false, guard);
        }
        catch
        {
            dense.Dispose();
            throw;
        }
    }

    private static DeviceTwoStageNetwork? TryOpenTwoStage(ModelPackage model, PoseDetectorOptions choice, SessionOptions onGpu, CudaQueue queue, RunGuard guard, ref string? note)
    {
        OnnxParts parts = OnnxParts.Open(model);
        if (TwoStageLayout.TryRead(parts) is not { } layout || !DeviceTwoStageNetwork.Takes(layout)) return null;
        InferenceSession dense = OpenDense(DeviceTwoStageNetwork.DenseModel(parts, layout), choice, onGpu, queue, ref note);
        InferenceSession? heads = null;
        OrtMemoryInfo? memory = null;
        try
        {
            using SessionOptions options = CreateOptions(choice.Threads);
            AppendCuda(options, choice, queue, records: false);
            Profile(options, $"{onGpu.ProfileOutputPathPrefix}-heads");
            heads = new InferenceSession(TwoStageNetwork.HeadModel(parts), options);
            memory = new("Cuda", OrtAllocatorType.DeviceAllocator, queue.Device.Ordinal, OrtMemType.Default);
            return new DeviceTwoStageNetwork(layout, dense, heads, queue, memory, isFetched: false, guard);
        }
        catch
        {
            memory?.Dispose();
            heads?.Dispose();
            dense.Dispose();
            throw;
        }
    }

    /// <summary>The dense part, recorded as a CUDA graph where that was asked for and every node is the provider's.</summary>
    private static InferenceSession OpenDense(byte[] dense, PoseDetectorOptions choice, SessionOptions options, CudaQueue queue, ref string? note)
    {
        if (choice.Provider.Records)
        {
            try
            {
                using SessionOptions recording = CreateOptions(choice.Threads);
                AppendCuda(recording, choice, queue, records: true);
                Profile(recording, options.ProfileOutputPathPrefix);
                return new InferenceSession(dense, recording);
            }
            catch (OnnxRuntimeException error)
            {
                // Some node is the processor's, which cannot be recorded.
                note = $"the CUDA graph that was asked for cannot be recorded: {OneLine.Of(error.Message)}";
            }
        }
        return new InferenceSession(dense, options);
    }

    /// <summary>Lets a session record who runs its nodes, in a file of its own.</summary>
    private static void Profile(SessionOptions options, string prefix)
    {
        options.ProfileOutputPathPrefix = prefix;
        options.EnableProfiling = true;
    }

    private static void AppendCuda(SessionOptions options, PoseDetectorOptions choice, CudaQueue queue, bool records)
    {
        using OrtCUDAProviderOptions provider = new();
        Dictionary<string, string> values = choice.Provider.ToProvider(queue);
        if (records) values["enable_cuda_graph"] = "1";
        provider.UpdateOptions(values);
        options.AppendExecutionProvider_CUDA(provider);
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

    private static bool HasDriver()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out nint library)) return false;
        NativeLibrary.Free(library);
        return true;
    }
}
