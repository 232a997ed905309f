using static TorchSharp.NativeMethods;

namespace TorchSharp;

public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
}

public static partial class torch
{
    public enum ScalarType : sbyte
    {
        Byte = 0,
        Int8 = 1,
        Int16 = 2,
        Int32 = 3,
        Int64 = 4,
        Float16 = 5,
        Float32 = 6,
        Float64 = 7,
        ComplexFloat32 = 9,
        ComplexFloat64 = 10,
        Bool = 11,
        BFloat16 = 15,
    }

    public static ScalarType uint8 = ScalarType.Byte;
    public static ScalarType int32 = ScalarType.Int32;
    public static ScalarType int64 = ScalarType.Int64;
    public static ScalarType float16 = ScalarType.Float16;
    public static ScalarType float32 = ScalarType.Float32;
    public static ScalarType float64 = ScalarType.Float64;
    public static ScalarType bfloat16 = ScalarType.BFloat16;
    public static ScalarType @bool = ScalarType.Bool;

    public class Device
    {
        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public DeviceType type { get; }

        public int index { get; }

        public override string ToString() =>
            type == DeviceType.CPU ? "cpu" : index < 0 ? "cuda" : $"cuda:{index}";
    }

    public static readonly Device CPU = new(DeviceType.CPU);

    public static Device CUDA { get; } = new(DeviceType.CUDA, 0);

    public static class cuda
    {
        public static bool is_available() => i2p_cuda_is_available() != 0;

        public static int device_count() => i2p_cuda_device_count();
    }

    public static DisposeScope NewDisposeScope() => new();

    public static IDisposable no_grad() => new GradMode(enabled: false);

    internal static bool is_grad_enabled() => i2p_is_grad_enabled() != 0;

    public static void set_num_threads(int num) => Check(i2p_set_num_threads(num));

    public static int get_num_threads()
    {
        Check(i2p_get_num_threads(out int threads));
        return threads;
    }

    public static Generator manual_seed(long seed)
    {
        Check(i2p_manual_seed(seed));
        return new Generator();
    }

    /// <summary>Stands for libtorch's generator of the CPU.</summary>
    public class Generator : IDisposable
    {
        internal Generator() { }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing) { }
    }

    public static Tensor zeros(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        full(size, 0, dtype, device, requires_grad);

    public static Tensor ones(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        full(size, 1, dtype, device, requires_grad);

    public static Tensor full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        device ??= CPU;
        Check(i2p_full(size, size.Length, value.Value, (int)(dtype ?? ScalarType.Float32), (int)device.type, device.index, out TensorHandle result));
        return Created(result, requires_grad);
    }

    public static Tensor empty(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        device ??= CPU;
        Check(i2p_empty(size, size.Length, (int)(dtype ?? ScalarType.Float32), (int)device.type, device.index, out TensorHandle result));
        return Created(result, requires_grad);
    }

    public static Tensor tensor(float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromData<float>(rawArray, ScalarType.Float32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromData<double>(rawArray, ScalarType.Float64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(long[] dataArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromData<long>(dataArray, ScalarType.Int64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(byte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromData<byte>(rawArray, ScalarType.Byte, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(bool[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromData<bool>(rawArray, ScalarType.Bool, dimensions, dtype, device, requires_grad);

    public static Tensor cat(IList<Tensor> tensors, long dim = 0)
    {
        Check(i2p_cat(Handles(tensors), tensors.Count, dim, out TensorHandle result));
        GC.KeepAlive(tensors);
        return new Tensor(result);
    }

    internal static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0)
    {
        Tensor[] list = [.. tensors];
        Check(i2p_stack(Handles(list), list.Length, dim, out TensorHandle result));
        GC.KeepAlive(list);
        return new Tensor(result);
    }

    public static Tensor maximum(Tensor input, Tensor other) => Tensor.Apply(input, other, Binary.Maximum);

    public static Tensor minimum(Tensor input, Tensor other) => Tensor.Apply(input, other, Binary.Minimum);

    private static unsafe Tensor FromData<T>(T[] data, ScalarType own, ReadOnlySpan<long> shape, ScalarType? dtype, Device? device, bool requiresGrad)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(data);
        long count = 1;
        foreach (long side in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(side, nameof(shape));
            count = checked(count * side);
        }
        if (count != data.LongLength)
            throw new ArgumentException($"{data.LongLength} values do not fill a tensor of {count}", nameof(data));
        device ??= CPU;
        TensorHandle result;
        fixed (T* pointer = data)
            Check(i2p_from_data(pointer, shape, shape.Length, (int)own, (int)device.type, device.index, out result));
        Tensor created = new(result);
        if (dtype is { } wanted && wanted != own) created = created.to(wanted);
        if (requiresGrad) created.requires_grad = true;
        return created;
    }

    private static Tensor Created(TensorHandle handle, bool requiresGrad)
    {
        Tensor tensor = new(handle);
        if (requiresGrad) tensor.requires_grad = true;
        return tensor;
    }

    private static IntPtr[] Handles(IList<Tensor> tensors)
    {
        IntPtr[] handles = new IntPtr[tensors.Count];
        for (int i = 0; i < handles.Length; i++) handles[i] = tensors[i].Handle;
        return handles;
    }

    private sealed class GradMode : IDisposable
    {
        private readonly bool _before = is_grad_enabled();

        internal GradMode(bool enabled) => Check(i2p_set_grad_enabled(enabled ? 1 : 0));

        public void Dispose() => Check(i2p_set_grad_enabled(_before ? 1 : 0));
    }
}
