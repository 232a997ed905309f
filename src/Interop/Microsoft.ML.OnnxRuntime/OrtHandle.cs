using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Owns one native object and frees it by the release function at an index of the API table.</summary>
internal sealed unsafe class OrtHandle : SafeHandle
{
    private readonly int _release;

    internal OrtHandle(nint pointer, int release) : base(0, ownsHandle: true)
    {
        _release = release;
        SetHandle(pointer);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Frees what it owns and owns <paramref name="pointer"/> from now on; 0 for nothing. For use by one thread.</summary>
    internal void Reset(nint pointer)
    {
        if (!IsInvalid) ReleaseHandle();
        SetHandle(pointer);
    }

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(_release))(handle);
        return true;
    }
}

/// <summary>Keeps a native object from being freed by another thread while a call uses it.</summary>
internal readonly ref struct HandleLease
{
    private readonly SafeHandle _handle;

    internal HandleLease(SafeHandle handle)
    {
        ObjectDisposedException.ThrowIf(handle.IsInvalid, handle);
        bool added = false;
        handle.DangerousAddRef(ref added);
        _handle = handle;
    }

    internal nint Pointer => _handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
