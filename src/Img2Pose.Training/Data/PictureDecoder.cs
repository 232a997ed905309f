using System.Runtime.InteropServices;

namespace Img2Pose.Training.Data;

/// <summary>Decodes picture files through gdk-pixbuf, until the media project's image reader is there to take over.</summary>
internal static unsafe partial class PictureDecoder
{
    private const string PixbufLibrary = "libgdk_pixbuf-2.0.so.0";

    /// <summary>Decodes a file to RGB.</summary>
    /// <exception cref="InputException">The file cannot be decoded.</exception>
    /// <exception cref="ModelException">The library is not installed.</exception>
    public static RgbPicture Decode(string path)
    {
        nint pixbuf;
        try
        {
            pixbuf = gdk_pixbuf_new_from_file(path, 0);
        }
        catch (DllNotFoundException e)
        {
            throw new ModelException($"{PixbufLibrary} is missing; install libgdk-pixbuf-2.0-0", e);
        }
        if (pixbuf == 0) throw new InputException($"{path}: cannot be decoded as a picture");
        try
        {
            int width = gdk_pixbuf_get_width(pixbuf), height = gdk_pixbuf_get_height(pixbuf);
            int stride = gdk_pixbuf_get_rowstride(pixbuf), channels = gdk_pixbuf_get_n_channels(pixbuf);
            byte* source = (byte*)gdk_pixbuf_get_pixels(pixbuf);
            byte[] pixels = new byte[width * height * 3];
            int at = 0;
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    byte* p = source + (long)y * stride + x * channels;
                    pixels[at++] = p[0];
                    pixels[at++] = p[1];
                    pixels[at++] = p[2];
                }
            }
            return new RgbPicture(pixels, width, height);
        }
        finally
        {
            g_object_unref(pixbuf);
        }
    }

    [LibraryImport(PixbufLibrary, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint gdk_pixbuf_new_from_file(string path, nint error);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_width(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_height(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_rowstride(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial int gdk_pixbuf_get_n_channels(nint pixbuf);

    [LibraryImport(PixbufLibrary)]
    private static partial nint gdk_pixbuf_get_pixels(nint pixbuf);

    [LibraryImport("libgobject-2.0.so.0")]
    private static partial void g_object_unref(nint instance);
}
