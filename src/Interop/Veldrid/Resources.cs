namespace Veldrid;

public class VeldridException : Exception
{
    public VeldridException() { }

    public VeldridException(string message) : base(message) { }

    public VeldridException(string message, Exception innerException) : base(message, innerException) { }
}

public interface DeviceResource
{
    string Name { get; set; }
}

public interface BindableResource
{
}

public interface MappableResource
{
}

public abstract class DeviceBuffer : DeviceResource, BindableResource, MappableResource, IDisposable
{
    private protected DeviceBuffer() { }

    public abstract uint SizeInBytes { get; }

    public abstract BufferUsage Usage { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class Texture : DeviceResource, MappableResource, IDisposable, BindableResource
{
    private protected Texture() { }

    public abstract PixelFormat Format { get; }

    public abstract uint Width { get; }

    public abstract uint Height { get; }

    public abstract TextureUsage Usage { get; }

    public abstract TextureSampleCount SampleCount { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class Framebuffer : DeviceResource, IDisposable
{
    private protected Framebuffer(uint width, uint height, OutputDescription outputs)
    {
        Width = width;
        Height = height;
        OutputDescription = outputs;
    }

    public virtual uint Width { get; }

    public virtual uint Height { get; }

    public virtual OutputDescription OutputDescription { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class Swapchain : DeviceResource, IDisposable
{
    private protected Swapchain() { }

    public abstract Framebuffer Framebuffer { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Resize(uint width, uint height);

    public abstract void Dispose();
}

public abstract class Shader : DeviceResource, IDisposable
{
    private protected Shader(ShaderStages stage, string entryPoint)
    {
        Stage = stage;
        EntryPoint = entryPoint;
    }

    public ShaderStages Stage { get; }

    public string EntryPoint { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class Pipeline : DeviceResource, IDisposable
{
    private protected Pipeline() { }

    public abstract bool IsComputePipeline { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class ResourceLayout : DeviceResource, IDisposable
{
    private protected ResourceLayout() { }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class ResourceSet : DeviceResource, IDisposable
{
    private protected ResourceSet() { }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Dispose();
}

public abstract class Fence : DeviceResource, IDisposable
{
    private protected Fence() { }

    public abstract bool Signaled { get; }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Reset();

    public abstract void Dispose();
}

public struct MappedResource
{
    public readonly MappableResource Resource;
    public readonly MapMode Mode;
    public readonly IntPtr Data;
    public readonly uint SizeInBytes;
    public readonly uint Subresource;
    public readonly uint RowPitch;
    public readonly uint DepthPitch;

    internal MappedResource(MappableResource resource, MapMode mode, IntPtr data, uint sizeInBytes, uint rowPitch)
    {
        Resource = resource;
        Mode = mode;
        Data = data;
        SizeInBytes = sizeInBytes;
        Subresource = 0;
        RowPitch = rowPitch;
        DepthPitch = sizeInBytes;
    }
}
