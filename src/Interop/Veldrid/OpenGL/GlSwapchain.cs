namespace Veldrid.OpenGL;

/// <summary>
/// The buffers of the window that a device's context draws on: OpenGL's framebuffer 0. The window gives them their size; what is kept
/// here is only what rows are counted from.
/// </summary>
internal sealed class GlSwapchain(uint width, uint height, PixelFormat? depth) : Swapchain
{
    private readonly GlFramebuffer _framebuffer = GlFramebuffer.OfWindow(width, height, depth);
    private bool _disposed;

    public override Framebuffer Framebuffer => _framebuffer;

    public override string Name { get; set; } = "";

    public override bool IsDisposed => _disposed;

    public override void Resize(uint width, uint height) => _framebuffer.Resize(width, height);

    public override void Dispose() => _disposed = true;
}
