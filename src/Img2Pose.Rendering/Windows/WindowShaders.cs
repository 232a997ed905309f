namespace Img2Pose.Rendering.Windows;

/// <summary>
/// The shaders of a window. A viewport says where something is drawn and all of it is covered, so that each fragment only asks where in
/// it it lies. OpenGL counts rows upward; textures hold the upper row first.
/// </summary>
internal static class WindowShaders
{
    /// <summary>Four corners of the viewport.</summary>
    public static ReadOnlySpan<byte> Vertex => """
        #version 450 core
        void main()
        {
            gl_Position = vec4(float(gl_VertexID & 1) * 2.0 - 1.0, float(gl_VertexID >> 1) * 2.0 - 1.0, 0, 1);
        }
        """u8;

    /// <summary>
    /// A picture from its planes. A pixel is the mean of the samples below a triangle that is two samples wide, or two pixels of the
    /// window where those are wider: the sample itself where picture and window agree, linear between samples where it is
    /// enlarged, and without moiré where it is made smaller (down to an eighth).
    /// </summary>
    public static ReadOnlySpan<byte> Picture => """
        #version 450 core
        layout(std140) uniform Place
        {
            vec4 Corner; // left edge; height of the upper edge above the target's lower one; 1: mirrored; 0: three planes, 1: chroma in pairs, 2: RGB
            vec4 Size; // columns and rows of luma; samples of luma a pixel, across and down
            vec4 Chroma; // columns and rows of chroma; factor of every sample
            vec4 Red; // factors of Y, U, V (or R, G, B), offset
            vec4 Green;
            vec4 Blue;
        };
        uniform sampler2D First;
        uniform sampler2D Second;
        uniform sampler2D Third;
        out vec4 Output;

        vec3 fetch(sampler2D plane, ivec2 at, bool triple)
        {
            if (!triple) return texelFetch(plane, at, 0).rgg;
            at.x *= 3;
            return vec3(texelFetch(plane, at, 0).r, texelFetch(plane, at + ivec2(1, 0), 0).r, texelFetch(plane, at + ivec2(2, 0), 0).r);
        }

        vec3 mean(sampler2D plane, vec2 at, vec2 size, vec2 spacing, bool triple)
        {
            vec2 reach = clamp(spacing, 1.0, 8.0);
            ivec2 begin = ivec2(floor(at - 0.5 - reach)) + 1, end = ivec2(ceil(at - 0.5 + reach)) - 1, edge = ivec2(size) - 1;
            vec3 sum = vec3(0);
            float total = 0.0;
            for (int y = begin.y; y <= end.y; y++)
            {
                float down = 1.0 - abs(float(y) + 0.5 - at.y) / reach.y;
                for (int x = begin.x; x <= end.x; x++)
                {
                    float weight = down * (1.0 - abs(float(x) + 0.5 - at.x) / reach.x);
                    sum += weight * fetch(plane, clamp(ivec2(x, y), ivec2(0), edge), triple);
                    total += weight;
                }
            }
            return sum / total;
        }

        void main()
        {
            vec2 at = vec2(gl_FragCoord.x - Corner.x, Corner.y - gl_FragCoord.y) * Size.zw;
            if (Corner.z > 0.5) at.x = Size.x - at.x;
            bool triple = Corner.w > 1.5;
            vec3 value = mean(First, at, Size.xy, Size.zw, triple);
            if (!triple)
            {
                // Chroma lies on the left one of two columns of luma, and between two rows.
                vec2 middle = vec2(0.5 * at.x + 0.25, 0.5 * at.y);
                vec3 second = mean(Second, middle, Chroma.xy, 0.5 * Size.zw, false);
                float v = Corner.w > 0.5 ? second.g : mean(Third, middle, Chroma.xy, 0.5 * Size.zw, false).r;
                value = vec3(value.r, second.r, v);
            }
            value *= Chroma.z;
            Output = vec4(dot(Red.xyz, value) + Red.w, dot(Green.xyz, value) + Green.w, dot(Blue.xyz, value) + Blue.w, 1);
        }
        """u8;

    /// <summary>Pixels of a texture one by one, laid over what is there: a part of a tile of faces, or lettering.</summary>
    public static ReadOnlySpan<byte> Pixels => """
        #version 450 core
        layout(std140) uniform Place
        {
            vec4 Corner; // as above
            vec4 Size; // column and row of the texture that lie in the corner
        };
        uniform sampler2D Drawn;
        out vec4 Output;

        void main()
        {
            ivec2 at = ivec2(gl_FragCoord.x - Corner.x, Corner.y - gl_FragCoord.y);
            Output = texelFetch(Drawn, at + ivec2(Size.xy), 0);
        }
        """u8;
}
