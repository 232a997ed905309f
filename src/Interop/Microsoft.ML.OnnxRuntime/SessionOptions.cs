using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>How a session is made.</summary>
public unsafe class SessionOptions : SafeHandle
{
    private int _intraOpNumThreads;
    private int _interOpNumThreads;
    private bool _enableProfiling;
    private bool _enableMemoryPattern = true;
    private bool _enableCpuMemArena = true;
    private ExecutionMode _executionMode = ExecutionMode.ORT_SEQUENTIAL;
    private GraphOptimizationLevel _graphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL;
    private OrtLoggingLevel _logSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;

    public SessionOptions() : base(0, ownsHandle: true)
    {
        OrtEnv.Instance();
        SetHandle(OrtApi.Create(OrtApi.CreateSessionOptions));
    }

    public override bool IsInvalid => handle == 0;

    public int IntraOpNumThreads
    {
        get => _intraOpNumThreads;
        set
        {
            OrtApi.Call(OrtApi.SetIntraOpNumThreads, this, value);
            _intraOpNumThreads = value;
        }
    }

    public int InterOpNumThreads
    {
        get => _interOpNumThreads;
        set
        {
            OrtApi.Call(OrtApi.SetInterOpNumThreads, this, value);
            _interOpNumThreads = value;
        }
    }

    public ExecutionMode ExecutionMode
    {
        get => _executionMode;
        set
        {
            OrtApi.Call(OrtApi.SetSessionExecutionMode, this, (int)value);
            _executionMode = value;
        }
    }

    public GraphOptimizationLevel GraphOptimizationLevel
    {
        get => _graphOptimizationLevel;
        set
        {
            OrtApi.Call(OrtApi.SetSessionGraphOptimizationLevel, this, (int)value);
            _graphOptimizationLevel = value;
        }
    }

    public OrtLoggingLevel LogSeverityLevel
    {
        get => _logSeverityLevel;
        set
        {
            OrtApi.Call(OrtApi.SetSessionLogSeverityLevel, this, (int)value);
            _logSeverityLevel = value;
        }
    }

    public bool EnableMemoryPattern
    {
        get => _enableMemoryPattern;
        set
        {
            OrtApi.Call(value ? OrtApi.EnableMemPattern : OrtApi.DisableMemPattern, this);
            _enableMemoryPattern = value;
        }
    }

    public bool EnableCpuMemArena
    {
        get => _enableCpuMemArena;
        set
        {
            OrtApi.Call(value ? OrtApi.EnableCpuMemArena : OrtApi.DisableCpuMemArena, this);
            _enableCpuMemArena = value;
        }
    }

    public string ProfileOutputPathPrefix { get; set; } = "onnxruntime_profile_";

    public bool EnableProfiling
    {
        get => _enableProfiling;
        set
        {
            if (value == _enableProfiling) return;
            if (value)
            {
                using HandleLease options = new(this);
                fixed (byte* prefix = OrtApi.Utf8(ProfileOutputPathPrefix, stackalloc byte[512]))
                    OrtApi.VerifySuccess(((delegate* unmanaged<nint, byte*, nint>)OrtApi.Function(OrtApi.EnableProfiling))(options.Pointer, prefix));
            }
            else
            {
                OrtApi.Call(OrtApi.DisableProfiling, this);
            }
            _enableProfiling = value;
        }
    }

    public void AddSessionConfigEntry(string configKey, string configValue)
    {
        using HandleLease options = new(this);
        fixed (byte* key = OrtApi.Utf8(configKey, stackalloc byte[256]), value = OrtApi.Utf8(configValue, stackalloc byte[256]))
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, byte*, byte*, nint>)OrtApi.Function(OrtApi.AddSessionConfigEntry))(
                options.Pointer, key, value));
        }
    }

    public void AppendExecutionProvider_CUDA(int deviceId = 0)
    {
        using HandleLease options = new(this);
        OrtApi.VerifySuccess(CudaExport()(options.Pointer, deviceId));
    }

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseSessionOptions))(handle);
        return true;
    }

    // This provider's short form is an export of the library, not an entry of the table.
    private static delegate* unmanaged<nint, int, nint> CudaExport()
    {
        nint library = NativeLibraryLocator.Load();
        if (!NativeLibrary.TryGetExport(library, "OrtSessionOptionsAppendExecutionProvider_CUDA", out nint append))
            throw new EntryPointNotFoundException("This build of ONNX Runtime has no CUDA provider.");
        return (delegate* unmanaged<nint, int, nint>)append;
    }
}
