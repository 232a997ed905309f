using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Img2Pose.Training.Native;

/// <summary>
/// Operators of native/torch that TorchSharp has no name for. They take and return TorchSharp's native tensor pointers,
/// as the stand-in has them; beside the real package TorchOperators.Package.cs stands in.
/// </summary>
internal static unsafe partial class TorchOperators
{
    private const string Library = "img2pose_torch";

    static TorchOperators() => NativeLibrary.SetDllImportResolver(typeof(TorchOperators).Assembly, TorchLibrary.Resolve);

    /// <summary>Interleaved 8-bit RGB pictures [N,H,W,3] as normalised floats [N,3,H,W], channels last in memory.</summary>
    internal static Tensor NormalizePictures(Tensor pictures, ReadOnlySpan<float> mean, ReadOnlySpan<float> stddev)
    {
        // The native side reads three numbers of each.
        ArgumentOutOfRangeException.ThrowIfNotEqual(mean.Length, 3, nameof(mean));
        ArgumentOutOfRangeException.ThrowIfNotEqual(stddev.Length, 3, nameof(stddev));
        IntPtr result;
        fixed (float* m = mean)
        fixed (float* s = stddev)
            Check(i2p_normalize_pictures(pictures.Handle, m, s, out result));
        GC.KeepAlive(pictures);
        return Tensor.UnsafeCreateTensor(result);
    }

    /// <summary>
    /// Pools regions [K,5] (picture index, left, top, right, bottom in pixels of the picture) of features [N,C,H,W] into
    /// [K, C, <paramref name="size"/>, <paramref name="size"/>]; differentiable in the features (Mask R-CNN, section 3).
    /// </summary>
    internal static Tensor RoiAlign(Tensor features, Tensor regions, double scale, int size, int samples, bool aligned = false)
    {
        Check(i2p_roi_align(features.Handle, regions.Handle, scale, size, size, samples, aligned ? 1 : 0, out IntPtr result));
        GC.KeepAlive((features, regions));
        return Tensor.UnsafeCreateTensor(result);
    }

    /// <summary>Indices of the boxes [n,4] that greedy non-maximum suppression keeps, by descending score.</summary>
    internal static Tensor NonMaximumSuppression(Tensor boxes, Tensor scores, double threshold)
    {
        Check(i2p_nms(boxes.Handle, scores.Handle, threshold, out IntPtr result));
        GC.KeepAlive((boxes, scores));
        return Tensor.UnsafeCreateTensor(result);
    }

    /// <summary>Pictures [N,C,H,W] resized bilinearly with half-pixel centres and no prefilter.</summary>
    internal static Tensor ResizeBilinear(Tensor pictures, int width, int height)
    {
        Check(i2p_upsample_bilinear2d(pictures.Handle, height, width, 0, out IntPtr result));
        GC.KeepAlive(pictures);
        return Tensor.UnsafeCreateTensor(result);
    }

    private static void Check(int status)
    {
        if (status != 0)
            throw new Img2PoseException($"libtorch: {Marshal.PtrToStringUTF8(i2p_last_error())}");
    }

    [LibraryImport(Library)] private static partial IntPtr i2p_last_error();
    [LibraryImport(Library)] private static partial int i2p_roi_align(IntPtr features, IntPtr regions, double scale, long rows, long columns, long samples, int aligned, out IntPtr result);
    [LibraryImport(Library)] private static partial int i2p_nms(IntPtr boxes, IntPtr scores, double threshold, out IntPtr result);
    [LibraryImport(Library)] private static partial int i2p_upsample_bilinear2d(IntPtr input, long height, long width, int alignCorners, out IntPtr result);
    [LibraryImport(Library)] private static partial int i2p_normalize_pictures(IntPtr self, float* mean, float* stddev, out IntPtr result);
}
