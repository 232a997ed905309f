using Veldrid;

namespace Img2Pose.Rendering.Views;

/// <summary>What a view of one size is drawn into: the surroundings, the view over them, and the memory it is read from.</summary>
internal sealed class ViewTarget : IDisposable
{
    private readonly Texture _view;
    private readonly Texture _depth;

    public ViewTarget(GraphicsDevice device, uint width, uint height)
    {
        (Width, Height) = ((int)width, (int)height);
        SurroundingsTexture = Make(PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.RenderTarget | TextureUsage.Sampled);
        _view = Make(PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.RenderTarget);
        _depth = Make(PixelFormat.R32_Float, TextureUsage.DepthStencil);
        Staging = Make(PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Staging);
        Surroundings = device.ResourceFactory.CreateFramebuffer(new FramebufferDescription(_depth, SurroundingsTexture));
        View = device.ResourceFactory.CreateFramebuffer(new FramebufferDescription(_depth, _view));

        Texture Make(PixelFormat format, TextureUsage usage) =>
            device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(width, height, 1, 1, format, usage));
    }

    public int Width { get; }

    public int Height { get; }

    public Framebuffer Surroundings { get; }

    public Texture SurroundingsTexture { get; }

    public Framebuffer View { get; }

    public Texture Staging { get; }

    /// <summary>Records the copy of the view to <see cref="Staging"/>.</summary>
    public void ReadBack(CommandList commands) =>
        commands.CopyTexture(_view, 0, 0, 0, 0, 0, Staging, 0, 0, 0, 0, 0, (uint)Width, (uint)Height, 1, 1);

    public void Dispose()
    {
        View.Dispose();
        Surroundings.Dispose();
        Staging.Dispose();
        _view.Dispose();
        SurroundingsTexture.Dispose();
        _depth.Dispose();
    }
}
