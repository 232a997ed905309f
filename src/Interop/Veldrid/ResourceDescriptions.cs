namespace Veldrid;

public struct GraphicsDeviceOptions
{
    public bool Debug;
    public bool HasMainSwapchain;
    public PixelFormat? SwapchainDepthFormat;
    public bool SyncToVerticalBlank;
    public ResourceBindingModel ResourceBindingModel;
    public bool PreferDepthRangeZeroToOne;
    public bool PreferStandardClipSpaceYDirection;

    public GraphicsDeviceOptions(bool debug) : this() => Debug = debug;
}

public struct BufferDescription
{
    public uint SizeInBytes;
    public BufferUsage Usage;
    public uint StructureByteStride;
    public bool RawBuffer;

    public BufferDescription(uint sizeInBytes, BufferUsage usage)
    {
        SizeInBytes = sizeInBytes;
        Usage = usage;
        StructureByteStride = 0;
        RawBuffer = false;
    }
}

public struct TextureDescription
{
    public uint Width;
    public uint Height;
    public uint Depth;
    public uint MipLevels;
    public uint ArrayLayers;
    public PixelFormat Format;
    public TextureUsage Usage;
    public TextureType Type;
    public TextureSampleCount SampleCount;

    public static TextureDescription Texture2D(
        uint width, uint height, uint mipLevels, uint arrayLayers, PixelFormat format, TextureUsage usage) =>
        Texture2D(width, height, mipLevels, arrayLayers, format, usage, TextureSampleCount.Count1);

    public static TextureDescription Texture2D(
        uint width, uint height, uint mipLevels, uint arrayLayers, PixelFormat format, TextureUsage usage,
        TextureSampleCount sampleCount) => new()
        {
            Width = width,
            Height = height,
            Depth = 1,
            MipLevels = mipLevels,
            ArrayLayers = arrayLayers,
            Format = format,
            Usage = usage,
            Type = TextureType.Texture2D,
            SampleCount = sampleCount,
        };
}

public struct FramebufferAttachmentDescription
{
    public Texture Target;
    public uint ArrayLayer;
    public uint MipLevel;

    public FramebufferAttachmentDescription(Texture target, uint arrayLayer)
    {
        Target = target;
        ArrayLayer = arrayLayer;
        MipLevel = 0;
    }
}

public struct FramebufferDescription
{
    public FramebufferAttachmentDescription? DepthTarget;
    public FramebufferAttachmentDescription[] ColorTargets;

    public FramebufferDescription(Texture? depthTarget, params Texture[] colorTargets)
    {
        DepthTarget = depthTarget is null ? null : new FramebufferAttachmentDescription(depthTarget, 0);
        ColorTargets = Array.ConvertAll(colorTargets, target => new FramebufferAttachmentDescription(target, 0));
    }
}

public struct ShaderDescription
{
    public ShaderStages Stage;
    public byte[] ShaderBytes;
    public string EntryPoint;
    public bool Debug;

    public ShaderDescription(ShaderStages stage, byte[] shaderBytes, string entryPoint)
    {
        Stage = stage;
        ShaderBytes = shaderBytes;
        EntryPoint = entryPoint;
        Debug = false;
    }
}

public struct ResourceLayoutElementDescription
{
    public string Name;
    public ResourceKind Kind;
    public ShaderStages Stages;

    public ResourceLayoutElementDescription(string name, ResourceKind kind, ShaderStages stages)
    {
        Name = name;
        Kind = kind;
        Stages = stages;
    }
}

public struct ResourceLayoutDescription
{
    public ResourceLayoutElementDescription[] Elements;

    public ResourceLayoutDescription(params ResourceLayoutElementDescription[] elements) => Elements = elements;
}

public struct ResourceSetDescription
{
    public ResourceLayout Layout;
    public BindableResource[] BoundResources;

    public ResourceSetDescription(ResourceLayout layout, params BindableResource[] boundResources)
    {
        Layout = layout;
        BoundResources = boundResources;
    }
}
