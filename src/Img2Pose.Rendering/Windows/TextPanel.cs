using System.Runtime.Intrinsics;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Windows;

/// <summary>A line or a few of lettering as pixels, drawn only when it changes. Used by one thread.</summary>
internal sealed class TextPanel(OverlayRenderer renderer)
{
    /// <summary>From one baseline to the next, in units of the lettering's grid.</summary>
    public const float LineUnits = 12;

    private readonly StrokeList _strokes = new();
    private uint[] _pixels = [];
    private char[] _text = [];
    private int _length = -1;
    private (float Unit, int Width, int Height, Tint Ground, Tint Ink) _look;

    public int Width => _look.Width;

    public int Height => _look.Height;

    /// <summary>Grows whenever it is drawn anew.</summary>
    public int Version { get; private set; }

    /// <summary>B, G, R, opacity; colours multiplied by opacity.</summary>
    public ReadOnlySpan<uint> Pixels => _pixels.AsSpan(0, Width * Height);

    /// <summary>
    /// Sets the text; lines end with a line feed. A part after a tab is set to the right, one after a second tab to the right of that.
    /// Where there is no room for all, the last part is left out first, then the words of the first part from its end, as they stand
    /// between two spaces.
    /// </summary>
    /// <param name="text">What to write.</param>
    /// <param name="unit">Pixels of a unit of the lettering's grid.</param>
    /// <param name="width">Width of the panel, pixels; 0: as the text needs.</param>
    /// <param name="ground">Colour of the panel.</param>
    /// <param name="ink">Colour of the text.</param>
    /// <returns>Whether anything has changed.</returns>
    public bool Set(ReadOnlySpan<char> text, float unit, int width, Tint ground, Tint ink)
    {
        int lines = 1 + text.Count('\n');
        int height = (int)MathF.Ceiling((LineUnits * lines + 1) * unit);
        if (width == 0) width = WidthOf(text, unit);
        (float, int, int, Tint, Tint) look = (unit, Math.Max(1, width), height, ground, ink);
        if (_length == text.Length && _look == look && text.SequenceEqual(_text.AsSpan(0, _length))) return false;
        if (_text.Length < text.Length) _text = new char[text.Length + 64];
        text.CopyTo(_text);
        _length = text.Length;
        _look = look;
        Version++;
        Draw(text);
        return true;
    }

    /// <summary>Lays the panel over pixels of a surface.</summary>
    /// <param name="target">The first pixel that it covers; there is room for it.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="columns">Columns that are covered, from the panel's left.</param>
    /// <param name="rows">Rows that are covered, from its top.</param>
    public unsafe void Blend(byte* target, int stride, int columns, int rows)
    {
        fixed (uint* pixels = _pixels)
        {
            for (int y = 0; y < Math.Min(rows, Height); y++)
                BlendRow((uint*)(target + (long)y * stride), pixels + (long)y * Width, Math.Min(columns, Width));
        }
    }

    private const float Margin = 5;

    /// <summary>Pixels that a text takes with everything in it.</summary>
    public static int WidthOf(ReadOnlySpan<char> text, float unit)
    {
        float widest = 0;
        foreach (Range range in text.Split('\n'))
        {
            Split(text[range], out ReadOnlySpan<char> left, out ReadOnlySpan<char> right, out ReadOnlySpan<char> hint);
            widest = Math.Max(widest, Needs(left, right, hint));
        }
        return (int)MathF.Ceiling(unit * widest);
    }

    private static void Split(ReadOnlySpan<char> line, out ReadOnlySpan<char> left, out ReadOnlySpan<char> right, out ReadOnlySpan<char> hint)
    {
        left = line;
        right = hint = "";
        int first = line.IndexOf('\t');
        if (first < 0) return;
        left = line[..first];
        right = line[(first + 1)..];
        int second = right.IndexOf('\t');
        if (second >= 0)
        {
            hint = right[(second + 1)..];
            right = right[..second];
        }
        right = right.TrimEnd(' ');
    }

    /// <summary>Units that parts of a line take, with the gaps around them.</summary>
    private static float Needs(ReadOnlySpan<char> left, ReadOnlySpan<char> right, ReadOnlySpan<char> hint)
    {
        float width = Margin;
        if (!left.IsEmpty) width += StrokeFont.Width(left) + Margin;
        if (!right.IsEmpty) width += StrokeFont.Width(right) + Margin;
        if (!hint.IsEmpty) width += StrokeFont.Width(hint) + Margin;
        return width;
    }

    private void Draw(ReadOnlySpan<char> text)
    {
        (float unit, int width, int height, Tint ground, Tint ink) = _look;
        if (_pixels.Length < width * height) _pixels = new uint[width * height];
        _strokes.Clear();
        float radius = Math.Max(0.6f, 0.42f * unit), top = (LineUnits - StrokeFont.CapHeight) / 2 * unit;
        foreach (Range range in text.Split('\n'))
        {
            Split(text[range], out ReadOnlySpan<char> left, out ReadOnlySpan<char> right, out ReadOnlySpan<char> hint);
            if (Needs(left, right, hint) * unit > width) hint = "";
            // What does not fit beside it gives way to what stands to the right, which is said for a reason.
            while (Needs(left, right, hint) * unit > width && left.LastIndexOf("  ") is > 0 and int cut) left = left[..cut];
            if (!right.IsEmpty && Needs(left, right, hint) * unit > width) left = "";
            StrokeFont.Write(left, Margin * unit, top, unit, radius, ink, _strokes);
            float end = width - Margin * unit;
            if (!hint.IsEmpty)
            {
                end -= StrokeFont.Width(hint) * unit;
                StrokeFont.Write(hint, end, top, unit, radius, ink, _strokes);
                end -= Margin * unit;
            }
            // The beginning of what is too long tells more than its end.
            StrokeFont.Write(right, Math.Max(Margin * unit, end - StrokeFont.Width(right) * unit), top, unit, radius, ink, _strokes);
            top += LineUnits * unit;
        }
        renderer.DrawStrokes(_strokes, width, height, _pixels);
        uint below = ((uint)ground.A << 24) | (Times(ground.R, ground.A) << 16) | (Times(ground.G, ground.A) << 8) | Times(ground.B, ground.A);
        Span<uint> pixels = _pixels.AsSpan(0, width * height);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = Over(pixels[i], below);
    }

    private static unsafe void BlendRow(uint* target, uint* pixels, int count)
    {
        int x = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            Vector128<byte> opacityOf = Vector128.Create((byte)3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
            for (; x + 4 <= count; x += 4)
            {
                Vector128<byte> above = Vector128.Load((byte*)(pixels + x)), below = Vector128.Load((byte*)(target + x));
                Vector128<byte> rest = Vector128.Create((byte)255) - Vector128.Shuffle(above, opacityOf);
                (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(below);
                (Vector128<ushort> restLow, Vector128<ushort> restHigh) = Vector128.Widen(rest);
                (above + Vector128.Narrow(Divide255(low * restLow), Divide255(high * restHigh))).Store((byte*)(target + x));
            }
        }
        for (; x < count; x++) target[x] = Over(pixels[x], target[x]);
    }

    private static Vector128<ushort> Divide255(Vector128<ushort> product)
    {
        product += Vector128.Create((ushort)128);
        return (product + (product >>> 8)) >>> 8;
    }

    private static uint Over(uint above, uint below)
    {
        uint rest = 255 - (above >> 24), result = 0;
        for (int shift = 0; shift < 32; shift += 8)
        {
            // Rounding may pass the greatest value by one.
            uint sum = ((above >> shift) & 255) + Times((below >> shift) & 255, rest);
            result |= Math.Min(sum, 255) << shift;
        }
        return result;
    }

    private static uint Times(uint value, uint opacity)
    {
        uint product = value * opacity + 128;
        return (product + (product >> 8)) >> 8;
    }
}
