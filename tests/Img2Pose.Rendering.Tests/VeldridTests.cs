using Img2Pose.Rendering.Egl;
using Veldrid;
using Veldrid.OpenGL;

namespace Img2Pose.Rendering.Tests;

/// <summary>The stand-in under Veldrid's names, over a context without a window.</summary>
public sealed unsafe class VeldridTests
{
    [Fact]
    public void A_cleared_target_reads_back_in_its_colour()
    {
        using GraphicsDevice device = Device();
        ResourceFactory factory = device.ResourceFactory;
        using Texture color = factory.CreateTexture(TextureDescription.Texture2D(8, 4, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.RenderTarget));
        using Texture staging = factory.CreateTexture(TextureDescription.Texture2D(8, 4, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Staging));
        using Framebuffer framebuffer = factory.CreateFramebuffer(new FramebufferDescription(null, color));
        using CommandList commands = factory.CreateCommandList();

        commands.Begin();
        commands.SetFramebuffer(framebuffer);
        commands.ClearColorTarget(0, new RgbaFloat(1, 0.2f, 0, 1));
        commands.CopyTexture(color, 0, 0, 0, 0, 0, staging, 2, 1, 0, 0, 0, 4, 2, 1, 1);
        commands.End();
        device.SubmitCommands(commands);
        MappedResource map = device.Map(staging, MapMode.Read);

        uint* pixels = (uint*)map.Data;
        Assert.Equal(32u, map.RowPitch);
        Assert.Equal(0u, pixels[0]);
        Assert.Equal(0xFF0033FFu, pixels[8 + 2]);
        Assert.Equal(0xFF0033FFu, pixels[16 + 5]);
        Assert.Equal(0u, pixels[24]);
        device.Unmap(staging);
    }

    [Fact]
    public void A_fence_is_signaled_when_its_commands_are_done()
    {
        using GraphicsDevice device = Device();
        using CommandList commands = device.ResourceFactory.CreateCommandList();
        using Fence fence = device.ResourceFactory.CreateFence(signaled: false);
        Assert.False(fence.Signaled);

        commands.Begin();
        commands.End();
        device.SubmitCommands(commands, fence);
        device.WaitForFence(fence);

        Assert.True(fence.Signaled);
        device.ResetFence(fence);
        Assert.False(fence.Signaled);
    }

    [Fact]
    public void A_shader_that_does_not_compile_is_refused_with_the_drivers_words()
    {
        using GraphicsDevice device = Device();

        VeldridException error = Assert.Throws<VeldridException>(() => device.ResourceFactory.CreateShader(
            new ShaderDescription(ShaderStages.Vertex, "#version 450 core\nvoid main() { nonsense }"u8.ToArray(), "main")));

        Assert.Contains("error", error.Message, StringComparison.Ordinal); // "0:2(24): error: …" is Mesa's
    }

    [Fact]
    public void An_error_in_submitted_commands_comes_out_at_the_next_wait()
    {
        using GraphicsDevice device = Device();
        using CommandList commands = device.ResourceFactory.CreateCommandList();
        commands.Begin();
        commands.ClearColorTarget(0, new RgbaFloat(0, 0, 0, 0)); // without a framebuffer
        commands.End();
        device.SubmitCommands(commands);

        Assert.Throws<VeldridException>(device.WaitForIdle);
        device.WaitForIdle(); // reported once; the device goes on
    }

    [Fact]
    public void Work_after_disposal_is_refused_and_late_disposal_is_harmless()
    {
        GraphicsDevice device = Device();
        DeviceBuffer buffer = device.ResourceFactory.CreateBuffer(new BufferDescription(16, BufferUsage.VertexBuffer));
        Texture staging = device.ResourceFactory.CreateTexture(
            TextureDescription.Texture2D(8, 8, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Staging));
        device.Dispose();

        Assert.Throws<ObjectDisposedException>(device.WaitForIdle);
        buffer.Dispose();
        staging.Dispose();
        staging.Dispose();
        Assert.True(buffer.IsDisposed && staging.IsDisposed);
    }

    [Fact]
    public void Misuse_is_refused_before_it_reaches_the_driver()
    {
        using GraphicsDevice device = Device();
        using CommandList commands = device.ResourceFactory.CreateCommandList();
        using DeviceBuffer buffer = device.ResourceFactory.CreateBuffer(new BufferDescription(16, BufferUsage.UniformBuffer));

        Assert.Throws<VeldridException>(commands.End);
        Assert.Throws<VeldridException>(() => device.SubmitCommands(commands));
        commands.Begin();
        Assert.Throws<VeldridException>(commands.Begin);
        Assert.Throws<VeldridException>(() => commands.SetVertexBuffer(0, buffer));
        Assert.Throws<VeldridException>(() => commands.UpdateBuffer(buffer, 8, 0, 16));
        Assert.Throws<VeldridException>(() => device.ResourceFactory.CreateBuffer(new BufferDescription(0, BufferUsage.VertexBuffer)));
    }

    [Fact]
    public void A_context_that_is_not_current_on_the_calling_thread_is_refused()
    {
        using GraphicsDevice other = Device();
        OpenGLPlatformInfo platform = EglPlatform.CreateContext(0);
        platform.ClearCurrentContext();
        try
        {
            Assert.Throws<VeldridException>(() => GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false), platform, 0, 0));
        }
        finally
        {
            platform.DeleteContext(platform.OpenGLContextHandle);
        }
    }

    [Fact]
    public void A_device_takes_the_context_to_a_thread_of_its_own()
    {
        using GraphicsDevice other = Device();
        OpenGLPlatformInfo platform = EglPlatform.CreateContext(0);
        nint before = platform.GetCurrentContext();

        using GraphicsDevice device = GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false), platform, 0, 0);
        nint there = 0;
        device.GetOpenGLInfo().ExecuteOnGLThread(() => there = platform.GetCurrentContext());

        Assert.Equal(platform.OpenGLContextHandle, before);
        Assert.Equal(0, platform.GetCurrentContext());
        Assert.Equal(platform.OpenGLContextHandle, there);
    }

    [Fact]
    public void A_device_without_a_window_has_no_swapchain()
    {
        using GraphicsDevice device = Device();

        Assert.Null(device.MainSwapchain);
        Assert.Throws<VeldridException>(device.SwapBuffers);
    }

    [Fact]
    public void A_swapchain_has_the_size_that_it_is_given_and_is_exchanged_by_the_windows_system()
    {
        int exchanged = 0;
        using GraphicsDevice other = Device();
        OpenGLPlatformInfo egl = EglPlatform.CreateContext(0);
        OpenGLPlatformInfo platform = new(
            egl.OpenGLContextHandle, egl.GetProcAddress, egl.MakeCurrent, egl.GetCurrentContext, egl.ClearCurrentContext, egl.DeleteContext,
            () => exchanged += egl.GetCurrentContext() == egl.OpenGLContextHandle ? 1 : 100, egl.SetSyncToVerticalBlank);
        using GraphicsDevice device = GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false) { HasMainSwapchain = true }, platform, 40, 30);

        device.MainSwapchain.Resize(64, 48);
        device.SwapBuffers();

        Assert.Equal(1, exchanged);
        Assert.Equal((64u, 48u), (device.MainSwapchain.Framebuffer.Width, device.MainSwapchain.Framebuffer.Height));
        Assert.Equal(PixelFormat.B8_G8_R8_A8_UNorm, Assert.Single(device.MainSwapchain.Framebuffer.OutputDescription.ColorAttachments).Format);
    }

    [Fact]
    public void A_texture_is_updated_inside_itself_by_data_that_are_there()
    {
        using GraphicsDevice device = Device();
        using Texture texture = device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(5, 3, 1, 1, PixelFormat.R8_UNorm, TextureUsage.Sampled));
        byte* data = stackalloc byte[15];

        device.UpdateTexture(texture, (nint)data, 15, 0, 0, 0, 5, 3, 1, 0, 0);

        Assert.Throws<VeldridException>(() => device.UpdateTexture(texture, 1, 14, 0, 0, 0, 5, 3, 1, 0, 0));
        Assert.Throws<VeldridException>(() => device.UpdateTexture(texture, 1, 15, 1, 0, 0, 5, 3, 1, 0, 0));
    }

    private static GraphicsDevice Device()
    {
        try
        {
            return GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false), EglPlatform.CreateContext(0), 0, 0);
        }
        catch (ModelException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
