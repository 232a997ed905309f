using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// What has another name in one supported major of FFmpeg than in another: 5.1 (libavcodec 59) to 7.1 (libavcodec 61). Offsets
/// need no care: they come from the headers that the program is built with. Nobody else calls these members.
/// </summary>
/// <remarks>
/// FFmpeg.AutoGen 5.1 knows the names of 5.1. Where a later major has only a successor of the same type and meaning, the
/// stand-in's layout puts the old name at the successor's place (<c>native/ffmpeg/layout_probe.c</c>).
/// </remarks>
internal static unsafe class FFmpegCompat
{
    /// <summary>
    /// How long a decoded picture lasts, in ticks of the packets' time base; 0 where that is not known.
    /// <c>pkt_duration</c> until 6.1, which 7.0 dropped for <c>duration</c>.
    /// </summary>
    public static long Duration(AVFrame* picture) => picture->pkt_duration;

    private static AVPixelFormat s_p010 = AVPixelFormat.AV_PIX_FMT_NONE;

    /// <summary>The format of 10 bits with interleaved chroma. 7.0 dropped a format before it, which moved its number; so it is asked for by name.</summary>
    public static AVPixelFormat P010 => s_p010 != AVPixelFormat.AV_PIX_FMT_NONE ? s_p010 : s_p010 = ffmpeg.av_get_pix_fmt("p010le");

    /// <summary>Whether a codec is AV1, whose number 7.0 moved as well.</summary>
    public static bool IsAv1(AVCodecID id) => ffmpeg.avcodec_get_name(id) == "av1";

    // AV_FRAME_FLAG_INTERLACED and AV_FRAME_FLAG_TOP_FIELD_FIRST of libavutil 58.7 (FFmpeg 6.1) and later; before, the bits mean nothing.
    private const int FlagInterlaced = 1 << 3;
    private const int FlagTopFieldFirst = 1 << 4;

    /// <summary>
    /// The fields of a decoded picture. <c>interlaced_frame</c> and <c>top_field_first</c>, which decoders still set in 7.1 beside the
    /// flags that replace them.
    /// </summary>
    public static FieldOrder Fields(AVFrame* picture) => picture->interlaced_frame == 0 ? FieldOrder.Progressive
        : picture->top_field_first != 0 ? FieldOrder.TopFirst : FieldOrder.BottomFirst;

    /// <summary>Tells an encoder the fields of a picture: members and flags, of which each major reads its own.</summary>
    public static void SetFields(AVFrame* picture, FieldOrder order)
    {
        picture->interlaced_frame = order == FieldOrder.Progressive ? 0 : 1;
        picture->top_field_first = order == FieldOrder.TopFirst ? 1 : 0;
        picture->flags &= ~(FlagInterlaced | FlagTopFieldFirst);
        if (order != FieldOrder.Progressive) picture->flags |= FlagInterlaced;
        if (order == FieldOrder.TopFirst) picture->flags |= FlagTopFieldFirst;
    }

    /// <summary>
    /// A stream's side data: null where there is none of that type, or none of at least <paramref name="size"/> bytes.
    /// <c>AVStream.side_data</c> until 6.0, <c>AVCodecParameters.coded_side_data</c> since 6.1; the function that reads either
    /// is deprecated but there until 7.1.
    /// </summary>
    public static byte* SideData(AVStream* stream, AVPacketSideDataType type, int size)
    {
        ulong found;
        byte* data = ffmpeg.av_stream_get_side_data(stream, type, &found);
        return found < (ulong)size ? null : data;
    }
}
