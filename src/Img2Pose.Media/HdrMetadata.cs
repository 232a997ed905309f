using System.Globalization;
using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>
/// How a high-dynamic-range video was mastered: primaries, white and luminance of the display (SMPTE ST 2086), and the lightest
/// pixel and frame (CTA-861.3), in the words of libx265's options.
/// </summary>
/// <param name="MasterDisplay">The value of <c>master-display</c>, or null.</param>
/// <param name="ContentLight">The value of <c>max-cll</c>, or null.</param>
internal sealed record HdrMetadata(string? MasterDisplay, string? ContentLight)
{
    // libavutil's AVMasteringDisplayMetadata: ten ratios (red, green, blue, white as x and y; least and greatest luminance) and
    // two flags. AVContentLightMetadata: two numbers.
    private const int Ratios = 10, MasteringBytes = Ratios * 8 + 8, LightBytes = 8;

    /// <summary>Reads a picture's side data, else its stream's; null where there is none.</summary>
    public static unsafe HdrMetadata? Read(AVFrame* picture, AVStream* stream)
    {
        AVFrameSideData* side = ffmpeg.av_frame_get_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
        byte* mastering = side != null && side->size >= MasteringBytes ? side->data
            : FFmpegCompat.SideData(stream, AVPacketSideDataType.AV_PKT_DATA_MASTERING_DISPLAY_METADATA, MasteringBytes);
        side = ffmpeg.av_frame_get_side_data(picture, AVFrameSideDataType.AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
        byte* light = side != null && side->size >= LightBytes ? side->data
            : FFmpegCompat.SideData(stream, AVPacketSideDataType.AV_PKT_DATA_CONTENT_LIGHT_LEVEL, LightBytes);
        string? display = mastering == null ? null : Display((AVRational*)mastering, (int*)(mastering + Ratios * 8));
        string? levels = light == null ? null : string.Create(CultureInfo.InvariantCulture, $"{((uint*)light)[0]},{((uint*)light)[1]}");
        return display is null && levels is null ? null : new HdrMetadata(display, levels);
    }

    private static unsafe string? Display(AVRational* ratios, int* flags)
    {
        if (flags[0] == 0 || flags[1] == 0) return null;
        for (int i = 0; i < Ratios; i++)
        {
            if (ratios[i].num < 0 || ratios[i].den <= 0) return null;
        }
        long[] value = new long[Ratios];
        // Chromaticities count in 0.00002, luminances in 0.0001 candela per square metre.
        for (int i = 0; i < Ratios; i++) value[i] = (long)Math.Round((double)ratios[i].num / ratios[i].den * (i < 8 ? 50_000 : 10_000));
        return string.Create(CultureInfo.InvariantCulture,
            $"G({value[2]},{value[3]})B({value[4]},{value[5]})R({value[0]},{value[1]})WP({value[6]},{value[7]})L({value[9]},{value[8]})");
    }
}
