using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The process-wide environment of the native library, created at its first use.</summary>
public sealed unsafe class OrtEnv : SafeHandle
{
    private static readonly Lock s_creating = new();
    private static OrtEnv? s_instance;

    private OrtEnv(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>The one environment.</summary>
    public static OrtEnv Instance()
    {
        lock (s_creating)
        {
            // Not a Lazy: a library that is missing now may be there at the next call.
            if (s_instance is not null) return s_instance;
            fixed (byte* name = "img2pose\0"u8)
            {
                nint created;
                OrtApi.VerifySuccess(((delegate* unmanaged<int, byte*, nint*, nint>)OrtApi.Function(OrtApi.CreateEnv))(
                    (int)OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING, name, &created));
                return s_instance = new OrtEnv(created);
            }
        }
    }

    /// <summary>Version of the native library.</summary>
    public string GetVersionString() => OrtApi.Version;

    /// <summary>Names of the execution providers that the native library was built with.</summary>
    public string[] GetAvailableProviders()
    {
        byte** names;
        int count;
        OrtApi.VerifySuccess(((delegate* unmanaged<byte***, int*, nint>)OrtApi.Function(OrtApi.GetAvailableProviders))(&names, &count));
        string[] providers = new string[count];
        for (int i = 0; i < count; i++) providers[i] = OrtApi.Text(names[i]);
        OrtApi.VerifySuccess(((delegate* unmanaged<byte**, int, nint>)OrtApi.Function(OrtApi.ReleaseAvailableProviders))(names, count));
        return providers;
    }

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseEnv))(handle);
        return true;
    }
}
