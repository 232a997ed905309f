namespace FFmpeg.AutoGen;

public enum AVMediaType : int
{
    @AVMEDIA_TYPE_UNKNOWN = -1,
    @AVMEDIA_TYPE_VIDEO = 0,
    @AVMEDIA_TYPE_AUDIO = 1,
    @AVMEDIA_TYPE_SUBTITLE = 3,
}

public enum AVCodecID : int
{
    @AV_CODEC_ID_NONE = 0,
    @AV_CODEC_ID_MPEG1VIDEO = 1,
    @AV_CODEC_ID_MPEG2VIDEO = 2,
    @AV_CODEC_ID_MJPEG = 7,
    @AV_CODEC_ID_MPEG4 = 12,
    @AV_CODEC_ID_RAWVIDEO = 13,
    @AV_CODEC_ID_H264 = 27,
    @AV_CODEC_ID_PNG = 61,
    @AV_CODEC_ID_PPM = 62,
    @AV_CODEC_ID_PBM = 63,
    @AV_CODEC_ID_PGM = 64,
    @AV_CODEC_ID_PAM = 66,
    @AV_CODEC_ID_BMP = 78,
    @AV_CODEC_ID_JPEG2000 = 88,
    @AV_CODEC_ID_TIFF = 96,
    @AV_CODEC_ID_GIF = 97,
    @AV_CODEC_ID_VP8 = 139,
    @AV_CODEC_ID_VP9 = 167,
    @AV_CODEC_ID_WEBP = 171,
    @AV_CODEC_ID_HEVC = 173,
    @AV_CODEC_ID_AAC = 86018,
    @AV_CODEC_ID_WRAPPED_AVFRAME = 135169,
}

public enum AVPixelFormat : int
{
    @AV_PIX_FMT_NONE = -1,
    @AV_PIX_FMT_YUV420P = 0,
    @AV_PIX_FMT_RGB24 = 2,
    @AV_PIX_FMT_YUV422P = 4,
    @AV_PIX_FMT_YUV444P = 5,
    @AV_PIX_FMT_YUV411P = 7,
    @AV_PIX_FMT_YUVJ420P = 12,
    @AV_PIX_FMT_YUVJ422P = 13,
    @AV_PIX_FMT_YUVJ444P = 14,
    @AV_PIX_FMT_NV12 = 23,
    @AV_PIX_FMT_BGRA = 28,
    @AV_PIX_FMT_YUV440P = 31,
    @AV_PIX_FMT_YUVJ440P = 32,
    @AV_PIX_FMT_YUV420P10LE = 62,
    @AV_PIX_FMT_CUDA = 117,
    @AV_PIX_FMT_YUVJ411P = 138,
}

public enum AVColorPrimaries : int
{
    @AVCOL_PRI_UNSPECIFIED = 2,
}

public enum AVColorTransferCharacteristic : int
{
    @AVCOL_TRC_UNSPECIFIED = 2,
    @AVCOL_TRC_SMPTE2084 = 16,
    @AVCOL_TRC_ARIB_STD_B67 = 18,
}

public enum AVColorSpace : int
{
    @AVCOL_SPC_BT709 = 1,
    @AVCOL_SPC_UNSPECIFIED = 2,
    @AVCOL_SPC_BT470BG = 5,
    @AVCOL_SPC_SMPTE170M = 6,
    @AVCOL_SPC_BT2020_NCL = 9,
    @AVCOL_SPC_BT2020_CL = 10,
}

public enum AVColorRange : int
{
    @AVCOL_RANGE_UNSPECIFIED = 0,
    @AVCOL_RANGE_MPEG = 1,
    @AVCOL_RANGE_JPEG = 2,
}

public enum AVChromaLocation : int
{
    @AVCHROMA_LOC_UNSPECIFIED = 0,
    @AVCHROMA_LOC_LEFT = 1,
}

public enum AVFieldOrder : int
{
    @AV_FIELD_UNKNOWN = 0,
    @AV_FIELD_PROGRESSIVE = 1,
    @AV_FIELD_TT = 2,
    @AV_FIELD_BB = 3,
    @AV_FIELD_TB = 4,
    @AV_FIELD_BT = 5,
}

public enum AVDiscard : int
{
    @AVDISCARD_DEFAULT = 0,
    @AVDISCARD_ALL = 48,
}

public enum AVFrameSideDataType : int
{
    @AV_FRAME_DATA_DISPLAYMATRIX = 6,
    @AV_FRAME_DATA_MASTERING_DISPLAY_METADATA = 11,
    @AV_FRAME_DATA_CONTENT_LIGHT_LEVEL = 14,
    @AV_FRAME_DATA_ICC_PROFILE = 15,
}

public enum AVPacketSideDataType : int
{
    @AV_PKT_DATA_DISPLAYMATRIX = 5,
    @AV_PKT_DATA_MASTERING_DISPLAY_METADATA = 20,
    @AV_PKT_DATA_CONTENT_LIGHT_LEVEL = 22,
}

public enum AVHWDeviceType : int
{
    @AV_HWDEVICE_TYPE_NONE = 0,
    @AV_HWDEVICE_TYPE_CUDA = 2,
}
