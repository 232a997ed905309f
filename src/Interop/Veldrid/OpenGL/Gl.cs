using System.Runtime.InteropServices;
using System.Text;

namespace Veldrid.OpenGL;

/// <summary>
/// The OpenGL 4.5 core functions that this subset calls, looked up through the context. Every call happens on the
/// device's own thread.
/// </summary>
internal sealed unsafe class Gl
{
    public const uint UniformBuffer = 0x8A11;
    public const uint Texture2D = 0x0DE1, Texture2DMultisample = 0x9100;
    public const uint ReadFramebuffer = 0x8CA8, DrawFramebuffer = 0x8CA9, FramebufferComplete = 0x8CD5;
    public const uint ColorAttachment0 = 0x8CE0, DepthAttachment = 0x8D00;
    public const uint Color = 0x1800, Depth = 0x1801, ColorBufferBit = 0x4000;
    public const uint Blend = 0x0BE2, DepthTest = 0x0B71, CullFace = 0x0B44, ScissorTest = 0x0C11, DepthClamp = 0x864F;
    public const uint Rgba = 0x1908, Bgra = 0x80E1, Red = 0x1903, Rg = 0x8227, UnsignedByte = 0x1401, UnsignedShort = 0x1403, UnsignedInt = 0x1405, Float = 0x1406;
    public const uint Rgba8 = 0x8058, R8 = 0x8229, R16 = 0x822A, Rg8 = 0x822B, Rg16 = 0x822C, R32F = 0x822E, DepthComponent32F = 0x8CAC;
    public const uint VertexShader = 0x8B31, FragmentShader = 0x8B30, CompileStatus = 0x8B81, LinkStatus = 0x8B82, InfoLogLength = 0x8B84;
    public const uint Vendor = 0x1F00, Renderer = 0x1F01, Version = 0x1F02, ShadingLanguageVersion = 0x8B8C;
    public const uint DynamicStorageBit = 0x0100, PackRowLength = 0x0D02, PackAlignment = 0x0D05, UnpackAlignment = 0x0CF5, InvalidIndex = 0xFFFFFFFF;
    public const uint Fill = 0x1B02, Line = 0x1B01, FrontAndBack = 0x0408, Front = 0x0404, Back = 0x0405, Clockwise = 0x0900, CounterClockwise = 0x0901;

    public readonly delegate* unmanaged<uint> GetError;
    public readonly delegate* unmanaged<uint, byte*> GetString;
    public readonly delegate* unmanaged<int, uint*, void> CreateBuffers;
    public readonly delegate* unmanaged<int, uint*, void> DeleteBuffers;
    public readonly delegate* unmanaged<uint, nint, void*, uint, void> NamedBufferStorage;
    public readonly delegate* unmanaged<uint, nint, nint, void*, void> NamedBufferSubData;
    public readonly delegate* unmanaged<uint, int, uint*, void> CreateTextures;
    public readonly delegate* unmanaged<int, uint*, void> DeleteTextures;
    public readonly delegate* unmanaged<uint, int, uint, int, int, void> TextureStorage2D;
    public readonly delegate* unmanaged<uint, int, uint, int, int, byte, void> TextureStorage2DMultisample;
    public readonly delegate* unmanaged<uint, int, int, int, int, int, uint, uint, void*, void> TextureSubImage2D;
    public readonly delegate* unmanaged<uint, uint, void> BindTextureUnit;
    public readonly delegate* unmanaged<int, uint*, void> CreateFramebuffers;
    public readonly delegate* unmanaged<int, uint*, void> DeleteFramebuffers;
    public readonly delegate* unmanaged<uint, uint, uint, int, void> NamedFramebufferTexture;
    public readonly delegate* unmanaged<uint, uint, uint> CheckNamedFramebufferStatus;
    public readonly delegate* unmanaged<uint, uint, void> BindFramebuffer;
    public readonly delegate* unmanaged<uint, uint, int, float*, void> ClearNamedFramebufferfv;
    public readonly delegate* unmanaged<uint, uint, int, int, int, int, int, int, int, int, uint, uint, void> BlitNamedFramebuffer;
    public readonly delegate* unmanaged<int, int, int, int, uint, uint, void*, void> ReadPixels;
    public readonly delegate* unmanaged<uint, int, void> PixelStorei;
    public readonly delegate* unmanaged<int, uint*, void> CreateVertexArrays;
    public readonly delegate* unmanaged<int, uint*, void> DeleteVertexArrays;
    public readonly delegate* unmanaged<uint, void> BindVertexArray;
    public readonly delegate* unmanaged<uint, uint, void> EnableVertexArrayAttrib;
    public readonly delegate* unmanaged<uint, uint, int, uint, byte, uint, void> VertexArrayAttribFormat;
    public readonly delegate* unmanaged<uint, uint, uint, void> VertexArrayAttribBinding;
    public readonly delegate* unmanaged<uint, uint, uint, void> VertexArrayBindingDivisor;
    public readonly delegate* unmanaged<uint, uint, uint, nint, int, void> VertexArrayVertexBuffer;
    public readonly delegate* unmanaged<uint, uint, void> VertexArrayElementBuffer;
    public readonly delegate* unmanaged<uint, uint> CreateShader;
    public readonly delegate* unmanaged<uint, void> DeleteShader;
    public readonly delegate* unmanaged<uint, int, byte**, int*, void> ShaderSource;
    public readonly delegate* unmanaged<uint, void> CompileShader;
    public readonly delegate* unmanaged<uint, uint, int*, void> GetShaderiv;
    public readonly delegate* unmanaged<uint, int, int*, byte*, void> GetShaderInfoLog;
    public readonly delegate* unmanaged<uint> CreateProgram;
    public readonly delegate* unmanaged<uint, void> DeleteProgram;
    public readonly delegate* unmanaged<uint, uint, void> AttachShader;
    public readonly delegate* unmanaged<uint, uint, void> DetachShader;
    public readonly delegate* unmanaged<uint, uint, byte*, void> BindAttribLocation;
    public readonly delegate* unmanaged<uint, void> LinkProgram;
    public readonly delegate* unmanaged<uint, uint, int*, void> GetProgramiv;
    public readonly delegate* unmanaged<uint, int, int*, byte*, void> GetProgramInfoLog;
    public readonly delegate* unmanaged<uint, void> UseProgram;
    public readonly delegate* unmanaged<uint, byte*, uint> GetUniformBlockIndex;
    public readonly delegate* unmanaged<uint, byte*, int> GetUniformLocation;
    public readonly delegate* unmanaged<uint, int, int, void> ProgramUniform1i;
    public readonly delegate* unmanaged<uint, uint, uint, void> UniformBlockBinding;
    public readonly delegate* unmanaged<uint, uint, uint, void> BindBufferBase;
    public readonly delegate* unmanaged<uint, void> Enable;
    public readonly delegate* unmanaged<uint, void> Disable;
    public readonly delegate* unmanaged<uint, uint, uint, uint, void> BlendFuncSeparate;
    public readonly delegate* unmanaged<uint, uint, void> BlendEquationSeparate;
    public readonly delegate* unmanaged<float, float, float, float, void> BlendColor;
    public readonly delegate* unmanaged<byte, byte, byte, byte, void> ColorMask;
    public readonly delegate* unmanaged<byte, void> DepthMask;
    public readonly delegate* unmanaged<uint, void> DepthFunc;
    public readonly delegate* unmanaged<uint, void> CullFaceMode;
    public readonly delegate* unmanaged<uint, void> FrontFaceMode;
    public readonly delegate* unmanaged<uint, uint, void> PolygonMode;
    public readonly delegate* unmanaged<int, int, int, int, void> ScissorRect;
    public readonly delegate* unmanaged<float, float, void> DepthRangef;
    public readonly delegate* unmanaged<uint, float, float, float, float, void> ViewportIndexedf;
    public readonly delegate* unmanaged<uint, int, int, int, uint, void> DrawArraysInstancedBaseInstance;
    public readonly delegate* unmanaged<uint, int, uint, void*, int, int, uint, void> DrawElementsInstancedBaseVertexBaseInstance;
    public readonly delegate* unmanaged<void> Flush;
    public readonly delegate* unmanaged<void> Finish;

    public Gl(Func<string, IntPtr> getProcAddress)
    {
        nint Load(string name)
        {
            nint address = getProcAddress(name);
            if (address == 0) throw new VeldridException($"The OpenGL driver has no {name}: OpenGL 4.5 is needed.");
            return address;
        }

        GetError = (delegate* unmanaged<uint>)Load("glGetError");
        GetString = (delegate* unmanaged<uint, byte*>)Load("glGetString");
        CreateBuffers = (delegate* unmanaged<int, uint*, void>)Load("glCreateBuffers");
        DeleteBuffers = (delegate* unmanaged<int, uint*, void>)Load("glDeleteBuffers");
        NamedBufferStorage = (delegate* unmanaged<uint, nint, void*, uint, void>)Load("glNamedBufferStorage");
        NamedBufferSubData = (delegate* unmanaged<uint, nint, nint, void*, void>)Load("glNamedBufferSubData");
        CreateTextures = (delegate* unmanaged<uint, int, uint*, void>)Load("glCreateTextures");
        DeleteTextures = (delegate* unmanaged<int, uint*, void>)Load("glDeleteTextures");
        TextureStorage2D = (delegate* unmanaged<uint, int, uint, int, int, void>)Load("glTextureStorage2D");
        TextureStorage2DMultisample = (delegate* unmanaged<uint, int, uint, int, int, byte, void>)Load("glTextureStorage2DMultisample");
        TextureSubImage2D = (delegate* unmanaged<uint, int, int, int, int, int, uint, uint, void*, void>)Load("glTextureSubImage2D");
        BindTextureUnit = (delegate* unmanaged<uint, uint, void>)Load("glBindTextureUnit");
        CreateFramebuffers = (delegate* unmanaged<int, uint*, void>)Load("glCreateFramebuffers");
        DeleteFramebuffers = (delegate* unmanaged<int, uint*, void>)Load("glDeleteFramebuffers");
        NamedFramebufferTexture = (delegate* unmanaged<uint, uint, uint, int, void>)Load("glNamedFramebufferTexture");
        CheckNamedFramebufferStatus = (delegate* unmanaged<uint, uint, uint>)Load("glCheckNamedFramebufferStatus");
        BindFramebuffer = (delegate* unmanaged<uint, uint, void>)Load("glBindFramebuffer");
        ClearNamedFramebufferfv = (delegate* unmanaged<uint, uint, int, float*, void>)Load("glClearNamedFramebufferfv");
        BlitNamedFramebuffer = (delegate* unmanaged<uint, uint, int, int, int, int, int, int, int, int, uint, uint, void>)Load("glBlitNamedFramebuffer");
        ReadPixels = (delegate* unmanaged<int, int, int, int, uint, uint, void*, void>)Load("glReadPixels");
        PixelStorei = (delegate* unmanaged<uint, int, void>)Load("glPixelStorei");
        CreateVertexArrays = (delegate* unmanaged<int, uint*, void>)Load("glCreateVertexArrays");
        DeleteVertexArrays = (delegate* unmanaged<int, uint*, void>)Load("glDeleteVertexArrays");
        BindVertexArray = (delegate* unmanaged<uint, void>)Load("glBindVertexArray");
        EnableVertexArrayAttrib = (delegate* unmanaged<uint, uint, void>)Load("glEnableVertexArrayAttrib");
        VertexArrayAttribFormat = (delegate* unmanaged<uint, uint, int, uint, byte, uint, void>)Load("glVertexArrayAttribFormat");
        VertexArrayAttribBinding = (delegate* unmanaged<uint, uint, uint, void>)Load("glVertexArrayAttribBinding");
        VertexArrayBindingDivisor = (delegate* unmanaged<uint, uint, uint, void>)Load("glVertexArrayBindingDivisor");
        VertexArrayVertexBuffer = (delegate* unmanaged<uint, uint, uint, nint, int, void>)Load("glVertexArrayVertexBuffer");
        VertexArrayElementBuffer = (delegate* unmanaged<uint, uint, void>)Load("glVertexArrayElementBuffer");
        CreateShader = (delegate* unmanaged<uint, uint>)Load("glCreateShader");
        DeleteShader = (delegate* unmanaged<uint, void>)Load("glDeleteShader");
        ShaderSource = (delegate* unmanaged<uint, int, byte**, int*, void>)Load("glShaderSource");
        CompileShader = (delegate* unmanaged<uint, void>)Load("glCompileShader");
        GetShaderiv = (delegate* unmanaged<uint, uint, int*, void>)Load("glGetShaderiv");
        GetShaderInfoLog = (delegate* unmanaged<uint, int, int*, byte*, void>)Load("glGetShaderInfoLog");
        CreateProgram = (delegate* unmanaged<uint>)Load("glCreateProgram");
        DeleteProgram = (delegate* unmanaged<uint, void>)Load("glDeleteProgram");
        AttachShader = (delegate* unmanaged<uint, uint, void>)Load("glAttachShader");
        DetachShader = (delegate* unmanaged<uint, uint, void>)Load("glDetachShader");
        BindAttribLocation = (delegate* unmanaged<uint, uint, byte*, void>)Load("glBindAttribLocation");
        LinkProgram = (delegate* unmanaged<uint, void>)Load("glLinkProgram");
        GetProgramiv = (delegate* unmanaged<uint, uint, int*, void>)Load("glGetProgramiv");
        GetProgramInfoLog = (delegate* unmanaged<uint, int, int*, byte*, void>)Load("glGetProgramInfoLog");
        UseProgram = (delegate* unmanaged<uint, void>)Load("glUseProgram");
        GetUniformBlockIndex = (delegate* unmanaged<uint, byte*, uint>)Load("glGetUniformBlockIndex");
        GetUniformLocation = (delegate* unmanaged<uint, byte*, int>)Load("glGetUniformLocation");
        ProgramUniform1i = (delegate* unmanaged<uint, int, int, void>)Load("glProgramUniform1i");
        UniformBlockBinding = (delegate* unmanaged<uint, uint, uint, void>)Load("glUniformBlockBinding");
        BindBufferBase = (delegate* unmanaged<uint, uint, uint, void>)Load("glBindBufferBase");
        Enable = (delegate* unmanaged<uint, void>)Load("glEnable");
        Disable = (delegate* unmanaged<uint, void>)Load("glDisable");
        BlendFuncSeparate = (delegate* unmanaged<uint, uint, uint, uint, void>)Load("glBlendFuncSeparate");
        BlendEquationSeparate = (delegate* unmanaged<uint, uint, void>)Load("glBlendEquationSeparate");
        BlendColor = (delegate* unmanaged<float, float, float, float, void>)Load("glBlendColor");
        ColorMask = (delegate* unmanaged<byte, byte, byte, byte, void>)Load("glColorMask");
        DepthMask = (delegate* unmanaged<byte, void>)Load("glDepthMask");
        DepthFunc = (delegate* unmanaged<uint, void>)Load("glDepthFunc");
        CullFaceMode = (delegate* unmanaged<uint, void>)Load("glCullFace");
        FrontFaceMode = (delegate* unmanaged<uint, void>)Load("glFrontFace");
        PolygonMode = (delegate* unmanaged<uint, uint, void>)Load("glPolygonMode");
        ScissorRect = (delegate* unmanaged<int, int, int, int, void>)Load("glScissor");
        DepthRangef = (delegate* unmanaged<float, float, void>)Load("glDepthRangef");
        ViewportIndexedf = (delegate* unmanaged<uint, float, float, float, float, void>)Load("glViewportIndexedf");
        DrawArraysInstancedBaseInstance =
            (delegate* unmanaged<uint, int, int, int, uint, void>)Load("glDrawArraysInstancedBaseInstance");
        DrawElementsInstancedBaseVertexBaseInstance =
            (delegate* unmanaged<uint, int, uint, void*, int, int, uint, void>)Load("glDrawElementsInstancedBaseVertexBaseInstance");
        Flush = (delegate* unmanaged<void>)Load("glFlush");
        Finish = (delegate* unmanaged<void>)Load("glFinish");
    }

    /// <summary>The one check that every OpenGL status goes through.</summary>
    /// <exception cref="VeldridException">The driver reported an error since the last check.</exception>
    public void Check(string what)
    {
        uint error = GetError();
        if (error == 0) return;
        while (GetError() != 0) { } // OpenGL keeps one flag per category; the first one read is reported.
        string name = error switch
        {
            0x0500 => "GL_INVALID_ENUM",
            0x0501 => "GL_INVALID_VALUE",
            0x0502 => "GL_INVALID_OPERATION",
            0x0505 => "GL_OUT_OF_MEMORY",
            0x0506 => "GL_INVALID_FRAMEBUFFER_OPERATION",
            _ => $"0x{error:X}",
        };
        throw new VeldridException($"OpenGL failed at {what}: {name}.");
    }

    public string Text(uint name) => Marshal.PtrToStringUTF8((nint)GetString(name)) ?? "";

    public uint Compile(uint kind, byte[] source)
    {
        uint shader = CreateShader(kind);
        int length = source.Length;
        fixed (byte* text = source) ShaderSource(shader, 1, &text, &length);
        CompileShader(shader);
        int status;
        GetShaderiv(shader, CompileStatus, &status);
        if (status != 0) return shader;
        int size;
        GetShaderiv(shader, InfoLogLength, &size);
        byte[] log = new byte[Math.Max(size, 1)];
        fixed (byte* text = log) GetShaderInfoLog(shader, log.Length, null, text);
        DeleteShader(shader);
        throw new VeldridException($"A shader does not compile: {Encoding.UTF8.GetString(log).TrimEnd('\0', '\n')}");
    }

    public void Link(uint program)
    {
        LinkProgram(program);
        int status;
        GetProgramiv(program, LinkStatus, &status);
        if (status != 0) return;
        int size;
        GetProgramiv(program, InfoLogLength, &size);
        byte[] log = new byte[Math.Max(size, 1)];
        fixed (byte* text = log) GetProgramInfoLog(program, log.Length, null, text);
        throw new VeldridException($"A shader program does not link: {Encoding.UTF8.GetString(log).TrimEnd('\0', '\n')}");
    }
}
