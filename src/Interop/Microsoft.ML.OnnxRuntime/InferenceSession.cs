using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>A model that is loaded and ready to run.</summary>
public unsafe class InferenceSession : IDisposable
{
    private readonly OrtHandle _handle;
    private readonly Dictionary<string, NodeMetadata> _inputs;
    private readonly Dictionary<string, NodeMetadata> _outputs;
    private readonly Dictionary<string, NodeMetadata> _initializers;
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    /// <summary>Loads a model file.</summary>
    public InferenceSession(string modelPath, SessionOptions options) : this(Open(modelPath, options)) { }

    /// <summary>Loads a model from memory.</summary>
    public InferenceSession(byte[] model, SessionOptions options) : this(Open(model, options)) { }

    private InferenceSession(nint pointer)
    {
        _handle = new OrtHandle(pointer, OrtApi.ReleaseSession);
        try
        {
            (_inputNames, _inputs) = Describe(
                OrtApi.SessionGetInputCount, OrtApi.SessionGetInputName, OrtApi.SessionGetInputTypeInfo);
            (_outputNames, _outputs) = Describe(
                OrtApi.SessionGetOutputCount, OrtApi.SessionGetOutputName, OrtApi.SessionGetOutputTypeInfo);
            (_, _initializers) = Describe(
                OrtApi.SessionGetOverridableInitializerCount, OrtApi.SessionGetOverridableInitializerName,
                OrtApi.SessionGetOverridableInitializerTypeInfo);
            ModelMetadata = ReadModelMetadata();
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<string, NodeMetadata> InputMetadata => _inputs;

    public IReadOnlyList<string> InputNames => _inputNames;

    public IReadOnlyDictionary<string, NodeMetadata> OutputMetadata => _outputs;

    public IReadOnlyList<string> OutputNames => _outputNames;

    /// <summary>Inputs that need not be given: the graph holds a value for each.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> OverridableInitializerMetadata => _initializers;

    public ModelMetadata ModelMetadata { get; }

    public OrtIoBinding CreateIoBinding()
    {
        using HandleLease session = new(_handle);
        nint created;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint*, nint>)OrtApi.Function(OrtApi.CreateIoBinding))(session.Pointer, &created));
        return new OrtIoBinding(created);
    }

    public void RunWithBinding(RunOptions runOptions, OrtIoBinding ioBinding)
    {
        using HandleLease session = new(_handle), options = new(runOptions), binding = new(ioBinding);
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, nint, nint>)OrtApi.Function(OrtApi.RunWithBinding))(
            session.Pointer, options.Pointer, binding.Pointer));
    }

    /// <summary>Runs the model on named values and returns the named outputs; the caller disposes of them.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        RunOptions runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames)
    {
        if (inputNames.Count != inputValues.Count)
            throw new ArgumentException($"{inputNames.Count} input names are given for {inputValues.Count} values.");
        using HandleLease session = new(_handle), options = new(runOptions);
        using NameArray inputs = new(inputNames), outputs = new(outputNames);
        nint[] values = [.. inputValues.Select(value => value.Handle.DangerousGetHandle())];
        nint[] results = new nint[outputNames.Count];
        fixed (nint* valuePointers = values, resultPointers = results)
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, nint*, nint*, nuint, nint*, nuint, nint*, nint>)OrtApi.Function(OrtApi.Run))(
                session.Pointer, options.Pointer, inputs.Pointers, valuePointers, (nuint)values.Length,
                outputs.Pointers, (nuint)results.Length, resultPointers));
        }
        GC.KeepAlive(inputValues);
        return new DisposableArray<OrtValue>([.. results.Select(pointer => new OrtValue(pointer))]);
    }

    /// <summary>Stops profiling and returns the path of the file written.</summary>
    public string EndProfiling()
    {
        using HandleLease session = new(_handle);
        byte* path;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, byte**, nint>)OrtApi.Function(OrtApi.SessionEndProfiling))(
            session.Pointer, OrtApi.DefaultAllocator, &path));
        return OrtApi.TakeText(path);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _handle.Dispose();
    }

    private static nint Open(string path, SessionOptions sessionOptions)
    {
        using HandleLease environment = new(OrtEnv.Instance()), options = new(sessionOptions);
        nint created;
        fixed (byte* text = OrtApi.Utf8(path, stackalloc byte[512]))
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, byte*, nint, nint*, nint>)OrtApi.Function(OrtApi.CreateSession))(
                environment.Pointer, text, options.Pointer, &created));
        }
        return created;
    }

    private static nint Open(byte[] model, SessionOptions sessionOptions)
    {
        using HandleLease environment = new(OrtEnv.Instance()), options = new(sessionOptions);
        nint created;
        fixed (byte* data = model)
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint>)OrtApi.Function(OrtApi.CreateSessionFromArray))(
                environment.Pointer, data, (nuint)model.Length, options.Pointer, &created));
        }
        return created;
    }

    private (string[] Names, Dictionary<string, NodeMetadata> Nodes) Describe(int countFunction, int nameFunction, int typeFunction)
    {
        using HandleLease session = new(_handle);
        nuint count;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint*, nint>)OrtApi.Function(countFunction))(session.Pointer, &count));
        string[] names = new string[(int)count];
        Dictionary<string, NodeMetadata> nodes = [];
        for (nuint i = 0; i < count; i++)
        {
            byte* name;
            nint typeInfo;
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint, nint, byte**, nint>)OrtApi.Function(nameFunction))(
                session.Pointer, i, OrtApi.DefaultAllocator, &name));
            names[i] = OrtApi.TakeText(name);
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint, nint*, nint>)OrtApi.Function(typeFunction))(session.Pointer, i, &typeInfo));
            try
            {
                nodes[names[i]] = Describe(typeInfo);
            }
            finally
            {
                ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseTypeInfo))(typeInfo);
            }
        }
        return (names, nodes);
    }

    private static NodeMetadata Describe(nint typeInfo)
    {
        int type;
        nint tensor;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, int*, nint>)OrtApi.Function(OrtApi.GetOnnxTypeFromTypeInfo))(typeInfo, &type));
        // The tensor description belongs to the type description and is null where the value is no tensor.
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint*, nint>)OrtApi.Function(OrtApi.CastTypeInfoToTensorInfo))(typeInfo, &tensor));
        if (tensor == 0) return new NodeMetadata((OnnxValueType)type, default, [], []);
        (Tensors.TensorElementType elementType, long[] shape, string[] symbols) = TypeAndShape.Read(tensor);
        return new NodeMetadata((OnnxValueType)type, elementType, [.. shape.Select(side => checked((int)side))], symbols);
    }

    private ModelMetadata ReadModelMetadata()
    {
        using HandleLease session = new(_handle);
        nint pointer;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint*, nint>)OrtApi.Function(OrtApi.SessionGetModelMetadata))(session.Pointer, &pointer));
        using OrtHandle metadata = new(pointer, OrtApi.ReleaseModelMetadata);
        byte** keys;
        long count;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, byte***, long*, nint>)OrtApi.Function(OrtApi.ModelMetadataGetCustomMetadataMapKeys))(
            pointer, OrtApi.DefaultAllocator, &keys, &count));
        Dictionary<string, string> map = [];
        for (long i = 0; i < count; i++)
        {
            byte* value;
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, byte*, byte**, nint>)OrtApi.Function(OrtApi.ModelMetadataLookupCustomMetadataMap))(
                pointer, OrtApi.DefaultAllocator, keys[i], &value));
            map[OrtApi.TakeText(keys[i])] = OrtApi.TakeText(value);
        }
        OrtApi.Free(keys);
        return new ModelMetadata(
            MetadataText(pointer, OrtApi.ModelMetadataGetProducerName), MetadataText(pointer, OrtApi.ModelMetadataGetGraphName), map);
    }

    private static string MetadataText(nint metadata, int function)
    {
        byte* text;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, byte**, nint>)OrtApi.Function(function))(metadata, OrtApi.DefaultAllocator, &text));
        return OrtApi.TakeText(text);
    }

    /// <summary>Zero-terminated names in native memory for one call.</summary>
    private readonly ref struct NameArray
    {
        private readonly int _count;

        internal NameArray(IReadOnlyCollection<string> names)
        {
            _count = names.Count;
            Pointers = (nint*)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(nint));
            int i = 0;
            foreach (string name in names) Pointers[i++] = Marshal.StringToCoTaskMemUTF8(name);
        }

        internal nint* Pointers { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++) Marshal.FreeCoTaskMem(Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
