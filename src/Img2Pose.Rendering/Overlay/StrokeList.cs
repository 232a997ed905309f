using System.Runtime.InteropServices;

namespace Img2Pose.Rendering.Overlay;

/// <summary>A colour with opacity, in the byte order of a Byte4_Norm vertex element.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Tint(byte R, byte G, byte B, byte A)
{
    public Tint WithAlpha(float alpha) => this with { A = (byte)Math.Clamp(alpha * A, 0, 255) };
}

/// <summary>One line with round ends, as the graphics device reads it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Stroke
{
    public float X0, Y0, X1, Y1, Radius, Scale;
    public Tint Tint;
    public float CameraX, OffsetX, CameraY, OffsetY;
}

/// <summary>The lines of a picture in drawing order, and a growing rectangle around those added since it was reset.</summary>
internal sealed class StrokeList
{
    private Stroke[] _items = new Stroke[1024];

    public int Count { get; private set; }

    public PixelBounds Bounds { get; private set; } = PixelBounds.Empty;

    public Span<Stroke> Items => _items.AsSpan(0, Count);

    public void Clear()
    {
        Count = 0;
        ResetBounds();
    }

    public void ResetBounds() => Bounds = PixelBounds.Empty;

    /// <summary>Adds a line in display pixels; one that is not finite is left out.</summary>
    public void Add(float x0, float y0, float x1, float y1, float radius, Tint tint)
    {
        if (!float.IsFinite(x0 + y0 + x1 + y1)) return;
        if (Count == _items.Length) Array.Resize(ref _items, 2 * _items.Length);
        _items[Count++] = new Stroke { X0 = x0, Y0 = y0, X1 = x1, Y1 = y1, Radius = radius, Tint = tint };
        float reach = radius + 1;
        Bounds = Bounds.Including(Math.Min(x0, x1) - reach, Math.Min(y0, y1) - reach)
            .Including(Math.Max(x0, x1) + reach, Math.Max(y0, y1) + reach);
    }
}

/// <summary>A rectangle in pixels, growing from empty.</summary>
internal readonly record struct PixelBounds(float Left, float Top, float Right, float Bottom)
{
    public static PixelBounds Empty => new(float.MaxValue, float.MaxValue, float.MinValue, float.MinValue);

    public bool IsEmpty => !(Right > Left && Bottom > Top);

    public PixelBounds Including(float x, float y) =>
        new(Math.Min(Left, x), Math.Min(Top, y), Math.Max(Right, x), Math.Max(Bottom, y));

    public PixelBounds Union(in PixelBounds other) => new(
        Math.Min(Left, other.Left), Math.Min(Top, other.Top), Math.Max(Right, other.Right), Math.Max(Bottom, other.Bottom));
}
