namespace Veldrid.OpenGL;

/// <summary>Carries recorded commands out, on the device's thread.</summary>
internal sealed unsafe class GlExecutor(Gl gl)
{
    private const int MaximumVertexSlots = 8;
    private readonly GlBuffer?[] _vertexBuffers = new GlBuffer?[MaximumVertexSlots];
    private readonly uint[] _vertexOffsets = new uint[MaximumVertexSlots];
    private GlPipeline? _pipeline;
    private GlBuffer? _indexBuffer;
    private uint _indexFormat;
    private GlFramebuffer? _framebuffer;
    private bool _buffersChanged;

    public void Execute(GlRecording recording)
    {
        _pipeline = null;
        _framebuffer = null;
        _indexBuffer = null;
        Array.Clear(_vertexBuffers);
        foreach (ref readonly GlCommand command in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(recording.Commands))
            Execute(command, recording);
        gl.Flush();
        if (recording.Fence is not null) gl.Finish();
        gl.Check("a command list");
    }

    private void Execute(in GlCommand c, GlRecording recording)
    {
        switch (c.Kind)
        {
            case GlCommandKind.SetPipeline:
                Bind((GlPipeline)c.First!);
                break;
            case GlCommandKind.SetVertexBuffer:
                _vertexBuffers[c.A] = (GlBuffer)c.First!;
                _vertexOffsets[c.A] = c.B;
                _buffersChanged = true;
                break;
            case GlCommandKind.SetIndexBuffer:
                _indexBuffer = (GlBuffer)c.First!;
                _indexFormat = c.A;
                _buffersChanged = true;
                break;
            case GlCommandKind.SetResourceSet:
                uint binding = Current.FirstBinding[c.A], unit = Current.FirstUnit[c.A];
                foreach (BindableResource resource in ((GlResourceSet)c.First!).Resources)
                {
                    if (resource is GlTexture texture) gl.BindTextureUnit(unit++, texture.Id);
                    else gl.BindBufferBase(Gl.UniformBuffer, binding++, ((GlBuffer)resource).Id);
                }
                break;
            case GlCommandKind.SetFramebuffer:
                _framebuffer = (GlFramebuffer)c.First!;
                gl.BindFramebuffer(Gl.DrawFramebuffer, _framebuffer.Id);
                gl.ViewportIndexedf(0, 0, 0, _framebuffer.Width, _framebuffer.Height);
                gl.DepthRangef(0, 1);
                gl.ScissorRect(0, 0, (int)_framebuffer.Width, (int)_framebuffer.Height);
                break;
            case GlCommandKind.ClearColor:
                float* color = stackalloc float[4]
                {
                    GlCommand.Value(c.A), GlCommand.Value(c.B), GlCommand.Value(c.C), GlCommand.Value(c.D),
                };
                gl.Disable(Gl.ScissorTest);
                gl.ColorMask(1, 1, 1, 1);
                gl.ClearNamedFramebufferfv(Target.Id, Gl.Color, 0, color);
                RestoreAfterClear();
                break;
            case GlCommandKind.ClearDepth:
                float depth = GlCommand.Value(c.A);
                gl.Disable(Gl.ScissorTest);
                gl.DepthMask(1);
                gl.ClearNamedFramebufferfv(Target.Id, Gl.Depth, 0, &depth);
                RestoreAfterClear();
                break;
            case GlCommandKind.SetViewport:
                // The package counts rows of viewports and scissor rectangles from the top of the target, OpenGL from the bottom.
                float bottom = Target.Height - (GlCommand.Value(c.B) + GlCommand.Value(c.D));
                gl.ViewportIndexedf(0, GlCommand.Value(c.A), bottom, GlCommand.Value(c.C), GlCommand.Value(c.D));
                gl.DepthRangef(GlCommand.Value(c.E), GlCommand.Value(c.F));
                break;
            case GlCommandKind.SetScissor:
                gl.ScissorRect((int)c.A, (int)(Target.Height - c.B - c.D), (int)c.C, (int)c.D);
                break;
            case GlCommandKind.Draw:
                FlushBuffers();
                gl.DrawArraysInstancedBaseInstance(Topology, (int)c.C, (int)c.A, (int)c.B, c.D);
                break;
            case GlCommandKind.DrawIndexed:
                FlushBuffers();
                bool wide = _indexFormat == (uint)IndexFormat.UInt32;
                gl.DrawElementsInstancedBaseVertexBaseInstance(
                    Topology, (int)c.A, wide ? Gl.UnsignedInt : Gl.UnsignedShort, (void*)(nuint)(c.C * (wide ? 4u : 2u)), (int)c.B, (int)c.D, c.E);
                break;
            case GlCommandKind.UpdateBuffer:
                fixed (byte* data = recording.Data)
                    gl.NamedBufferSubData(((GlBuffer)c.First!).Id, (nint)c.A, (nint)c.C, data + c.B);
                break;
            case GlCommandKind.CopyTexture:
                ReadBack(c);
                break;
            case GlCommandKind.Resolve:
                GlTexture from = (GlTexture)c.First!, to = (GlTexture)c.Second!;
                gl.Disable(Gl.ScissorTest);
                gl.BlitNamedFramebuffer(
                    from.Attachment, to.Attachment, 0, 0, (int)from.Width, (int)from.Height, 0, 0, (int)to.Width, (int)to.Height,
                    Gl.ColorBufferBit, 0x2600 /* GL_NEAREST */);
                RestoreAfterClear();
                break;
        }
    }

    private GlPipeline Current => _pipeline ?? throw new VeldridException("No pipeline is set.");

    private GlFramebuffer Target => _framebuffer ?? throw new VeldridException("No framebuffer is set.");

    private uint Topology => Current.Description.PrimitiveTopology switch
    {
        PrimitiveTopology.TriangleList => 4,
        PrimitiveTopology.TriangleStrip => 5,
        PrimitiveTopology.LineList => 1,
        PrimitiveTopology.LineStrip => 3,
        _ => 0,
    };

    private void ReadBack(in GlCommand c)
    {
        GlTexture source = (GlTexture)c.First!, staging = (GlTexture)c.Second!;
        gl.BindFramebuffer(Gl.ReadFramebuffer, source.Attachment);
        gl.PixelStorei(Gl.PackAlignment, 4);
        gl.PixelStorei(Gl.PackRowLength, (int)staging.Width);
        bool isFloat = source.Format == PixelFormat.R32_Float;
        gl.ReadPixels(
            (int)c.A, (int)c.B, (int)c.E, (int)c.F, isFloat ? Gl.Red : Gl.Rgba, isFloat ? Gl.Float : Gl.UnsignedByte,
            staging.Memory + ((nuint)c.D * staging.Width + c.C) * 4);
    }

    private void FlushBuffers()
    {
        if (!_buffersChanged) return;
        _buffersChanged = false;
        GlPipeline pipeline = Current;
        VertexLayoutDescription[] layouts = pipeline.Description.ShaderSet.VertexLayouts;
        for (uint slot = 0; slot < layouts.Length; slot++)
        {
            GlBuffer buffer = _vertexBuffers[slot] ?? throw new VeldridException($"No vertex buffer is set for slot {slot}.");
            gl.VertexArrayVertexBuffer(pipeline.VertexArray, slot, buffer.Id, (nint)_vertexOffsets[slot], (int)layouts[slot].Stride);
        }
        if (_indexBuffer is not null) gl.VertexArrayElementBuffer(pipeline.VertexArray, _indexBuffer.Id);
    }

    private void Bind(GlPipeline pipeline)
    {
        _pipeline = pipeline;
        _buffersChanged = true;
        gl.UseProgram(pipeline.Program);
        gl.BindVertexArray(pipeline.VertexArray);
        GraphicsPipelineDescription description = pipeline.Description;
        BlendAttachmentDescription blend = description.BlendState.AttachmentStates[0];
        Switch(Gl.Blend, blend.BlendEnabled);
        if (blend.BlendEnabled)
        {
            gl.BlendFuncSeparate(
                Factor(blend.SourceColorFactor), Factor(blend.DestinationColorFactor),
                Factor(blend.SourceAlphaFactor), Factor(blend.DestinationAlphaFactor));
            gl.BlendEquationSeparate(Function(blend.ColorFunction), Function(blend.AlphaFunction));
            RgbaFloat factor = description.BlendState.BlendFactor;
            gl.BlendColor(factor.R, factor.G, factor.B, factor.A);
        }
        DepthStencilStateDescription depth = description.DepthStencilState;
        Switch(Gl.DepthTest, depth.DepthTestEnabled);
        gl.DepthFunc(0x0200u + (uint)depth.DepthComparison); // GL_NEVER … GL_ALWAYS in the package's order
        RasterizerStateDescription raster = description.RasterizerState;
        Switch(Gl.CullFace, raster.CullMode != FaceCullMode.None);
        gl.CullFaceMode(raster.CullMode == FaceCullMode.Front ? Gl.Front : Gl.Back);
        gl.FrontFaceMode(raster.FrontFace == FrontFace.Clockwise ? Gl.Clockwise : Gl.CounterClockwise);
        gl.PolygonMode(Gl.FrontAndBack, raster.FillMode == PolygonFillMode.Wireframe ? Gl.Line : Gl.Fill);
        Switch(Gl.DepthClamp, !raster.DepthClipEnabled);
        RestoreAfterClear();
    }

    /// <summary>Masks and scissor of the pipeline, which clears and resolves ignore.</summary>
    private void RestoreAfterClear()
    {
        if (_pipeline is null) return;
        ColorWriteMask mask = _pipeline.Description.BlendState.AttachmentStates[0].ColorWriteMask ?? ColorWriteMask.All;
        gl.ColorMask(
            (byte)(mask & ColorWriteMask.Red), (byte)(mask & ColorWriteMask.Green),
            (byte)(mask & ColorWriteMask.Blue), (byte)(mask & ColorWriteMask.Alpha));
        gl.DepthMask(_pipeline.Description.DepthStencilState.DepthWriteEnabled ? (byte)1 : (byte)0);
        Switch(Gl.ScissorTest, _pipeline.Description.RasterizerState.ScissorTestEnabled);
    }

    private void Switch(uint capability, bool on)
    {
        if (on) gl.Enable(capability);
        else gl.Disable(capability);
    }

    private static uint Factor(BlendFactor factor) => factor switch
    {
        BlendFactor.Zero => 0,
        BlendFactor.One => 1,
        BlendFactor.SourceAlpha => 0x0302,
        BlendFactor.InverseSourceAlpha => 0x0303,
        BlendFactor.DestinationAlpha => 0x0304,
        BlendFactor.InverseDestinationAlpha => 0x0305,
        BlendFactor.SourceColor => 0x0300,
        BlendFactor.InverseSourceColor => 0x0301,
        BlendFactor.DestinationColor => 0x0306,
        BlendFactor.InverseDestinationColor => 0x0307,
        BlendFactor.BlendFactor => 0x8001,
        _ => 0x8002,
    };

    private static uint Function(BlendFunction function) => function switch
    {
        BlendFunction.Add => 0x8006,
        BlendFunction.Subtract => 0x800A,
        BlendFunction.ReverseSubtract => 0x800B,
        BlendFunction.Minimum => 0x8007,
        _ => 0x8008,
    };
}
