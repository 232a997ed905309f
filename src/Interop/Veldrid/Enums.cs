namespace Veldrid;

public enum GraphicsBackend : byte { Direct3D11, Vulkan, OpenGL, Metal, OpenGLES }

public enum ResourceBindingModel { Default, Improved }

[Flags]
public enum BufferUsage : byte
{
    VertexBuffer = 1 << 0,
    IndexBuffer = 1 << 1,
    UniformBuffer = 1 << 2,
    StructuredBufferReadOnly = 1 << 3,
    StructuredBufferReadWrite = 1 << 4,
    IndirectBuffer = 1 << 5,
    Dynamic = 1 << 6,
    Staging = 1 << 7,
}

[Flags]
public enum TextureUsage : byte
{
    Sampled = 1 << 0,
    Storage = 1 << 1,
    RenderTarget = 1 << 2,
    DepthStencil = 1 << 3,
    Cubemap = 1 << 4,
    Staging = 1 << 5,
    GenerateMipmaps = 1 << 6,
}

public enum TextureType { Texture1D, Texture2D, Texture3D }

public enum TextureSampleCount : byte { Count1, Count2, Count4, Count8, Count16, Count32 }

/// <summary>The formats that this subset can create; the numbers are those of the package.</summary>
public enum PixelFormat : byte
{
    R8_G8_B8_A8_UNorm = 0,
    B8_G8_R8_A8_UNorm = 1,
    R8_UNorm = 2,
    R16_UNorm = 3,
    R32_Float = 5,
    R8_G8_UNorm = 26,
    R16_G16_UNorm = 29,
}

public enum IndexFormat : byte { UInt16, UInt32 }

public enum MapMode : byte { Read, Write, ReadWrite }

[Flags]
public enum ShaderStages : byte
{
    None = 0,
    Vertex = 1 << 0,
    Geometry = 1 << 1,
    TessellationControl = 1 << 2,
    TessellationEvaluation = 1 << 3,
    Fragment = 1 << 4,
    Compute = 1 << 5,
}

public enum ResourceKind : byte
{
    UniformBuffer,
    StructuredBufferReadOnly,
    StructuredBufferReadWrite,
    TextureReadOnly,
    TextureReadWrite,
    Sampler,
}

public enum VertexElementSemantic : byte { Position, Normal, TextureCoordinate, Color }

/// <summary>The vertex formats that this subset can bind; the numbers are those of the package.</summary>
public enum VertexElementFormat : byte
{
    Float1 = 0,
    Float2 = 1,
    Float3 = 2,
    Float4 = 3,
    Byte4_Norm = 6,
}

public enum PrimitiveTopology : byte { TriangleList, TriangleStrip, LineList, LineStrip, PointList }

public enum FaceCullMode : byte { Back, Front, None }

public enum PolygonFillMode : byte { Solid, Wireframe }

public enum FrontFace : byte { Clockwise, CounterClockwise }

public enum ComparisonKind : byte { Never, Less, Equal, LessEqual, Greater, NotEqual, GreaterEqual, Always }

public enum BlendFactor : byte
{
    Zero,
    One,
    SourceAlpha,
    InverseSourceAlpha,
    DestinationAlpha,
    InverseDestinationAlpha,
    SourceColor,
    InverseSourceColor,
    DestinationColor,
    InverseDestinationColor,
    BlendFactor,
    InverseBlendFactor,
}

public enum BlendFunction : byte { Add, Subtract, ReverseSubtract, Minimum, Maximum }

[Flags]
public enum ColorWriteMask
{
    None,
    Red = 1 << 0,
    Green = 1 << 1,
    Blue = 1 << 2,
    Alpha = 1 << 3,
    All = Red | Green | Blue | Alpha,
}
