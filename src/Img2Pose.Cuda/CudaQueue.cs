using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda;

/// <summary>
/// A CUDA stream: what is put into it is done in order, after the call has returned. Between queues there is no order but
/// the one that markers give. A queue takes calls of one thread at a time.
/// </summary>
public sealed class CudaQueue : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaStream _stream;

    /// <summary>Makes a queue that keeps no order with the legacy stream.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public CudaQueue(CudaDevice device)
    {
        _device = device;
        _stream = device.Make(static flags => new CudaStream(flags), CUStreamFlags.NonBlocking, static _ => "a stream was made");
    }

    /// <summary>The CUstream, for FFmpeg's device and for ONNX Runtime's <c>user_compute_stream</c>.</summary>
    public nint Handle => _stream.Stream.Pointer;

    /// <summary>The device that it belongs to.</summary>
    public CudaDevice Device => _device;

    /// <summary>Copies from host to device, when the queue comes to it.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Upload(PinnedBuffer source, int sourceOffset, DeviceBuffer target, long targetOffset, int bytes)
    {
        RequireInside(sourceOffset, bytes, source.Length);
        RequireInside(targetOffset, bytes, target.Length);
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            source.Memory.AsyncCopyToDevice(target.Pointer, sourceOffset, targetOffset, bytes, _stream.Stream);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException($"{bytes} bytes were uploaded", exception);
        }
    }

    /// <summary>Copies from device to host, when the queue comes to it.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Download(DeviceBuffer source, long sourceOffset, PinnedBuffer target, int targetOffset, int bytes)
    {
        RequireInside(sourceOffset, bytes, source.Length);
        RequireInside(targetOffset, bytes, target.Length);
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            target.Memory.AsyncCopyFromDevice(source.Pointer, sourceOffset, targetOffset, bytes, _stream.Stream);
            _device.CountToHost(bytes);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException($"{bytes} bytes were downloaded", exception);
        }
    }

    /// <summary>Copies the samples of a plane to one of the same size, when the queue comes to it.</summary>
    /// <param name="source">A plane in device memory, or in host memory of a <see cref="PinnedBuffer"/>.</param>
    /// <param name="target">Likewise.</param>
    /// <exception cref="ArgumentException">The planes are of different sizes.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void CopyPlane(in FramePlane source, in FramePlane target)
    {
        if (source.RowBytes != target.RowBytes || source.Height != target.Height)
            throw new ArgumentException($"{source.RowBytes}×{source.Height} bytes do not fit {target.RowBytes}×{target.Height}.");
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            PlaneCopy.Run(source, target, _stream.Stream);
            if (source.Memory == MemoryKind.Cuda && target.Memory == MemoryKind.Host) _device.CountToHost((long)source.RowBytes * source.Height);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("a picture was copied", exception);
        }
    }

    /// <summary>Fills the first bytes of memory with zeros, when the queue comes to it.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Clear(DeviceBuffer memory, long bytes) => Clear(memory, 0, bytes);

    /// <summary>Fills a part of memory with zeros, when the queue comes to it.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Clear(DeviceBuffer memory, long offset, long bytes)
    {
        RequireInside(offset, bytes, memory.Length);
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            PlaneCopy.Fill(memory.Address + (nint)offset, 0, bytes, _stream.Stream);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("memory was cleared", exception);
        }
    }

    /// <summary>Launches one kernel for all pictures of a batch.</summary>
    /// <param name="jobs">The device's copy of <see cref="TensorJob"/> structures.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="width">The widest rectangle of all.</param>
    /// <param name="height">The highest rectangle of all.</param>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public unsafe void Tensorise(DeviceBuffer jobs, int count, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)count * sizeof(TensorJob), jobs.Length);
        Launch(_device.Kernels.Tensorise, width, height, count, new TensoriseParameters { Jobs = jobs.Address }, "pictures were tensorised");
    }

    /// <summary>Blends an overlay's rectangle over a picture.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Blend(in BlendParameters parameters) =>
        Launch(
            _device.Kernels.Blend, Math.Max((parameters.Width + 1) / 2, parameters.ChromaWidth),
            Math.Max((parameters.Height + 1) / 2, parameters.ChromaHeight), 1, parameters, "an overlay was blended");

    /// <summary>Adds up a picture's brightness.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Shrink(in ShrinkParameters parameters) => Launch(_device.Kernels.Shrink, parameters.Columns, parameters.Rows, 1, parameters, "a picture was made small");

    /// <summary>Packs the cells above a bound: counts them, then writes them.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    internal void SelectCells(in SelectParameters parameters)
    {
        Launch(_device.Kernels.CountCells, parameters.Chunks, parameters.Pictures, 1, parameters, "cells were counted");
        Launch(_device.Kernels.SelectCells, parameters.Chunks, parameters.Pictures, 1, parameters, "cells were selected");
    }

    /// <summary>One step of the choice of proposals.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    internal void Propose(CUfunction step, int width, int height, int lanes, in ProposalParameters parameters) =>
        Launch(step, width, height, lanes, parameters, "proposals were chosen");

    /// <summary>Pools <paramref name="regions"/> regions of a feature pyramid.</summary>
    /// <exception cref="ArgumentException">More levels or samples than the kernel takes.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void PoolRegions(in PoolParameters parameters, int regions)
    {
        if (parameters.LevelCount is < 1 or > 4 || parameters.Samples is < 1 or > 4)
            throw new ArgumentException($"{parameters.LevelCount} levels and {parameters.Samples} samples are not 1 to 4.");
        if (regions == 0) return;
        Launch(_device.Kernels.PoolRegions, parameters.Channels, parameters.Side * parameters.Side, regions, parameters, "regions were pooled");
    }

    /// <summary>Marks the place that the queue has come to.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Mark(CudaMarker marker)
    {
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            marker.Event.Record(_stream.Stream);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("a marker was set", exception);
        }
    }

    /// <summary>What follows in this queue waits for what precedes the marker in its queue.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void WaitFor(CudaMarker marker)
    {
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            _stream.WaitEvent(marker.Event.Event);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("a queue was told to wait", exception);
        }
    }

    /// <summary>Returns when everything in the queue is done.</summary>
    /// <exception cref="CudaDeviceException">The device failed, now or in what the queue held.</exception>
    public void Synchronize()
    {
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            _stream.Synchronize();
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("its work was awaited", exception);
        }
    }

    /// <summary>Ends the queue after what it holds.</summary>
    public void Dispose() => _device.Release(_stream);

    private static void RequireInside(long offset, long bytes, long length)
    {
        if (offset < 0 || bytes < 0 || offset > length - bytes) throw new ArgumentException($"{bytes} bytes at {offset} are not inside {length}.");
    }

    private void Launch<T>(CUfunction function, int width, int height, int layers, in T parameters, string doing)
        where T : unmanaged
    {
        if (width <= 0 || height <= 0) return;
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            KernelLaunch.Run(function, _stream.Stream, width, height, layers, parameters);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException(doing, exception);
        }
    }
}

/// <summary>A place in a queue (a CUDA event without timing) that other queues and threads wait for. Used again and again.</summary>
public sealed class CudaMarker : IDisposable
{
    private readonly CudaDevice _device;

    /// <summary>Makes a marker that is not set; waiting for it returns at once.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public CudaMarker(CudaDevice device)
    {
        _device = device;
        Event = device.Make(static flags => new CudaEvent(flags), CUEventFlags.DisableTiming, static _ => "a marker was made");
    }

    internal CudaEvent Event { get; }

    /// <summary>Whether everything before the place is done.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public bool IsReached
    {
        get
        {
            try
            {
                using CudaDevice.Scope scope = _device.Enter();
                return Event.Query();
            }
            catch (CudaException exception)
            {
                throw new CudaDeviceException("its work was asked after", exception);
            }
        }
    }

    /// <summary>Returns when everything before the place is done.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Wait()
    {
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            Event.Synchronize();
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("its work was awaited", exception);
        }
    }

    /// <summary>Gives the marker up.</summary>
    public void Dispose() => _device.Release(Event);
}
