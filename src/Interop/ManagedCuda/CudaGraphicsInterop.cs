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

public unsafe class CudaOpenGLImageInteropResource : ICudaGraphicsInteropResource
{
    public enum OpenGLImageTarget : uint
    {
        GL_TEXTURE_2D = 0x0DE1,
        GL_RENDERBUFFER = 0x8D41,
    }

    private readonly CUgraphicsResource _resource;
    private bool _disposed;

    public CudaOpenGLImageInteropResource(uint resource, CUGraphicsRegisterFlags flags, OpenGLImageTarget target)
    {
        DriverApi.Check(DriverApi.cuGraphicsGLRegisterImage(out _resource, resource, target, flags));
        IsRegistered = true;
    }

    ~CudaOpenGLImageInteropResource() => Dispose(false);

    public bool IsMapped { get; private set; }

    public bool IsRegistered { get; private set; }

    public CUgraphicsResource CUgraphicsResource => _resource;

    public CUgraphicsResource GetCUgraphicsResource() => _resource;

    public void Map() => Map(default);

    public void Map(CUstream stream)
    {
        CUgraphicsResource resource = _resource;
        DriverApi.Check(DriverApi.cuGraphicsMapResources(1, &resource, stream));
        IsMapped = true;
    }

    public void UnMap() => UnMap(default);

    public void UnMap(CUstream stream)
    {
        CUgraphicsResource resource = _resource;
        DriverApi.Check(DriverApi.cuGraphicsUnmapResources(1, &resource, stream));
        IsMapped = false;
    }

    public void Unregister()
    {
        if (!IsRegistered) return;
        DriverApi.Check(DriverApi.cuGraphicsUnregisterResource(_resource));
        IsRegistered = false;
    }

    public void SetMapFlags(CUGraphicsMapResourceFlags flags) => DriverApi.Check(DriverApi.cuGraphicsResourceSetMapFlags(_resource, flags));

    public void SetIsMapped() => IsMapped = true;

    public void SetIsUnmapped() => IsMapped = false;

    public CUarray GetMappedCUArray(uint arrayIndex, uint mipLevel)
    {
        DriverApi.Check(DriverApi.cuGraphicsSubResourceGetMappedArray(out CUarray array, _resource, arrayIndex, mipLevel));
        return array;
    }

    public void GetMappedPointer(out CUdeviceptr devicePtr, out SizeT size) =>
        DriverApi.Check(DriverApi.cuGraphicsResourceGetMappedPointer(out devicePtr, out size, _resource));

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || !fDisposing) return;
        _disposed = true;
        CUgraphicsResource resource = _resource;
        if (IsMapped) _ = DriverApi.cuGraphicsUnmapResources(1, &resource, default);
        if (IsRegistered) _ = DriverApi.cuGraphicsUnregisterResource(_resource);
        (IsMapped, IsRegistered) = (false, false);
    }
}

public unsafe class CudaOpenGLBufferInteropResource : ICudaGraphicsInteropResource
{
    private readonly CUgraphicsResource _resource;
    private bool _disposed;

    public CudaOpenGLBufferInteropResource(uint resource, CUGraphicsRegisterFlags flags)
    {
        DriverApi.Check(DriverApi.cuGraphicsGLRegisterBuffer(out _resource, resource, flags));
        IsRegistered = true;
    }

    ~CudaOpenGLBufferInteropResource() => Dispose(false);

    public bool IsMapped { get; private set; }

    public bool IsRegistered { get; private set; }

    public CUgraphicsResource CUgraphicsResource => _resource;

    public CUgraphicsResource GetCUgraphicsResource() => _resource;

    public void Map() => Map(default);

    public void Map(CUstream stream)
    {
        CUgraphicsResource resource = _resource;
        DriverApi.Check(DriverApi.cuGraphicsMapResources(1, &resource, stream));
        IsMapped = true;
    }

    public void UnMap() => UnMap(default);

    public void UnMap(CUstream stream)
    {
        CUgraphicsResource resource = _resource;
        DriverApi.Check(DriverApi.cuGraphicsUnmapResources(1, &resource, stream));
        IsMapped = false;
    }

    public void Unregister()
    {
        if (!IsRegistered) return;
        DriverApi.Check(DriverApi.cuGraphicsUnregisterResource(_resource));
        IsRegistered = false;
    }

    public void SetMapFlags(CUGraphicsMapResourceFlags flags) => DriverApi.Check(DriverApi.cuGraphicsResourceSetMapFlags(_resource, flags));

    public void SetIsMapped() => IsMapped = true;

    public void SetIsUnmapped() => IsMapped = false;

    public CUarray GetMappedCUArray(uint arrayIndex, uint mipLevel)
    {
        DriverApi.Check(DriverApi.cuGraphicsSubResourceGetMappedArray(out CUarray array, _resource, arrayIndex, mipLevel));
        return array;
    }

    public void GetMappedPointer(out CUdeviceptr devicePtr, out SizeT size) =>
        DriverApi.Check(DriverApi.cuGraphicsResourceGetMappedPointer(out devicePtr, out size, _resource));

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool fDisposing)
    {
        if (_disposed || !fDisposing) return;
        _disposed = true;
        CUgraphicsResource resource = _resource;
        if (IsMapped) _ = DriverApi.cuGraphicsUnmapResources(1, &resource, default);
        if (IsRegistered) _ = DriverApi.cuGraphicsUnregisterResource(_resource);
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
