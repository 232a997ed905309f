using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Options of the environment.</summary>
public struct EnvironmentCreationOptions
{
    /// <summary>Name that log lines carry.</summary>
    public string? logId;

    /// <summary>Least severity that is logged to standard error; warnings where it is null.</summary>
    public OrtLoggingLevel? logLevel;
}

/// <summary>The process-wide environment of the native library, created at its first use.</summary>
public sealed unsafe class OrtEnv : SafeHandle
{
    private static readonly Lock s_creating = new();
    private static OrtEnv? s_instance;

    private OrtEnv(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    /// <summary>Whether the environment exists already.</summary>
    public static bool IsCreated
    {
        get
        {
            lock (s_creating) return s_instance is not null;
        }
    }

    /// <summary>The one environment, created with default options where it does not exist.</summary>
    public static OrtEnv Instance()
    {
        // Not a Lazy: a library that is missing now may be there at the next call.
        lock (s_creating) return s_instance ??= Create(new EnvironmentCreationOptions());
    }

    /// <summary>Creates the one environment with options of one's own.</summary>
    /// <exception cref="OnnxRuntimeException">It exists already.</exception>
    public static OrtEnv CreateInstanceWithOptions(ref EnvironmentCreationOptions options)
    {
        lock (s_creating)
        {
            if (s_instance is not null)
                throw new OnnxRuntimeException(ErrorCode.RuntimeException, "The environment exists already; options come too late");
            return s_instance = Create(options);
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

    private static OrtEnv Create(EnvironmentCreationOptions options)
    {
        nint created;
        fixed (byte* name = OrtApi.Utf8(options.logId ?? "CSharpOnnxRuntime", stackalloc byte[256]))
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<int, byte*, nint*, nint>)OrtApi.Function(OrtApi.CreateEnv))(
                (int)(options.logLevel ?? OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING), name, &created));
        }
        return new OrtEnv(created);
    }
}
