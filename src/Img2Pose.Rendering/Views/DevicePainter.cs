using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Img2Pose.Geometry;
using Veldrid;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Draws prepared faces on a graphics device: first what is around the face, then the face over it, each pixel by the same formulas
/// as <see cref="ViewPainter"/>. Only what the picture's edge leaves bare is filled on the CPU.
/// </summary>
internal sealed unsafe class DevicePainter : IViewPainter, IDisposable
{
    /// <summary>Largest side of a picture that every OpenGL 4.5 device takes as a texture; larger ones are drawn from on the CPU.</summary>
    private const int LargestSide = 16384;

    private readonly GraphicsDevice _device;
    private readonly FaceGrid _grid;
    private readonly Lock _gate;
    private readonly ViewHoles _holes = new();
    private readonly CommandList _commands;
    private readonly ResourceLayout _layout, _copyLayout;
    private readonly DeviceBuffer _view, _shape, _face, _ring, _faceIndices, _ringIndices;
    private readonly List<Shader> _shaders = [];
    private readonly FaceVertex[] _faceVertices;
    private readonly RingVertex[] _ringVertices = new RingVertex[SurroundingRing.VertexCount];
    private readonly Vector4[] _uniforms = new Vector4[7];
    private ViewPainter? _onCpu;
    private Pipeline? _drawRing, _copy, _drawFace;
    private Texture _picture, _memory;
    private ViewTarget? _target;
    private ResourceSet? _set, _copySet;
    private uint[] _remembered = [];
    private PreparedFace? _last;
    private long _lastVersion;

    /// <summary>Makes what is needed on the device for a surface.</summary>
    /// <param name="device">The device, which outlives this.</param>
    /// <param name="grid">The surface.</param>
    /// <param name="gate">Held while something is drawn.</param>
    public DevicePainter(GraphicsDevice device, FaceGrid grid, Lock gate)
    {
        (_device, _grid, _gate) = (device, grid, gate);
        ResourceFactory factory = device.ResourceFactory;
        _commands = factory.CreateCommandList();
        _layout = factory.CreateResourceLayout(new ResourceLayoutDescription(
            new ResourceLayoutElementDescription("View", ResourceKind.UniformBuffer, ShaderStages.Vertex | ShaderStages.Fragment),
            new ResourceLayoutElementDescription("Source", ResourceKind.TextureReadOnly, ShaderStages.Fragment),
            new ResourceLayoutElementDescription("Earlier", ResourceKind.TextureReadOnly, ShaderStages.Fragment)));
        _copyLayout = factory.CreateResourceLayout(new ResourceLayoutDescription(
            new ResourceLayoutElementDescription("Surroundings", ResourceKind.TextureReadOnly, ShaderStages.Fragment)));
        _view = factory.CreateBuffer(new BufferDescription((uint)(16 * _uniforms.Length), BufferUsage.UniformBuffer | BufferUsage.Dynamic));
        _faceVertices = new FaceVertex[grid.Count];
        ShapeVertex[] shape = new ShapeVertex[grid.Count];
        for (int i = 0; i < shape.Length; i++)
            shape[i] = new ShapeVertex(grid.Positions[i], new Vector2(i / grid.Columns / (grid.Rows - 1f), i % grid.Columns / (grid.Columns - 1f)));
        _shape = Filled<ShapeVertex>(shape, BufferUsage.VertexBuffer);
        _face = factory.CreateBuffer(new BufferDescription(checked((uint)(grid.Count * sizeof(FaceVertex))), BufferUsage.VertexBuffer | BufferUsage.Dynamic));
        _ring = factory.CreateBuffer(new BufferDescription(checked((uint)(SurroundingRing.VertexCount * sizeof(RingVertex))), BufferUsage.VertexBuffer | BufferUsage.Dynamic));
        _faceIndices = Filled(grid.Triangles, BufferUsage.IndexBuffer);
        _ringIndices = Filled<int>(SurroundingRing.Triangles, BufferUsage.IndexBuffer);
        _picture = NewTexture(512, 512);
        _memory = NewTexture(2, 2);
    }

    /// <inheritdoc/>
    public FaceViewReport Paint(PreparedFace face, Pose pose, CameraIntrinsics camera, int width, int height, Span<byte> rgb)
    {
        lock (_gate)
        {
            if (Math.Max(Math.Max(width, height), Math.Max(face.Picture.Width, face.Picture.Height) + 2 * SourcePicture.Border) > LargestSide)
                return (_onCpu ??= new ViewPainter(_grid)).Paint(face, pose, camera, width, height, rgb);
            try
            {
                Upload(face);
                if (_target is null || _target.Width != width || _target.Height != height) Resize(width, height);
                Record(face, pose, camera, width, height);
                _device.SubmitCommands(_commands);
                MappedResource drawn = _device.Map(_target!.Staging, MapMode.Read);
                if (drawn.SizeInBytes < (height - 1L) * drawn.RowPitch + 4L * width)
                    throw new ModelException($"The graphics device gave {drawn.SizeInBytes} bytes for {width}×{height} pixels.");
                FaceViewReport report = Read(face, drawn, width, height, rgb);
                _device.Unmap(_target.Staging);
                return report;
            }
            catch (VeldridException e)
            {
                throw new ModelException($"Drawing a view failed: {e.Message}", e);
            }
        }
    }

    /// <summary>Frees what is on the device.</summary>
    public void Dispose()
    {
        _set?.Dispose();
        _copySet?.Dispose();
        _target?.Dispose();
        _drawRing?.Dispose();
        _copy?.Dispose();
        _drawFace?.Dispose();
        foreach (Shader shader in _shaders) shader.Dispose();
        foreach (DeviceBuffer buffer in (DeviceBuffer[])[_view, _shape, _face, _ring, _faceIndices, _ringIndices]) buffer.Dispose();
        _picture.Dispose();
        _memory.Dispose();
        _layout.Dispose();
        _copyLayout.Dispose();
        _commands.Dispose();
    }

    /// <summary>Brings a face to the device, unless it is the one there.</summary>
    private void Upload(PreparedFace face)
    {
        if (_last == face && _lastVersion == face.Version) return;
        _last = null;
        ReadOnlySpan<uint> pixels = face.Picture.Pixels(out int columns, out int rows);
        Update(ref _picture, pixels, columns, rows);
        if (face.Texture is { } texture)
        {
            if (_remembered.Length != texture.Rows * texture.Columns) _remembered = new uint[texture.Rows * texture.Columns];
            texture.Pack(_remembered);
            Update(ref _memory, _remembered, texture.Columns, texture.Rows);
        }
        for (int i = 0; i < _faceVertices.Length; i++)
        {
            _faceVertices[i] = new FaceVertex(
                face.Own[i], face.Own[_grid.Mirror(i)], face.Shares[i], face.Filled[i], face.MirrorGain[i], face.MemoryGain[i]);
        }
        fixed (FaceVertex* data = _faceVertices) _device.UpdateBuffer(_face, 0, (nint)data, _face.SizeInBytes);
        if (face.HasRing)
        {
            for (int i = 0; i < _ringVertices.Length; i++) _ringVertices[i] = new RingVertex(face.Ring.Model[i], face.RingSource[i]);
            fixed (RingVertex* data = _ringVertices) _device.UpdateBuffer(_ring, 0, (nint)data, _ring.SizeInBytes);
        }
        (_last, _lastVersion) = (face, face.Version);
    }

    private void Update(ref Texture texture, ReadOnlySpan<uint> pixels, int columns, int rows)
    {
        if (texture.Width < columns || texture.Height < rows)
        {
            uint width = Math.Max(texture.Width, (uint)columns), height = Math.Max(texture.Height, (uint)rows);
            texture.Dispose();
            texture = NewTexture(width, height);
            _set?.Dispose();
            _set = null;
        }
        fixed (uint* data = pixels)
            _device.UpdateTexture(texture, (nint)data, checked((uint)(4L * columns * rows)), 0, 0, 0, (uint)columns, (uint)rows, 1, 0, 0);
    }

    private void Record(PreparedFace face, Pose pose, CameraIntrinsics camera, int width, int height)
    {
        _set ??= _device.ResourceFactory.CreateResourceSet(new ResourceSetDescription(_layout, _view, _picture, _memory));
        SetUniforms(face, pose, camera, width, height);
        _commands.Begin();
        fixed (Vector4* uniforms = _uniforms) _commands.UpdateBuffer(_view, 0, (nint)uniforms, _view.SizeInBytes);
        _commands.SetFramebuffer(_target!.Surroundings);
        _commands.ClearColorTarget(0, new RgbaFloat(0, 0, 0, 0));
        _commands.ClearDepthStencil(1);
        if (face.HasRing)
        {
            _commands.SetPipeline(_drawRing!);
            _commands.SetGraphicsResourceSet(0, _set);
            _commands.SetVertexBuffer(0, _ring);
            _commands.SetIndexBuffer(_ringIndices, IndexFormat.UInt32);
            _commands.DrawIndexed((uint)SurroundingRing.Triangles.Length, 1, 0, 0, 0);
        }
        _commands.SetFramebuffer(_target.View);
        _commands.ClearDepthStencil(1);
        _commands.SetPipeline(_copy!);
        _commands.SetGraphicsResourceSet(0, _copySet!);
        _commands.Draw(3, 1, 0, 0);
        _commands.SetPipeline(_drawFace!);
        _commands.SetGraphicsResourceSet(0, _set);
        _commands.SetGraphicsResourceSet(1, _copySet!);
        _commands.SetVertexBuffer(0, _shape);
        _commands.SetVertexBuffer(1, _face);
        _commands.SetIndexBuffer(_faceIndices, IndexFormat.UInt32);
        _commands.DrawIndexed((uint)_grid.Triangles.Length, 1, 0, 0, 0);
        _target.ReadBack(_commands);
        _commands.End();
    }

    private void SetUniforms(PreparedFace face, Pose pose, CameraIntrinsics camera, int width, int height)
    {
        Matrix3x3d r = RotationVector.ToMatrix(pose.Rotation);
        Vector3d t = pose.Translation;
        _uniforms[0] = new Vector4((float)r.M11, (float)r.M12, (float)r.M13, (float)t.X);
        _uniforms[1] = new Vector4((float)r.M21, (float)r.M22, (float)r.M23, (float)t.Y);
        _uniforms[2] = new Vector4((float)r.M31, (float)r.M32, (float)r.M33, (float)t.Z);
        // Rows run down in the target as in the picture.
        _uniforms[3] = new Vector4(
            (float)(2 * camera.FocalLength / width), (float)(2 * camera.CenterX / width - 1), (float)(2 * camera.FocalLength / height), (float)(2 * camera.CenterY / height - 1));
        // Depth 1 − 2n/z: fine around the face. What is nearer than n is drawn all the same, clamped.
        float nearest = (float)Math.Max(0.25 * t.Z, t.Z - 3);
        _uniforms[4] = new Vector4(1, -2 * nearest, face.Mirrored ? 1 : 0, 0);
        _uniforms[5] = new Vector4(face.Picture.Width, face.Picture.Height, face.Softness, face.Options.Live ? 1 : 0);
        _uniforms[6] = new Vector4(face.Texture?.Rows ?? 0, face.Texture?.Columns ?? 0, face.Options.Symmetry ? 1 : 0, 0);
    }

    private FaceViewReport Read(PreparedFace face, in MappedResource drawn, int width, int height, Span<byte> rgb)
    {
        bool fill = face.HasRing && face.Options.Background == ViewBackground.Full, hasHoles = false;
        if (fill) _holes.Begin(width, height);
        ShareCount shares = default;
        for (int y = 0, at = 0; y < height; y++)
        {
            ReadOnlySpan<uint> row = new((byte*)drawn.Data + (long)y * drawn.RowPitch, width);
            for (int x = 0; x < width; x++, at++)
            {
                uint pixel = row[x];
                (rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
                int code = (int)(pixel >> 24), kind = code < 5 ? code - 1 : code < 55 ? -1 : (code - 55) / 50;
                if (kind >= 0) shares.Add(kind == 0, kind == 1, kind == 2);
                if (!fill) continue;
                _holes.Set(at, code < 5, code < 5 ? 0 : code < 55 ? (code - 5) / 98f : 0.5f + (code - 55) % 50 / 98f);
                hasHoles |= code >= 5;
            }
        }
        if (hasHoles) _holes.Fill(rgb);
        return shares.Report;
    }

    private void Resize(int width, int height)
    {
        _target?.Dispose();
        _copySet?.Dispose();
        _target = new ViewTarget(_device, (uint)width, (uint)height);
        _copySet = _device.ResourceFactory.CreateResourceSet(new ResourceSetDescription(_copyLayout, _target.SurroundingsTexture));
        if (_drawRing is null) BuildPipelines(_target.View.OutputDescription);
    }

    private void BuildPipelines(OutputDescription outputs)
    {
        VertexLayoutDescription ring = new((uint)sizeof(RingVertex), Element("Position", VertexElementFormat.Float3), Element("Where", VertexElementFormat.Float4));
        VertexLayoutDescription shape = new((uint)sizeof(ShapeVertex), Element("Position", VertexElementFormat.Float3), Element("Cell", VertexElementFormat.Float2));
        VertexLayoutDescription face = new((uint)sizeof(FaceVertex), Array.ConvertAll(
            (string[])["Own", "Other", "Shares", "Filled", "MirrorGain", "MemoryGain"], name => Element(name, VertexElementFormat.Float4)));
        _drawRing = Build(ViewShaders.RingVertex, ViewShaders.RingFragment, FaceCullMode.None, depth: true, [_layout], ring);
        _copy = Build(ViewShaders.CopyVertex, ViewShaders.CopyFragment, FaceCullMode.None, depth: false, [_copyLayout]);
        // Outward triangles turn clockwise in the target, whose rows run down.
        _drawFace = Build(ViewShaders.FaceVertex, ViewShaders.FaceFragment, FaceCullMode.Back, depth: true, [_layout, _copyLayout], shape, face);

        static VertexElementDescription Element(string name, VertexElementFormat format) => new(name, VertexElementSemantic.TextureCoordinate, format);

        Pipeline Build(string vertex, string fragment, FaceCullMode cull, bool depth, ResourceLayout[] layouts, params VertexLayoutDescription[] vertices)
        {
            Shader[] shaders = [Compile(ShaderStages.Vertex, vertex), Compile(ShaderStages.Fragment, fragment)];
            // Nothing is clipped by depth: it is clamped.
            return _device.ResourceFactory.CreateGraphicsPipeline(new GraphicsPipelineDescription(
                new BlendStateDescription(
                    new RgbaFloat(0, 0, 0, 0),
                    new BlendAttachmentDescription(false, ColorWriteMask.All, BlendFactor.One, BlendFactor.Zero, BlendFunction.Add, BlendFactor.One, BlendFactor.Zero, BlendFunction.Add)),
                new DepthStencilStateDescription(depth, depth, depth ? ComparisonKind.Less : ComparisonKind.Always),
                new RasterizerStateDescription(cull, PolygonFillMode.Solid, FrontFace.Clockwise, depthClipEnabled: false, scissorTestEnabled: false),
                PrimitiveTopology.TriangleList, new ShaderSetDescription(vertices, shaders), layouts, outputs));
        }
    }

    private Shader Compile(ShaderStages stage, string source)
    {
        Shader shader = _device.ResourceFactory.CreateShader(new ShaderDescription(stage, Encoding.ASCII.GetBytes(source), "main"));
        _shaders.Add(shader);
        return shader;
    }

    private Texture NewTexture(uint width, uint height) => _device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(
        width, height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Sampled));

    private DeviceBuffer Filled<T>(ReadOnlySpan<T> items, BufferUsage usage) where T : unmanaged
    {
        uint size = checked((uint)(items.Length * sizeof(T)));
        DeviceBuffer buffer = _device.ResourceFactory.CreateBuffer(new BufferDescription(size, usage));
        fixed (T* data = items) _device.UpdateBuffer(buffer, 0, (nint)data, size);
        return buffer;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ShapeVertex(Vector3 Position, Vector2 Cell);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct RingVertex(Vector3 Position, Vector4 Where);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct FaceVertex(Vector4 Own, Vector4 Other, Vector4 Shares, Vector4 Filled, Vector4 MirrorGain, Vector4 MemoryGain);
}
