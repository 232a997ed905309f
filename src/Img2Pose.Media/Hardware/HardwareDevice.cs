using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Img2Pose.Cuda;

namespace Img2Pose.Media;

/// <summary>FFmpeg's view of a CUDA device: this program's context, and a queue of its own for one decoder.</summary>
internal sealed unsafe class HardwareDevice : IDisposable
{
    private AVBufferRef* _reference;

    private HardwareDevice(AVBufferRef* reference, CudaQueue queue)
    {
        _reference = reference;
        Queue = queue;
    }

    /// <summary>What FFmpeg's decoder works in.</summary>
    public CudaQueue Queue { get; }

    /// <summary>The AVHWDeviceContext, counted.</summary>
    public AVBufferRef* Pointer => _reference;

    /// <summary>Makes one.</summary>
    /// <returns>Null where FFmpeg refuses: one that was built without CUDA.</returns>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public static HardwareDevice? TryCreate(CudaDevice device, out int status)
    {
        _ = FFmpegRuntime.EnsureLoaded();
        status = 0;
        AVBufferRef* reference = ffmpeg.av_hwdevice_ctx_alloc(AVHWDeviceType.AV_HWDEVICE_TYPE_CUDA);
        if (reference == null) return null;
        CudaQueue? queue = null;
        try
        {
            queue = new CudaQueue(device);
            AVHWDeviceContext* context = (AVHWDeviceContext*)reference->data;
            // Both before it is initialised, or FFmpeg would make a context of its own, and work in the legacy stream.
            CudaDeviceContext* cuda = (CudaDeviceContext*)context->hwctx;
            (cuda->Context, cuda->Stream) = (device.ContextHandle, queue.Handle);
            status = ffmpeg.av_hwdevice_ctx_init(reference);
            if (status >= 0) return new HardwareDevice(reference, queue);
        }
        catch
        {
            queue?.Dispose();
            ffmpeg.av_buffer_unref(&reference);
            throw;
        }
        queue.Dispose();
        ffmpeg.av_buffer_unref(&reference);
        return null;
    }

    /// <summary>Gives up this reference; decoders and frames have their own. Without a finalizer, since the device may be gone by then.</summary>
    public void Dispose()
    {
        if (_reference == null) return;
        AVBufferRef* reference = _reference;
        _reference = null;
        ffmpeg.av_buffer_unref(&reference);
        Queue.Dispose();
    }

    /// <summary>AVCUDADeviceContext of libavutil/hwcontext_cuda.h, which FFmpeg.AutoGen leaves out; the same since 4.2.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct CudaDeviceContext
    {
        public nint Context;
        public nint Stream;
        public nint Internal;
    }
}
