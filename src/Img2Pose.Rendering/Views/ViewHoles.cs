using System.Numerics;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// Gives a smooth continuation to what lies beyond the ring around a face, where a view looks past the picture's edge. Buffers are
/// kept for the last size.
/// </summary>
internal sealed class ViewHoles
{
    private GridField? _field;
    private float[] _opacity = [];
    private int _width;

    /// <summary>Begins a view.</summary>
    public void Begin(int width, int height)
    {
        if (_field is not null && _field.Values.Length == width * height && _width == width) return;
        (_field, _opacity, _width) = (new GridField(height, width), new float[checked(width * height)], width);
    }

    /// <summary>Says what is at a pixel.</summary>
    /// <param name="at">The pixel.</param>
    /// <param name="known">Whether the surroundings are known there.</param>
    /// <param name="opacity">Opacity of the face before them, where they are not.</param>
    public void Set(int at, bool known, float opacity) => (_field!.Weights[at], _opacity[at]) = (known ? 1 : 0, opacity);

    /// <summary>Fills the view, in which the face has been laid over black where nothing is known.</summary>
    public void Fill(Span<byte> rgb)
    {
        Span<Vector4> values = _field!.Values;
        Span<float> weights = _field.Weights;
        for (int at = 0; at < values.Length; at++) values[at] = weights[at] * new Vector4(rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2], 0);
        if (!_field.Complete()) return;
        for (int at = 0; at < values.Length; at++)
        {
            if (weights[at] > 0 || !(_opacity[at] < 1)) continue;
            Vector4 colour = Vector4.Clamp(new Vector4(rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2], 0) + (1 - _opacity[at]) * values[at], Vector4.Zero, new Vector4(255));
            (rgb[3 * at], rgb[3 * at + 1], rgb[3 * at + 2]) = ((byte)colour.X, (byte)colour.Y, (byte)colour.Z);
        }
    }
}
