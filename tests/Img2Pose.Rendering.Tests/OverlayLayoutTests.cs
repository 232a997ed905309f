using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Rendering.Tests;

public sealed class OverlayLayoutTests
{
    [Fact]
    public void Regions_are_even_disjoint_hold_their_faces_and_do_not_overlap_in_the_tile()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            RegionPlanner planner = new();
            List<PixelBounds> faces = [];
            for (int i = random.Next(1, 12); i > 0; i--)
            {
                float x = random.NextSingle() * 700 - 50, y = random.NextSingle() * 420 - 50;
                faces.Add(new PixelBounds(x, y, x + 1 + random.NextSingle() * 150, y + 1 + random.NextSingle() * 150));
                planner.Add(faces[^1], 641, 361);
            }
            planner.Pack();

            for (int i = 0; i < planner.Count; i++)
            {
                OverlayRegion a = planner[i];
                Assert.Equal(0, (a.X | a.Y | a.Width | a.Height) & 1);
                Assert.InRange(a.X + a.Width, 2, 642);
                Assert.InRange(a.TileX + a.Width, 2, planner.TileWidth);
                Assert.InRange(a.TileY + a.Height, 2, planner.TileHeight);
                for (int j = 0; j < i; j++)
                {
                    OverlayRegion b = planner[j];
                    Assert.False(a.Intersects(b), $"seed {seed}: regions overlap in the picture");
                    Assert.False(
                        a.TileX < b.TileX + b.Width && b.TileX < a.TileX + a.Width && a.TileY < b.TileY + b.Height && b.TileY < a.TileY + a.Height,
                        $"seed {seed}: regions overlap in the tile");
                }
            }
            for (int face = 0; face < faces.Count; face++)
            {
                PixelBounds bounds = faces[face];
                bool outside = bounds.Right <= 0 || bounds.Bottom <= 0 || bounds.Left >= 641 || bounds.Top >= 361;
                int region = planner.RegionOf(face);
                if (outside)
                {
                    Assert.Equal(-1, region);
                    continue;
                }
                if (region < 0) continue; // a sliver that rounds away at the edge
                Assert.True(planner[region].X <= Math.Max(0, bounds.Left) && planner[region].Y <= Math.Max(0, bounds.Top));
                Assert.True(planner[region].X + planner[region].Width >= Math.Min(641, bounds.Right));
                Assert.True(planner[region].Y + planner[region].Height >= Math.Min(361, bounds.Bottom));
            }
        }
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 96)]
    [InlineData(97, 128)]
    [InlineData(129, 192)]
    [InlineData(1280, 1536)]
    public void Tile_sizes_come_in_classes(int size, int expected) => Assert.Equal((uint)expected, RenderTileCache.SizeClass(size));

    [Fact]
    public void Every_character_of_a_label_has_strokes_within_its_cell()
    {
        foreach (char c in "#0123456789.+- yawpitchrol")
        {
            StrokeList strokes = new();
            StrokeFont.Write([c], 0, 0, 1, 0, default, strokes);
            Assert.Equal(c == ' ', strokes.Count == 0);
            foreach (Stroke stroke in strokes.Items)
            {
                Assert.InRange(Math.Max(stroke.X0, stroke.X1), 0, StrokeFont.Advance(c) - 1);
                Assert.InRange(Math.Max(stroke.Y0, stroke.Y1), 0, StrokeFont.CapHeight + 2);
            }
        }
    }

    [Fact]
    public void No_two_characters_look_the_same()
    {
        HashSet<string> drawings = [];
        foreach (char c in "#0123456789.+-yawpitchrol".Distinct())
        {
            StrokeList strokes = new();
            StrokeFont.Write([c], 0, 0, 1, 0, default, strokes);
            Assert.True(drawings.Add(string.Join(' ', strokes.Items.ToArray().Select(s => $"{s.X0},{s.Y0},{s.X1},{s.Y1}"))), $"'{c}' looks like another character.");
        }
    }
}
