using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Pipeline;

/// <summary>The engine's renderer, which draws for one session at a time. Thread-safe.</summary>
internal sealed class SharedComposer(OverlayRenderer renderer) : IFrameComposer, IDisposable
{
    private readonly Lock _lock = new();

    /// <summary>Name of the graphics device.</summary>
    public string RendererName => renderer.RendererName;

    /// <inheritdoc/>
    public void Compose(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        lock (_lock) renderer.Compose(frame, faces);
    }

    /// <inheritdoc/>
    public void Dispose() => renderer.Dispose();
}
