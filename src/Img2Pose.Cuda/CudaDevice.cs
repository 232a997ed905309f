using System.Runtime.InteropServices;
using Img2Pose.Core;
using Img2Pose.Cuda.Kernels;
using ManagedCuda;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Cuda;

/// <summary>
/// A CUDA device as this process uses it: its primary context, which FFmpeg and ONNX Runtime share, and the kernels. Every
/// call may come from any thread. Disposed after everything that was made by it.
/// </summary>
public sealed partial class CudaDevice : IDisposable
{
    private readonly PrimaryContext _context;
    private readonly KernelModule _kernels;
    private long _bytesToHost;
    private bool _disposed;

    private CudaDevice(int ordinal)
    {
        Name = CudaContext.GetDeviceName(ordinal);
        DriverVersion = CudaContext.GetDriverVersion();
        ComputeCapability = CudaContext.GetDeviceComputeCapability(ordinal);
        Ordinal = ordinal;
        if (ComputeCapability < s_oldest)
            throw new CudaDeviceException($"{Name} has compute capability {ComputeCapability}; the kernels need {s_oldest} or later. Use --device cpu.");
        _context = new PrimaryContext(ordinal);
        try
        {
            _context.PushContext();
            try
            {
                _kernels = new KernelModule(_context);
            }
            finally
            {
                _context.PopContext();
            }
        }
        catch
        {
            _context.Dispose();
            throw;
        }
    }

    // The PTX is for sm_80: Ampere, 2020.
    private static readonly Version s_oldest = new(8, 0);

    /// <summary>Which of the machine's CUDA devices, from 0.</summary>
    public int Ordinal { get; }

    /// <summary>The device's name.</summary>
    public string Name { get; }

    /// <summary>The newest CUDA that the driver supports.</summary>
    public Version DriverVersion { get; }

    /// <summary>The device's compute capability.</summary>
    public Version ComputeCapability { get; }

    /// <summary>The primary context (a CUcontext), for FFmpeg's device; valid until disposal.</summary>
    public nint ContextHandle => _context.Context.Pointer;

    /// <summary>Bytes of device memory that are free, and that there are.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public (long Free, long Total) Memory
    {
        get
        {
            try
            {
                using Scope scope = Enter();
                return (_context.GetFreeDeviceMemorySize(), _context.GetTotalDeviceMemorySize());
            }
            catch (CudaException exception)
            {
                throw new CudaDeviceException("its memory was asked for", exception);
            }
        }
    }

    /// <summary>
    /// Bytes that this program's queues have brought from the device to the host so far, or been told to; what ONNX Runtime and FFmpeg bring
    /// by themselves is not counted.
    /// </summary>
    public long BytesToHost => Interlocked.Read(ref _bytesToHost);

    /// <summary>Opens a device.</summary>
    /// <exception cref="CudaDeviceException">There is no driver or no such device, or it refuses the kernels.</exception>
    public static CudaDevice Open(int ordinal = 0) => Open(ordinal, "libcuda.so.1");

    /// <summary>As <see cref="Open(int)"/>, with the driver's name for a test to change.</summary>
    internal static CudaDevice Open(int ordinal, string driver)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
        if (!NativeLibrary.TryLoad(driver, out _))
            throw new CudaDeviceException($"There is no NVIDIA driver here ({driver} was not found). Use --device cpu.");
        try
        {
            int count = CudaContext.GetDeviceCount();
            if (ordinal >= count)
                throw new CudaDeviceException($"There is no CUDA device {ordinal}: the driver shows {count} (CUDA_VISIBLE_DEVICES decides which).");
            return new CudaDevice(ordinal);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException($"device {ordinal} was opened", exception);
        }
        catch (EntryPointNotFoundException exception)
        {
            throw new CudaDeviceException($"The NVIDIA driver is too old: {exception.Message} Install one for CUDA 11.4 or later, or use --device cpu.");
        }
    }

    /// <summary>Opens a device, or says in one debug line why there is none.</summary>
    public static CudaDevice? TryOpen(ILogger logger, int ordinal = 0)
    {
        try
        {
            return Open(ordinal);
        }
        catch (CudaDeviceException exception)
        {
            LogUnavailable(logger, exception.Message);
            return null;
        }
    }

    /// <summary>Makes the context current on this thread until the scope ends.</summary>
    internal Scope Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _context.PushContext();
        return new Scope(_context);
    }

    /// <summary>Makes something on the device.</summary>
    /// <param name="make">Makes it, with the context current.</param>
    /// <param name="how">What it is made with.</param>
    /// <param name="doing">What was being done, for the error, as a clause.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    internal T Make<T, THow>(Func<THow, T> make, THow how, Func<THow, string> doing)
    {
        try
        {
            using Scope scope = Enter();
            return make(how);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException(doing(how), exception);
        }
    }

    /// <summary>Disposes what was made on the device, which may be lost.</summary>
    internal void Release(IDisposable made)
    {
        try
        {
            using Scope scope = Enter();
            made.Dispose();
        }
        catch (CudaException)
        {
            // The context could not be entered: the device is lost, and what was made with it; only the object is left.
            made.Dispose();
        }
    }

    /// <summary>Counts what comes to the host.</summary>
    internal void CountToHost(long bytes) => Interlocked.Add(ref _bytesToHost, bytes);

    internal KernelModule Kernels => _kernels;

    /// <summary>Gives up the kernels and the context.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        try
        {
            using Scope scope = Enter();
            _kernels.Unload(_context);
        }
        catch (CudaException)
        {
            // A lost device has nothing to give back.
            _kernels.Abandon(_context);
        }
        _disposed = true;
        _context.Dispose();
    }

    [LoggerMessage(EventNumbers.CudaUnavailable, LogLevel.Debug, "No CUDA: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string reason);

    /// <summary>Takes the context off the thread again.</summary>
    internal readonly ref struct Scope(PrimaryContext context)
    {
        /// <summary>Ends the scope.</summary>
        public void Dispose()
        {
            try
            {
                context.PopContext();
            }
            catch (CudaException)
            {
                // Only a lost device refuses; what failed inside the scope says so better.
            }
        }
    }
}
