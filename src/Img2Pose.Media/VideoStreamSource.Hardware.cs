using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Where a GPU decodes, and what is done where it does not.</summary>
internal sealed unsafe partial class VideoStreamSource
{
    private HardwareDecoding? _hardware;

    private CodecHandle OpenFirstDecoder(AVCodec* codec)
    {
        // A filter graph's pictures are made by the processor.
        if (_options.Cuda is not { } device || codec->id == AVCodecID.AV_CODEC_ID_RAWVIDEO || codec->id == AVCodecID.AV_CODEC_ID_WRAPPED_AVFRAME) return OpenDecoder(codec, null);
        HardwareDecoding? hardware = HardwareDecoding.TryCreate(device, _stream->codecpar, FramesUnderWay, out string why);
        if (hardware is not null)
        {
            try
            {
                CodecHandle decoder = OpenDecoder(hardware.Codec, hardware);
                _shaper.Hardware = _hardware = hardware;
                return decoder;
            }
            catch (InputException error)
            {
                hardware.Dispose();
                why = error.Message;
            }
        }
        _options.Warning?.Invoke($"{_name}: decoded by the processor: {why}");
        return OpenDecoder(codec, null);
    }

    /// <summary>
    /// The GPU has refused the stream: told once. Where it has given nothing yet, a decoder with all its threads begins anew; else the one
    /// at hand goes on by itself, if it can.
    /// </summary>
    private int LeaveHardware(string why, AVPacket* packet, int status)
    {
        _options.Warning?.Invoke($"{_name}: decoded by the processor: {why}");
        HardwareDecoding left = _hardware!;
        if (left.GaveAny && left.GoesOnAlone)
        {
            // Its frames are still out, and a stream may return to what the GPU takes.
            left.Told();
            return status;
        }
        _shaper.Hardware = _hardware = null;
        CodecHandle decoder = _decoder;
        _decoder = OpenDecoder(ffmpeg.avcodec_find_decoder(_stream->codecpar->codec_id), null);
        decoder.Dispose();
        left.Dispose();
        return ffmpeg.avcodec_send_packet(_decoder.Pointer, packet);
    }

    /// <summary>Counts a picture that could not be decoded; a device that is gone is no damage.</summary>
    /// <exception cref="Img2Pose.Cuda.CudaDeviceException">The device is lost.</exception>
    private void Damaged()
    {
        _hardware?.RequireDevice();
        DamagedFrames++;
    }
}
