using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Windows;

/// <summary>What a window draws on its pictures. Changed by keys.</summary>
internal readonly record struct WindowView(OverlayLayers Layers, float Alpha, bool Mirror)
{
    /// <summary>The opacities that a key goes through.</summary>
    private static ReadOnlySpan<float> Steps => [0.25f, 0.5f, 0.85f, 1];

    /// <summary>The next opacity, from the strongest back to the weakest.</summary>
    public WindowView NextOpacity()
    {
        foreach (float step in Steps)
        {
            if (step > Alpha + 0.01f) return this with { Alpha = step };
        }
        return this with { Alpha = Steps[0] };
    }

    /// <summary>With a layer switched on or off.</summary>
    public WindowView Toggle(OverlayLayers layer) => this with { Layers = Layers ^ layer };
}

/// <summary>Draws a feed's faces on its picture as the window wants them. Used by the window's thread.</summary>
internal sealed class WindowPainter(WindowOptions options)
{
    private readonly List<TrackedFace> _mirrored = new(16);

    /// <summary>The picture as it is shown; the caller disposes it.</summary>
    /// <param name="feed">A feed with a picture.</param>
    /// <param name="view">What is drawn.</param>
    public VideoFrame Paint(WindowFeed feed, in WindowView view)
    {
        VideoFrame undrawn = feed.Undrawn!;
        bool draws = !feed.Faces.IsEmpty && view.Layers != OverlayLayers.None;
        if (!view.Mirror)
        {
            // Without a face, or without a layer, there is nothing to draw; where the session draws the same it has been drawn.
            if (!draws) return undrawn.AddReference();
            if (options.Drawn is { } drawn && drawn == (view.Layers, view.Alpha)) return feed.Frame!.AddReference();
        }
        VideoFrame copy = view.Mirror ? feed.Copies.Rent(undrawn.Format, undrawn.Width, undrawn.Height) : feed.Copies.RentCopy(undrawn);
        try
        {
            if (view.Mirror)
            {
                PictureMirror.Copy(undrawn, copy);
                copy.CopyPropertiesFrom(undrawn);
            }
            if (draws) options.Renderer.Compose(copy, FacesOf(feed, view), view.Layers, view.Alpha);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>A feed's faces where the picture is shown; valid until the next call.</summary>
    public ReadOnlySpan<TrackedFace> FacesOf(WindowFeed feed, in WindowView view)
    {
        if (!view.Mirror) return feed.Faces;
        _mirrored.Clear();
        foreach (ref readonly TrackedFace face in feed.Faces) _mirrored.Add(PictureMirror.Of(face, feed.Size.Width, feed.Size.Height));
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_mirrored);
    }
}
