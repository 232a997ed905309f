namespace FFmpeg.AutoGen;

public static unsafe partial class ffmpeg
{
    public static readonly int EAGAIN = OperatingSystem.IsMacOS() ? 35 : 11;

    public static readonly int AVERROR_DECODER_NOT_FOUND = FFERRTAG(0xF8, 'D', 'E', 'C');
    public static readonly int AVERROR_EXIT = FFERRTAG('E', 'X', 'I', 'T');
    public static readonly int AVERROR_EOF = FFERRTAG('E', 'O', 'F', ' ');
    public static readonly int AVERROR_HTTP_BAD_REQUEST = FFERRTAG(0xF8, '4', '0', '0');
    public static readonly int AVERROR_HTTP_UNAUTHORIZED = FFERRTAG(0xF8, '4', '0', '1');
    public static readonly int AVERROR_HTTP_FORBIDDEN = FFERRTAG(0xF8, '4', '0', '3');
    public static readonly int AVERROR_HTTP_NOT_FOUND = FFERRTAG(0xF8, '4', '0', '4');
    public static readonly int AVERROR_HTTP_OTHER_4XX = FFERRTAG(0xF8, '4', 'X', 'X');
    public static readonly int AVERROR_HTTP_SERVER_ERROR = FFERRTAG(0xF8, '5', 'X', 'X');
    public static readonly int AVERROR_PROTOCOL_NOT_FOUND = FFERRTAG(0xF8, 'P', 'R', 'O');
    public static readonly int AVERROR_INVALIDDATA = FFERRTAG('I', 'N', 'D', 'A');
    public static readonly long AV_NOPTS_VALUE = long.MinValue;

    public const int AV_BUFFER_FLAG_READONLY = 0x1;
    public const int AV_CODEC_FLAG_GLOBAL_HEADER = 0x400000;
    public const int AV_CODEC_FLAG_INTERLACED_DCT = 0x40000;
    public const int AV_CODEC_FLAG_INTERLACED_ME = 0x20000000;
    public const int AV_CODEC_FLAG_OUTPUT_CORRUPT = 0x8;
    public const int AV_CODEC_FLAG_QSCALE = 0x2;
    public const int AV_CODEC_FLAG_LOW_DELAY = 0x80000;
    public const int AV_OPT_SEARCH_FAKE_OBJ = 0x2;
    public const int AVFMT_FLAG_NONBLOCK = 0x4;
    public const int AV_EF_EXPLODE = 0x8;
    public const int AV_DICT_IGNORE_SUFFIX = 0x2;
    public const int AV_DISPOSITION_ATTACHED_PIC = 0x400;
    public const int AV_FRAME_FLAG_CORRUPT = 0x1;
    public const int AV_LOG_QUIET = -0x8;
    public const int AV_PIX_FMT_FLAG_HWACCEL = 0x8;
    public const int AV_PIX_FMT_FLAG_RGB = 0x20;
    public const int AV_PKT_FLAG_KEY = 0x1;
    public const int AV_TIME_BASE = 0xf4240;
    public const int AVFMT_FLAG_CUSTOM_IO = 0x80;
    public const int AVFMT_FLAG_FLUSH_PACKETS = 0x200;
    public const int AVFMT_GLOBALHEADER = 0x40;
    public const int AVFMT_NOTIMESTAMPS = 0x80;
    public const int AVFMT_TS_DISCONT = 0x200;
    public const int AVIO_FLAG_WRITE = 0x2;
    public const int AVSEEK_FLAG_BACKWARD = 0x1;
    public const int AVSEEK_FORCE = 0x20000;
    public const int AVSEEK_SIZE = 0x10000;
    public const int FF_QP2LAMBDA = 0x76;
    public const int FF_THREAD_FRAME = 0x1;
    public const int FF_THREAD_SLICE = 0x2;
    public const int SWS_ACCURATE_RND = 0x40000;
    public const int SWS_BICUBIC = 0x4;
    public const int SWS_BILINEAR = 0x2;
    public const int SWS_CS_BT2020 = 0x9;
    public const int SWS_CS_ITU601 = 0x5;
    public const int SWS_CS_ITU709 = 0x1;
    public const int SWS_FULL_CHR_H_INP = 0x4000;
    public const int SWS_FULL_CHR_H_INT = 0x2000;

    /// <summary>The folder that FFmpeg's libraries are loaded from; where one is not there, the system's search path.</summary>
    public static string RootPath { get; set; } = AppDomain.CurrentDomain.BaseDirectory;

    /// <summary>The major version that each library must have: that of the headers behind the struct layout.</summary>
    public static Dictionary<string, int> LibraryVersionMap = new()
    {
        ["avcodec"] = Layout.AvcodecMajor,
        ["avdevice"] = Layout.AvdeviceMajor,
        ["avfilter"] = Layout.AvfilterMajor,
        ["avformat"] = Layout.AvformatMajor,
        ["avutil"] = Layout.AvutilMajor,
        ["swscale"] = Layout.SwscaleMajor,
    };

    public static int AVERROR<T1>(T1 a) => -Convert.ToInt32(a, null);

    public static int MKTAG<T1, T2, T3, T4>(T1 a, T2 b, T3 c, T4 d) =>
        (int)(Convert.ToUInt32(a, null) | Convert.ToUInt32(b, null) << 8 | Convert.ToUInt32(c, null) << 16
            | Convert.ToUInt32(d, null) << 24);

    public static int FFERRTAG<T1, T2, T3, T4>(T1 a, T2 b, T3 c, T4 d) => -MKTAG(a, b, c, d);
}
