using System.Numerics;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;
using Veldrid;

namespace Img2Pose.Rendering.Windows;

/// <summary>
/// Draws faces on the window's own graphics device, as <see cref="OverlayRenderer"/> does for pictures: on nothing, where they are, into
/// a tile that is then laid over the picture; but as fine as the window shows them, and the tile stays on the device. Used by the
/// window's thread.
/// </summary>
internal sealed class WindowFaces : IDisposable
{
    private readonly GraphicsDevice _device;
    private readonly MeshLibrary _meshes;
    private readonly DrawResources _draw;
    private readonly RenderTileCache _tiles;
    private readonly OverlayLayout _layout;

    /// <param name="device">The window's device, which outlives this.</param>
    /// <param name="renderer">Whose meshes and options are taken, so that faces look the same.</param>
    /// <exception cref="VeldridException">The device failed.</exception>
    public WindowFaces(GraphicsDevice device, OverlayRenderer renderer)
    {
        _device = device;
        _meshes = new MeshLibrary(device, renderer.Meshes);
        (TextureSampleCount samples, RenderTile first) = OverlayRenderer.FirstTile(device, renderer.Options.Samples);
        _draw = new DrawResources(device, first.Framebuffer.OutputDescription);
        first.Dispose();
        // Nothing else shares the tiles of this device.
        _tiles = new RenderTileCache(device, samples, static _ => { });
        _layout = new OverlayLayout(renderer.Options, _meshes);
    }

    /// <summary>Where parts of the tile that was drawn last go.</summary>
    public RegionPlanner Regions => _layout.Regions;

    /// <summary>Draws faces, and submits it.</summary>
    /// <param name="target">The part of the window that shows the picture.</param>
    /// <param name="faces">The faces, in display pixels.</param>
    /// <param name="layers">What is drawn of them.</param>
    /// <param name="alpha">Opacity of the mesh in [0, 1].</param>
    /// <param name="white">What white is on the picture, in [0, 1].</param>
    /// <returns>The tile, valid until the next call; null where nothing is to be seen.</returns>
    public RenderTile? Draw(in OverlayTarget target, ReadOnlySpan<TrackedFace> faces, OverlayLayers layers, float alpha, float white)
    {
        _layout.Arrange(target, faces, layers, alpha);
        if (Regions.Count == 0) return null;
        RenderTile tile = _tiles.Get(Regions.TileWidth, Regions.TileHeight);
        _draw.Record(tile, _layout, _meshes, (white * Vector4.UnitX, white * Vector4.UnitY, white * Vector4.UnitZ), toHost: false);
        _device.SubmitCommands(_draw.Commands);
        return tile;
    }

    public void Dispose()
    {
        _tiles.Dispose();
        _draw.Dispose();
        _meshes.Dispose();
    }
}
