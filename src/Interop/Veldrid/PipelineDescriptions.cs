namespace Veldrid;

public struct VertexElementDescription
{
    public string Name;
    public VertexElementSemantic Semantic;
    public VertexElementFormat Format;
    public uint Offset;

    public VertexElementDescription(string name, VertexElementSemantic semantic, VertexElementFormat format)
    {
        Name = name;
        Semantic = semantic;
        Format = format;
        Offset = 0;
    }
}

public struct VertexLayoutDescription
{
    public uint Stride;
    public VertexElementDescription[] Elements;
    public uint InstanceStepRate;

    public VertexLayoutDescription(uint stride, params VertexElementDescription[] elements) : this(stride, 0, elements)
    {
    }

    public VertexLayoutDescription(uint stride, uint instanceStepRate, params VertexElementDescription[] elements)
    {
        Stride = stride;
        Elements = elements;
        InstanceStepRate = instanceStepRate;
    }
}

public struct ShaderSetDescription
{
    public VertexLayoutDescription[] VertexLayouts;
    public Shader[] Shaders;

    public ShaderSetDescription(VertexLayoutDescription[] vertexLayouts, Shader[] shaders)
    {
        VertexLayouts = vertexLayouts;
        Shaders = shaders;
    }
}

public struct BlendAttachmentDescription
{
    public bool BlendEnabled;
    public ColorWriteMask? ColorWriteMask;
    public BlendFactor SourceColorFactor;
    public BlendFactor DestinationColorFactor;
    public BlendFunction ColorFunction;
    public BlendFactor SourceAlphaFactor;
    public BlendFactor DestinationAlphaFactor;
    public BlendFunction AlphaFunction;

    public BlendAttachmentDescription(
        bool blendEnabled, ColorWriteMask colorWriteMask,
        BlendFactor sourceColorFactor, BlendFactor destinationColorFactor, BlendFunction colorFunction,
        BlendFactor sourceAlphaFactor, BlendFactor destinationAlphaFactor, BlendFunction alphaFunction)
    {
        BlendEnabled = blendEnabled;
        ColorWriteMask = colorWriteMask;
        SourceColorFactor = sourceColorFactor;
        DestinationColorFactor = destinationColorFactor;
        ColorFunction = colorFunction;
        SourceAlphaFactor = sourceAlphaFactor;
        DestinationAlphaFactor = destinationAlphaFactor;
        AlphaFunction = alphaFunction;
    }
}

public struct BlendStateDescription
{
    public RgbaFloat BlendFactor;
    public BlendAttachmentDescription[] AttachmentStates;
    public bool AlphaToCoverageEnabled;

    public BlendStateDescription(RgbaFloat blendFactor, params BlendAttachmentDescription[] attachmentStates)
    {
        BlendFactor = blendFactor;
        AttachmentStates = attachmentStates;
        AlphaToCoverageEnabled = false;
    }
}

public struct DepthStencilStateDescription
{
    public bool DepthTestEnabled;
    public bool DepthWriteEnabled;
    public ComparisonKind DepthComparison;

    public DepthStencilStateDescription(bool depthTestEnabled, bool depthWriteEnabled, ComparisonKind comparisonKind)
    {
        DepthTestEnabled = depthTestEnabled;
        DepthWriteEnabled = depthWriteEnabled;
        DepthComparison = comparisonKind;
    }
}

public struct RasterizerStateDescription
{
    public FaceCullMode CullMode;
    public PolygonFillMode FillMode;
    public FrontFace FrontFace;
    public bool DepthClipEnabled;
    public bool ScissorTestEnabled;

    public RasterizerStateDescription(
        FaceCullMode cullMode, PolygonFillMode fillMode, FrontFace frontFace, bool depthClipEnabled, bool scissorTestEnabled)
    {
        CullMode = cullMode;
        FillMode = fillMode;
        FrontFace = frontFace;
        DepthClipEnabled = depthClipEnabled;
        ScissorTestEnabled = scissorTestEnabled;
    }
}

public struct OutputAttachmentDescription
{
    public PixelFormat Format;

    public OutputAttachmentDescription(PixelFormat format) => Format = format;
}

public struct OutputDescription
{
    public OutputAttachmentDescription? DepthAttachment;
    public OutputAttachmentDescription[] ColorAttachments;
    public TextureSampleCount SampleCount;

    public OutputDescription(
        OutputAttachmentDescription? depthAttachment, OutputAttachmentDescription[] colorAttachments, TextureSampleCount sampleCount)
    {
        DepthAttachment = depthAttachment;
        ColorAttachments = colorAttachments;
        SampleCount = sampleCount;
    }
}

public struct GraphicsPipelineDescription
{
    public BlendStateDescription BlendState;
    public DepthStencilStateDescription DepthStencilState;
    public RasterizerStateDescription RasterizerState;
    public PrimitiveTopology PrimitiveTopology;
    public ShaderSetDescription ShaderSet;
    public ResourceLayout[] ResourceLayouts;
    public ResourceBindingModel? ResourceBindingModel;
    public OutputDescription Outputs;

    public GraphicsPipelineDescription(
        BlendStateDescription blendState,
        DepthStencilStateDescription depthStencilStateDescription,
        RasterizerStateDescription rasterizerState,
        PrimitiveTopology primitiveTopology,
        ShaderSetDescription shaderSet,
        ResourceLayout[] resourceLayouts,
        OutputDescription outputs)
    {
        BlendState = blendState;
        DepthStencilState = depthStencilStateDescription;
        RasterizerState = rasterizerState;
        PrimitiveTopology = primitiveTopology;
        ShaderSet = shaderSet;
        ResourceLayouts = resourceLayouts;
        ResourceBindingModel = null;
        Outputs = outputs;
    }
}

public struct Viewport
{
    public float X;
    public float Y;
    public float Width;
    public float Height;
    public float MinDepth;
    public float MaxDepth;

    public Viewport(float x, float y, float width, float height, float minDepth, float maxDepth)
    {
        X = x;
        Y = y;
        Width = width;
        Height = height;
        MinDepth = minDepth;
        MaxDepth = maxDepth;
    }
}

public struct RgbaFloat
{
    public RgbaFloat(float r, float g, float b, float a)
    {
        R = r;
        G = g;
        B = b;
        A = a;
    }

    public float R { get; }

    public float G { get; }

    public float B { get; }

    public float A { get; }
}
