using System.Numerics;
using System.Runtime.CompilerServices;
using Veldrid;

namespace Img2Pose.Rendering.Overlay;

/// <summary>Pipelines, dynamic buffers and the command list of a renderer.</summary>
internal sealed class DrawResources : IDisposable
{
    private static readonly VertexLayoutDescription s_instanceLayout = new(
        (uint)Unsafe.SizeOf<MeshInstance>(), 1,
        Element("Row0", VertexElementFormat.Float4), Element("Row1", VertexElementFormat.Float4),
        Element("Row2", VertexElementFormat.Float4), Element("Camera", VertexElementFormat.Float4),
        Element("Depth", VertexElementFormat.Float4));

    private static readonly VertexLayoutDescription s_strokeLayout = new(
        (uint)Unsafe.SizeOf<Stroke>(), 1,
        Element("Ends", VertexElementFormat.Float4), Element("Shape", VertexElementFormat.Float2),
        Element("Tint", VertexElementFormat.Byte4_Norm), Element("Camera", VertexElementFormat.Float4));

    private static readonly Vector4 s_silver = new(0.90f, 0.93f, 0.97f, 0);
    private readonly GraphicsDevice _device;
    private readonly ResourceLayout _colorLayout;
    private readonly DeviceBuffer _colorBuffer;
    private readonly ResourceSet _colorSet;
    private readonly Shader[] _meshShaders;
    private readonly Shader[] _strokeShaders;
    private readonly Pipeline _soleMesh;
    private readonly Pipeline _depthOnly;
    private readonly Pipeline _blendedMesh;
    private readonly Pipeline _strokes;
    private readonly Vector4[] _color = new Vector4[5];
    private readonly List<MeshInstance> _instances = [];
    private DeviceBuffer _instanceBuffer;
    private DeviceBuffer _strokeBuffer;

    public DrawResources(GraphicsDevice device, OutputDescription outputs)
    {
        _device = device;
        ResourceFactory factory = device.ResourceFactory;
        Commands = factory.CreateCommandList();
        _colorLayout = factory.CreateResourceLayout(new ResourceLayoutDescription(
            new ResourceLayoutElementDescription("Colour", ResourceKind.UniformBuffer, ShaderStages.Vertex)));
        _colorBuffer = factory.CreateBuffer(new BufferDescription(80, BufferUsage.UniformBuffer | BufferUsage.Dynamic));
        _colorSet = factory.CreateResourceSet(new ResourceSetDescription(_colorLayout, _colorBuffer));
        _instanceBuffer = CreateBuffer(16 * Unsafe.SizeOf<MeshInstance>());
        _strokeBuffer = CreateBuffer(1024 * Unsafe.SizeOf<Stroke>());
        _meshShaders = Compile(factory, Shaders.MeshVertex, Shaders.MeshFragment);
        _strokeShaders = Compile(factory, Shaders.StrokeVertex, Shaders.StrokeFragment);

        BlendAttachmentDescription replace = Blending(enabled: false, ColorWriteMask.All);
        BlendAttachmentDescription over = Blending(enabled: true, ColorWriteMask.All);
        // Rows run down in the target as in the picture, so outward triangles turn clockwise there.
        RasterizerStateDescription raster = new(FaceCullMode.Back, PolygonFillMode.Solid, FrontFace.Clockwise, true, true);
        VertexLayoutDescription[] meshLayouts = [MeshLibrary.Layout, s_instanceLayout];

        // A mesh alone in its region: hidden parts lose the depth test, and there is nothing below to blend with.
        _soleMesh = Build(replace, new DepthStencilStateDescription(true, true, ComparisonKind.LessEqual), meshLayouts, _meshShaders);
        // Overlapping faces: first each one's depth alone, so that one layer of it is then blended over the farther ones.
        _depthOnly = Build(
            Blending(enabled: false, ColorWriteMask.None),
            new DepthStencilStateDescription(true, true, ComparisonKind.LessEqual), meshLayouts, _meshShaders);
        _blendedMesh = Build(over, new DepthStencilStateDescription(true, false, ComparisonKind.LessEqual), meshLayouts, _meshShaders);
        raster.CullMode = FaceCullMode.None;
        _strokes = Build(
            over, new DepthStencilStateDescription(false, false, ComparisonKind.Always), [s_strokeLayout], _strokeShaders,
            PrimitiveTopology.TriangleStrip);

        Pipeline Build(
            BlendAttachmentDescription blend, DepthStencilStateDescription depth, VertexLayoutDescription[] layouts, Shader[] shaders,
            PrimitiveTopology topology = PrimitiveTopology.TriangleList) =>
            factory.CreateGraphicsPipeline(new GraphicsPipelineDescription(
                new BlendStateDescription(new RgbaFloat(0, 0, 0, 0), blend), depth, raster, topology,
                new ShaderSetDescription(layouts, shaders), [_colorLayout], outputs));
    }

    public CommandList Commands { get; }

    /// <summary>Records everything from clearing the tile to reading it back, or to its last pixel where it is read elsewhere.</summary>
    public void Record(
        RenderTile tile, OverlayLayout layout, MeshLibrary meshes, (Vector4 First, Vector4 Second, Vector4 Third) color, bool toHost = true)
    {
        Span<FaceDrawing> faces = layout.Faces;
        _instances.Clear();
        foreach (ref readonly FaceDrawing face in faces) _instances.Add(face.Instance);
        CommandList commands = Commands;
        commands.Begin();
        SetColor(color);
        Upload(ref _instanceBuffer, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_instances));
        Upload<Stroke>(ref _strokeBuffer, layout.Strokes.Items);

        commands.SetFramebuffer(tile.Framebuffer);
        commands.ClearColorTarget(0, new RgbaFloat(0, 0, 0, 0));
        commands.ClearDepthStencil(1);
        for (int region = 0; region < layout.Regions.Count; region++)
            RecordRegion(tile, layout, meshes, region);
        tile.ReadBack(commands, (uint)layout.Regions.TileWidth, (uint)layout.Regions.TileHeight, toHost);
        commands.End();
    }

    /// <summary>Records lines alone, on nothing, from clearing the tile to reading its corner back.</summary>
    public void RecordStrokes(
        RenderTile tile, StrokeList strokes, int width, int height, (Vector4 First, Vector4 Second, Vector4 Third) color)
    {
        foreach (ref Stroke stroke in strokes.Items)
        {
            stroke.Scale = 1;
            (stroke.CameraX, stroke.OffsetX, stroke.CameraY, stroke.OffsetY) = (2f / width, -1, 2f / height, -1);
        }
        Commands.Begin();
        SetColor(color);
        Upload<Stroke>(ref _strokeBuffer, strokes.Items);
        Commands.SetFramebuffer(tile.Framebuffer);
        Commands.ClearColorTarget(0, new RgbaFloat(0, 0, 0, 0));
        // As regions lie: the picture's first row is the tile's first in memory, which Veldrid counts as the lowest.
        uint top = tile.Height - (uint)height;
        Commands.SetViewport(0, new Viewport(0, top, width, height, 0, 1));
        Commands.SetScissorRect(0, 0, top, (uint)width, (uint)height);
        DrawStrokes(0, strokes.Count);
        tile.ReadBack(Commands, (uint)width, (uint)height);
        Commands.End();
    }

    private unsafe void SetColor((Vector4 First, Vector4 Second, Vector4 Third) color)
    {
        if (_color[0] == color.First && _color[1] == color.Second && _color[2] == color.Third) return;
        (_color[0], _color[1], _color[2]) = color;
        _color[3] = new Vector4(
            Vector4.Dot(color.First, s_silver), Vector4.Dot(color.Second, s_silver), Vector4.Dot(color.Third, s_silver), 0);
        _color[4] = new Vector4(color.First.W, color.Second.W, color.Third.W, 1);
        fixed (Vector4* rows = _color) Commands.UpdateBuffer(_colorBuffer, 0, (nint)rows, 80);
    }

    public void Dispose()
    {
        Commands.Dispose();
        _soleMesh.Dispose();
        _depthOnly.Dispose();
        _blendedMesh.Dispose();
        _strokes.Dispose();
        foreach (Shader shader in _meshShaders) shader.Dispose();
        foreach (Shader shader in _strokeShaders) shader.Dispose();
        _colorSet.Dispose();
        _colorLayout.Dispose();
        _colorBuffer.Dispose();
        _instanceBuffer.Dispose();
        _strokeBuffer.Dispose();
    }

    private void RecordRegion(RenderTile tile, OverlayLayout layout, MeshLibrary meshes, int index)
    {
        OverlayRegion region = layout.Regions[index];
        // The region's first row is the tile's first row in memory, which Veldrid counts as the lowest on OpenGL.
        uint top = tile.Height - (uint)(region.TileY + region.Height);
        Commands.SetViewport(0, new Viewport(region.TileX, top, region.Width, region.Height, 0, 1));
        Commands.SetScissorRect(0, (uint)region.TileX, top, (uint)region.Width, (uint)region.Height);

        Span<FaceDrawing> faces = layout.Faces;
        int meshCount = 0;
        for (int i = 0; i < faces.Length; i++)
        {
            if (layout.Regions.RegionOf(i) == index && faces[i].HasMesh) meshCount++;
        }
        for (int i = 0; i < faces.Length; i++)
        {
            if (layout.Regions.RegionOf(i) != index) continue;
            if (faces[i].HasMesh && meshCount == 1)
            {
                DrawMesh(_soleMesh, meshes, faces[i].Level, i);
            }
            else if (faces[i].HasMesh)
            {
                DrawMesh(_depthOnly, meshes, faces[i].Level, i);
                DrawMesh(_blendedMesh, meshes, faces[i].Level, i);
            }
            DrawStrokes(faces[i].FirstStroke, faces[i].FirstFlat);
        }
        for (int i = 0; i < faces.Length; i++)
        {
            if (layout.Regions.RegionOf(i) == index) DrawStrokes(faces[i].FirstFlat, faces[i].EndStroke);
        }
    }

    private void DrawMesh(Pipeline pipeline, MeshLibrary meshes, MeshLibrary.Level level, int instance)
    {
        Commands.SetPipeline(pipeline);
        Commands.SetGraphicsResourceSet(0, _colorSet);
        Commands.SetVertexBuffer(0, meshes.Vertices);
        Commands.SetVertexBuffer(1, _instanceBuffer);
        Commands.SetIndexBuffer(meshes.Indices, IndexFormat.UInt32);
        Commands.DrawIndexed((uint)level.IndexCount, 1, (uint)level.FirstIndex, level.FirstVertex, (uint)instance);
    }

    private void DrawStrokes(int first, int end)
    {
        if (end == first) return;
        Commands.SetPipeline(_strokes);
        Commands.SetGraphicsResourceSet(0, _colorSet);
        Commands.SetVertexBuffer(0, _strokeBuffer);
        Commands.Draw(4, (uint)(end - first), 0, (uint)first);
    }

    private unsafe void Upload<T>(ref DeviceBuffer buffer, Span<T> items) where T : unmanaged
    {
        if (items.IsEmpty) return;
        uint size = checked((uint)((long)items.Length * sizeof(T)));
        if (buffer.SizeInBytes < size)
        {
            buffer.Dispose();
            buffer = CreateBuffer(checked((int)BitOperations.RoundUpToPowerOf2(size)));
        }
        fixed (T* data = items) Commands.UpdateBuffer(buffer, 0, (nint)data, size);
    }

    private DeviceBuffer CreateBuffer(int size) =>
        _device.ResourceFactory.CreateBuffer(new BufferDescription((uint)size, BufferUsage.VertexBuffer | BufferUsage.Dynamic));

    private static Shader[] Compile(ResourceFactory factory, ReadOnlySpan<byte> vertex, ReadOnlySpan<byte> fragment) =>
    [
        factory.CreateShader(new ShaderDescription(ShaderStages.Vertex, vertex.ToArray(), "main")),
        factory.CreateShader(new ShaderDescription(ShaderStages.Fragment, fragment.ToArray(), "main")),
    ];

    /// <summary>Colours are already multiplied by their opacity.</summary>
    private static BlendAttachmentDescription Blending(bool enabled, ColorWriteMask mask) => new(
        enabled, mask, BlendFactor.One, BlendFactor.InverseSourceAlpha, BlendFunction.Add,
        BlendFactor.One, BlendFactor.InverseSourceAlpha, BlendFunction.Add);

    private static VertexElementDescription Element(string name, VertexElementFormat format) =>
        new(name, VertexElementSemantic.TextureCoordinate, format);
}
