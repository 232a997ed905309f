using System.Runtime.InteropServices;
using static TorchSharp.NativeMethods;

namespace TorchSharp;

public static partial class torch
{
    public class Tensor : IDisposable
    {
        private readonly TensorHandle _handle;

        internal Tensor(TensorHandle handle)
        {
            _handle = handle;
            DisposeScope.Current?.Add(this);
        }

        private protected Tensor(Tensor other) : this(Alias(other.Handle)) => GC.KeepAlive(other);

        /// <summary>The native tensor, for operators outside this library; valid while this object lives.</summary>
        public IntPtr Handle => _handle.DangerousGetHandle();

        internal TensorHandle Native => _handle;

        internal DisposeScope? Scope { get; set; }

        public long[] shape
        {
            get
            {
                long[] sides = new long[i2p_rank(_handle)];
                for (int i = 0; i < sides.Length; i++) sides[i] = i2p_size(_handle, i);
                return sides;
            }
        }

        public long NumberOfElements
        {
            get
            {
                long count = 1;
                foreach (long side in shape) count *= side;
                return count;
            }
        }

        public ScalarType dtype => (ScalarType)i2p_dtype(_handle);

        public Device device => new((DeviceType)i2p_device_type(_handle), i2p_device_index(_handle));

        public bool requires_grad
        {
            get => i2p_requires_grad(_handle) != 0;
            set => Check(i2p_set_requires_grad(_handle, value ? 1 : 0));
        }

        public Tensor? grad
        {
            get
            {
                Check(i2p_grad(_handle, out TensorHandle result));
                return result.IsInvalid ? null : new Tensor(result);
            }
            set => Check(i2p_set_grad(_handle, value?.Handle ?? IntPtr.Zero));
        }

        /// <summary>The raw bytes of a contiguous CPU tensor; valid while this object lives.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (i2p_is_contiguous(_handle) == 0 || i2p_device_type(_handle) != (int)DeviceType.CPU)
                    throw new InvalidOperationException("Only a contiguous tensor on the CPU has its bytes in reach.");
                Check(i2p_data_ptr(_handle, out IntPtr data));
                return new Span<byte>((void*)data, checked((int)(NumberOfElements * ElementSize)));
            }
        }

        private long ElementSize => dtype switch
        {
            ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
            ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
            ScalarType.Int32 or ScalarType.Float32 => 4,
            ScalarType.ComplexFloat64 => 16,
            _ => 8,
        };

        public Utils.TensorAccessor<T> data<T>() where T : unmanaged
        {
            ValidateType(typeof(T));
            return new(this);
        }

        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1) throw new ArgumentException("Number of elements in the tensor must be 1");
            ValidateType(typeof(T));
            if (typeof(T) == typeof(long) || typeof(T) == typeof(int) || typeof(T) == typeof(bool))
            {
                Check(i2p_item_long(_handle, out long integer));
                return (T)Convert.ChangeType(integer, typeof(T), System.Globalization.CultureInfo.InvariantCulture);
            }
            Check(i2p_item_double(_handle, out double number));
            return (T)Convert.ChangeType(number, typeof(T), System.Globalization.CultureInfo.InvariantCulture);
        }

        // The real package reads an element's bytes as what they are, and refuses another type of number.
        private void ValidateType(Type dotnetType)
        {
            ScalarType? fits = Type.GetTypeCode(dotnetType) switch
            {
                TypeCode.Byte => ScalarType.Byte,
                TypeCode.SByte => ScalarType.Int8,
                TypeCode.Int16 => ScalarType.Int16,
                TypeCode.Int32 => ScalarType.Int32,
                TypeCode.Int64 => ScalarType.Int64,
                TypeCode.Single => ScalarType.Float32,
                TypeCode.Double => ScalarType.Float64,
                TypeCode.Boolean => ScalarType.Bool,
                _ => null,
            };
            if (fits != dtype) throw new ArgumentException($"{dotnetType.Name} is not compatible with {dtype}");
        }

        internal bool is_contiguous() => i2p_is_contiguous(_handle) != 0;

        public void backward() => Check(i2p_backward(_handle));

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            copy || disposeAfter ? throw Unsupported() : To(type, device);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            copy || disposeAfter ? throw Unsupported() : To(dtype, device);

        public Tensor cpu() => To(dtype, CPU);

        public Tensor contiguous() => Apply(Unary.Contiguous);

        public Tensor clone() => Apply(Unary.Clone);

        public Tensor detach() => Apply(Unary.Detach);

        public Tensor alias() => new(Alias(Handle));

        public Tensor neg() => Apply(Unary.Neg);

        public Tensor exp() => Apply(Unary.Exp);

        public Tensor sqrt() => Apply(Unary.Sqrt);

        public Tensor rsqrt() => Apply(Unary.Rsqrt);

        public Tensor abs() => Apply(Unary.Abs);

        public Tensor sigmoid() => Apply(Unary.Sigmoid);

        public Tensor relu() => Apply(Unary.Relu);

        public Tensor square() => Apply(Unary.Square);

        public Tensor sin() => Apply(Unary.Sin);

        public Tensor cos() => Apply(Unary.Cos);

        public Tensor floor() => Apply(Unary.Floor);

        public Tensor sum(ScalarType? type = null) =>
            type is not null ? throw Unsupported() : Apply(Unary.Sum);

        public Tensor mean() => Apply(Unary.Mean);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) =>
            type is not null ? throw Unsupported() : Reduce(Reduction.Sum, dim, keepdim);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) =>
            type is not null ? throw Unsupported() : Reduce(Reduction.Mean, Single(dimensions), keepdim);

        public Tensor norm(float p = 2)
        {
            Check(i2p_norm(_handle, p, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor clamp(Scalar? min = null, Scalar? max = null)
        {
            Check(i2p_clamp(_handle, min?.Value ?? double.NegativeInfinity, max?.Value ?? double.PositiveInfinity, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor pow(Scalar exponent) => Apply(this, exponent.Value, Binary.Pow);

        public Tensor matmul(Tensor target) => Apply(this, target, Binary.Matmul);

        public Tensor reshape(params long[] shape)
        {
            Check(i2p_reshape(_handle, shape, shape.Length, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor permute(params long[] permutation)
        {
            Check(i2p_permute(_handle, permutation, permutation.Length, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor transpose(long dim0, long dim1)
        {
            Check(i2p_transpose(_handle, dim0, dim1, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor squeeze(long? dim = null)
        {
            Check(i2p_squeeze(_handle, dim ?? throw new NotSupportedException("This subset removes one named dimension."), out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor unsqueeze(long dim)
        {
            Check(i2p_unsqueeze(_handle, dim, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor narrow(long dim, long start, long length)
        {
            Check(i2p_narrow(_handle, dim, start, length, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor select(long dim, long index)
        {
            Check(i2p_select(_handle, dim, index, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor index_select(long dim, Tensor index)
        {
            Check(i2p_index_select(_handle, dim, index._handle, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor index_copy(long dim, Tensor index, Tensor source)
        {
            Check(i2p_index_copy(_handle, dim, index._handle, source._handle, out TensorHandle result));
            return new Tensor(result);
        }

        public Tensor fill_(Scalar value) => InPlace(i2p_fill_(_handle, value.Value));

        public Tensor zero_() => InPlace(i2p_fill_(_handle, 0));

        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) =>
            generator is null ? InPlace(i2p_normal_(_handle, mean, std)) : throw OwnGenerator();

        public Tensor uniform_(double from, double to, Generator? generator = null) =>
            generator is null ? InPlace(i2p_uniform_(_handle, from, to)) : throw OwnGenerator();

        public Tensor copy_(Tensor source, bool nonBlocking = false) => InPlace(i2p_copy_(_handle, source._handle));

        public Tensor mul_(Scalar target) => InPlace(i2p_mul_scalar_(_handle, target.Value));

        public Tensor add_(Tensor target, Scalar alpha) => InPlace(i2p_add_(_handle, target._handle, alpha.Value));

        public Tensor add_(Tensor target) => InPlace(i2p_add_(_handle, target._handle, 1));

        public Tensor add_(Scalar scalar) => InPlace(i2p_add_scalar_(_handle, scalar.Value));

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            InPlace(i2p_addcmul_(_handle, tensor1._handle, tensor2._handle, value.Value));

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            InPlace(i2p_addcdiv_(_handle, tensor1._handle, tensor2._handle, value.Value));

        public Tensor MoveToOuterDisposeScope()
        {
            Scope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            Scope?.Remove(this);
            return this;
        }

        public static Tensor operator +(Tensor left, Tensor right) => Apply(left, right, Binary.Add);

        public static Tensor operator +(Tensor left, double right) => Apply(left, right, Binary.Add);

        public static Tensor operator -(Tensor left, Tensor right) => Apply(left, right, Binary.Sub);

        public static Tensor operator -(Tensor left, double right) => Apply(left, right, Binary.Sub);

        public static Tensor operator -(Tensor tensor) => tensor.neg();

        public static Tensor operator *(Tensor left, Tensor right) => Apply(left, right, Binary.Mul);

        public static Tensor operator *(Tensor left, double right) => Apply(left, right, Binary.Mul);

        public static Tensor operator /(Tensor left, Tensor right) => Apply(left, right, Binary.Div);

        public static Tensor operator /(Tensor left, double right) => Apply(left, right, Binary.Div);

        /// <summary>Wraps a native tensor that an operator outside this library made, and takes ownership of it.</summary>
        public static Tensor UnsafeCreateTensor(IntPtr handle)
        {
            TensorHandle owned = new();
            Marshal.InitHandle(owned, handle);
            return new Tensor(owned);
        }

        public void Dispose()
        {
            Scope?.Remove(this);
            _handle.Dispose();
            GC.SuppressFinalize(this);
        }

        internal static Tensor Apply(Tensor left, Tensor right, Binary op)
        {
            Check(i2p_binary(left._handle, right._handle, op, out TensorHandle result));
            return new Tensor(result);
        }

        internal static Tensor Apply(Tensor left, double right, Binary op)
        {
            Check(i2p_binary_scalar(left._handle, right, op, out TensorHandle result));
            return new Tensor(result);
        }

        internal Tensor Apply(Unary op)
        {
            Check(i2p_unary(_handle, op, out TensorHandle result));
            return new Tensor(result);
        }

        private static NotSupportedException OwnGenerator() => new("This subset draws from the default generator.");

        private static NotSupportedException Unsupported() => new("This subset neither copies, disposes nor converts on the way.");

        private static TensorHandle Alias(IntPtr handle)
        {
            Check(i2p_alias(handle, out TensorHandle result));
            return result;
        }

        private static long Single(ReadOnlySpan<long> dims) =>
            dims.Length == 1 ? dims[0] : throw new NotSupportedException("This subset reduces over one dimension at a time.");

        private Tensor Reduce(Reduction op, long dim, bool keep)
        {
            Check(i2p_reduce(_handle, op, dim, keep ? 1 : 0, out TensorHandle result));
            return new Tensor(result);
        }

        private Tensor To(ScalarType type, Device where)
        {
            Check(i2p_to(_handle, (int)type, (int)where.type, where.index, out TensorHandle result));
            return new Tensor(result);
        }

        private Tensor InPlace(int status)
        {
            Check(status);
            return this;
        }
    }
}
