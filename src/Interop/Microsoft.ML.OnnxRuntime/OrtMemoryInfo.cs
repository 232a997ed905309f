using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Where a tensor's memory lies.</summary>
public unsafe class OrtMemoryInfo : SafeHandle
{
    private static readonly Lock s_creating = new();
    private static OrtMemoryInfo? s_default;

    private OrtMemoryInfo(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    /// <summary>Ordinary CPU memory.</summary>
    public static OrtMemoryInfo DefaultInstance
    {
        get
        {
            lock (s_creating)
            {
                if (s_default is not null) return s_default;
                // OrtDeviceAllocator = 0; OrtMemTypeCPUOutput = -1, memory that the CPU reads and writes.
                nint created;
                OrtApi.VerifySuccess(((delegate* unmanaged<int, int, nint*, nint>)OrtApi.Function(OrtApi.CreateCpuMemoryInfo))(0, -1, &created));
                return s_default = new OrtMemoryInfo(created);
            }
        }
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseMemoryInfo))(handle);
        return true;
    }
}
