using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>What is known of the native ONNX Runtime library; for <c>doctor</c> and for choosing a device.</summary>
public static class OnnxRuntimeLibrary
{
    /// <summary>Most memory that networks may use for their values, bytes, together.</summary>
    internal const long MemoryLimit = 2L << 30;

    private static readonly Lock s_creating = new();

    /// <summary>Version of the library.</summary>
    /// <exception cref="ModelException">The library is missing or does not load.</exception>
    public static string Version => Environment().GetVersionString();

    /// <summary>Execution providers that the library was built with; one may still lack its driver or a second library.</summary>
    /// <exception cref="ModelException">The library is missing or does not load.</exception>
    public static IReadOnlyList<string> Providers => Environment().GetAvailableProviders();

    /// <summary>The environment; errors that this program reports itself are not logged to standard error as well.</summary>
    /// <exception cref="ModelException">The library is missing or does not load.</exception>
    internal static OrtEnv Environment()
    {
        try
        {
            lock (s_creating)
            {
                if (OrtEnv.IsCreated) return OrtEnv.Instance();
                EnvironmentCreationOptions options = new() { logId = "img2pose", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
                OrtEnv environment = OrtEnv.CreateInstanceWithOptions(ref options);
                // 1: the arena grows by what is asked for, not by powers of two.
                using OrtArenaCfg arena = new((uint)MemoryLimit, 1, -1, -1);
                using OrtMemoryInfo memory = new(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
                environment.CreateAndRegisterAllocator(memory, arena);
                return environment;
            }
        }
        // The package asks for the library in a static constructor.
        catch (Exception error) when ((error as TypeInitializationException)?.InnerException is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException || error is DllNotFoundException)
        {
            throw new ModelException(
                $"ONNX Runtime's native library cannot be loaded ({OneLine.Of((error.InnerException ?? error).Message)}); build the program again, or install what the library needs.", error);
        }
    }
}
