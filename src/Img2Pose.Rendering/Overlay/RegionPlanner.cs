namespace Img2Pose.Rendering.Overlay;

/// <summary>A rectangle of the coded picture that the overlay touches, and where it lies in the tile that is drawn.</summary>
/// <param name="X">Left edge in the picture, even.</param>
/// <param name="Y">Top edge in the picture, even.</param>
/// <param name="Width">Width, even; may pass an odd picture's edge by one.</param>
/// <param name="Height">Height, even; may pass an odd picture's edge by one.</param>
internal record struct OverlayRegion(int X, int Y, int Width, int Height)
{
    /// <summary>Left edge in the tile.</summary>
    public int TileX { get; set; }

    /// <summary>First row in the tile.</summary>
    public int TileY { get; set; }

    public readonly bool Intersects(in OverlayRegion other) =>
        X < other.X + other.Width && other.X < X + Width && Y < other.Y + other.Height && other.Y < Y + Height;

    public readonly OverlayRegion Union(in OverlayRegion other)
    {
        int x = Math.Min(X, other.X), y = Math.Min(Y, other.Y);
        return new OverlayRegion(
            x, y, Math.Max(X + Width, other.X + other.Width) - x, Math.Max(Y + Height, other.Y + other.Height) - y);
    }
}

/// <summary>
/// Groups the rectangles of faces into disjoint regions and packs those into one tile, so that a few faces far apart cost
/// their own area and not that of the picture between them.
/// </summary>
internal sealed class RegionPlanner
{
    private readonly List<OverlayRegion> _regions = [];
    private readonly List<int> _regionOfFace = [];

    public int Count => _regions.Count;

    /// <summary>Size of the tile that holds every region.</summary>
    public int TileWidth { get; private set; }

    /// <inheritdoc cref="TileWidth"/>
    public int TileHeight { get; private set; }

    public OverlayRegion this[int region] => _regions[region];

    /// <summary>The region that holds a face, or −1 when nothing of it is in the picture.</summary>
    public int RegionOf(int face) => _regionOfFace[face];

    public void Clear()
    {
        _regions.Clear();
        _regionOfFace.Clear();
    }

    /// <summary>Adds the next face by its bounds in coded pixels, cut off at the picture.</summary>
    public void Add(in PixelBounds bounds, int width, int height)
    {
        // Clamped before the conversion: an absurd pose projects far outside what an int holds.
        int left = (int)Math.Clamp(MathF.Floor(bounds.Left), 0, width), right = (int)Math.Clamp(MathF.Ceiling(bounds.Right), 0, width);
        int top = (int)Math.Clamp(MathF.Floor(bounds.Top), 0, height), bottom = (int)Math.Clamp(MathF.Ceiling(bounds.Bottom), 0, height);
        if (bounds.IsEmpty || right <= left || bottom <= top)
        {
            _regionOfFace.Add(-1);
            return;
        }

        // Chroma samples belong to blocks of 2 × 2 pixels.
        (left, top, right, bottom) = (left & ~1, top & ~1, (right + 1) & ~1, (bottom + 1) & ~1);
        OverlayRegion region = new(left, top, right - left, bottom - top);
        int index = _regions.Count;
        _regions.Add(region);
        _regionOfFace.Add(index);
        for (int other = 0; other < _regions.Count; other++)
        {
            if (other == index || !_regions[other].Intersects(_regions[index])) continue;
            // Merge the later one into the earlier one and look again, because the union may touch more.
            (int keep, int drop) = other < index ? (other, index) : (index, other);
            _regions[keep] = _regions[keep].Union(_regions[drop]);
            _regions.RemoveAt(drop);
            for (int face = 0; face < _regionOfFace.Count; face++)
            {
                if (_regionOfFace[face] == drop) _regionOfFace[face] = keep;
                else if (_regionOfFace[face] > drop) _regionOfFace[face]--;
            }
            index = keep;
            other = -1;
        }
    }

    /// <summary>Places the regions in the tile, in rows.</summary>
    public void Pack()
    {
        TileWidth = TileHeight = 0;
        long area = 0;
        int widest = 0;
        foreach (OverlayRegion region in _regions)
        {
            area += (long)region.Width * region.Height;
            widest = Math.Max(widest, region.Width);
        }
        int limit = Math.Max(widest, (int)Math.Sqrt(1.3 * area));
        int x = 0, y = 0, rowHeight = 0;
        for (int i = 0; i < _regions.Count; i++)
        {
            OverlayRegion region = _regions[i];
            if (x + region.Width > limit)
            {
                x = 0;
                y += rowHeight;
                rowHeight = 0;
            }
            region.TileX = x;
            region.TileY = y;
            _regions[i] = region;
            x += region.Width;
            rowHeight = Math.Max(rowHeight, region.Height);
            TileWidth = Math.Max(TileWidth, x);
            TileHeight = Math.Max(TileHeight, y + rowHeight);
        }
    }
}
