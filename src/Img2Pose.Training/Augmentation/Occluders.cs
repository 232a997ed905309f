using Img2Pose.Geometry;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Augmentation;

/// <summary>Paints things over parts of faces, never so much that a face could not be found any more.</summary>
internal static class Occluders
{
    /// <summary>Greatest part of a face's box that occluders and everything else may hide.</summary>
    private const double MostHidden = 0.35;

    /// <summary>Covers each face with the given probability.</summary>
    /// <param name="scene">The sample.</param>
    /// <param name="chance">Probability a face.</param>
    /// <param name="texture">A picture without faces to cut patches from, or null for plain colours only.</param>
    /// <param name="random">The sample's random numbers.</param>
    public static void Add(SceneComposer scene, double chance, RgbPicture? texture, ref SampleRandom random)
    {
        for (int i = 0; i < scene.FaceCount; i++)
        {
            if (!random.Chance(chance)) continue;
            Box face = scene.FaceBoxAt(i);
            bool ellipse = random.Chance(0.5);
            double width = face.Width * random.Uniform(0.2, 0.9), height = face.Height * random.Uniform(0.2, 0.7);
            double x = random.Uniform(face.Left, face.Right), y = random.Uniform(face.Top, face.Bottom);
            Box cover = new(x - 0.5 * width, y - 0.5 * height, x + 0.5 * width, y + 0.5 * height);
            if (scene.HiddenWith(i, cover, ellipse) > MostHidden) continue;
            Paint(scene.Canvas, cover, ellipse, texture is not null && random.Chance(0.6) ? texture : null, ref random);
            scene.Cover(cover, ellipse);
        }
    }

    private static void Paint(Canvas canvas, in Box cover, bool ellipse, RgbPicture? texture, ref SampleRandom random)
    {
        int left = Math.Max(0, (int)cover.Left), right = Math.Min(canvas.Width, (int)Math.Ceiling(cover.Right));
        int top = Math.Max(0, (int)cover.Top), bottom = Math.Min(canvas.Height, (int)Math.Ceiling(cover.Bottom));
        byte red = (byte)random.Below(256), green = (byte)random.Below(256), blue = (byte)random.Below(256);
        int shiftX = texture is null ? 0 : random.Below(texture.Width), shiftY = texture is null ? 0 : random.Below(texture.Height);
        for (int py = top; py < bottom; py++)
        {
            for (int px = left; px < right; px++)
            {
                double dx = (px + 0.5 - cover.CenterX) / (0.5 * cover.Width), dy = (py + 0.5 - cover.CenterY) / (0.5 * cover.Height);
                if (ellipse && dx * dx + dy * dy > 1) continue;
                Span<byte> to = canvas.Pixels.AsSpan((py * canvas.Width + px) * 3, 3);
                if (texture is null)
                {
                    (to[0], to[1], to[2]) = (red, green, blue);
                }
                else
                {
                    int u = (px - left + shiftX) % texture.Width, v = (py - top + shiftY) % texture.Height;
                    texture.Pixels.AsSpan((v * texture.Width + u) * 3, 3).CopyTo(to);
                }
            }
        }
    }
}
