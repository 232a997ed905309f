namespace Veldrid.OpenGL;

internal sealed unsafe class OpenGLGraphicsDevice : GraphicsDevice
{
    private readonly BackendInfoOpenGL _info;
    private readonly string _deviceName;
    private readonly string _vendorName;
    private Gl? _gl;
    private GlExecutor? _executor;

    public OpenGLGraphicsDevice(GraphicsDeviceOptions options, OpenGLPlatformInfo platform)
    {
        if (options.HasMainSwapchain) throw new VeldridException("This subset draws off screen: no main swapchain.");
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

    private protected override void UpdateTextureCore(Texture texture, IntPtr source, uint x, uint y, uint width, uint height) =>
        Thread.Invoke(() =>
        {
            Gl.TextureSubImage2D(((GlTexture)texture).Id, 0, (int)x, (int)y, (int)width, (int)height, Gl.Rgba, Gl.UnsignedByte, (void*)source);
            Gl.Check("a texture update");
        });

    private protected override void PlatformDispose() => Thread.Dispose();

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
