using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>
/// The C API of ONNX Runtime: one table of function pointers that only ever grows at its end, so an index holds for all
/// later versions. Indices follow the order of <c>struct OrtApi</c> in onnxruntime_c_api.h.
/// </summary>
internal static unsafe class OrtApi
{
    internal const int GetErrorCode = 1;
    internal const int GetErrorMessage = 2;
    internal const int CreateEnv = 3;
    internal const int CreateSession = 7;
    internal const int CreateSessionFromArray = 8;
    internal const int Run = 9;
    internal const int CreateSessionOptions = 10;
    internal const int SetSessionExecutionMode = 13;
    internal const int EnableProfiling = 14;
    internal const int DisableProfiling = 15;
    internal const int EnableMemPattern = 16;
    internal const int DisableMemPattern = 17;
    internal const int EnableCpuMemArena = 18;
    internal const int DisableCpuMemArena = 19;
    internal const int SetSessionLogSeverityLevel = 22;
    internal const int SetSessionGraphOptimizationLevel = 23;
    internal const int SetIntraOpNumThreads = 24;
    internal const int SetInterOpNumThreads = 25;
    internal const int SessionGetInputCount = 30;
    internal const int SessionGetOutputCount = 31;
    internal const int SessionGetOverridableInitializerCount = 32;
    internal const int SessionGetInputTypeInfo = 33;
    internal const int SessionGetOutputTypeInfo = 34;
    internal const int SessionGetOverridableInitializerTypeInfo = 35;
    internal const int SessionGetInputName = 36;
    internal const int SessionGetOutputName = 37;
    internal const int SessionGetOverridableInitializerName = 38;
    internal const int CreateRunOptions = 39;
    internal const int CreateTensorWithDataAsOrtValue = 49;
    internal const int GetTensorMutableData = 51;
    internal const int CastTypeInfoToTensorInfo = 55;
    internal const int GetOnnxTypeFromTypeInfo = 56;
    internal const int GetTensorElementType = 60;
    internal const int GetDimensionsCount = 61;
    internal const int GetDimensions = 62;
    internal const int GetSymbolicDimensions = 63;
    internal const int GetTensorShapeElementCount = 64;
    internal const int GetTensorTypeAndShape = 65;
    internal const int GetValueType = 67;
    internal const int CreateCpuMemoryInfo = 69;
    internal const int AllocatorFree = 76;
    internal const int GetAllocatorWithDefaultOptions = 78;
    internal const int ReleaseEnv = 92;
    internal const int ReleaseStatus = 93;
    internal const int ReleaseMemoryInfo = 94;
    internal const int ReleaseSession = 95;
    internal const int ReleaseValue = 96;
    internal const int ReleaseRunOptions = 97;
    internal const int ReleaseTypeInfo = 98;
    internal const int ReleaseTensorTypeAndShapeInfo = 99;
    internal const int ReleaseSessionOptions = 100;
    internal const int SessionEndProfiling = 110;
    internal const int SessionGetModelMetadata = 111;
    internal const int ModelMetadataGetProducerName = 112;
    internal const int ModelMetadataGetGraphName = 113;
    internal const int ModelMetadataLookupCustomMetadataMap = 116;
    internal const int ReleaseModelMetadata = 118;
    internal const int ModelMetadataGetCustomMetadataMapKeys = 123;
    internal const int GetAvailableProviders = 125;
    internal const int ReleaseAvailableProviders = 126;
    internal const int AddSessionConfigEntry = 130;
    internal const int RunWithBinding = 133;
    internal const int CreateIoBinding = 134;
    internal const int ReleaseIoBinding = 135;
    internal const int BindInput = 136;
    internal const int BindOutput = 137;
    internal const int BindOutputToDevice = 138;
    internal const int GetBoundOutputValues = 140;
    internal const int ClearBoundInputs = 141;
    internal const int ClearBoundOutputs = 142;

    // The newest table whose order was read; a library of this project's version (1.30) hands it out as well.
    private const uint ApiVersion = 20;
    private static readonly Lock s_loading = new();
    private static nint* s_table;
    private static delegate* unmanaged<byte*> s_getVersionString;
    private static nint s_allocator;

    /// <summary>The version string of the loaded library.</summary>
    internal static string Version
    {
        get
        {
            EnsureLoaded();
            return Text(s_getVersionString());
        }
    }

    /// <summary>The allocator in which the library hands out strings and arrays; it lives as long as the process.</summary>
    internal static nint DefaultAllocator
    {
        get
        {
            if (s_allocator == 0)
            {
                nint allocator;
                VerifySuccess(((delegate* unmanaged<nint*, nint>)Function(GetAllocatorWithDefaultOptions))(&allocator));
                s_allocator = allocator;
            }
            return s_allocator;
        }
    }

    /// <summary>The function at <paramref name="index"/> of the table.</summary>
    internal static void* Function(int index)
    {
        EnsureLoaded();
        return (void*)s_table[index];
    }

    /// <summary>The one check that every native status goes through; it also frees the status.</summary>
    /// <exception cref="OnnxRuntimeException">The status is an error; the message is the library's.</exception>
    internal static void VerifySuccess(nint status)
    {
        if (status == 0) return;
        int code = ((delegate* unmanaged<nint, int>)Function(GetErrorCode))(status);
        string message = Text(((delegate* unmanaged<nint, byte*>)Function(GetErrorMessage))(status));
        ((delegate* unmanaged<nint, void>)Function(ReleaseStatus))(status);
        throw new OnnxRuntimeException((ErrorCode)code, message);
    }

    /// <summary>Calls a function of the form <c>status f(object)</c>.</summary>
    internal static void Call(int index, SafeHandle target)
    {
        using HandleLease handle = new(target);
        VerifySuccess(((delegate* unmanaged<nint, nint>)Function(index))(handle.Pointer));
    }

    /// <summary>Calls a function of the form <c>status f(object, int)</c>.</summary>
    internal static void Call(int index, SafeHandle target, int value)
    {
        using HandleLease handle = new(target);
        VerifySuccess(((delegate* unmanaged<nint, int, nint>)Function(index))(handle.Pointer, value));
    }

    /// <summary>Calls a function of the form <c>status f(object*)</c>, which creates an object.</summary>
    internal static nint Create(int index)
    {
        nint created;
        VerifySuccess(((delegate* unmanaged<nint*, nint>)Function(index))(&created));
        return created;
    }

    /// <summary>Text of a zero-terminated UTF-8 string.</summary>
    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>Text of a zero-terminated UTF-8 string that the default allocator handed out, which is then freed.</summary>
    internal static string TakeText(byte* text)
    {
        string result = Text(text);
        Free(text);
        return result;
    }

    /// <summary>Gives memory back to the default allocator.</summary>
    internal static void Free(void* memory)
    {
        if (memory != null)
            VerifySuccess(((delegate* unmanaged<nint, void*, nint>)Function(AllocatorFree))(DefaultAllocator, memory));
    }

    /// <summary>
    /// Writes <paramref name="text"/> as zero-terminated UTF-8 into <paramref name="buffer"/>, or into a new array where
    /// it does not fit: names are short, so nothing is allocated when a frame's tensors are bound.
    /// </summary>
    internal static Span<byte> Utf8(string text, Span<byte> buffer)
    {
        int maximum = Encoding.UTF8.GetMaxByteCount(text.Length) + 1;
        if (maximum > buffer.Length) buffer = new byte[maximum];
        int length = Encoding.UTF8.GetBytes(text, buffer);
        buffer[length] = 0;
        return buffer[..(length + 1)];
    }

    private static void EnsureLoaded()
    {
        if (s_table != null) return;
        lock (s_loading)
        {
            if (s_table != null) return;
            nint library = NativeLibraryLocator.Load();
            if (!NativeLibrary.TryGetExport(library, "OrtGetApiBase", out nint getBase))
                throw new DllNotFoundException("The library found as libonnxruntime has no OrtGetApiBase; run scripts/fetch-onnxruntime.sh.");
            // struct OrtApiBase { const OrtApi* (*GetApi)(uint32_t version); const char* (*GetVersionString)(void); }
            nint* functions = (nint*)((delegate* unmanaged<nint>)getBase)();
            s_getVersionString = (delegate* unmanaged<byte*>)functions[1];
            nint* table = (nint*)((delegate* unmanaged<uint, nint>)functions[0])(ApiVersion);
            if (table == null)
                throw new DllNotFoundException(
                    $"ONNX Runtime {Text(s_getVersionString())} is too old; 1.30 is needed: run scripts/fetch-onnxruntime.sh or correct IMG2POSE_ORT.");
            s_table = table;
        }
    }
}
