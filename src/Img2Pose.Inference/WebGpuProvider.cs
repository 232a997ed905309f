using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference;

/// <summary>
/// Adds the WebGPU provider to session options. The npm build of the native library has it inside, but the .NET package's
/// API refuses its name (there it comes as a plugin package), so this one place calls the C function behind
/// <c>AppendExecutionProvider</c> on the library that is loaded already.
/// </summary>
internal static unsafe class WebGpuProvider
{
    /// <summary>Name in the list of providers.</summary>
    public const string Name = "WebGpuExecutionProvider";

    // Positions in struct OrtApi of onnxruntime_c_api.h.
    private const uint ApiVersion = 20;
    private const int GetErrorMessage = 2, ReleaseStatus = 93, AppendExecutionProvider = 216;

    /// <summary>Adds the provider.</summary>
    /// <exception cref="ModelException">The library has none, or refuses.</exception>
    public static void Append(SessionOptions options)
    {
        if (!NativeLibrary.TryLoad("libonnxruntime.so.1", out nint library)
            || !NativeLibrary.TryGetExport(library, "OrtGetApiBase", out nint getBase))
            throw new ModelException("The ONNX Runtime library that is loaded does not hand out its C API; use the one that scripts/fetch-onnxruntime.sh fetches.");
        nint* functions = (nint*)((delegate* unmanaged<nint>)getBase)();
        nint* api = (nint*)((delegate* unmanaged<uint, nint>)functions[0])(ApiVersion);
        bool held = false;
        try
        {
            options.DangerousAddRef(ref held);
            fixed (byte* name = "WebGPU\0"u8)
            {
                nint status = ((delegate* unmanaged<nint, byte*, byte**, byte**, nuint, nint>)api[AppendExecutionProvider])(
                    options.DangerousGetHandle(), name, null, null, 0);
                if (status == 0) return;
                string message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<nint, byte*>)api[GetErrorMessage])(status)) ?? "";
                ((delegate* unmanaged<nint, void>)api[ReleaseStatus])(status);
                throw new ModelException($"WebGPU cannot be used: {OneLine.Of(message)}.");
            }
        }
        finally
        {
            if (held) options.DangerousRelease();
        }
    }
}
