using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>The functions of native/torch, the project's C shim over libtorch.</summary>
internal static partial class NativeMethods
{
    internal const string Library = "img2pose_torch";

    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);

    /// <summary>Turns a non-zero status into an exception with libtorch's own message.</summary>
    internal static void Check(int status)
    {
        if (status != 0)
            throw new ExternalException(Marshal.PtrToStringUTF8(i2p_last_error()) ?? "libtorch reported an error");
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return IntPtr.Zero;
        const string file = "libimg2pose_torch.so";
        string? chosen = Environment.GetEnvironmentVariable("IMG2POSE_TORCH");
        if (chosen is not null) return NativeLibrary.Load(Path.Combine(chosen, file));
        string besideProgram = Path.Combine(AppContext.BaseDirectory, file);
        if (File.Exists(besideProgram)) return NativeLibrary.Load(besideProgram);
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string built = Path.Combine(folder.FullName, "build", "native", "lib", file);
            if (File.Exists(built)) return NativeLibrary.Load(built);
        }
        throw new DllNotFoundException(
            $"{file} is not built; './run.sh train' installs libtorch and builds it, or set IMG2POSE_TORCH to its folder");
    }

    [LibraryImport(Library)] internal static partial IntPtr i2p_last_error();
    [LibraryImport(Library)] internal static partial int i2p_cuda_is_available();
    [LibraryImport(Library)] internal static partial int i2p_cuda_device_count();
    [LibraryImport(Library)] internal static partial int i2p_set_num_threads(int threads);
    [LibraryImport(Library)] internal static partial int i2p_get_num_threads(out int threads);
    [LibraryImport(Library)] internal static partial int i2p_manual_seed(long seed);
    [LibraryImport(Library)] internal static partial int i2p_set_grad_enabled(int enabled);
    [LibraryImport(Library)] internal static partial int i2p_is_grad_enabled();
    [LibraryImport(Library)] internal static partial int i2p_release(IntPtr handle);
    [LibraryImport(Library)] internal static partial int i2p_full(ReadOnlySpan<long> shape, int rank, double value, int dtype, int deviceType, int deviceIndex, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_empty(ReadOnlySpan<long> shape, int rank, int dtype, int deviceType, int deviceIndex, out TensorHandle result);
    [LibraryImport(Library)] internal static unsafe partial int i2p_from_data(void* data, ReadOnlySpan<long> shape, int rank, int dtype, int deviceType, int deviceIndex, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_alias(IntPtr self, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_rank(TensorHandle self);
    [LibraryImport(Library)] internal static partial long i2p_size(TensorHandle self, int dim);
    [LibraryImport(Library)] internal static partial int i2p_dtype(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_device_type(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_device_index(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_requires_grad(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_set_requires_grad(TensorHandle self, int value);
    [LibraryImport(Library)] internal static partial int i2p_data_ptr(TensorHandle self, out IntPtr result);
    [LibraryImport(Library)] internal static partial int i2p_is_contiguous(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_item_double(TensorHandle self, out double result);
    [LibraryImport(Library)] internal static partial int i2p_item_long(TensorHandle self, out long result);
    [LibraryImport(Library)] internal static partial int i2p_backward(TensorHandle self);
    [LibraryImport(Library)] internal static partial int i2p_grad(TensorHandle self, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_set_grad(TensorHandle self, IntPtr gradient);
    [LibraryImport(Library)] internal static partial int i2p_unary(TensorHandle self, Unary op, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_binary(TensorHandle left, TensorHandle right, Binary op, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_binary_scalar(TensorHandle left, double right, Binary op, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_clamp(TensorHandle self, double low, double high, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_fill_(TensorHandle self, double value);
    [LibraryImport(Library)] internal static partial int i2p_normal_(TensorHandle self, double mean, double stddev);
    [LibraryImport(Library)] internal static partial int i2p_uniform_(TensorHandle self, double low, double high);
    [LibraryImport(Library)] internal static partial int i2p_copy_(TensorHandle self, TensorHandle source);
    [LibraryImport(Library)] internal static partial int i2p_set_data(TensorHandle self, TensorHandle source);
    [LibraryImport(Library)] internal static partial int i2p_mul_scalar_(TensorHandle self, double value);
    [LibraryImport(Library)] internal static partial int i2p_add_(TensorHandle self, TensorHandle other, double alpha);
    [LibraryImport(Library)] internal static partial int i2p_add_scalar_(TensorHandle self, double value);
    [LibraryImport(Library)] internal static partial int i2p_addcmul_(TensorHandle self, TensorHandle a, TensorHandle b, double value);
    [LibraryImport(Library)] internal static partial int i2p_addcdiv_(TensorHandle self, TensorHandle a, TensorHandle b, double value);
    [LibraryImport(Library)] internal static partial int i2p_reshape(TensorHandle self, ReadOnlySpan<long> shape, int rank, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_permute(TensorHandle self, ReadOnlySpan<long> dims, int rank, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_transpose(TensorHandle self, long a, long b, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_squeeze(TensorHandle self, long dim, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_unsqueeze(TensorHandle self, long dim, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_narrow(TensorHandle self, long dim, long start, long length, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_select(TensorHandle self, long dim, long index, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_index_select(TensorHandle self, long dim, TensorHandle index, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_index_copy(TensorHandle self, long dim, TensorHandle index, TensorHandle source, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_cat(ReadOnlySpan<IntPtr> handles, long count, long dim, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_stack(ReadOnlySpan<IntPtr> handles, long count, long dim, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_to(TensorHandle self, int dtype, int deviceType, int deviceIndex, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_reduce(TensorHandle self, Reduction op, long dim, int keep, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_norm(TensorHandle self, double p, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_conv2d(TensorHandle input, TensorHandle weight, IntPtr bias, long stride, long padding, long dilation, long groups, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_linear(TensorHandle input, TensorHandle weight, IntPtr bias, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_batch_norm(TensorHandle input, IntPtr mean, IntPtr variance, IntPtr weight, IntPtr bias, int training, double momentum, double eps, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_max_pool2d(TensorHandle input, long kernel, long stride, long padding, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_upsample_nearest2d(TensorHandle input, long height, long width, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_upsample_bilinear2d(TensorHandle input, long height, long width, int alignCorners, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_bce_with_logits(TensorHandle input, TensorHandle target, IntPtr weight, int reduction, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_smooth_l1(TensorHandle input, TensorHandle target, int reduction, double beta, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_l1(TensorHandle input, TensorHandle target, int reduction, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_mse(TensorHandle input, TensorHandle target, int reduction, out TensorHandle result);
    [LibraryImport(Library)] internal static partial int i2p_cross_entropy(TensorHandle input, TensorHandle target, int reduction, out TensorHandle result);
}

/// <summary>Owns one native tensor.</summary>
internal sealed class TensorHandle : SafeHandle
{
    public TensorHandle() : base(IntPtr.Zero, ownsHandle: true) { }

    public override bool IsInvalid => handle == IntPtr.Zero;

    protected override bool ReleaseHandle() => NativeMethods.i2p_release(handle) == 0;
}

/// <summary>Order as in native/torch/tensor.cpp.</summary>
internal enum Unary
{
    Neg, Exp, Log, Sqrt, Rsqrt, Abs, Sigmoid, Relu, Tanh, Square, Sin, Cos, Floor, Round, LogicalNot,
    Contiguous, Clone, Detach, IsFinite, IsNan, Silu, Hardsigmoid, Hardswish, All, Any, Sum, Mean, Max, Min, Nonzero, Softplus,
}

/// <summary>Order as in native/torch/tensor.cpp.</summary>
internal enum Binary { Add, Sub, Mul, Div, Pow, Maximum, Minimum, Matmul, Eq, Ne, Lt, Le, Gt, Ge, And, Or }

/// <summary>Order as in native/torch/tensor.cpp.</summary>
internal enum Reduction { Sum, Mean, Max, Min, Argmax }
