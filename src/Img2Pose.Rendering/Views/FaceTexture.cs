using System.Numerics;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// What has been seen of one face over time: a colour for every texel of the face surface, and how well it was seen. The best
/// view of a texel wins; what was seen long ago counts less and less, because light and expression change. Belongs to one
/// renderer at a time. Not thread-safe.
/// </summary>
/// <remarks>Make one for each tracked identity, hand it to <see cref="FaceViewRenderer.Prepare(Frames.VideoFrame, Geometry.Pose, Geometry.CameraIntrinsics, FaceTexture?, double?)"/>, and forget it with the identity.</remarks>
public sealed class FaceTexture
{
    /// <summary>Part of its quality that a texel keeps from one picture to the next: half after 70 pictures.</summary>
    private const float Keeps = 0.99f;

    /// <summary>Part of a texel that a picture replaces which sees it better; what is left steadies noise.</summary>
    private const float Takes = 0.5f;

    private readonly Vector4[] _colours;
    private readonly float[] _quality;

    /// <summary>Makes an empty one.</summary>
    /// <param name="fine">Whether it is to serve views above about 200 pixels: four times the texels.</param>
    public FaceTexture(bool fine = false)
    {
        (Rows, Columns) = fine ? (289, 241) : (145, 121);
        (_colours, _quality) = (new Vector4[Rows * Columns], new float[Rows * Columns]);
    }

    /// <summary>Pictures that have been taken in.</summary>
    public long Pictures { get; private set; }

    /// <summary>Part of the texels that have ever been seen, 0 to 1, whether or not they belong to the face's opaque part.</summary>
    public double SeenShare => (double)_quality.AsSpan().Length == 0 ? 0 : 1 - (double)_quality.AsSpan().Count(0f) / _quality.Length;

    /// <summary>Rows of texels.</summary>
    internal int Rows { get; }

    /// <summary>Columns of texels; an odd number, so that the midline is one.</summary>
    internal int Columns { get; }

    /// <summary>Forgets everything, for another face or another scene.</summary>
    public void Clear()
    {
        _quality.AsSpan().Clear();
        Pictures = 0;
    }

    /// <summary>Takes in what a picture shows.</summary>
    internal void Add(PreparedFace face)
    {
        (int rows, int columns) = (face.Grid.Rows, face.Grid.Columns);
        float down = (rows - 1f) / (Rows - 1), across = (columns - 1f) / (Columns - 1);
        ReadOnlySpan<Vector4> own = face.Own;
        for (int row = 0; row < Rows; row++)
        {
            int top = Math.Min((int)(row * down), rows - 2);
            float v = row * down - top;
            ReadOnlySpan<Vector4> upper = own.Slice(top * columns, columns), lower = own.Slice((top + 1) * columns, columns);
            for (int column = 0; column < Columns; column++)
            {
                float x = (face.Mirrored ? Columns - 1 - column : column) * across;
                int at = row * Columns + column, left = Math.Min((int)x, columns - 2);
                float u = x - left, stored = _quality[at] * Keeps;
                Vector4 place = Vector4.Lerp(Vector4.Lerp(upper[left], upper[left + 1], u), Vector4.Lerp(lower[left], lower[left + 1], u), v);
                // What grazes the line of sight would smear.
                if (place.Z > 0.2f && place.Z >= stored)
                {
                    Vector4 colour = face.Picture.SampleLinear(place);
                    _colours[at] = stored > 0 ? Vector4.Lerp(_colours[at], colour, Takes) : colour;
                    stored = place.Z;
                }
                _quality[at] = stored;
            }
        }
        Pictures++;
    }

    /// <summary>Colour and quality at a place of the surface.</summary>
    /// <param name="row">0 at the first row to 1 at the last.</param>
    /// <param name="column">0 to 1 likewise.</param>
    /// <param name="quality">0 where nothing is known, to 1.</param>
    internal Vector4 Sample(float row, float column, out float quality)
    {
        float y = Math.Clamp(row, 0, 1) * (Rows - 1), x = Math.Clamp(column, 0, 1) * (Columns - 1);
        int top = Math.Min((int)y, Rows - 2), left = Math.Min((int)x, Columns - 2), at = top * Columns + left;
        float v = y - top, u = x - left;
        float a = (1 - v) * (1 - u) * Known(at), b = (1 - v) * u * Known(at + 1), c = v * (1 - u) * Known(at + Columns), d = v * u * Known(at + Columns + 1);
        quality = a + b + c + d;
        return quality > 0 ? (a * _colours[at] + b * _colours[at + 1] + c * _colours[at + Columns] + d * _colours[at + Columns + 1]) / quality : Vector4.Zero;
    }

    /// <summary>Writes every texel as R, G, B in the lower bytes, and how well it is known as 0 to 255 in the highest.</summary>
    internal void Pack(Span<uint> texels)
    {
        for (int i = 0; i < _quality.Length; i++)
        {
            float known = Known(i);
            Vector4 colour = known > 0 ? Vector4.Clamp(_colours[i] + new Vector4(0.5f), Vector4.Zero, new Vector4(255)) : Vector4.Zero;
            texels[i] = (uint)colour.X | (uint)colour.Y << 8 | (uint)colour.Z << 16 | (uint)(255 * known + 0.5f) << 24;
        }
    }

    // Known well enough counts as known: the decay chooses between pictures, it does not fade what only an old one shows.
    private float Known(int at) => Math.Min(1, 8 * _quality[at]);
}
