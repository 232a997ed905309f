using System.Globalization;
using Img2Pose.Cuda;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference.OneStage;

/// <summary>
/// The dense part of a network for inputs of one shape: its input and its maps lie in device memory that stays where it is, so that what
/// the provider records of one run (a CUDA graph) is right for all. Not thread-safe.
/// </summary>
internal sealed class DeviceMaps : IDisposable
{
    private readonly InferenceSession _session;
    private readonly OrtIoBinding _binding;
    private readonly List<OrtValue> _values = [];
    private readonly List<DeviceBuffer> _memory = [];
    private readonly string[] _names;
    private readonly OrtMemoryInfo _memoryInfo;

    /// <summary>Prepares a shape.</summary>
    /// <param name="session">The dense part.</param>
    /// <param name="names">Its outputs.</param>
    /// <param name="queue">The queue that it runs in.</param>
    /// <param name="memoryInfo">How the provider calls the memory of the device; stays the caller's.</param>
    /// <param name="isFetched">Whether the provider reads the input on the host.</param>
    /// <param name="shape">Pictures, rows and columns.</param>
    public DeviceMaps(InferenceSession session, string[] names, CudaQueue queue, OrtMemoryInfo memoryInfo, bool isFetched, (int Count, int Height, int Width) shape)
    {
        (_session, _names, _memoryInfo) = (session, names, memoryInfo);
        Input = new NetworkInput(queue, isFetched);
        Device = queue.Device;
        try
        {
            Input.Shape(shape.Count, shape.Height, shape.Width);
            _binding = session.CreateIoBinding();
        }
        catch
        {
            Input.Dispose();
            throw;
        }
    }

    /// <summary>The input.</summary>
    public NetworkInput Input { get; }

    /// <summary>Device addresses of the maps; empty before the first run.</summary>
    public List<nint> Addresses { get; } = [];

    /// <summary>Shapes of the maps, [N, values, h, w].</summary>
    public List<long[]> Shapes { get; } = [];

    /// <summary>When it was last used, in runs.</summary>
    public long LastUse { get; set; }

    private CudaDevice Device { get; }

    /// <summary>Bytes of a map.</summary>
    public long BytesOf(int map) => _memory[map].Length;

    /// <summary>The memory of a map.</summary>
    public DeviceBuffer MemoryOf(int map) => _memory[map];

    /// <summary>Runs the part on the input.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="graph">The number under which the provider records a run of this shape.</param>
    /// <param name="recorded">The number that the options say at present.</param>
    /// <exception cref="OnnxRuntimeException">The run failed.</exception>
    /// <exception cref="NetworkOutputException">A map is none.</exception>
    public void Run(RunOptions options, int graph, ref int recorded)
    {
        Input.Fetch();
        if (_memory.Count == 0) Prepare(options, ref recorded);
        Record(options, graph, ref recorded);
        _session.RunWithBinding(options, _binding);
        _binding.SynchronizeBoundOutputs();
    }

    /// <summary>Frees it.</summary>
    public void Dispose()
    {
        _binding.Dispose();
        Forget();
        Input.Dispose();
    }

    /// <summary>The first run, which tells how large the maps are; it is recorded nowhere.</summary>
    private void Prepare(RunOptions options, ref int recorded)
    {
        Record(options, -1, ref recorded);
        _binding.ClearBoundInputs();
        _binding.ClearBoundOutputs();
        _binding.BindInput("image", Input.ImageValue);
        foreach (string name in _names) _binding.BindOutputToDevice(name, _memoryInfo);
        try
        {
            _session.RunWithBinding(options, _binding);
            _binding.SynchronizeBoundOutputs();
            using (IDisposableReadOnlyCollection<OrtValue> values = _binding.GetOutputValues())
            {
                foreach (OrtValue value in values) Reserve(value.GetTensorTypeAndShape().Shape);
            }
            _binding.ClearBoundOutputs();
            for (int i = 0; i < _names.Length; i++) _binding.BindOutput(_names[i], _values[i]);
        }
        catch
        {
            // Half of the maps is none: the next run begins anew.
            _binding.ClearBoundOutputs();
            Forget();
            throw;
        }
    }

    private void Forget()
    {
        _values.ForEach(value => value.Dispose());
        _memory.ForEach(memory => memory.Dispose());
        _values.Clear();
        _memory.Clear();
        Shapes.Clear();
        Addresses.Clear();
    }

    // ONNX Runtime's name; -1 records nothing.
    private static void Record(RunOptions options, int graph, ref int recorded)
    {
        if (recorded == graph) return;
        options.AddRunConfigEntry("gpu_graph_annotation_id", graph.ToString(CultureInfo.InvariantCulture));
        recorded = graph;
    }

    private void Reserve(long[] shape)
    {
        long values = 1;
        foreach (long side in shape) values = side is > 0 and <= int.MaxValue && values <= int.MaxValue / side ? values * side : 0;
        if (shape.Length != 4 || values == 0) throw new NetworkOutputException($"the network's maps have {shape.Length} dimensions, or none of a sensible size, where 4 are needed");
        DeviceBuffer memory = new(Device, values * sizeof(float));
        _memory.Add(memory);
        Shapes.Add(shape);
        Addresses.Add(memory.Address);
        _values.Add(OrtValue.CreateTensorValueWithData(_memoryInfo, TensorElementType.Float, shape, memory.Address, memory.Length));
    }
}
