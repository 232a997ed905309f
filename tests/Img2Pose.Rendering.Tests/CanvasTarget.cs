using Img2Pose.Frames;
using Img2Pose.Rendering.Egl;
using Img2Pose.Rendering.Overlay;
using Img2Pose.Rendering.Windows;
using Veldrid;
using PixelFormat = Veldrid.PixelFormat;

namespace Img2Pose.Rendering.Tests;

/// <summary>A canvas on a device of its own that draws into memory instead of a window.</summary>
internal sealed unsafe class CanvasTarget : IDisposable
{
    private readonly GraphicsDevice _device;
    private readonly Texture _color, _staging;
    private readonly Framebuffer _framebuffer;
    private readonly CommandList _copy;
    private readonly int _width, _height;
    private byte[] _bgra = [];

    public CanvasTarget(OverlayRenderer renderer, int width, int height)
    {
        (_width, _height) = (width, height);
        _device = GraphicsDevice.CreateOpenGL(new GraphicsDeviceOptions(debug: false), EglPlatform.CreateContext(0), 0, 0);
        ResourceFactory factory = _device.ResourceFactory;
        _color = factory.CreateTexture(TextureDescription.Texture2D((uint)width, (uint)height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.RenderTarget));
        _staging = factory.CreateTexture(TextureDescription.Texture2D((uint)width, (uint)height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Staging));
        _framebuffer = factory.CreateFramebuffer(new FramebufferDescription(null, _color));
        _copy = factory.CreateCommandList();
        Canvas = new WindowCanvas(_device, _framebuffer.OutputDescription, renderer);
    }

    public WindowCanvas Canvas { get; }

    /// <summary>A pixel, counted from the upper left corner.</summary>
    public (int R, int G, int B) this[int x, int y] => (_bgra[4 * (y * _width + x) + 2], _bgra[4 * (y * _width + x) + 1], _bgra[4 * (y * _width + x)]);

    public void Begin() => Canvas.Begin(_framebuffer);

    /// <summary>Hands everything to the device and reads it back.</summary>
    public void End()
    {
        Canvas.Submit();
        _copy.Begin();
        _copy.CopyTexture(_color, 0, 0, 0, 0, 0, _staging, 0, 0, 0, 0, 0, (uint)_width, (uint)_height, 1, 1);
        _copy.End();
        _device.SubmitCommands(_copy);
        MappedResource map = _device.Map(_staging, MapMode.Read);
        _bgra = new byte[4 * _width * _height];
        for (int y = 0; y < _height; y++)
        {
            // A window's lowest row is OpenGL's first.
            ReadOnlySpan<byte> row = new((byte*)map.Data + (long)(_height - 1 - y) * map.RowPitch, 4 * _width);
            for (int x = 0; x < _width; x++)
            {
                Span<byte> pixel = _bgra.AsSpan(4 * (y * _width + x), 4);
                (pixel[0], pixel[1], pixel[2], pixel[3]) = (row[4 * x + 2], row[4 * x + 1], row[4 * x], row[4 * x + 3]);
            }
        }
        _device.Unmap(_staging);
    }

    /// <summary>Draws a picture, and what else is asked for, over black.</summary>
    public void Draw(VideoFrame frame, WindowArea area, bool mirror = false, Action<WindowCanvas>? more = null)
    {
        using PictureTextures picture = Canvas.CreatePicture();
        Assert.True(PictureTextures.Takes(frame));
        Begin();
        picture.Upload(frame);
        Canvas.Draw(picture, area, mirror);
        more?.Invoke(Canvas);
        End();
    }

    public byte[] Bgra() => [.. _bgra];

    public IEnumerable<(int R, int G, int B)> Pixels()
    {
        for (int i = 0; i < _width * _height; i++) yield return this[i % _width, i / _width];
    }

    /// <summary>Mean difference of all values.</summary>
    public double Difference(CanvasTarget other)
    {
        double sum = 0;
        for (int i = 0; i < _bgra.Length; i++)
        {
            if (i % 4 != 3) sum += Math.Abs(_bgra[i] - other._bgra[i]);
        }
        return sum / (3.0 * _width * _height);
    }

    /// <summary>Bytes of garbage that the device's own thread has made so far.</summary>
    public long AllocatedByDevice()
    {
        long bytes = 0;
        _device.WaitForIdle();
        _device.GetOpenGLInfo().ExecuteOnGLThread(() => bytes = GC.GetAllocatedBytesForCurrentThread());
        return bytes;
    }

    public void Dispose()
    {
        Canvas.Dispose();
        _copy.Dispose();
        _framebuffer.Dispose();
        _color.Dispose();
        _staging.Dispose();
        _device.Dispose();
    }
}
