using Img2Pose.Cuda.Kernels;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda;

/// <summary>
/// A texture of OpenGL's that a CUDA device reads where it lies. Everything is called on the thread on which the texture's OpenGL
/// context is current; it is disposed before the texture.
/// </summary>
public sealed class GlTextureMemory : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaOpenGLImageInteropResource _resource;

    /// <summary>Registers a two-dimensional texture of four bytes a pixel, for reading.</summary>
    /// <param name="device">The device.</param>
    /// <param name="texture">OpenGL's name of the texture.</param>
    /// <exception cref="CudaDeviceException">The driver refuses.</exception>
    public GlTextureMemory(CudaDevice device, uint texture)
    {
        _device = device;
        _resource = device.Make(
            static texture => new CudaOpenGLImageInteropResource(
                texture, CUGraphicsRegisterFlags.ReadOnly, CudaOpenGLImageInteropResource.OpenGLImageTarget.GL_TEXTURE_2D),
            texture, static texture => $"OpenGL's texture {texture} was registered");
    }

    /// <summary>Whether the current OpenGL context draws on the device, so that its textures can be shared.</summary>
    public static bool IsShared(CudaDevice device)
    {
        try
        {
            using CudaDevice.Scope scope = device.Enter();
            foreach (CUdevice drawing in CudaContext.GetOpenGLDevices(CUGLDeviceList.All))
            {
                if (drawing.Pointer == device.Ordinal) return true;
            }
            return false;
        }
        catch (CudaException)
        {
            // No CUDA device draws for this context: a rasteriser on the processor, or another maker's card.
            return false;
        }
    }

    /// <summary>
    /// Copies the texture's first rows, after what OpenGL was given so far, when the queue comes to it; what OpenGL is given
    /// afterwards waits for the copy.
    /// </summary>
    /// <param name="target">Receives them one after the other.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="queue">The queue.</param>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void CopyTo(DeviceBuffer target, int rowBytes, int rows, CudaQueue queue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rowBytes * rows, target.Length);
        try
        {
            using CudaDevice.Scope scope = _device.Enter();
            CUstream stream = new() { Pointer = queue.Handle };
            _resource.Map(stream);
            try
            {
                PlaneCopy.Run(_resource.GetMappedCUArray(0, 0).Pointer, target.Address, rowBytes, rowBytes, rows, stream);
            }
            finally
            {
                _resource.UnMap(stream);
            }
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("a texture of OpenGL's was read", exception);
        }
    }

    /// <summary>Gives the texture up.</summary>
    public void Dispose() => _device.Release(_resource);
}
