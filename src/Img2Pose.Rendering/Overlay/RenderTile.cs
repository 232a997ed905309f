using Img2Pose.Cuda;
using Veldrid;

namespace Img2Pose.Rendering.Overlay;

/// <summary>A framebuffer of one size with what it takes to read it back.</summary>
internal sealed class RenderTile : IDisposable
{
    private readonly GraphicsDevice _device;
    private readonly Texture _color;
    private readonly Texture _depth;
    private readonly Texture? _resolved;
    private Texture? _staging;

    public RenderTile(GraphicsDevice device, uint width, uint height, TextureSampleCount samples)
    {
        _device = device;
        Width = width;
        Height = height;
        // What is drawn, one sample a pixel, is read back, or drawn on a window.
        TextureUsage whole = TextureUsage.RenderTarget | TextureUsage.Sampled;
        ResourceFactory factory = device.ResourceFactory;
        _color = factory.CreateTexture(TextureDescription.Texture2D(
            width, height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, samples == TextureSampleCount.Count1 ? whole : TextureUsage.RenderTarget, samples));
        _depth = factory.CreateTexture(TextureDescription.Texture2D(
            width, height, 1, 1, PixelFormat.R32_Float, TextureUsage.DepthStencil, samples));
        if (samples != TextureSampleCount.Count1)
        {
            _resolved = factory.CreateTexture(TextureDescription.Texture2D(
                width, height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, whole));
        }
        Framebuffer = factory.CreateFramebuffer(new FramebufferDescription(_depth, _color));
    }

    public uint Width { get; }

    public uint Height { get; }

    public Framebuffer Framebuffer { get; }

    /// <summary>Where the host reads it; made when first asked for.</summary>
    public Texture Staging => _staging ??= _device.ResourceFactory.CreateTexture(TextureDescription.Texture2D(
        Width, Height, 1, 1, PixelFormat.R8_G8_B8_A8_UNorm, TextureUsage.Staging));

    /// <summary>What is drawn, one sample a pixel.</summary>
    public Texture Drawn => _resolved ?? _color;

    /// <summary>The drawn texture as a CUDA device reads it, once that was asked for; belongs to whoever disposes the tile.</summary>
    public GlTextureMemory? Shared { get; set; }

    /// <summary>The drawn texture as a window's pipeline takes it, once that was asked for; the tile's.</summary>
    public ResourceSet? Set { get; set; }

    /// <summary>When the tile was last used, in frames.</summary>
    public long LastUse { get; set; }

    /// <summary>Records what makes the tile whole, and the copy of its used corner to <see cref="Staging"/> unless it is read elsewhere.</summary>
    public void ReadBack(CommandList commands, uint width, uint height, bool toHost = true)
    {
        if (_resolved is not null) commands.ResolveTexture(_color, _resolved);
        if (toHost) commands.CopyTexture(_resolved ?? _color, 0, 0, 0, 0, 0, Staging, 0, 0, 0, 0, 0, width, height, 1, 1);
    }

    public void Dispose()
    {
        Set?.Dispose();
        Framebuffer.Dispose();
        _staging?.Dispose();
        _resolved?.Dispose();
        _depth.Dispose();
        _color.Dispose();
    }
}

/// <summary>
/// Keeps framebuffers of a few sizes, so that a face that grows or shrinks finds one close to its size at once: clearing and
/// resolving cost the whole of a framebuffer.
/// </summary>
internal sealed class RenderTileCache(GraphicsDevice device, TextureSampleCount samples, Action<RenderTile> giveUp) : IDisposable
{
    private const int Capacity = 8;
    private readonly List<RenderTile> _tiles = [];
    private long _clock;

    /// <summary>A tile of at least this size.</summary>
    public RenderTile Get(int width, int height)
    {
        uint tileWidth = SizeClass(width), tileHeight = SizeClass(height);
        _clock++;
        foreach (RenderTile tile in _tiles)
        {
            if (tile.Width != tileWidth || tile.Height != tileHeight) continue;
            tile.LastUse = _clock;
            return tile;
        }
        if (_tiles.Count == Capacity)
        {
            int oldest = 0;
            for (int i = 1; i < _tiles.Count; i++)
            {
                if (_tiles[i].LastUse < _tiles[oldest].LastUse) oldest = i;
            }
            giveUp(_tiles[oldest]);
            _tiles[oldest].Dispose();
            _tiles.RemoveAt(oldest);
        }
        RenderTile created = new(device, tileWidth, tileHeight, samples) { LastUse = _clock };
        _tiles.Add(created);
        return created;
    }

    /// <summary>Gives up what a device shares of all tiles.</summary>
    public void GiveUpShared()
    {
        foreach (RenderTile tile in _tiles) giveUp(tile);
    }

    public void Dispose()
    {
        foreach (RenderTile tile in _tiles)
        {
            giveUp(tile);
            tile.Dispose();
        }
        _tiles.Clear();
    }

    /// <summary>64, 96, 128, 192, 256, …: at most half as much again as asked for, in whole rasteriser blocks of 32.</summary>
    internal static uint SizeClass(int size)
    {
        uint result = 64;
        while (result < size) result = (result & (result - 1)) == 0 ? result + result / 2 : result / 3 * 4;
        return result;
    }
}
