namespace Veldrid.OpenGL;

internal sealed unsafe class OpenGLGraphicsDevice : GraphicsDevice
{
    private readonly BackendInfoOpenGL _info;
    private readonly string _deviceName;
    private readonly string _vendorName;
    private readonly GlSwapchain? _swapchain;
    private readonly Swap _swap;
    private readonly TextureUpdate _textureUpdate;
    private Gl? _gl;
    private GlExecutor? _executor;

    public OpenGLGraphicsDevice(GraphicsDeviceOptions options, OpenGLPlatformInfo platform, uint width, uint height)
    {
        // As in the package, which asks the driver here already. A context belongs to one thread at a time: it moves to the
        // device's own.
        if (platform.GetCurrentContext() != platform.OpenGLContextHandle)
            throw new VeldridException("The OpenGL context must be current on the thread that creates the device.");
        platform.ClearCurrentContext();
        Thread = new GlThread(platform);
        string device = "", vendor = "", version = "", language = "";
        try
        {
            Thread.Invoke(() =>
            {
                _gl = new Gl(platform.GetProcAddress);
                _executor = new GlExecutor(_gl);
                device = _gl.Text(Gl.Renderer);
                vendor = _gl.Text(Gl.Vendor);
                version = _gl.Text(Gl.Version);
                language = _gl.Text(Gl.ShadingLanguageVersion);
            });
        }
        catch
        {
            Thread.Dispose();
            throw;
        }
        _deviceName = device;
        _vendorName = vendor;
        _info = new BackendInfoOpenGL(version, language, Thread.Invoke);
        ResourceFactory = new GlResourceFactory(this);
        if (options.HasMainSwapchain) _swapchain = new GlSwapchain(width, height, options.SwapchainDepthFormat);
        _swap = new Swap(platform);
        _textureUpdate = new TextureUpdate(this);
    }

    public GlThread Thread { get; }

    public Gl Gl => _gl!;

    public GlExecutor Executor => _executor!;

    public override string DeviceName => _deviceName;

    public override string VendorName => _vendorName;

    public override GraphicsBackend BackendType => GraphicsBackend.OpenGL;

    public override bool IsUvOriginTopLeft => false;

    public override bool IsDepthRangeZeroToOne => false;

    public override bool IsClipSpaceYInverted => false;

    public override ResourceFactory ResourceFactory { get; }

    public override Swapchain MainSwapchain => _swapchain!;

    public override bool WaitForFence(Fence fence, ulong nanosecondTimeout)
    {
        WaitHandle handle = ((GlFence)fence).WaitHandle;
        if (nanosecondTimeout == ulong.MaxValue) return handle.WaitOne();
        return handle.WaitOne((int)Math.Min(nanosecondTimeout / 1_000_000, int.MaxValue));
    }

    public override void ResetFence(Fence fence) => fence.Reset();

    public override bool GetOpenGLInfo(out BackendInfoOpenGL info)
    {
        info = _info;
        return true;
    }

    /// <summary>Queues the deletion of an object; after the device is gone its context has taken the object with it.</summary>
    public void PostDeletion(GlObject resource)
    {
        try
        {
            Thread.Post(resource);
        }
        catch (ObjectDisposedException)
        {
            // Disposing a resource after its device is allowed.
            resource.Abandon();
        }
    }

    private protected override void SubmitCommandsCore(CommandList commandList, Fence? fence)
    {
        GlRecording recording = ((GlCommandList)commandList).TakeRecorded();
        recording.Fence = (GlFence?)fence;
        Thread.Post(recording);
    }

    /// <summary>Returns when the buffers are exchanged, so that whoever shows pictures is never ahead of them.</summary>
    private protected override void SwapBuffersCore() => Thread.Do(_swap);

    private protected override void WaitForIdleCore() => Thread.Invoke(() => Gl.Finish());

    private protected override MappedResource MapCore(MappableResource resource, MapMode mode)
    {
        if (resource is not GlTexture { IsStaging: true } texture)
            throw new VeldridException("This subset maps staging textures.");
        // Everything submitted so far has been carried out when an empty piece of work at the end of the queue has.
        Thread.Await(Thread.Post(Nothing.Instance));
        return new MappedResource(resource, mode, (nint)texture.Memory, texture.Width * texture.Height * 4, texture.Width * 4);
    }

    private protected override void UnmapCore(MappableResource resource)
    {
        if (resource is not GlTexture { IsStaging: true }) throw new VeldridException("This subset maps staging textures.");
    }

    private protected override void UpdateBufferCore(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes) =>
        Thread.Invoke(() =>
        {
            Gl.NamedBufferSubData(((GlBuffer)buffer).Id, (nint)bufferOffsetInBytes, (nint)sizeInBytes, (void*)source);
            Gl.Check("a buffer update");
        });

    private protected override void UpdateTextureCore(Texture texture, IntPtr source, uint x, uint y, uint width, uint height)
    {
        // One object for all, because pictures come many times a second.
        lock (_textureUpdate)
        {
            _textureUpdate.Set((GlTexture)texture, source, x, y, width, height);
            Thread.Do(_textureUpdate);
        }
    }

    private protected override void PlatformDispose() => Thread.Dispose();

    private sealed class Swap(OpenGLPlatformInfo platform) : IGlWork
    {
        public void Execute() => platform.SwapBuffers();
    }

    private sealed class TextureUpdate(OpenGLGraphicsDevice device) : IGlWork
    {
        private GlTexture? _texture;
        private nint _source;
        private int _x, _y, _width, _height;

        public void Set(GlTexture texture, nint source, uint x, uint y, uint width, uint height) =>
            (_texture, _source, _x, _y, _width, _height) = (texture, source, (int)x, (int)y, (int)width, (int)height);

        public void Execute()
        {
            Gl gl = device.Gl;
            GlFormat format = GlFormat.Of(_texture!.Format);
            // Rows lie one after the other without a gap, whatever their length.
            gl.PixelStorei(Gl.UnpackAlignment, (int)format.Bytes);
            gl.TextureSubImage2D(_texture.Id, 0, _x, _y, _width, _height, format.Layout, format.Type, (void*)_source);
            gl.Check("a texture update");
        }
    }

    private sealed class Nothing : IGlWork
    {
        public static readonly Nothing Instance = new();

        public void Execute() { }
    }
}

internal sealed class GlResourceFactory(OpenGLGraphicsDevice device) : ResourceFactory
{
    public override GraphicsBackend BackendType => GraphicsBackend.OpenGL;

    public override DeviceBuffer CreateBuffer(BufferDescription description) => new GlBuffer(device, description);

    public override Texture CreateTexture(TextureDescription description) => new GlTexture(device, description);

    public override Framebuffer CreateFramebuffer(FramebufferDescription description) => GlFramebuffer.Create(device, description);

    public override Shader CreateShader(ShaderDescription description) => new GlShader(device, description);

    public override Pipeline CreateGraphicsPipeline(GraphicsPipelineDescription description) => new GlPipeline(device, description);

    public override ResourceLayout CreateResourceLayout(ResourceLayoutDescription description) => new GlResourceLayout(description);

    public override ResourceSet CreateResourceSet(ResourceSetDescription description) => new GlResourceSet(description);

    public override CommandList CreateCommandList() => new GlCommandList(device);

    public override Fence CreateFence(bool signaled) => new GlFence(signaled);
}
