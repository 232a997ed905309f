using System.Collections;
using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Inputs and outputs of a session, bound to memory once and used by many runs.</summary>
public unsafe class OrtIoBinding : SafeHandle
{
    private BoundOutputs? _outputs;

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
        if (_outputs is not { IsIdle: true } outputs || outputs.Count != (int)count) _outputs = outputs = new BoundOutputs((int)count);
        outputs.Fill(new ReadOnlySpan<nint>(pointers, (int)count));
        OrtApi.Free(pointers);
        return outputs;
    }

    public void ClearBoundInputs() => Clear(OrtApi.ClearBoundInputs);

    public void ClearBoundOutputs() => Clear(OrtApi.ClearBoundOutputs);

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseIoBinding))(handle);
        return true;
    }

    /// <summary>
    /// The values of one run. Disposed of, it is filled again by the next run, so that a run allocates nothing.
    /// </summary>
    private sealed class BoundOutputs : IDisposableReadOnlyCollection<OrtValue>
    {
        private readonly OrtValue[] _values;

        internal BoundOutputs(int count)
        {
            _values = new OrtValue[count];
            for (int i = 0; i < count; i++) _values[i] = new OrtValue(0);
        }

        internal bool IsIdle { get; private set; } = true;

        public int Count => _values.Length;

        public OrtValue this[int index] => _values[index];

        internal void Fill(ReadOnlySpan<nint> pointers)
        {
            for (int i = 0; i < _values.Length; i++) _values[i].Reset(pointers[i]);
            IsIdle = false;
        }

        public IEnumerator<OrtValue> GetEnumerator() => ((IEnumerable<OrtValue>)_values).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => _values.GetEnumerator();

        public void Dispose()
        {
            foreach (OrtValue value in _values) value.Reset(0);
            IsIdle = true;
        }
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
