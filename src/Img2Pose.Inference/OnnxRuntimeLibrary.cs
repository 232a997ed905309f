using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>What is known of the native ONNX Runtime library; for <c>doctor</c> and for choosing a device.</summary>
public static class OnnxRuntimeLibrary
{
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
                return OrtEnv.CreateInstanceWithOptions(ref options);
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
