namespace Veldrid.OpenGL;

/// <summary>What OpenGL calls a pixel format.</summary>
/// <param name="Storage">The sized internal format.</param>
/// <param name="Layout">Order of the components in memory.</param>
/// <param name="Type">Type of a component in memory.</param>
/// <param name="Bytes">Bytes of a pixel in memory.</param>
internal readonly record struct GlFormat(uint Storage, uint Layout, uint Type, uint Bytes)
{
    public static GlFormat Of(PixelFormat format) => format switch
    {
        PixelFormat.R8_G8_B8_A8_UNorm => new GlFormat(Gl.Rgba8, Gl.Rgba, Gl.UnsignedByte, 4),
        PixelFormat.B8_G8_R8_A8_UNorm => new GlFormat(Gl.Rgba8, Gl.Bgra, Gl.UnsignedByte, 4),
        PixelFormat.R8_UNorm => new GlFormat(Gl.R8, Gl.Red, Gl.UnsignedByte, 1),
        PixelFormat.R16_UNorm => new GlFormat(Gl.R16, Gl.Red, Gl.UnsignedShort, 2),
        PixelFormat.R8_G8_UNorm => new GlFormat(Gl.Rg8, Gl.Rg, Gl.UnsignedByte, 2),
        PixelFormat.R16_G16_UNorm => new GlFormat(Gl.Rg16, Gl.Rg, Gl.UnsignedShort, 4),
        PixelFormat.R32_Float => new GlFormat(Gl.R32F, Gl.Red, Gl.Float, 4),
        _ => throw new VeldridException($"Pixel format {format} is not covered."),
    };
}
