namespace Veldrid.OpenGL;

internal enum GlCommandKind
{
    SetPipeline, SetVertexBuffer, SetIndexBuffer, SetResourceSet, SetFramebuffer, ClearColor, ClearDepth, SetViewport,
    SetScissor, Draw, DrawIndexed, UpdateBuffer, CopyTexture, Resolve,
}

/// <summary>One recorded command: what it acts on and up to six numbers, meaning by kind.</summary>
internal struct GlCommand
{
    public GlCommandKind Kind;
    public object? First, Second;
    public uint A, B, C, D, E, F;

    public static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    public static float Value(uint bits) => BitConverter.UInt32BitsToSingle(bits);
}

/// <summary>
/// What Begin … End recorded, together with a copy of the data of buffer updates. Goes to the device's thread and comes back
/// to its list, so that recording every frame allocates nothing once the lists have grown.
/// </summary>
internal sealed class GlRecording(OpenGLGraphicsDevice device, GlCommandList owner) : IGlWork
{
    public List<GlCommand> Commands { get; } = new(64);

    public byte[] Data { get; private set; } = new byte[4096];

    public int DataLength { get; private set; }

    public GlFence? Fence { get; set; }

    public unsafe uint Append(nint source, int size)
    {
        int start = DataLength;
        if (start + size > Data.Length)
        {
            byte[] larger = new byte[Math.Max(Data.Length * 2, start + size)];
            Data.AsSpan(0, start).CopyTo(larger);
            Data = larger;
        }
        new ReadOnlySpan<byte>((void*)source, size).CopyTo(Data.AsSpan(start));
        DataLength = start + size;
        return (uint)start;
    }

    public void Clear()
    {
        Commands.Clear();
        DataLength = 0;
        Fence = null;
    }

    public void Execute()
    {
        try
        {
            device.Executor.Execute(this);
        }
        finally
        {
            Fence?.Set();
            owner.Return(this);
        }
    }
}

internal sealed class GlCommandList(OpenGLGraphicsDevice device) : CommandList
{
    private readonly Stack<GlRecording> _free = new();
    private GlRecording? _recording;
    private GlRecording? _recorded;
    private bool _disposed;

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _disposed;

    private List<GlCommand> Commands =>
        (_recording ?? throw new VeldridException("Begin must be called before commands are recorded.")).Commands;

    public override void Begin()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_recording is not null) throw new VeldridException("Begin was called twice without End.");
        GlRecording? recording = _recorded;
        _recorded = null;
        if (recording is null)
        {
            lock (_free) _free.TryPop(out recording);
        }
        recording ??= new GlRecording(device, this);
        recording.Clear();
        _recording = recording;
    }

    public override void End()
    {
        _recorded = _recording ?? throw new VeldridException("End was called without Begin.");
        _recording = null;
    }

    public GlRecording TakeRecorded()
    {
        GlRecording recording = _recorded ?? throw new VeldridException("The command list has nothing recorded to submit.");
        _recorded = null;
        return recording;
    }

    public void Return(GlRecording recording)
    {
        recording.Clear();
        lock (_free) _free.Push(recording);
    }

    public override void SetScissorRect(uint index, uint x, uint y, uint width, uint height)
    {
        RequireFirst(index);
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetScissor, A = x, B = y, C = width, D = height });
    }

    public override void Dispose() => _disposed = true;

    private protected override void SetPipelineCore(Pipeline pipeline) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetPipeline, First = (GlPipeline)pipeline });

    private protected override void SetVertexBufferCore(uint index, DeviceBuffer buffer, uint offset) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetVertexBuffer, First = (GlBuffer)buffer, A = index, B = offset });

    private protected override void SetIndexBufferCore(DeviceBuffer buffer, IndexFormat format) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetIndexBuffer, First = (GlBuffer)buffer, A = (uint)format });

    private protected override void SetGraphicsResourceSetCore(uint slot, ResourceSet rs) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetResourceSet, First = (GlResourceSet)rs, A = slot });

    private protected override void SetFramebufferCore(Framebuffer fb) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.SetFramebuffer, First = (GlFramebuffer)fb });

    private protected override void ClearColorTargetCore(uint index, RgbaFloat clearColor)
    {
        RequireFirst(index);
        Commands.Add(new GlCommand
        {
            Kind = GlCommandKind.ClearColor,
            A = GlCommand.Bits(clearColor.R),
            B = GlCommand.Bits(clearColor.G),
            C = GlCommand.Bits(clearColor.B),
            D = GlCommand.Bits(clearColor.A),
        });
    }

    private protected override void ClearDepthStencilCore(float depth) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.ClearDepth, A = GlCommand.Bits(depth) });

    private protected override void SetViewportCore(uint index, Viewport viewport)
    {
        RequireFirst(index);
        Commands.Add(new GlCommand
        {
            Kind = GlCommandKind.SetViewport,
            A = GlCommand.Bits(viewport.X),
            B = GlCommand.Bits(viewport.Y),
            C = GlCommand.Bits(viewport.Width),
            D = GlCommand.Bits(viewport.Height),
            E = GlCommand.Bits(viewport.MinDepth),
            F = GlCommand.Bits(viewport.MaxDepth),
        });
    }

    private protected override void DrawCore(uint vertexCount, uint instanceCount, uint vertexStart, uint instanceStart) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.Draw, A = vertexCount, B = instanceCount, C = vertexStart, D = instanceStart });

    private protected override void DrawIndexedCore(
        uint indexCount, uint instanceCount, uint indexStart, int vertexOffset, uint instanceStart) => Commands.Add(new GlCommand
        {
            Kind = GlCommandKind.DrawIndexed,
            A = indexCount,
            B = instanceCount,
            C = indexStart,
            D = (uint)vertexOffset,
            E = instanceStart,
        });

    private protected override void UpdateBufferCore(DeviceBuffer buffer, uint bufferOffsetInBytes, IntPtr source, uint sizeInBytes)
    {
        List<GlCommand> commands = Commands;
        uint start = _recording!.Append(source, checked((int)sizeInBytes));
        commands.Add(new GlCommand
        {
            Kind = GlCommandKind.UpdateBuffer,
            First = (GlBuffer)buffer,
            A = bufferOffsetInBytes,
            B = start,
            C = sizeInBytes,
        });
    }

    private protected override void CopyTextureCore(
        Texture source, uint srcX, uint srcY, Texture destination, uint dstX, uint dstY, uint width, uint height)
    {
        GlTexture from = (GlTexture)source, to = (GlTexture)destination;
        if (!to.IsStaging || from.IsStaging || from.Format != to.Format || from.SampleCount != TextureSampleCount.Count1)
            throw new VeldridException("This subset copies from a plain texture into a staging texture of the same format.");
        Commands.Add(new GlCommand
        {
            Kind = GlCommandKind.CopyTexture,
            First = from,
            Second = to,
            A = srcX,
            B = srcY,
            C = dstX,
            D = dstY,
            E = width,
            F = height,
        });
    }

    private protected override void ResolveTextureCore(Texture source, Texture destination) =>
        Commands.Add(new GlCommand { Kind = GlCommandKind.Resolve, First = (GlTexture)source, Second = (GlTexture)destination });

    private static void RequireFirst(uint index)
    {
        if (index != 0) throw new VeldridException("This subset covers one colour target, viewport and scissor rectangle.");
    }
}
