using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Inputs and outputs of a session, bound to memory once and used by many runs.</summary>
public unsafe class OrtIoBinding : SafeHandle
{
    internal OrtIoBinding(nint pointer) : base(0, ownsHandle: true) => SetHandle(pointer);

    public override bool IsInvalid => handle == 0;

    public void BindInput(string name, OrtValue ortValue) => Bind(OrtApi.BindInput, name, ortValue.Handle);

    public void BindOutput(string name, OrtValue ortValue) => Bind(OrtApi.BindOutput, name, ortValue.Handle);

    /// <summary>Lets the library allocate this output, for shapes that are known only after a run.</summary>
    public void BindOutputToDevice(string name, OrtMemoryInfo memInfo) => Bind(OrtApi.BindOutputToDevice, name, memInfo);

    /// <summary>The outputs of the last run, in the order in which they were bound.</summary>
    public IDisposableReadOnlyCollection<OrtValue> GetOutputValues()
    {
        using HandleLease binding = new(this);
        nint* pointers;
        nuint count;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, nint**, nuint*, nint>)OrtApi.Function(OrtApi.GetBoundOutputValues))(
            binding.Pointer, OrtApi.DefaultAllocator, &pointers, &count));
        OrtValue[] values = new OrtValue[(int)count];
        for (int i = 0; i < values.Length; i++) values[i] = new OrtValue(pointers[i]);
        OrtApi.Free(pointers);
        return new DisposableArray<OrtValue>(values);
    }

    public void ClearBoundInputs() => Clear(OrtApi.ClearBoundInputs);

    public void ClearBoundOutputs() => Clear(OrtApi.ClearBoundOutputs);

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseIoBinding))(handle);
        return true;
    }

    private void Bind(int function, string name, SafeHandle target)
    {
        using HandleLease binding = new(this), value = new(target);
        fixed (byte* text = OrtApi.Utf8(name, stackalloc byte[256]))
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, byte*, nint, nint>)OrtApi.Function(function))(binding.Pointer, text, value.Pointer));
    }

    private void Clear(int function)
    {
        using HandleLease binding = new(this);
        ((delegate* unmanaged<nint, void>)OrtApi.Function(function))(binding.Pointer);
    }
}
