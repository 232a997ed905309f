namespace Img2Pose.Media;

/// <summary>The kernel's pixel formats under the names that FFmpeg has for them.</summary>
internal static class PixelFormatNames
{
    private static readonly Dictionary<string, string> s_names = new(StringComparer.Ordinal)
    {
        ["MJPG"] = "mjpeg",
        ["JPEG"] = "mjpeg",
        ["H264"] = "h264",
        ["YUYV"] = "yuyv422",
        ["UYVY"] = "uyvy422",
        ["YU12"] = "yuv420p",
        ["422P"] = "yuv422p",
        ["411P"] = "yuv411p",
        ["NV12"] = "nv12",
        ["GREY"] = "gray",
        ["Y16 "] = "gray16le",
        ["BGR3"] = "bgr24",
        ["RGB3"] = "rgb24",
        ["BGR4"] = "bgr0",
        ["XR24"] = "bgr0",
        ["RGBP"] = "rgb565le",
    };

    /// <summary>FFmpeg's name of a fourcc; null where it has none.</summary>
    public static string? FFmpegName(uint fourcc) => s_names.GetValueOrDefault(Letters(fourcc));

    /// <summary>The four letters, what cannot be shown as a question mark.</summary>
    public static string Letters(uint fourcc) => string.Create(4, fourcc, static (text, code) =>
    {
        for (int i = 0; i < 4; i++)
        {
            char letter = (char)(code >> 8 * i & 0x7F);
            text[i] = letter is >= ' ' and < '\x7f' ? letter : '?';
        }
    });
}
