using System.Runtime.InteropServices;
using System.Text;

namespace Veldrid.OpenGL;

/// <summary>An OpenGL object that its device's thread creates at once and deletes when it is disposed.</summary>
internal abstract class GlObject(OpenGLGraphicsDevice device) : IGlWork
{
    private int _disposed;

    protected OpenGLGraphicsDevice Device { get; } = device;

    protected Gl Gl => Device.Gl;

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Device.PostDeletion(this);
    }

    void IGlWork.Execute() => Delete();

    /// <summary>Frees what is not the context's, where the context has gone before the object.</summary>
    public virtual void Abandon() { }

    protected abstract void Delete();
}

internal sealed unsafe class GlBuffer : DeviceBuffer
{
    private readonly Handle _handle;

    public GlBuffer(OpenGLGraphicsDevice device, BufferDescription description)
    {
        if (description.SizeInBytes == 0) throw new VeldridException("A buffer must not be empty.");
        SizeInBytes = description.SizeInBytes;
        Usage = description.Usage;
        _handle = new Handle(device);
        device.Thread.Invoke(() => _handle.Create(SizeInBytes));
    }

    public uint Id => _handle.Id;

    public override uint SizeInBytes { get; }

    public override BufferUsage Usage { get; }

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _handle.IsDisposed;

    public override void Dispose() => _handle.Dispose();

    private sealed class Handle(OpenGLGraphicsDevice device) : GlObject(device)
    {
        public uint Id;

        public void Create(uint size)
        {
            fixed (uint* id = &Id) Gl.CreateBuffers(1, id);
            Gl.NamedBufferStorage(Id, (nint)size, null, Gl.DynamicStorageBit);
            Gl.Check("buffer creation");
        }

        protected override void Delete()
        {
            fixed (uint* id = &Id) Gl.DeleteBuffers(1, id);
        }
    }
}

/// <summary>A texture; one with staging usage lives in CPU memory, where a copy reads the pixels back to.</summary>
internal sealed unsafe class GlTexture : Texture
{
    private readonly Handle _handle;

    public GlTexture(OpenGLGraphicsDevice device, TextureDescription description)
    {
        if (description.Width == 0 || description.Height == 0) throw new VeldridException("A texture must not be empty.");
        if (description.Type != TextureType.Texture2D || description.MipLevels != 1 || description.ArrayLayers != 1 || description.Depth != 1)
            throw new VeldridException("This subset creates two-dimensional textures without mip levels or layers.");
        Format = description.Format;
        Width = description.Width;
        Height = description.Height;
        Usage = description.Usage;
        SampleCount = description.SampleCount;
        _handle = new Handle(device);
        if (IsStaging)
        {
            if (Format is not (PixelFormat.R8_G8_B8_A8_UNorm or PixelFormat.R32_Float))
                throw new VeldridException($"This subset reads {Format} back from no texture.");
            _handle.Memory = (byte*)NativeMemory.AlignedAlloc((nuint)Width * Height * 4, 64);
            NativeMemory.Clear(_handle.Memory, (nuint)Width * Height * 4);
        }
        else
        {
            device.Thread.Invoke(() => _handle.Create(this));
        }
    }

    public bool IsStaging => (Usage & TextureUsage.Staging) != 0;

    public uint Id => _handle.Id;

    /// <summary>A framebuffer with this texture as its only attachment, for read-back and resolves.</summary>
    public uint Attachment => _handle.Framebuffer;

    public byte* Memory => _handle.Memory;

    public override PixelFormat Format { get; }

    public override uint Width { get; }

    public override uint Height { get; }

    public override TextureUsage Usage { get; }

    public override TextureSampleCount SampleCount { get; }

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _handle.IsDisposed;

    public override void Dispose() => _handle.Dispose();

    private sealed class Handle(OpenGLGraphicsDevice device) : GlObject(device)
    {
        public uint Id, Framebuffer;
        public byte* Memory;

        public void Create(GlTexture texture)
        {
            bool depth = texture.Format == PixelFormat.R32_Float && (texture.Usage & TextureUsage.DepthStencil) != 0;
            uint format = depth ? Gl.DepthComponent32F : GlFormat.Of(texture.Format).Storage;
            bool multisampled = texture.SampleCount != TextureSampleCount.Count1;
            fixed (uint* id = &Id) Gl.CreateTextures(multisampled ? Gl.Texture2DMultisample : Gl.Texture2D, 1, id);
            if (multisampled)
                Gl.TextureStorage2DMultisample(Id, 1 << (int)texture.SampleCount, format, (int)texture.Width, (int)texture.Height, 1);
            else
                Gl.TextureStorage2D(Id, 1, format, (int)texture.Width, (int)texture.Height);
            Gl.Check("texture creation");
            if ((texture.Usage & TextureUsage.DepthStencil) != 0) return;
            fixed (uint* id = &Framebuffer) Gl.CreateFramebuffers(1, id);
            Gl.NamedFramebufferTexture(Framebuffer, Gl.ColorAttachment0, Id, 0);
            Gl.Check("texture creation");
        }

        protected override void Delete()
        {
            fixed (uint* id = &Framebuffer)
                if (*id != 0) Gl.DeleteFramebuffers(1, id);
            fixed (uint* id = &Id)
                if (*id != 0) Gl.DeleteTextures(1, id);
            Abandon();
        }

        public override void Abandon()
        {
            NativeMemory.AlignedFree(Memory);
            Memory = null;
        }
    }
}

/// <summary>What is drawn into: textures, or the window of the context.</summary>
internal sealed unsafe class GlFramebuffer : Framebuffer
{
    private readonly Handle? _handle;
    private (uint Width, uint Height) _size;

    private GlFramebuffer(OpenGLGraphicsDevice device, GlTexture color, GlTexture? depth)
        : base(color.Width, color.Height, Describe(color, depth))
    {
        _size = (color.Width, color.Height);
        _handle = new Handle(device);
        device.Thread.Invoke(() => _handle.Create(color, depth));
    }

    private GlFramebuffer(uint width, uint height, PixelFormat? depth)
        : base(width, height, new OutputDescription(
            depth is { } format ? new OutputAttachmentDescription(format) : null,
            [new OutputAttachmentDescription(PixelFormat.B8_G8_R8_A8_UNorm)], TextureSampleCount.Count1)) => _size = (width, height);

    /// <summary>OpenGL's name; 0 is the window.</summary>
    public uint Id => _handle?.Id ?? 0;

    public override uint Width => _size.Width;

    public override uint Height => _size.Height;

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _handle is { IsDisposed: true };

    public static GlFramebuffer OfWindow(uint width, uint height, PixelFormat? depth) => new(width, height, depth);

    /// <summary>The window has another size. Commands that were submitted before have been carried out.</summary>
    public void Resize(uint width, uint height) => _size = (width, height);

    public static GlFramebuffer Create(OpenGLGraphicsDevice device, FramebufferDescription description)
    {
        if (description.ColorTargets is not [{ Target: GlTexture color }])
            throw new VeldridException("This subset draws into one colour target.");
        GlTexture? depth = (GlTexture?)description.DepthTarget?.Target;
        if (depth is not null && (depth.Width != color.Width || depth.Height != color.Height))
            throw new VeldridException("Colour and depth targets differ in size.");
        return new GlFramebuffer(device, color, depth);
    }

    public override void Dispose() => _handle?.Dispose();

    private static OutputDescription Describe(GlTexture color, GlTexture? depth) => new(
        depth is null ? null : new OutputAttachmentDescription(depth.Format),
        [new OutputAttachmentDescription(color.Format)], color.SampleCount);

    private sealed class Handle(OpenGLGraphicsDevice device) : GlObject(device)
    {
        public uint Id;

        public void Create(GlTexture color, GlTexture? depth)
        {
            fixed (uint* id = &Id) Gl.CreateFramebuffers(1, id);
            Gl.NamedFramebufferTexture(Id, Gl.ColorAttachment0, color.Id, 0);
            if (depth is not null)
                Gl.NamedFramebufferTexture(Id, Gl.DepthAttachment, depth.Id, 0);
            uint status = Gl.CheckNamedFramebufferStatus(Id, Gl.DrawFramebuffer);
            if (status != Gl.FramebufferComplete) throw new VeldridException($"The framebuffer is incomplete: 0x{status:X}.");
            Gl.Check("framebuffer creation");
        }

        protected override void Delete()
        {
            fixed (uint* id = &Id) Gl.DeleteFramebuffers(1, id);
        }
    }
}

internal sealed unsafe class GlShader : Shader
{
    private readonly Handle _handle;

    public GlShader(OpenGLGraphicsDevice device, ShaderDescription description) : base(description.Stage, description.EntryPoint)
    {
        uint kind = description.Stage switch
        {
            ShaderStages.Vertex => Gl.VertexShader,
            ShaderStages.Fragment => Gl.FragmentShader,
            _ => throw new VeldridException($"Shader stage {description.Stage} is not covered."),
        };
        _handle = new Handle(device);
        device.Thread.Invoke(() => _handle.Create(kind, description.ShaderBytes));
    }

    public uint Id => _handle.Id;

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _handle.IsDisposed;

    public override void Dispose() => _handle.Dispose();

    private sealed class Handle(OpenGLGraphicsDevice device) : GlObject(device)
    {
        public uint Id;

        public void Create(uint kind, byte[] source) => Id = Gl.Compile(kind, source);

        protected override void Delete() => Gl.DeleteShader(Id);
    }
}

internal sealed class GlResourceLayout(ResourceLayoutDescription description) : ResourceLayout
{
    private bool _disposed;

    public ResourceLayoutElementDescription[] Elements { get; } = Validate(description.Elements);

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _disposed;

    public override void Dispose() => _disposed = true;

    private static ResourceLayoutElementDescription[] Validate(ResourceLayoutElementDescription[] elements)
    {
        foreach (ResourceLayoutElementDescription element in elements)
        {
            if (element.Kind is not (ResourceKind.UniformBuffer or ResourceKind.TextureReadOnly))
                throw new VeldridException($"Resource kind {element.Kind} is not covered.");
        }
        return elements;
    }
}

internal sealed class GlResourceSet : ResourceSet
{
    private bool _disposed;

    public GlResourceSet(ResourceSetDescription description)
    {
        ResourceLayoutElementDescription[] elements = ((GlResourceLayout)description.Layout).Elements;
        if (description.BoundResources.Length != elements.Length)
            throw new VeldridException("A resource set must bind every element of its layout.");
        Resources = [.. description.BoundResources];
        for (int i = 0; i < elements.Length; i++)
        {
            bool fits = elements[i].Kind == ResourceKind.UniformBuffer
                ? Resources[i] is GlBuffer buffer && (buffer.Usage & BufferUsage.UniformBuffer) != 0
                : Resources[i] is GlTexture { SampleCount: TextureSampleCount.Count1 } texture && (texture.Usage & TextureUsage.Sampled) != 0;
            if (!fits) throw new VeldridException($"The resource for {elements[i].Name} is no {elements[i].Kind}.");
        }
    }

    /// <summary>Buffers and textures in the order of the layout.</summary>
    public BindableResource[] Resources { get; }

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _disposed;

    public override void Dispose() => _disposed = true;
}

internal sealed class GlFence(bool signaled) : Fence
{
    private readonly ManualResetEvent _event = new(signaled);
    private bool _disposed;

    public WaitHandle WaitHandle => _event;

    public override bool Signaled => _event.WaitOne(0);

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _disposed;

    public void Set() => _event.Set();

    public override void Reset() => _event.Reset();

    public override void Dispose()
    {
        _disposed = true;
        _event.Dispose();
    }
}

/// <summary>A linked program, its vertex array and the fixed-function state it draws with.</summary>
internal sealed unsafe class GlPipeline : Pipeline
{
    private readonly Handle _handle;

    public GlPipeline(OpenGLGraphicsDevice device, GraphicsPipelineDescription description)
    {
        if (description.BlendState.AttachmentStates.Length != 1)
            throw new VeldridException("This subset draws into one colour target.");
        Description = description;
        uint binding = 0, unit = 0;
        FirstBinding = new uint[description.ResourceLayouts.Length];
        FirstUnit = new uint[description.ResourceLayouts.Length];
        for (int i = 0; i < FirstBinding.Length; i++)
        {
            (FirstBinding[i], FirstUnit[i]) = (binding, unit);
            foreach (ResourceLayoutElementDescription element in ((GlResourceLayout)description.ResourceLayouts[i]).Elements)
            {
                if (element.Kind == ResourceKind.UniformBuffer) binding++;
                else unit++;
            }
        }
        _handle = new Handle(device);
        device.Thread.Invoke(() => _handle.Create(this));
    }

    public GraphicsPipelineDescription Description { get; }

    /// <summary>The binding of the first uniform buffer of each resource layout.</summary>
    public uint[] FirstBinding { get; }

    /// <summary>The unit of the first texture of each resource layout.</summary>
    public uint[] FirstUnit { get; }

    public uint Program => _handle.Program;

    public uint VertexArray => _handle.VertexArray;

    public override bool IsComputePipeline => false;

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _handle.IsDisposed;

    public override void Dispose() => _handle.Dispose();

    private sealed class Handle(OpenGLGraphicsDevice device) : GlObject(device)
    {
        public uint Program, VertexArray;

        public void Create(GlPipeline pipeline)
        {
            ShaderSetDescription set = pipeline.Description.ShaderSet;
            Program = Gl.CreateProgram();
            foreach (Shader shader in set.Shaders) Gl.AttachShader(Program, ((GlShader)shader).Id);
            uint location = 0;
            foreach (VertexLayoutDescription layout in set.VertexLayouts)
            {
                foreach (VertexElementDescription element in layout.Elements)
                {
                    fixed (byte* name = Encoding.UTF8.GetBytes(element.Name + '\0')) Gl.BindAttribLocation(Program, location++, name);
                }
            }
            Gl.Link(Program);
            foreach (Shader shader in set.Shaders) Gl.DetachShader(Program, ((GlShader)shader).Id);

            uint binding = 0;
            int unit = 0;
            foreach (ResourceLayout layout in pipeline.Description.ResourceLayouts)
            {
                foreach (ResourceLayoutElementDescription element in ((GlResourceLayout)layout).Elements)
                {
                    byte[] text = Encoding.UTF8.GetBytes(element.Name + '\0');
                    if (element.Kind == ResourceKind.TextureReadOnly)
                    {
                        int sampler;
                        fixed (byte* name = text) sampler = Gl.GetUniformLocation(Program, name);
                        if (sampler >= 0) Gl.ProgramUniform1i(Program, sampler, unit);
                        unit++;
                        continue;
                    }
                    uint index;
                    fixed (byte* name = text) index = Gl.GetUniformBlockIndex(Program, name);
                    if (index != Gl.InvalidIndex) Gl.UniformBlockBinding(Program, index, binding);
                    binding++;
                }
            }
            CreateVertexArray(set.VertexLayouts);
            Gl.Check("pipeline creation");
        }

        private void CreateVertexArray(VertexLayoutDescription[] layouts)
        {
            fixed (uint* id = &VertexArray) Gl.CreateVertexArrays(1, id);
            uint location = 0;
            for (uint slot = 0; slot < layouts.Length; slot++)
            {
                uint offset = 0;
                foreach (VertexElementDescription element in layouts[slot].Elements)
                {
                    (int count, uint type, byte normalized, uint size) = element.Format switch
                    {
                        VertexElementFormat.Float1 => (1, Gl.Float, (byte)0, 4u),
                        VertexElementFormat.Float2 => (2, Gl.Float, (byte)0, 8u),
                        VertexElementFormat.Float3 => (3, Gl.Float, (byte)0, 12u),
                        VertexElementFormat.Float4 => (4, Gl.Float, (byte)0, 16u),
                        VertexElementFormat.Byte4_Norm => (4, Gl.UnsignedByte, (byte)1, 4u),
                        _ => throw new VeldridException($"Vertex format {element.Format} is not covered."),
                    };
                    // An explicit offset wins; zero means packed one after the other, as in the package.
                    uint start = element.Offset != 0 ? element.Offset : offset;
                    Gl.EnableVertexArrayAttrib(VertexArray, location);
                    Gl.VertexArrayAttribFormat(VertexArray, location, count, type, normalized, start);
                    Gl.VertexArrayAttribBinding(VertexArray, location, slot);
                    location++;
                    offset = start + size;
                }
                Gl.VertexArrayBindingDivisor(VertexArray, slot, layouts[(int)slot].InstanceStepRate);
            }
        }

        protected override void Delete()
        {
            Gl.DeleteProgram(Program);
            fixed (uint* id = &VertexArray) Gl.DeleteVertexArrays(1, id);
        }
    }
}
