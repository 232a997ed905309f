namespace Img2Pose.Rendering.Views;

/// <summary>
/// The shaders of <see cref="DevicePainter"/>, which say in GLSL what <see cref="ViewPainter"/> says in C#. Textures are read at whole
/// pixels and interpolated here, since the interpolation of graphics cards differs from one to the next.
/// </summary>
internal static class ViewShaders
{
    private const string Common = """
        #version 450 core
        layout(std140) uniform View
        {
            vec4 Row0; // rows of [R | t]
            vec4 Row1;
            vec4 Row2;
            vec4 Camera; // clip x = Camera.x * x + Camera.y * z; clip y = Camera.z * y + Camera.w * z
            vec4 Depth; // clip z = Depth.x * z + Depth.y; whether the picture is mirrored; whether only the close surroundings are shown
            vec4 Picture; // width and height; half the distance of the four points that are averaged; whether to interpolate linearly
            vec4 Memory; // rows and columns of what is remembered, 0 for none; whether the mirror image may be used; 0
        };

        """;

    private const string Placing = """
        vec4 place(vec3 position)
        {
            vec4 point = vec4(position, 1);
            vec3 p = vec3(dot(Row0, point), dot(Row1, point), dot(Row2, point));
            return vec4(Camera.x * p.x + Camera.y * p.z, Camera.z * p.y + Camera.w * p.z, Depth.x * p.z + Depth.y, p.z);
        }

        """;

    private const string Sampling = """
        uniform sampler2D Source;

        vec3 pixel(ivec2 at) { return 255.0 * texelFetch(Source, at + 2, 0).rgb; } // two pixels of border

        vec3 linearAt(vec2 p)
        {
            ivec2 at = ivec2(p);
            vec2 f = p - vec2(at);
            return mix(mix(pixel(at), pixel(at + ivec2(1, 0)), f.x), mix(pixel(at + ivec2(0, 1)), pixel(at + ivec2(1, 1)), f.x), f.y);
        }

        vec4 weights(float t)
        {
            return vec4(((-0.5 * t + 1.0) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1.0, ((-1.5 * t + 2.0) * t + 0.5) * t, (0.5 * t - 0.5) * t * t);
        }

        vec3 cubicAt(vec2 p)
        {
            ivec2 at = ivec2(p);
            vec4 across = weights(p.x - float(at.x)), down = weights(p.y - float(at.y));
            vec3 sum = vec3(0);
            for (int y = 0; y < 4; y++)
            {
                for (int x = 0; x < 4; x++) sum += down[y] * across[x] * pixel(at + ivec2(x - 1, y - 1));
            }
            vec3 a = pixel(at), b = pixel(at + ivec2(1, 0)), c = pixel(at + ivec2(0, 1)), d = pixel(at + ivec2(1, 1));
            return clamp(sum, min(min(a, b), min(c, d)), max(max(a, b), max(c, d)));
        }

        vec3 inside(vec2 p, bool straight)
        {
            p = clamp(p, vec2(0), Picture.xy - 1.0);
            return straight ? linearAt(p) : cubicAt(p);
        }

        vec3 colourAt(vec2 p)
        {
            if (Picture.w > 0.5) return inside(p, true);
            if (Picture.z == 0.0) return inside(p, false);
            vec2 diagonal = vec2(Picture.z), other = vec2(Picture.z, -Picture.z);
            return 0.25 * (inside(p - diagonal, false) + inside(p + diagonal, false) + inside(p - other, false) + inside(p + other, false));
        }

        """;

    /// <summary>What is around the face, placed by the pose.</summary>
    public static string RingVertex => Common + Placing + """
        in vec3 Position;
        in vec4 Where;
        out vec3 From;

        void main()
        {
            gl_Position = place(Position);
            From = Where.xyz;
        }
        """;

    /// <summary>Its colours; opaque, so that what it leaves bare can be told.</summary>
    public static string RingFragment => Common + Sampling + """
        in vec3 From;
        out vec4 Output;

        void main()
        {
            Output = vec4(From.z > 0.0 ? min(From.z, 1.0) * colourAt(From.xy) / 255.0 : vec3(0), 1);
        }
        """;

    /// <summary>The whole picture as one triangle.</summary>
    public static string CopyVertex => """
        #version 450 core

        void main()
        {
            gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1);
        }
        """;

    /// <summary>What is around the face, where the face is not.</summary>
    public static string CopyFragment => """
        #version 450 core
        uniform sampler2D Surroundings;
        out vec4 Output;

        void main()
        {
            vec4 behind = texelFetch(Surroundings, ivec2(gl_FragCoord.xy), 0);
            Output = vec4(behind.rgb, behind.a > 0.5 ? 0.0 : 5.0 / 255.0);
        }
        """;

    /// <summary>The face, placed by the pose.</summary>
    public static string FaceVertex => Common + Placing + """
        in vec3 Position;
        in vec2 Cell;
        in vec4 Own;
        in vec4 Other;
        in vec4 Shares;
        in vec4 Filled;
        in vec4 MirrorGain;
        in vec4 MemoryGain;
        out vec2 Remembered;
        out vec4 Seen;
        out vec3 Mirrored;
        out vec3 Counted;
        out vec3 Known;
        out vec3 MirrorFactor;
        out vec3 MemoryFactor;

        void main()
        {
            gl_Position = place(Position);
            Remembered = vec2(Cell.x, Depth.z > 0.5 ? 1.0 - Cell.y : Cell.y);
            Seen = Own;
            Mirrored = Other.xyz;
            Counted = Shares.xyz;
            Known = Filled.rgb;
            MirrorFactor = MirrorGain.rgb;
            MemoryFactor = MemoryGain.rgb;
        }
        """;

    /// <summary>
    /// The face over its surroundings, and in the fourth channel what it is made of: 0 surroundings, 1 to 4 a kind of face over them;
    /// 5 to 54 opacities up to a half over nothing, from 55 on four kinds of fifty opacities above.
    /// </summary>
    public static string FaceFragment => Common + Sampling + """
        uniform sampler2D Surroundings;
        uniform sampler2D Earlier;
        in vec2 Remembered;
        in vec4 Seen;
        in vec3 Mirrored;
        in vec3 Counted;
        in vec3 Known;
        in vec3 MirrorFactor;
        in vec3 MemoryFactor;
        out vec4 Output;

        const float dark = 8.0;

        float rise(float to, float value)
        {
            float t = clamp(value / to, 0.0, 1.0);
            return t * t * (3.0 - 2.0 * t);
        }

        vec3 apply(vec3 colour, vec3 factors) { return (colour + dark) * factors - dark; }

        vec3 remember(out float quality)
        {
            vec2 at = clamp(Remembered, 0.0, 1.0) * (Memory.xy - 1.0);
            ivec2 first = min(ivec2(at), ivec2(Memory.xy) - 2);
            vec2 f = at - vec2(first);
            vec4 a = texelFetch(Earlier, first.yx, 0), b = texelFetch(Earlier, first.yx + ivec2(1, 0), 0);
            vec4 c = texelFetch(Earlier, first.yx + ivec2(0, 1), 0), d = texelFetch(Earlier, first.yx + ivec2(1, 1), 0);
            vec4 w = vec4((1.0 - f.x) * (1.0 - f.y), (1.0 - f.x) * f.y, f.x * (1.0 - f.y), f.x * f.y) * vec4(a.a, b.a, c.a, d.a);
            quality = w.x + w.y + w.z + w.w;
            return quality > 0.0 ? 255.0 * (w.x * a.rgb + w.y * b.rgb + w.z * c.rgb + w.w * d.rgb) / quality : vec3(0);
        }

        void main()
        {
            vec4 behind = texelFetch(Surroundings, ivec2(gl_FragCoord.xy), 0);
            float opacity = Seen.w, seen = Seen.z > 0.9999 ? 1.0 : rise(1.0, Seen.z);
            vec3 colour = Known;
            if (seen < 1.0)
            {
                float mirrored = Memory.z > 0.5 ? rise(0.6, Mirrored.z) : 0.0;
                if (mirrored > 0.0) colour = mix(colour, apply(colourAt(Mirrored.xy), MirrorFactor), mirrored);
                if (Memory.x > 0.0 && Counted.z > 0.0)
                {
                    float quality;
                    vec3 earlier = remember(quality);
                    if (quality > 0.0) colour = mix(colour, apply(earlier, MemoryFactor), rise(0.6, quality));
                }
            }
            if (seen > 0.0) colour = mix(colour, colourAt(Seen.xy), seen);
            colour = mix(255.0 * behind.rgb, colour, opacity);
            float kind = Counted.x > 0.5 ? 0.0 : Counted.z > 0.5 ? 1.0 : Counted.y > 0.5 ? 2.0 : 3.0, code;
            if (behind.a > 0.5) code = opacity > 0.5 ? 1.0 + kind : 0.0;
            else code = opacity > 0.5 ? 55.0 + 50.0 * kind + min(round(98.0 * (opacity - 0.5)), 49.0) : 5.0 + round(98.0 * opacity);
            Output = vec4(clamp(colour, 0.0, 255.0), code) / 255.0;
        }
        """;
}
