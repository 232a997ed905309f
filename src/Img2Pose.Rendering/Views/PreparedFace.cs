using System.Numerics;

namespace Img2Pose.Rendering.Views;

/// <summary>
/// A face that is ready to be drawn from any direction: what is known of every vertex, packed as painters mix it between the
/// corners of a triangle. Buffers are kept from face to face.
/// </summary>
internal sealed class PreparedFace(FaceGrid grid, FaceViewOptions options, SourcePicture picture)
{
    /// <summary>The surface.</summary>
    public FaceGrid Grid => grid;

    /// <summary>How views are drawn.</summary>
    public FaceViewOptions Options => options;

    /// <summary>The picture that colours are looked up in.</summary>
    public SourcePicture Picture => picture;

    /// <summary>Of each vertex: its place in <see cref="Picture"/> (x, y), how well it is seen there, its opacity.</summary>
    public Vector4[] Own { get; } = new Vector4[grid.Count];

    /// <summary>
    /// Of each vertex what is counted: 1 where it is visible, 1 where its mirror image is and may be used, how well it is remembered; 0.
    /// </summary>
    public Vector4[] Shares { get; } = new Vector4[grid.Count];

    /// <summary>The colour of each vertex by all that is known, completed smoothly.</summary>
    public Vector4[] Filled { get; } = new Vector4[grid.Count];

    /// <summary>What the colours of the mirror image are multiplied by at each vertex.</summary>
    public Vector4[] MirrorGain { get; } = new Vector4[grid.Count];

    /// <summary>What remembered colours are multiplied by at each vertex.</summary>
    public Vector4[] MemoryGain { get; } = new Vector4[grid.Count];

    /// <summary>What is around the face.</summary>
    public SurroundingRing Ring { get; } = new();

    /// <summary>Of each vertex of the ring: its place in <see cref="Picture"/> (x, y), how much it is shown; 0.</summary>
    public Vector4[] RingSource { get; } = new Vector4[SurroundingRing.VertexCount];

    /// <summary>Whether <see cref="Ring"/> is drawn.</summary>
    public bool HasRing { get; set; }

    /// <summary>What earlier pictures showed; null: nothing.</summary>
    public FaceTexture? Texture { get; set; }

    /// <summary>Whether <see cref="Picture"/> is the mirrored one, while <see cref="Texture"/> never is.</summary>
    public bool Mirrored { get; set; }

    /// <summary>Half the distance of the four points whose mean is taken where the picture is finer than the view, pixels of it; 0: one point.</summary>
    public float Softness { get; set; }

    /// <summary>Another number for every face that is prepared.</summary>
    public long Version { get; set; }

    /// <summary>Added to colours before they are multiplied, so that dark noise does not become large ratios.</summary>
    public const float Dark = 8;

    /// <summary>Multiplies a colour.</summary>
    public static Vector4 Apply(Vector4 colour, Vector4 factors) => (colour + new Vector4(Dark)) * factors - new Vector4(Dark);

    /// <summary>Column of <see cref="Texture"/>, 0 to 1, of a column of the surface.</summary>
    public float TextureColumn(float column) => Mirrored ? 1 - column : column;
}
