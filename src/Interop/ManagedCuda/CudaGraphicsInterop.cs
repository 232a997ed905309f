using System.Collections;
using ManagedCuda.BasicTypes;

namespace ManagedCuda;

public interface ICudaGraphicsInteropResource : IDisposable
{
    void Map();

    void Map(CUstream stream);

    void UnMap();

    void UnMap(CUstream stream);

    void Unregister();

    void SetMapFlags(CUGraphicsMapResourceFlags flags);

    void SetIsMapped();

    void SetIsUnmapped();

    CUgraphicsResource GetCUgraphicsResource();

    CUarray GetMappedCUArray(uint arrayIndex, uint mipLevel);

    void GetMappedPointer(out CUdeviceptr devicePtr, out SizeT size);
}

public class CudaOpenGLImageInteropResource : ICudaGraphicsInteropResource
{
    public enum OpenGLImageTarget : uint
    {
        GL_TEXTURE_2D = 0x0DE1,
        GL_RENDERBUFFER = 0x8D41,
    }

    private readonly GraphicsRegistration _registration;

    public CudaOpenGLImageInteropResource(uint resource, CUGraphicsRegisterFlags flags, OpenGLImageTarget target)
    {
        DriverApi.Check(DriverApi.cuGraphicsGLRegisterImage(out CUgraphicsResource registered, resource, target, flags));
        _registration = new GraphicsRegistration(registered);
    }

    ~CudaOpenGLImageInteropResource() => Dispose(false);

    public bool IsMapped => _registration.IsMapped;

    public bool IsRegistered => _registration.IsRegistered;

    public CUgraphicsResource CUgraphicsResource => _registration.Resource;

    public CUgraphicsResource GetCUgraphicsResource() => _registration.Resource;

    public void Map() => Map(default);

    public void Map(CUstream stream) => _registration.Map(stream);

    public void UnMap() => UnMap(default);

    public void UnMap(CUstream stream) => _registration.UnMap(stream);

    public void Unregister() => _registration.Unregister();

    public void SetMapFlags(CUGraphicsMapResourceFlags flags) => _registration.SetMapFlags(flags);

    public void SetIsMapped() => _registration.IsMapped = true;

    public void SetIsUnmapped() => _registration.IsMapped = false;

    public CUarray GetMappedCUArray(uint arrayIndex, uint mipLevel) => _registration.ArrayOf(arrayIndex, mipLevel);

    public void GetMappedPointer(out CUdeviceptr devicePtr, out SizeT size) => _registration.PointerOf(out devicePtr, out size);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (fDisposing) _registration.Free();
    }
}

public class CudaOpenGLBufferInteropResource : ICudaGraphicsInteropResource
{
    private readonly GraphicsRegistration _registration;

    public CudaOpenGLBufferInteropResource(uint resource, CUGraphicsRegisterFlags flags)
    {
        DriverApi.Check(DriverApi.cuGraphicsGLRegisterBuffer(out CUgraphicsResource registered, resource, flags));
        _registration = new GraphicsRegistration(registered);
    }

    ~CudaOpenGLBufferInteropResource() => Dispose(false);

    public bool IsMapped => _registration.IsMapped;

    public bool IsRegistered => _registration.IsRegistered;

    public CUgraphicsResource CUgraphicsResource => _registration.Resource;

    public CUgraphicsResource GetCUgraphicsResource() => _registration.Resource;

    public void Map() => Map(default);

    public void Map(CUstream stream) => _registration.Map(stream);

    public void UnMap() => UnMap(default);

    public void UnMap(CUstream stream) => _registration.UnMap(stream);

    public void Unregister() => _registration.Unregister();

    public void SetMapFlags(CUGraphicsMapResourceFlags flags) => _registration.SetMapFlags(flags);

    public void SetIsMapped() => _registration.IsMapped = true;

    public void SetIsUnmapped() => _registration.IsMapped = false;

    public CUarray GetMappedCUArray(uint arrayIndex, uint mipLevel) => _registration.ArrayOf(arrayIndex, mipLevel);

    public void GetMappedPointer(out CUdeviceptr devicePtr, out SizeT size) => _registration.PointerOf(out devicePtr, out size);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (fDisposing) _registration.Free();
    }
}

/// <summary>A resource of OpenGL's that the driver knows: what both kinds of it do alike.</summary>
internal sealed unsafe class GraphicsRegistration(CUgraphicsResource resource)
{
    public CUgraphicsResource Resource => resource;

    public bool IsMapped { get; set; }

    public bool IsRegistered { get; private set; } = true;

    public void Map(CUstream stream)
    {
        CUgraphicsResource one = resource;
        DriverApi.Check(DriverApi.cuGraphicsMapResources(1, &one, stream));
        IsMapped = true;
    }

    public void UnMap(CUstream stream)
    {
        CUgraphicsResource one = resource;
        DriverApi.Check(DriverApi.cuGraphicsUnmapResources(1, &one, stream));
        IsMapped = false;
    }

    public void Unregister()
    {
        if (!IsRegistered) return;
        DriverApi.Check(DriverApi.cuGraphicsUnregisterResource(resource));
        IsRegistered = false;
    }

    public void SetMapFlags(CUGraphicsMapResourceFlags flags) => DriverApi.Check(DriverApi.cuGraphicsResourceSetMapFlags(resource, flags));

    public CUarray ArrayOf(uint arrayIndex, uint mipLevel)
    {
        DriverApi.Check(DriverApi.cuGraphicsSubResourceGetMappedArray(out CUarray array, resource, arrayIndex, mipLevel));
        return array;
    }

    public void PointerOf(out CUdeviceptr devicePtr, out SizeT size) =>
        DriverApi.Check(DriverApi.cuGraphicsResourceGetMappedPointer(out devicePtr, out size, resource));

    /// <summary>Gives it back, whatever the driver says; again does nothing.</summary>
    public void Free()
    {
        CUgraphicsResource one = resource;
        if (IsMapped) _ = DriverApi.cuGraphicsUnmapResources(1, &one, default);
        if (IsRegistered) _ = DriverApi.cuGraphicsUnregisterResource(resource);
        (IsMapped, IsRegistered) = (false, false);
    }
}

public unsafe class CudaGraphicsInteropResourceCollection : ICollection<ICudaGraphicsInteropResource>, IDisposable
{
    private readonly List<ICudaGraphicsInteropResource> _resources = [];

    public int Count => _resources.Count;

    bool ICollection<ICudaGraphicsInteropResource>.IsReadOnly => false;

    public ICudaGraphicsInteropResource this[int index] => _resources[index];

    public void Add(ICudaGraphicsInteropResource item) => _resources.Add(item);

    public void Clear() => _resources.Clear();

    public bool Contains(ICudaGraphicsInteropResource item) => _resources.Contains(item);

    public bool Remove(ICudaGraphicsInteropResource item) => _resources.Remove(item);

    public void MapAllResources() => MapAllResources(default);

    public void MapAllResources(CUstream stream)
    {
        CUgraphicsResource[] all = Handles();
        fixed (CUgraphicsResource* first = all) DriverApi.Check(DriverApi.cuGraphicsMapResources((uint)all.Length, first, stream));
        foreach (ICudaGraphicsInteropResource resource in _resources) resource.SetIsMapped();
    }

    public void UnmapAllResources() => UnmapAllResources(default);

    public void UnmapAllResources(CUstream stream)
    {
        CUgraphicsResource[] all = Handles();
        fixed (CUgraphicsResource* first = all) DriverApi.Check(DriverApi.cuGraphicsUnmapResources((uint)all.Length, first, stream));
        foreach (ICudaGraphicsInteropResource resource in _resources) resource.SetIsUnmapped();
    }

    public void Dispose()
    {
        foreach (ICudaGraphicsInteropResource resource in _resources) resource.Dispose();
        _resources.Clear();
        GC.SuppressFinalize(this);
    }

    void ICollection<ICudaGraphicsInteropResource>.CopyTo(ICudaGraphicsInteropResource[] array, int arrayIndex) => _resources.CopyTo(array, arrayIndex);

    IEnumerator<ICudaGraphicsInteropResource> IEnumerable<ICudaGraphicsInteropResource>.GetEnumerator() => _resources.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _resources.GetEnumerator();

    private CUgraphicsResource[] Handles() => [.. _resources.Select(resource => resource.GetCUgraphicsResource())];
}
