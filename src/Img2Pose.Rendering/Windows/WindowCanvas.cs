using System.Numerics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Blending;
using Img2Pose.Rendering.Overlay;
using Veldrid;
using SampleFormat = Img2Pose.Frames.PixelFormat;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// Draws pictures, the faces in them and lettering into a framebuffer of a graphics device, in the order of the calls. Places are
/// pixels from the upper left corner. Used by one thread; in steady state a picture allocates nothing.
/// </summary>
internal sealed unsafe class WindowCanvas : IDisposable
{
    private const int PictureNumbers = 6, PixelNumbers = 2;
    private readonly GraphicsDevice _device;
    private readonly CommandList _commands;
    private readonly DeviceBuffer _place;
    private readonly ResourceLayout _pictureLayout, _pixelLayout;
    private readonly List<Shader> _shaders = [];
    private readonly Pipeline _picture, _pixels;
    private readonly WindowFaces _faces;
    private readonly Vector4[] _numbers = new Vector4[PictureNumbers];
    private Framebuffer? _target;

    /// <param name="device">The device, which outlives this.</param>
    /// <param name="outputs">What is drawn into.</param>
    /// <param name="renderer">Whose meshes and options are taken for faces.</param>
    /// <exception cref="VeldridException">The device cannot do it.</exception>
    public WindowCanvas(GraphicsDevice device, OutputDescription outputs, OverlayRenderer renderer)
    {
        _device = device;
        ResourceFactory factory = device.ResourceFactory;
        _commands = factory.CreateCommandList();
        _place = factory.CreateBuffer(new BufferDescription(16 * PictureNumbers, BufferUsage.UniformBuffer | BufferUsage.Dynamic));
        ResourceLayoutElementDescription place = new("Place", ResourceKind.UniformBuffer, ShaderStages.Fragment);
        _pictureLayout = factory.CreateResourceLayout(new ResourceLayoutDescription(place, Texture("First"), Texture("Second"), Texture("Third")));
        _pixelLayout = factory.CreateResourceLayout(new ResourceLayoutDescription(place, Texture("Drawn")));
        Shader corners = Compile(ShaderStages.Vertex, WindowShaders.Vertex);
        _picture = Build(WindowShaders.Picture, _pictureLayout, over: false);
        _pixels = Build(WindowShaders.Pixels, _pixelLayout, over: true);
        _faces = new WindowFaces(device, renderer);

        static ResourceLayoutElementDescription Texture(string name) => new(name, ResourceKind.TextureReadOnly, ShaderStages.Fragment);

        Pipeline Build(ReadOnlySpan<byte> fragment, ResourceLayout layout, bool over) => factory.CreateGraphicsPipeline(new GraphicsPipelineDescription(
            // Colours are already multiplied by their opacity.
            new BlendStateDescription(new RgbaFloat(0, 0, 0, 0), new BlendAttachmentDescription(
                over, ColorWriteMask.All, BlendFactor.One, BlendFactor.InverseSourceAlpha, BlendFunction.Add, BlendFactor.One, BlendFactor.InverseSourceAlpha, BlendFunction.Add)),
            new DepthStencilStateDescription(false, false, ComparisonKind.Always),
            new RasterizerStateDescription(FaceCullMode.None, PolygonFillMode.Solid, FrontFace.Clockwise, depthClipEnabled: true, scissorTestEnabled: false),
            PrimitiveTopology.TriangleStrip, new ShaderSetDescription([], [corners, Compile(ShaderStages.Fragment, fragment)]), [layout], outputs));
    }

    /// <summary>Textures for the pictures of a feed; the caller disposes them before this.</summary>
    public PictureTextures CreatePicture() => new(_device, _pictureLayout, _place);

    /// <summary>A texture for pixels; the caller disposes it before this.</summary>
    public PixelTexture CreatePixels() => new(_device, _pixelLayout, _place);

    /// <summary>Begins with black.</summary>
    public void Begin(Framebuffer target)
    {
        _target = target;
        Open();
        _commands.ClearColorTarget(0, new RgbaFloat(0, 0, 0, 1));
    }

    /// <summary>Draws a picture into a place, whose size it is scaled to.</summary>
    public void Draw(PictureTextures picture, in WindowArea area, bool mirror)
    {
        float kind = picture.Format switch
        {
            SampleFormat.Rgb24 => 2,
            SampleFormat.Nv12 or SampleFormat.P010 => 1,
            _ => 0,
        };
        (int width, int height) = picture.Size;
        _numbers[0] = Corner(area.X, area.Y) with { Z = mirror ? 1 : 0, W = kind };
        _numbers[1] = new Vector4(width, height, (float)width / area.Width, (float)height / area.Height);
        _numbers[2] = new Vector4(picture.ChromaSize.Width, picture.ChromaSize.Height, PictureColor.Factor(picture.Format), 0);
        (_numbers[3], _numbers[4], _numbers[5]) = PictureColor.Rows(picture.Format, picture.Color);
        Draw(_picture, picture.Set, PictureNumbers, area);
    }

    /// <summary>Draws faces over a picture.</summary>
    /// <param name="area">Where the picture is.</param>
    /// <param name="size">Its size in display pixels.</param>
    /// <param name="color">What its samples mean.</param>
    /// <param name="faces">The faces, in display pixels.</param>
    /// <param name="layers">What is drawn of them.</param>
    /// <param name="alpha">Opacity of the mesh in [0, 1].</param>
    public void Draw(
        in WindowArea area, (int Width, int Height) size, in ColorDescription color, ReadOnlySpan<TrackedFace> faces, OverlayLayers layers, float alpha)
    {
        OverlayTarget target = new(area.Width, area.Height, size.Width, size.Height, Math.Min((float)area.Width / size.Width, (float)area.Height / size.Height));
        // First what has been recorded so far: it may take pixels from the very tile that is drawn anew.
        Submit();
        RenderTile? tile = _faces.Draw(target, faces, layers, alpha, OverlayColor.White(color));
        Open();
        if (tile is null) return;
        tile.Set ??= _device.ResourceFactory.CreateResourceSet(new ResourceSetDescription(_pixelLayout, _place, tile.Drawn));
        for (int i = 0; i < _faces.Regions.Count; i++)
        {
            OverlayRegion region = _faces.Regions[i];
            // A region may pass an odd edge by one.
            int columns = Math.Min(region.Width, area.Width - region.X), rows = Math.Min(region.Height, area.Height - region.Y);
            Draw(tile.Set, new WindowArea(area.X + region.X, area.Y + region.Y, columns, rows), region.TileX, region.TileY);
        }
    }

    /// <summary>Lays pixels over what is there, with their upper left corner at a place.</summary>
    public void Draw(PixelTexture pixels, int x, int y) => Draw(pixels.Set, new WindowArea(x, y, pixels.Size.Width, pixels.Size.Height), 0, 0);

    /// <summary>Hands everything to the device.</summary>
    public void Submit()
    {
        _commands.End();
        _device.SubmitCommands(_commands);
    }

    public void Dispose()
    {
        _faces.Dispose();
        _picture.Dispose();
        _pixels.Dispose();
        foreach (Shader shader in _shaders) shader.Dispose();
        _pictureLayout.Dispose();
        _pixelLayout.Dispose();
        _place.Dispose();
        _commands.Dispose();
    }

    private void Open()
    {
        _commands.Begin();
        _commands.SetFramebuffer(_target!);
    }

    private void Draw(ResourceSet set, in WindowArea area, int column, int row)
    {
        _numbers[0] = Corner(area.X, area.Y);
        _numbers[1] = new Vector4(column, row, 0, 0);
        Draw(_pixels, set, PixelNumbers, area);
    }

    private void Draw(Pipeline pipeline, ResourceSet set, int numbers, in WindowArea area)
    {
        fixed (Vector4* data = _numbers) _commands.UpdateBuffer(_place, 0, (nint)data, (uint)(16 * numbers));
        _commands.SetPipeline(pipeline);
        _commands.SetGraphicsResourceSet(0, set);
        _commands.SetViewport(0, new Viewport(area.X, area.Y, area.Width, area.Height, 0, 1));
        _commands.Draw(4, 1, 0, 0);
    }

    /// <summary>A place as shaders count: OpenGL's rows run upward.</summary>
    private Vector4 Corner(int x, int y) => new(x, (float)_target!.Height - y, 0, 0);

    private Shader Compile(ShaderStages stage, ReadOnlySpan<byte> source)
    {
        Shader shader = _device.ResourceFactory.CreateShader(new ShaderDescription(stage, source.ToArray(), "main"));
        _shaders.Add(shader);
        return shader;
    }
}
