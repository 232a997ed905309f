using System.Diagnostics.CodeAnalysis;
using Veldrid.OpenGL;

namespace Veldrid;

public abstract class GraphicsDevice : IDisposable
{
    private protected GraphicsDevice() { }

    public abstract string DeviceName { get; }

    public abstract string VendorName { get; }

    public abstract GraphicsBackend BackendType { get; }

    public abstract bool IsUvOriginTopLeft { get; }

    public abstract bool IsDepthRangeZeroToOne { get; }

    public abstract bool IsClipSpaceYInverted { get; }

    public abstract ResourceFactory ResourceFactory { get; }

    public abstract Swapchain MainSwapchain { get; }

    public static GraphicsDevice CreateOpenGL(
        GraphicsDeviceOptions options, OpenGLPlatformInfo platformInfo, uint width, uint height)
    {
        ArgumentNullException.ThrowIfNull(platformInfo);
        if (options.HasMainSwapchain && (width == 0 || height == 0))
            throw new VeldridException("A swapchain needs a size.");
        return new OpenGLGraphicsDevice(options, platformInfo, width, height);
    }

    public void SubmitCommands(CommandList commandList) => SubmitCommandsCore(commandList, null);

    public void SubmitCommands(CommandList commandList, Fence fence) => SubmitCommandsCore(commandList, fence);

    public void WaitForFence(Fence fence)
    {
        if (!WaitForFence(fence, ulong.MaxValue)) throw new VeldridException("The fence was not signaled.");
    }

    public abstract bool WaitForFence(Fence fence, ulong nanosecondTimeout);

    public abstract void ResetFence(Fence fence);

    public void SwapBuffers()
    {
        if (MainSwapchain is null) throw new VeldridException("The device was created without a main swapchain.");
        SwapBuffersCore();
    }

    public void WaitForIdle() => WaitForIdleCore();

    public MappedResource Map(MappableResource resource, MapMode mode) => Map(resource, mode, 0);

    public MappedResource Map(MappableResource resource, MapMode mode, uint subresource)
    {
        if (subresource != 0) throw new VeldridException("This subset maps subresource 0 only.");
        return MapCore(resource, mode);
    }

    public void Unmap(MappableResource resource) => Unmap(resource, 0);

    public void Unmap(MappableResource resource, uint subresource)
    {
        if (subresource != 0) throw new VeldridException("This subset maps subresource 0 only.");
        UnmapCore(resource);
    }

    public void UpdateBuffer(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes)
    {
        if ((ulong)bufferOffsetInBytes + sizeInBytes > buffer.SizeInBytes)
            throw new VeldridException("The data do not fit into the buffer at this offset.");
        if (sizeInBytes != 0) UpdateBufferCore(buffer, bufferOffsetInBytes, source, sizeInBytes);
    }

    public unsafe void UpdateBuffer<T>(DeviceBuffer buffer, uint bufferOffsetInBytes, T[] source) where T : unmanaged
    {
        fixed (T* data = source)
            UpdateBuffer(buffer, bufferOffsetInBytes, (IntPtr)data, checked((uint)(source.Length * sizeof(T))));
    }

    public BackendInfoOpenGL GetOpenGLInfo()
    {
        if (!GetOpenGLInfo(out BackendInfoOpenGL? info)) throw new VeldridException("This is not an OpenGL device.");
        return info!;
    }

    public void UpdateTexture(
        Texture texture, IntPtr source, uint sizeInBytes, uint x, uint y, uint z, uint width, uint height, uint depth, uint mipLevel, uint arrayLayer)
    {
        if (z != 0 || depth != 1 || mipLevel != 0 || arrayLayer != 0 || texture.Format == PixelFormat.R32_Float
            || texture.SampleCount != TextureSampleCount.Count1 || (texture.Usage & TextureUsage.Staging) != 0)
            throw new VeldridException("This subset updates textures of whole numbers on the device, without mip levels or layers.");
        if ((ulong)x + width > texture.Width || (ulong)y + height > texture.Height)
            throw new VeldridException("The updated rectangle lies outside the texture.");
        if (sizeInBytes < (ulong)GlFormat.Of(texture.Format).Bytes * width * height) throw new VeldridException("The data are smaller than the updated rectangle.");
        if (width != 0 && height != 0) UpdateTextureCore(texture, source, x, y, width, height);
    }

    public abstract bool GetOpenGLInfo(out BackendInfoOpenGL info);

    public void Dispose()
    {
        PlatformDispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract void SubmitCommandsCore(CommandList commandList, Fence? fence);

    private protected abstract void SwapBuffersCore();

    private protected abstract void WaitForIdleCore();

    private protected abstract MappedResource MapCore(MappableResource resource, MapMode mode);

    private protected abstract void UnmapCore(MappableResource resource);

    private protected abstract void UpdateBufferCore(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes);

    private protected abstract void UpdateTextureCore(Texture texture, IntPtr source, uint x, uint y, uint width, uint height);

    private protected abstract void PlatformDispose();
}

public class BackendInfoOpenGL
{
    private readonly Action<Action> _execute;

    internal BackendInfoOpenGL(string version, string shadingLanguageVersion, Action<Action> execute)
    {
        Version = version;
        ShadingLanguageVersion = shadingLanguageVersion;
        _execute = execute;
    }

    public string Version { get; }

    public string ShadingLanguageVersion { get; }

    public void ExecuteOnGLThread(Action action) => _execute(action);

    [SuppressMessage("Performance", "CA1822", Justification = "As the package.")]
    public uint GetTextureName(Texture texture) => texture is GlTexture { IsStaging: false } drawn
        ? drawn.Id : throw new VeldridException("Only a texture that is drawn to or sampled has a name.");
}

public abstract class ResourceFactory
{
    private protected ResourceFactory() { }

    public abstract GraphicsBackend BackendType { get; }

    public abstract DeviceBuffer CreateBuffer(BufferDescription description);

    public abstract Texture CreateTexture(TextureDescription description);

    public abstract Framebuffer CreateFramebuffer(FramebufferDescription description);

    public abstract Shader CreateShader(ShaderDescription description);

    public abstract Pipeline CreateGraphicsPipeline(GraphicsPipelineDescription description);

    public abstract ResourceLayout CreateResourceLayout(ResourceLayoutDescription description);

    public abstract ResourceSet CreateResourceSet(ResourceSetDescription description);

    public abstract CommandList CreateCommandList();

    public abstract Fence CreateFence(bool signaled);
}
