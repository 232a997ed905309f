using FFmpeg.AutoGen;

namespace Img2Pose.Media;

/// <summary>Copies the packets of one mp4 or mov file into another, without fragments.</summary>
internal static unsafe class Remuxer
{
    /// <param name="source">The fragmented file.</param>
    /// <param name="target">The file to write, whatever its extension.</param>
    /// <param name="shownName">What errors call the output; its extension chooses mp4 or mov.</param>
    /// <param name="tags">What the output says about itself beyond what the fragmented file does, or null; its video is the first stream.</param>
    /// <param name="lastPicture">When the last picture of the first stream begins and how long it is shown, in seconds, where that is known.</param>
    /// <param name="cancellation">Ends the copying: an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="Img2PoseException">Reading or writing fails.</exception>
    public static void Copy(string source, string target, string shownName, SourceTags? tags, (double Start, double Seconds)? lastPicture,
        CancellationToken cancellation)
    {
        ReadInterrupt interrupt = new(cancellation);
        using InputHandle input = Demuxer.Open(ByteInput.Open(source, interrupt), interrupt, MediaLimits.Default);
        AVFormatContext* from = input.Pointer;
        AVFormatContext* to = null;
        string format = Path.GetExtension(shownName).Equals(".mov", StringComparison.OrdinalIgnoreCase) ? "mov" : "mp4";
        FFmpegRuntime.CheckOutput(ffmpeg.avformat_alloc_output_context2(&to, null, format, target), shownName, "no memory");
        using OutputHandle output = new(to);
        for (uint i = 0; i < from->nb_streams; i++)
        {
            AVStream* stream = from->streams[i];
            AVStream* copy = ffmpeg.avformat_new_stream(to, null);
            if (copy == null) throw new InsufficientMemoryException("FFmpeg is out of memory.");
            FFmpegRuntime.CheckOutput(ffmpeg.avcodec_parameters_copy(copy->codecpar, stream->codecpar), shownName, "a stream cannot be copied");
            copy->time_base = stream->time_base;
            copy->avg_frame_rate = stream->avg_frame_rate;
            copy->sample_aspect_ratio = stream->sample_aspect_ratio;
            copy->disposition = stream->disposition;
            _ = ffmpeg.av_dict_copy(&copy->metadata, stream->metadata, 0);
        }
        if (from->nb_streams > 0) tags?.Apply(to, to->streams[0]);
        FFmpegRuntime.CheckOutput(
            ffmpeg.avio_open2(&to->pb, "file:" + target, ffmpeg.AVIO_FLAG_WRITE, null, null), shownName, "cannot be written");
        FFmpegRuntime.CheckOutput(ffmpeg.avformat_write_header(to, null), shownName, "its header cannot be written");
        using PacketHandle packet = new();
        AVPacket* held = packet.Pointer;
        long[] before = new long[from->nb_streams];
        Array.Fill(before, long.MinValue);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            int status = ffmpeg.av_read_frame(from, held);
            cancellation.ThrowIfCancellationRequested();
            if (status == ffmpeg.AVERROR_EOF) break;
            FFmpegRuntime.CheckInput(status, shownName, "its fragments cannot be read again");
            int index = held->stream_index;
            // A fragment's samples last until the next one is decoded, which no later one does for the last picture.
            if (index == 0 && lastPicture is { } last && held->pts != ffmpeg.AV_NOPTS_VALUE)
            {
                AVRational timeBase = from->streams[0]->time_base;
                double tick = (double)timeBase.num / timeBase.den;
                if (held->pts * tick > last.Start - tick) held->duration = (long)Math.Round(last.Seconds / tick);
            }
            ffmpeg.av_packet_rescale_ts(held, from->streams[index]->time_base, to->streams[index]->time_base);
            held->pos = -1;
            // A fragment ends with an empty subtitle, which begins with the next one where there is no pause between them.
            if (held->dts != ffmpeg.AV_NOPTS_VALUE)
            {
                if (before[index] != long.MinValue) held->dts = Math.Max(held->dts, before[index] + 1);
                if (held->pts != ffmpeg.AV_NOPTS_VALUE) held->pts = Math.Max(held->pts, held->dts);
                before[index] = held->dts;
            }
            FFmpegRuntime.CheckOutput(ffmpeg.av_interleaved_write_frame(to, held), shownName, "cannot be written");
        }
        FFmpegRuntime.CheckOutput(ffmpeg.av_write_trailer(to), shownName, "cannot be written");
        FFmpegRuntime.CheckOutput(to->pb->error, shownName, "cannot be written");
        FFmpegRuntime.CheckOutput(output.CloseFile(), shownName, "cannot be written");
    }
}
