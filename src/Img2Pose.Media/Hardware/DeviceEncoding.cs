using FFmpeg.AutoGen;
using Img2Pose.Cuda;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Lets a GPU's own encoder (NVENC) read pictures where they lie: each is copied on the device into one of the encoder's surfaces, in a
/// queue of its own. What comes in host memory is uploaded into them. Used by the thread that encodes; disposed after the encoder.
/// </summary>
internal sealed unsafe class DeviceEncoding : IDisposable
{
    private readonly HardwareDevice _context;
    private readonly HostFrames _host;
    private readonly CudaMarker _copied;
    private readonly FrameHandle _hostPicture = new();
    private readonly int _width;
    private readonly int _height;
    private AVBufferRef* _surfaces;

    private DeviceEncoding(HardwareDevice context, AVBufferRef* surfaces, HostFrames host, CudaMarker copied, int width, int height)
    {
        (_context, _host, _copied, _width, _height) = (context, host, copied, width, height);
        _surfaces = surfaces;
        Queue = context.Queue;
    }

    /// <summary>The layout of the encoder's surfaces.</summary>
    public const PixelFormat Format = PixelFormat.Nv12;

    private CudaQueue Queue { get; }

    /// <summary>Prepares an encoder's surfaces; null where the device or FFmpeg does not make them.</summary>
    /// <param name="device">The GPU.</param>
    /// <param name="width">Width of the pictures, even.</param>
    /// <param name="height">Height, even.</param>
    /// <param name="why">Why there are none.</param>
    public static DeviceEncoding? TryCreate(CudaDevice device, int width, int height, out string why)
    {
        HardwareDevice? context = null;
        HostFrames? host = null;
        CudaMarker? copied = null;
        AVBufferRef* surfaces = null;
        try
        {
            context = HardwareDevice.TryCreate(device, out int status);
            if (context is null)
            {
                why = status < 0 ? $"FFmpeg refuses the GPU: {FFmpegRuntime.Describe(status)}" : "this FFmpeg is built without CUDA";
                return null;
            }
            host = new HostFrames(device, capacity: 2);
            copied = new CudaMarker(device);
            surfaces = ffmpeg.av_hwframe_ctx_alloc(context.Pointer);
            if (surfaces != null)
            {
                AVHWFramesContext* frames = (AVHWFramesContext*)surfaces->data;
                frames->format = AVPixelFormat.AV_PIX_FMT_CUDA;
                frames->sw_format = PixelFormats.ToNative(Format);
                (frames->width, frames->height) = (width, height);
                status = ffmpeg.av_hwframe_ctx_init(surfaces);
                if (status >= 0) status = Reserve(surfaces);
                if (status >= 0)
                {
                    why = "";
                    return new DeviceEncoding(context, surfaces, host, copied, width, height);
                }
            }
            why = $"FFmpeg makes no surfaces on the GPU: {FFmpegRuntime.Describe(status)}";
        }
        catch (CudaDeviceException error)
        {
            why = error.Message;
        }
        ffmpeg.av_buffer_unref(&surfaces);
        copied?.Dispose();
        host?.Dispose();
        context?.Dispose();
        return null;
    }

    /// <summary>Sets up an encoder's context before it is opened.</summary>
    public void Configure(AVCodecContext* context)
    {
        context->pix_fmt = AVPixelFormat.AV_PIX_FMT_CUDA;
        context->hw_frames_ctx = ffmpeg.av_buffer_ref(_surfaces);
    }

    /// <summary>Makes an empty FFmpeg picture one of the encoder's surfaces with the samples of a frame; the frame has been read when the call returns.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="input">Gives host frames the encoder's size and layout.</param>
    /// <param name="name">The output, for errors.</param>
    /// <exception cref="OutputException">FFmpeg makes no surface.</exception>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public void Fill(AVFrame* picture, VideoFrame frame, EncoderInput input, string name)
    {
        FFmpegRuntime.CheckOutput(ffmpeg.av_hwframe_get_buffer(_surfaces, picture, 0), name, "the GPU has no surface for a picture to encode");
        try
        {
            if (frame.Memory == MemoryKind.Cuda && frame.Format == Format && (frame.Width, frame.Height) == (_width, _height)) Copy(frame, picture);
            else Upload(frame, picture, input, name);
        }
        catch
        {
            ffmpeg.av_frame_unref(picture);
            throw;
        }
    }

    /// <summary>Gives the surfaces up; the encoder is gone.</summary>
    public void Dispose()
    {
        _hostPicture.Dispose();
        AVBufferRef* surfaces = _surfaces;
        _surfaces = null;
        ffmpeg.av_buffer_unref(&surfaces);
        _copied.Dispose();
        _host.Dispose();
        _context.Dispose();
    }

    /// <summary>Makes as many surfaces as an encoder holds, which FFmpeg then keeps: a lack of memory shows before a file is begun.</summary>
    private static int Reserve(AVBufferRef* surfaces)
    {
        const int Held = 8;
        FrameHandle[] pictures = [.. Enumerable.Range(0, Held).Select(_ => new FrameHandle())];
        int status = 0;
        for (int i = 0; i < Held && status >= 0; i++) status = ffmpeg.av_hwframe_get_buffer(surfaces, pictures[i].Pointer, 0);
        foreach (FrameHandle picture in pictures) picture.Dispose();
        return status;
    }

    private void Copy(VideoFrame frame, AVFrame* picture)
    {
        CudaOrder order = CudaOrder.Of(frame);
        order.BeginRead(Queue);
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane from = frame.GetPlane(i);
            Queue.CopyPlane(
                from, new FramePlane((nint)picture->data[(uint)i], MemoryKind.Cuda, picture->linesize[(uint)i], from.Width, from.Height, from.BytesPerElement));
        }
        order.EndRead(Queue);
        Queue.Mark(_copied);
        // Some of FFmpeg's versions tell the encoder which stream its pictures are made in, and some do not; a copy on the device is short.
        _copied.Wait();
    }

    private void Upload(VideoFrame frame, AVFrame* picture, EncoderInput input, string name)
    {
        using VideoFrame held = frame.Memory == MemoryKind.Cuda ? _host.Download(frame) : frame.AddReference();
        AVFrame* source = _hostPicture.Pointer;
        input.Fill(source, held);
        try
        {
            FFmpegRuntime.CheckOutput(ffmpeg.av_hwframe_transfer_data(picture, source, 0), name, "a picture cannot be brought to the GPU");
            // FFmpeg only puts the copy into the queue, which reads the frame when it comes to it.
            Queue.Synchronize();
        }
        finally
        {
            ffmpeg.av_frame_unref(source);
        }
    }
}
