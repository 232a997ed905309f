using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Img2Pose.Training.Native;

/// <summary>
/// Operators of native/torch that TorchSharp has no name for. They take and return TorchSharp's native tensor pointers,
/// so that they work beside the real package as well.
/// </summary>
internal static unsafe partial class TorchOperators
{
    private const string Library = "img2pose_torch";

    static TorchOperators() => NativeLibrary.SetDllImportResolver(typeof(TorchOperators).Assembly, TorchLibrary.Resolve);

    /// <summary>The tensor [N,C,H,W] laid out with channels last in memory, which oneDNN convolves fastest.</summary>
    internal static Tensor ChannelsLast(Tensor tensor)
    {
        Check(i2p_channels_last(tensor.Handle, out IntPtr result));
        GC.KeepAlive(tensor);
        return Tensor.UnsafeCreateTensor(result);
    }

    /// <summary>Interleaved 8-bit RGB pictures [N,H,W,3] as normalised floats [N,3,H,W], channels last in memory.</summary>
    internal static Tensor NormalizePictures(Tensor pictures, ReadOnlySpan<float> mean, ReadOnlySpan<float> stddev)
    {
        IntPtr result;
        fixed (float* m = mean)
        fixed (float* s = stddev)
            Check(i2p_normalize_pictures(pictures.Handle, m, s, out result));
        GC.KeepAlive(pictures);
        return Tensor.UnsafeCreateTensor(result);
    }

    private static void Check(int status)
    {
        if (status != 0)
            throw new Img2PoseException($"libtorch: {Marshal.PtrToStringUTF8(i2p_last_error())}");
    }

    [LibraryImport(Library)] private static partial IntPtr i2p_last_error();
    [LibraryImport(Library)] private static partial int i2p_channels_last(IntPtr self, out IntPtr result);
    [LibraryImport(Library)] private static partial int i2p_normalize_pictures(IntPtr self, float* mean, float* stddev, out IntPtr result);
}
