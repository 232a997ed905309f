using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Options of one call of a session.</summary>
public unsafe class RunOptions : SafeHandle
{
    public RunOptions() : base(0, ownsHandle: true) => SetHandle(OrtApi.Create(OrtApi.CreateRunOptions));

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseRunOptions))(handle);
        return true;
    }
}
