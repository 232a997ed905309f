namespace Img2Pose.Rendering.Overlay;

/// <summary>
/// The shaders. Both programs write what the compositor adds to the picture: colour in the picture's own YUV (or RGB) space,
/// multiplied by its opacity. That space is an affine image of RGB, so blending there gives the same as blending in RGB.
/// What is the same for a whole mesh or line reaches the fragments as flat inputs: Mesa's rasteriser loads each number of a uniform
/// block for every pixel anew, with its bounds checked, which was half of what it did here.
/// </summary>
internal static class Shaders
{
    /// <summary>Places a vertex by the face's pose; rows of [R | t], then the camera within the region being drawn.</summary>
    public static ReadOnlySpan<byte> MeshVertex => """
        #version 450 core
        layout(std140) uniform Colour
        {
            vec4 First;
            vec4 Second;
            vec4 Third;
            vec4 Silver; // the metal's colour without the offset, in the picture's space
            vec4 Black; // the offset
        };
        in vec3 Position;
        in vec3 Normal;
        in vec2 Shade; // opacity, openness
        in vec4 Row0;
        in vec4 Row1;
        in vec4 Row2;
        in vec4 Camera; // clip x = Camera.x * x + Camera.y * z; clip y = Camera.z * y + Camera.w * z
        in vec4 Depth; // clip z = Depth.x * z + Depth.y; opacity of the whole mesh; steepness of its edge
        invariant gl_Position;
        out vec3 CameraNormal;
        out vec3 Shading; // opacity, openness, how squarely the surface faces the eye
        flat out vec3 Metal;
        flat out vec3 Offset;

        void main()
        {
            Metal = Silver.xyz;
            Offset = Black.xyz;
            vec4 point = vec4(Position, 1);
            vec3 p = vec3(dot(Row0, point), dot(Row1, point), dot(Row2, point));
            gl_Position = vec4(
                Camera.x * p.x + Camera.y * p.z, Camera.z * p.y + Camera.w * p.z, Depth.x * p.z + Depth.y, p.z);
            CameraNormal = vec3(dot(Row0.xyz, Normal), dot(Row1.xyz, Normal), dot(Row2.xyz, Normal));
            // Short of a profile, the outlines of nose and lips lie before the cheek: they stay opaque, or the picture would
            // show through between the two.
            vec2 middle = Position.xy / vec2(0.45, 0.52);
            float inner = (1.0 - smoothstep(0.8, 1.2, length(middle))) * smoothstep(0.5, 0.65, Row2.z);
            Shading = vec3(Shade.x * Depth.z, Shade.y, -dot(CameraNormal, normalize(p)) * Depth.w + 4.0 * inner);
        }
        """u8;

    /// <summary>
    /// Silver: a key light from the upper left, a weak fill from the right, highlights, and ambient occlusion. Towards the
    /// outline, where the surface turns away from the eye, opacity falls to 0 over about two pixels: smooth edges without
    /// extra samples. Powers are products, because this runs on CPUs too.
    /// </summary>
    public static ReadOnlySpan<byte> MeshFragment => """
        #version 450 core
        in vec3 CameraNormal;
        in vec3 Shading;
        flat in vec3 Metal;
        flat in vec3 Offset;
        out vec4 Output;

        void main()
        {
            const vec3 eye = vec3(0, 0, -1);
            const vec3 key = normalize(vec3(-0.48, -0.52, -0.95));
            const vec3 fill = normalize(vec3(0.85, 0.10, -0.60));
            const vec3 keyHalf = normalize(key + eye);
            const vec3 fillHalf = normalize(fill + eye);
            vec3 n = normalize(CameraNormal);
            float open = Shading.y;
            float gloss = max(dot(n, keyHalf), 0.0);
            gloss *= gloss;
            gloss *= gloss;
            gloss *= gloss;
            gloss *= gloss;
            gloss *= gloss; // to the 32nd power
            float sheen = max(dot(n, fillHalf), 0.0);
            sheen *= sheen;
            sheen *= sheen;
            sheen *= sheen;
            sheen *= sheen; // to the 16th
            float diffuse = 0.14 + 0.54 * max(dot(n, key), 0.0) + 0.13 * max(dot(n, fill), 0.0);
            float light = min(diffuse * (0.22 + 0.78 * open) + (0.31 * gloss + 0.06 * sheen) * open * open, 1.0);
            // Folds (lips, nostrils) have outlines too, but the face behind them, so they stay opaque.
            float edge = clamp(Shading.z + 4.0 * max(0.0, 0.85 - open), 0.0, 1.0);
            Output = vec4(light * Metal + Offset, 1) * (Shading.x * edge);
        }
        """u8;

    /// <summary>A line with round ends as a rectangle around it; positions are display pixels.</summary>
    public static ReadOnlySpan<byte> StrokeVertex => """
        #version 450 core
        layout(std140) uniform Colour
        {
            vec4 First;
            vec4 Second;
            vec4 Third;
            vec4 Silver;
            vec4 Black;
        };
        in vec4 Ends;
        in vec2 Shape; // radius in display pixels; coded pixels per display pixel
        in vec4 Tint;
        in vec4 Camera; // clip x = Camera.x * x + Camera.y; clip y = Camera.z * y + Camera.w
        out vec2 Point;
        flat out vec4 Segment;
        flat out vec2 Size;
        flat out vec4 Colouring;

        void main()
        {
            vec2 along = Ends.zw - Ends.xy;
            float span = length(along);
            along = span > 0.0 ? along / span : vec2(1, 0);
            vec2 across = vec2(-along.y, along.x);
            float reach = Shape.x + 1.0 / Shape.y;
            float u = float(gl_VertexID & 1), v = float(gl_VertexID >> 1) * 2.0 - 1.0;
            Point = mix(Ends.xy - along * reach, Ends.zw + along * reach, u) + across * (reach * v);
            Segment = Ends;
            Size = Shape;
            Colouring = vec4(
                dot(First.xyz, Tint.rgb) + First.w, dot(Second.xyz, Tint.rgb) + Second.w, dot(Third.xyz, Tint.rgb) + Third.w, Tint.a);
            gl_Position = vec4(Camera.x * Point.x + Camera.y, Camera.z * Point.y + Camera.w, 0, 1);
        }
        """u8;

    /// <summary>Coverage from the distance to the line, so that edges are smooth without extra samples.</summary>
    public static ReadOnlySpan<byte> StrokeFragment => """
        #version 450 core
        in vec2 Point;
        flat in vec4 Segment;
        flat in vec2 Size;
        flat in vec4 Colouring;
        out vec4 Output;

        void main()
        {
            vec2 along = Segment.zw - Segment.xy;
            vec2 from = Point - Segment.xy;
            float t = clamp(dot(from, along) / max(dot(along, along), 1e-9), 0.0, 1.0);
            float a = Colouring.a * clamp((Size.x - length(from - t * along)) * Size.y + 0.5, 0.0, 1.0);
            Output = vec4(Colouring.rgb, 1) * a;
        }
        """u8;
}
