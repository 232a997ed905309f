namespace Veldrid;

public abstract class CommandList : DeviceResource, IDisposable
{
    private protected CommandList() { }

    public abstract string Name { get; set; }

    public abstract bool IsDisposed { get; }

    public abstract void Begin();

    public abstract void End();

    public void SetPipeline(Pipeline pipeline) => SetPipelineCore(pipeline);

    public void SetVertexBuffer(uint index, DeviceBuffer buffer) => SetVertexBuffer(index, buffer, 0);

    public void SetVertexBuffer(uint index, DeviceBuffer buffer, uint offset)
    {
        if ((buffer.Usage & BufferUsage.VertexBuffer) == 0)
            throw new VeldridException("The buffer was not created with BufferUsage.VertexBuffer.");
        SetVertexBufferCore(index, buffer, offset);
    }

    public void SetIndexBuffer(DeviceBuffer buffer, IndexFormat format)
    {
        if ((buffer.Usage & BufferUsage.IndexBuffer) == 0)
            throw new VeldridException("The buffer was not created with BufferUsage.IndexBuffer.");
        SetIndexBufferCore(buffer, format);
    }

    public void SetGraphicsResourceSet(uint slot, ResourceSet rs) => SetGraphicsResourceSetCore(slot, rs);

    public void SetFramebuffer(Framebuffer fb) => SetFramebufferCore(fb);

    public void ClearColorTarget(uint index, RgbaFloat clearColor) => ClearColorTargetCore(index, clearColor);

    public void ClearDepthStencil(float depth) => ClearDepthStencilCore(depth);

    public void SetViewport(uint index, Viewport viewport) => SetViewportCore(index, viewport);

    public abstract void SetScissorRect(uint index, uint x, uint y, uint width, uint height);

    public void Draw(uint vertexCount, uint instanceCount, uint vertexStart, uint instanceStart) =>
        DrawCore(vertexCount, instanceCount, vertexStart, instanceStart);

    public void DrawIndexed(uint indexCount, uint instanceCount, uint indexStart, int vertexOffset, uint instanceStart) =>
        DrawIndexedCore(indexCount, instanceCount, indexStart, vertexOffset, instanceStart);

    public void UpdateBuffer(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes)
    {
        if ((ulong)bufferOffsetInBytes + sizeInBytes > buffer.SizeInBytes)
            throw new VeldridException("The data do not fit into the buffer at this offset.");
        if (sizeInBytes != 0) UpdateBufferCore(buffer, bufferOffsetInBytes, source, sizeInBytes);
    }

    public void CopyTexture(
        Texture source, uint srcX, uint srcY, uint srcZ, uint srcMipLevel, uint srcBaseArrayLayer,
        Texture destination, uint dstX, uint dstY, uint dstZ, uint dstMipLevel, uint dstBaseArrayLayer,
        uint width, uint height, uint depth, uint layerCount)
    {
        if (srcZ != 0 || dstZ != 0 || srcMipLevel != 0 || dstMipLevel != 0 || srcBaseArrayLayer != 0 || dstBaseArrayLayer != 0
            || depth != 1 || layerCount != 1)
            throw new VeldridException("This subset copies between two-dimensional textures without mip levels or layers.");
        if (srcX + width > source.Width || srcY + height > source.Height
            || dstX + width > destination.Width || dstY + height > destination.Height)
            throw new VeldridException("The copied rectangle lies outside a texture.");
        CopyTextureCore(source, srcX, srcY, destination, dstX, dstY, width, height);
    }

    public void ResolveTexture(Texture source, Texture destination)
    {
        if (source.SampleCount == TextureSampleCount.Count1)
            throw new VeldridException("The source of a resolve must be multisampled.");
        if (destination.SampleCount != TextureSampleCount.Count1)
            throw new VeldridException("The destination of a resolve must not be multisampled.");
        ResolveTextureCore(source, destination);
    }

    public abstract void Dispose();

    private protected abstract void SetPipelineCore(Pipeline pipeline);

    private protected abstract void SetVertexBufferCore(uint index, DeviceBuffer buffer, uint offset);

    private protected abstract void SetIndexBufferCore(DeviceBuffer buffer, IndexFormat format);

    private protected abstract void SetGraphicsResourceSetCore(uint slot, ResourceSet rs);

    private protected abstract void SetFramebufferCore(Framebuffer fb);

    private protected abstract void ClearColorTargetCore(uint index, RgbaFloat clearColor);

    private protected abstract void ClearDepthStencilCore(float depth);

    private protected abstract void SetViewportCore(uint index, Viewport viewport);

    private protected abstract void DrawCore(uint vertexCount, uint instanceCount, uint vertexStart, uint instanceStart);

    private protected abstract void DrawIndexedCore(
        uint indexCount, uint instanceCount, uint indexStart, int vertexOffset, uint instanceStart);

    private protected abstract void UpdateBufferCore(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes);

    private protected abstract void CopyTextureCore(
        Texture source, uint srcX, uint srcY, Texture destination, uint dstX, uint dstY, uint width, uint height);

    private protected abstract void ResolveTextureCore(Texture source, Texture destination);
}
