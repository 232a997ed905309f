using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Reads and writes single pictures. Every picture is read as RGB, 8 bit, upright: EXIF orientation is applied, grey, palette,
/// CMYK and 16-bit pictures are converted, and alpha is dropped. Thread-safe.
/// </summary>
public static class ImageFile
{
    private static readonly FramePool s_pool = new(4);

    [ThreadStatic]
    private static ImageDecoder? s_decoder;

    private static readonly string[] s_extensions =
        [
            ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm",
            ".pam", ".jp2", ".avif", ".heic", ".heif", ".hif",
        ];

    /// <summary>Whether a file name ends as those of the picture formats do that <see cref="Read(string)"/> reads.</summary>
    public static bool HasImageExtension(string path) =>
        Array.IndexOf(s_extensions, Path.GetExtension(path).ToLowerInvariant()) >= 0;

    /// <summary>Reads a picture file (JPEG, PNG, BMP, WebP, TIFF, GIF's first picture, PNM, JPEG 2000).</summary>
    /// <returns>A writable <see cref="PixelFormat.Rgb24"/> frame that the caller disposes.</returns>
    /// <exception cref="InputException">The file cannot be opened, is no picture, is damaged, or exceeds a limit.</exception>
    public static VideoFrame Read(string path) => Read(path, MediaLimits.Default);

    /// <summary>Reads a picture file within <paramref name="limits"/>.</summary>
    /// <inheritdoc cref="Read(string)"/>
    public static VideoFrame Read(string path, MediaLimits limits)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ImageDecoder decoder = s_decoder ??= new ImageDecoder(s_pool);
        return decoder.DecodeFile(path, limits, MemoryBudget.Default, out _);
    }

    /// <summary>Reads a picture of a source, and says what is not whole in it.</summary>
    internal static VideoFrame Read(string path, byte[]? data, SourceOptions options, out string? flaw)
    {
        ImageDecoder decoder = s_decoder ??= new ImageDecoder(s_pool);
        return data is null
            ? decoder.DecodeFile(path, options.Limits, options.Memory, out flaw)
            : decoder.Decode(data, path, options.Limits, options.Memory, upright: true, out flaw);
    }

    /// <summary>Decodes a picture file's bytes.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="name">What error messages call it.</param>
    /// <returns>A writable <see cref="PixelFormat.Rgb24"/> frame that the caller disposes.</returns>
    /// <exception cref="InputException">The bytes are no picture, are damaged, or exceed a limit.</exception>
    public static VideoFrame Decode(ReadOnlySpan<byte> data, string name) => Decode(data, name, MediaLimits.Default);

    /// <summary>Decodes a picture file's bytes within <paramref name="limits"/>.</summary>
    /// <inheritdoc cref="Decode(ReadOnlySpan{byte}, string)"/>
    public static VideoFrame Decode(ReadOnlySpan<byte> data, string name, MediaLimits limits)
    {
        ImageDecoder decoder = s_decoder ??= new ImageDecoder(s_pool);
        return decoder.Decode(data, name, limits, MemoryBudget.Default, upright: true, out _);
    }

    /// <summary>
    /// Decodes a picture file's bytes as their rows are stored, whatever the EXIF orientation says: for data whose
    /// annotations count in stored pixels.
    /// </summary>
    /// <inheritdoc cref="Decode(ReadOnlySpan{byte}, string)"/>
    public static VideoFrame DecodeAsStored(ReadOnlySpan<byte> data, string name)
    {
        ImageDecoder decoder = s_decoder ??= new ImageDecoder(s_pool);
        return decoder.Decode(data, name, MediaLimits.Default, MemoryBudget.Default, upright: false, out _);
    }

    /// <summary>Whether a picture file's rows are stored as they are to be shown: it has no EXIF orientation that turns or mirrors it.</summary>
    /// <param name="data">The whole file.</param>
    public static bool IsStoredUpright(ReadOnlySpan<byte> data) => ImageHeader.Read(data).Orientation == PictureOrientation.Upright;

    /// <summary>
    /// Writes a frame as PNG (lossless, of its RGB values) or JPEG, by the extension of <paramref name="path"/>. The file
    /// appears under its name only when it is complete.
    /// </summary>
    /// <param name="path">A name that ends in .png, .jpg or .jpeg.</param>
    /// <param name="frame">A frame of any format.</param>
    /// <param name="quality">JPEG only: 1 to 100, about as in other programs; from 90 up without chroma subsampling.</param>
    /// <exception cref="UsageException">The extension is neither; the quality is out of range.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(string path, VideoFrame frame, int quality = 92)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(frame);
        ImageEncoder.Write(path, frame, quality);
    }
}
