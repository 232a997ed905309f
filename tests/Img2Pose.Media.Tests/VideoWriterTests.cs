using System.Runtime.InteropServices;
using FFmpeg.AutoGen;
using Img2Pose.Frames;
using Img2Pose.Testing;

namespace Img2Pose.Media.Tests;

public sealed class VideoWriterTests : ClipTests
{
    private const string Clip = "-f lavfi -i testsrc2=duration=2:size=320x240:rate=25";
    private static readonly VideoWriterOptions s_lossless = new() { Codec = "libx264", Preset = "ultrafast", Quality = 0 };

    private long Transcode(string from, string to, VideoWriterOptions options, SourceOptions? sourceOptions = null)
    {
        using IFrameSource source = MediaSource.Open(At(from), sourceOptions);
        using VideoWriter writer = VideoWriter.Create(At(to), source, options);
        return Copy(source, writer);
    }

    [Theory]
    [InlineData("b.mp4", "libx264")]
    [InlineData("b.mov", "libx264")]
    [InlineData("b.mkv", "libx264")]
    [InlineData("b.mp4", "libx265")]
    public void Untouched_pictures_arrive_bit_exact_at_their_times(string name, string codec)
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 a.mp4");

        long written = Transcode("a.mp4", name, s_lossless with { Codec = codec });

        Assert.Equal(50, written);
        Assert.Equal(PictureHashes("a.mp4"), PictureHashes(name));
        double[] expected = PacketTimes("a.mp4"), actual = PacketTimes(name);
        Assert.Equal(expected.Length, actual.Length);
        // Matroska counts milliseconds.
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, name.EndsWith("mkv", StringComparison.Ordinal) ? 6e-4 : 1e-6));
        Assert.Equal([At("a.mp4"), At(name)], Directory.GetFiles(Folder).Order());
    }

    [Theory]
    [InlineData("medium", 100)]
    [InlineData("veryslow", 20)]
    public void A_program_that_is_told_to_stop_does_not_wait_for_what_the_encoder_holds(string preset, int frames)
    {
        File.WriteAllText(At("b.mp4"), "earlier");
        List<string> warnings = [];
        using CancellationTokenSource stop = new();
        VideoWriterOptions options = new() { Preset = preset, Threads = 2, Stop = stop.Token, Closing = TimeSpan.Zero, Warning = warnings.Add };
        using (IFrameSource source = MediaSource.Open("lavfi:testsrc2=size=64x48:rate=25"))
        using (VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, options))
        {
            for (int i = 0; i < frames; i++)
            {
                Assert.True(source.TryRead(out VideoFrame? frame));
                using (frame) writer.Write(frame);
            }
            stop.Cancel();
            writer.Complete();
        }

        Assert.Matches("the last [0-9]+ frames, which the encoder had not finished", Assert.Single(warnings));
        if (preset == "veryslow")
        {
            // It looks 60 frames ahead, so that none has come out: a container without a picture replaces nothing.
            Assert.Equal("earlier", File.ReadAllText(At("b.mp4")));
            Assert.Contains("there is no video", warnings[0], StringComparison.Ordinal);
        }
        else
        {
            int written = PacketTimes("b.mp4").Length;
            Assert.InRange(written, 1, frames - 1);
            Assert.Contains($"the last {frames - written} frames", warnings[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Variable_times_are_kept()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -vf select='not(mod(n\\,3))+lt(n\\,9)' -fps_mode vfr -c:v libx264 -preset ultrafast a.mp4");

        Transcode("a.mp4", "b.mp4", s_lossless with { Quality = 30 });

        Assert.All(PacketTimes("a.mp4").Zip(PacketTimes("b.mp4")), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Theory]
    [InlineData("a.mp4", "-c:a aac", "b.mp4", "aac")]
    [InlineData("a.mp4", "-c:a aac", "b.mkv", "aac")]
    [InlineData("a.ts", "-c:a aac", "b.mp4", "aac")]
    [InlineData("a.mkv", "-c:a libopus", "b.mkv", "opus")]
    [InlineData("a.mkv", "-c:a libmp3lame", "b.mp4", "mp3")]
    public void Sound_is_copied_packet_by_packet(string from, string sound, string to, string codec)
    {
        Ffmpeg($"{Clip} -f lavfi -i sine=duration=2:sample_rate=48000 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 0 {sound} {from}");

        Transcode(from, to, s_lossless with { Quality = 30 });

        string[] Packets(string name) => Ffprobe($"-select_streams a -show_entries stream=codec_name,nb_read_packets -count_packets -of csv=p=0 {name}");
        Assert.StartsWith(codec, Packets(to)[0], StringComparison.Ordinal);
        Assert.Equal(Packets(from)[0], Packets(to)[0]);
        double[] source = PacketTimes(from, "a"), copy = PacketTimes(to, "a");
        double[] video = PacketTimes(from), videoCopy = PacketTimes(to);
        // The distance between sound and picture is what a viewer notices; Opus has a delay of 7 ms that Matroska counts apart.
        Assert.Equal(source[10] - video[0], copy[10] - videoCopy[0], 1e-2);
    }

    [Fact]
    public void Sound_that_the_container_refuses_is_left_out_with_a_warning()
    {
        Ffmpeg($"{Clip} -f lavfi -i sine=duration=2 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -c:a wmav2 a.mkv");
        List<string> warnings = [];

        Transcode("a.mkv", "b.mp4", s_lossless with { Quality = 30, Warning = warnings.Add });

        Assert.Contains("wmav2", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(["video"], Ffprobe("-show_entries stream=codec_type -of csv=p=0 b.mp4"));
    }

    [Fact]
    public void A_part_starts_at_zero_with_its_sound()
    {
        Ffmpeg($"{Clip} -f lavfi -i sine=duration=2:sample_rate=48000 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -c:a aac a.mp4");

        long written = Transcode("a.mp4", "b.mp4", s_lossless with { Quality = 30 },
            new SourceOptions { Start = TimeSpan.FromSeconds(0.8), Duration = TimeSpan.FromSeconds(0.8) });

        Assert.Equal(20, written);
        Assert.InRange(PacketTimes("b.mp4")[0], 0, 0.001);
        Assert.InRange(PacketTimes("b.mp4", "a")[0], 0, 0.025);
        Assert.InRange(PacketTimes("b.mp4", "a")[^1], 0.74, 0.8);
    }

    [Fact]
    public void Ten_bit_stays_ten_bit_for_hevc()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.4:size=160x120 -pix_fmt yuv420p10le -c:v ffv1 a.mkv");

        Transcode("a.mkv", "b.mp4", s_lossless with { Codec = "hevc" });

        Assert.Equal(["hevc,hvc1,yuv420p10le"], Ffprobe("-show_entries stream=codec_name,codec_tag_string,pix_fmt -of csv=p=0 b.mp4"));
        Assert.Equal(PictureHashes("a.mkv", format: "yuv420p10le"), PictureHashes("b.mp4", format: "yuv420p10le"));
    }

    [Fact]
    public void Ten_bit_is_rounded_to_eight_for_h264()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=160x120 -pix_fmt yuv420p10le -c:v ffv1 a.mkv");

        Transcode("a.mkv", "b.mp4", s_lossless);

        Ffmpeg("-i a.mkv -f rawvideo -pix_fmt yuv420p10le a.raw");
        Ffmpeg("-i b.mp4 -f rawvideo -pix_fmt yuv420p b.raw");
        ushort[] ten = MemoryMarshal.Cast<byte, ushort>(File.ReadAllBytes(At("a.raw"))).ToArray();
        Assert.Equal(ten.Select(value => (byte)Math.Min((value + 2) >> 2, 255)), File.ReadAllBytes(At("b.raw")));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(200)]
    public void Rounding_is_to_the_nearest_at_every_length(int length)
    {
        ushort[] from = [.. Enumerable.Range(0, length).Select(i => (ushort)(1023 - i * 5))];
        byte[] to = new byte[length];

        EncoderInput.RoundToEightBits(from, to);

        Assert.Equal(from.Select(value => (byte)Math.Min(Math.Floor(value / 4.0 + 0.5), 255)), to);
    }

    [Fact]
    public void Odd_sizes_are_padded_by_repeating_the_edge()
    {
        Ffmpeg("-f lavfi -i testsrc=duration=0.2:size=161x121 -pix_fmt yuv420p -c:v ffv1 a.mkv");

        Transcode("a.mkv", "b.mp4", s_lossless);

        Assert.Equal(["162,122"], Ffprobe("-show_entries stream=width,height -of csv=p=0 b.mp4"));
        Ffmpeg("-i a.mkv -frames:v 1 -f rawvideo -pix_fmt yuv420p a.raw");
        Ffmpeg("-i b.mp4 -frames:v 1 -f rawvideo -pix_fmt yuv420p b.raw");
        byte[] odd = File.ReadAllBytes(At("a.raw")), even = File.ReadAllBytes(At("b.raw"));
        for (int y = 0; y < 122; y++)
        {
            ReadOnlySpan<byte> source = odd.AsSpan(Math.Min(y, 120) * 161, 161), written = even.AsSpan(y * 162, 162);
            Assert.True(written[..161].SequenceEqual(source) && written[161] == source[160], $"row {y}");
        }
        Assert.True(odd.AsSpan(161 * 121).SequenceEqual(even.AsSpan(162 * 122)));
    }

    [Fact]
    public void A_turned_picture_is_written_upright_without_a_matrix()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast plain.mp4");
        TurnedVideo.Write(At("plain.mp4"), At("a.mp4"), 90);

        Transcode("a.mp4", "b.mp4", s_lossless);

        Assert.Equal(["240,320"], Ffprobe("-show_entries stream=width,height -of csv=p=0 b.mp4"));
        Assert.Empty(Ffprobe("-show_entries stream_side_data=rotation -of csv=p=0 b.mp4"));
        Assert.Equal(PictureHashes("a.mp4"), PictureHashes("b.mp4"));
    }

    [Fact]
    public void The_aspect_of_samples_is_kept()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -vf setsar=4/3 -c:v libx264 -preset ultrafast a.mp4");

        Transcode("a.mp4", "b.mp4", s_lossless with { Quality = 30 });

        Assert.Equal(["320,240,4:3"], Ffprobe("-show_entries stream=width,height,sample_aspect_ratio -of csv=p=0 b.mp4"));
    }

    [Theory]
    [InlineData("320x240", "", "tv,smpte170m,smpte170m,smpte170m")]
    [InlineData("320x720", "", "tv,bt709,bt709,bt709")]
    [InlineData("320x240", "-color_range pc -colorspace bt709 -color_primaries bt709 -color_trc bt709", "pc,bt709,bt709,bt709")]
    [InlineData("320x720", "-vf setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084 -colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084", "tv,bt2020nc,smpte2084,bt2020")]
    public void Colour_is_written_out_as_the_source_said_or_by_its_height(string size, string tags, string expected)
    {
        Ffmpeg($"-f lavfi -i testsrc2=duration=0.2:size={size} -pix_fmt yuv420p -c:v libx264 -preset ultrafast {tags} a.mkv");

        Transcode("a.mkv", "b.mp4", s_lossless with { Quality = 30 });

        Assert.Equal([expected], Ffprobe("-show_entries stream=color_range,color_space,color_transfer,color_primaries -of csv=p=0 b.mp4"));
    }

    [Fact]
    public void Rgb_becomes_yuv_and_back_within_rounding()
    {
        using (IFrameSource source = MediaSource.Open("lavfi:color=c=0xC86432:duration=0.2:size=64x48,format=rgb24"))
        using (VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, s_lossless))
            Copy(source, writer);

        Ffmpeg("-i b.mp4 -frames:v 1 -f rawvideo -pix_fmt yuv420p b.raw");
        byte[] planes = File.ReadAllBytes(At("b.raw"));

        // (200, 100, 50) by ITU-R BT.601, section 2.5: luma 124.2 of 255, so Y 122.7, Cb 91.2, Cr 175.5 in video range.
        Assert.InRange(planes[0], 121, 124);
        Assert.InRange(planes[64 * 48], 90, 93);
        Assert.InRange(planes[64 * 48 * 5 / 4], 174, 177);
    }

    [Fact]
    public void Without_completion_the_partial_file_stays_and_plays()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=8:size=160x120:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        byte[] killed;
        using (IFrameSource source = MediaSource.Open(At("a.mp4")))
        using (VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, s_lossless with { Quality = 30 }))
        {
            for (int i = 0; i < 180 && source.TryRead(out VideoFrame? frame); i++)
            {
                using (frame) writer.Write(frame);
            }
            // What a kill would leave on the disk at this moment.
            killed = File.ReadAllBytes(At("b.partial.mp4"));
        }
        File.WriteAllBytes(At("killed.mp4"), killed);

        Assert.False(File.Exists(At("b.mp4")));
        // 7.2 s were written; a fragment is at most 2 s.
        Assert.InRange(PictureHashes("killed.mp4").Length, 130, 180);
        Assert.InRange(PictureHashes("b.partial.mp4").Length, 130, 180);
    }

    [Fact]
    public void A_completed_mp4_is_an_ordinary_file_with_one_index()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");

        Transcode("a.mp4", "b.mp4", s_lossless with { Quality = 30 });

        byte[] file = File.ReadAllBytes(At("b.mp4"));
        Assert.True(file.AsSpan().IndexOf("moov"u8) > 0);
        Assert.Equal(-1, file.AsSpan().IndexOf("moof"u8));
        Assert.Equal(["50"], Ffprobe("-select_streams v -show_entries stream=nb_frames -of csv=p=0 b.mp4"));
    }

    [Fact]
    public void An_existing_output_is_replaced_by_completion_only()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        File.WriteAllText(At("b.mp4"), "old");
        using (IFrameSource source = MediaSource.Open(At("a.mp4")))
        using (VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, s_lossless with { Quality = 30 }))
        {
            Assert.True(source.TryRead(out VideoFrame? frame));
            using (frame) writer.Write(frame);
            Assert.Equal("old", File.ReadAllText(At("b.mp4")));
        }
        Assert.Equal("old", File.ReadAllText(At("b.mp4")));

        Transcode("a.mp4", "b.mp4", s_lossless with { Quality = 30 });

        Assert.Equal(50, PictureHashes("b.mp4").Length);
    }

    [Theory]
    [InlineData("b.mp4")]
    [InlineData("b.mkv")]
    public void A_full_disk_is_an_error_and_leaves_no_output(string name)
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        Directory.CreateDirectory(At("small"));
        using SmallDisk disk = new(At("small"), kibibytes: 16);
        name = "small/" + name;

        OutputException error = Assert.Throws<OutputException>(() => Transcode("a.mp4", name, s_lossless));

        Assert.Contains("no space left", error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.False(File.Exists(At(name)));
    }

    [Theory]
    [InlineData("b.mp4")]
    [InlineData("b.mkv")]
    public void Without_a_picture_there_is_no_video_and_an_earlier_one_stays(string name)
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        File.WriteAllText(At(name), "earlier");
        using IFrameSource source = MediaSource.Open(At("a.mp4"));

        using (VideoWriter writer = VideoWriter.Create(At(name), source, s_lossless)) writer.Complete();

        Assert.Equal("earlier", File.ReadAllText(At(name)));
        Assert.Equal([At("a.mp4"), At(name)], Directory.GetFiles(Folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Impossible_outputs_are_refused_at_once()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        using IFrameSource source = MediaSource.Open(At("a.mp4"));

        Assert.Throws<OutputException>(() => VideoWriter.Create(At("missing/b.mp4"), source, s_lossless));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("b.xyz"), source, s_lossless));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("a.mp4"), source, s_lossless));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("b.png"), source, s_lossless));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("b.mp4"), source, s_lossless with { Quality = 99 }));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("b.mp4"), source, s_lossless with { Preset = "warp" }));
        Assert.Throws<UsageException>(() => VideoWriter.Create(At("b.mp4"), source, s_lossless with { Codec = "vp9" }));
        Assert.Equal([At("a.mp4")], Directory.GetFiles(Folder));
    }

    [Fact]
    public void Without_a_gpu_the_software_encoder_serves()
    {
        Assert.SkipWhen(NativeLibrary.TryLoad("libcuda.so.1", out _), "there is a CUDA driver on this machine");
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        using IFrameSource source = MediaSource.Open(At("a.mp4"));

        using VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, new VideoWriterOptions { CopySound = false });

        Assert.Equal("libx264", writer.EncoderName);
        Assert.Throws<OutputException>(() => VideoWriter.Create(At("c.mp4"), source, new VideoWriterOptions { Codec = "h264_nvenc", CopySound = false }));
    }

    [Fact]
    public void Pictures_go_to_pictures_of_the_same_name()
    {
        Directory.CreateDirectory(At("in"));
        Ffmpeg($"{Clip} -frames:v 1 in/a.png");
        Ffmpeg($"{Clip} -frames:v 1 in/b.jpg");
        using IFrameSource source = MediaSource.Open(At("in"));
        using VideoWriter writer = VideoWriter.Create(At("out"), source, new VideoWriterOptions());

        Copy(source, writer);

        Assert.Equal([At("out/a.png"), At("out/b.jpg")], Directory.GetFiles(At("out")).Order());
        Assert.Equal(PictureHashes("in/a.png", format: "rgb24"), PictureHashes("out/a.png", format: "rgb24"));
    }

    [Fact]
    public void Pictures_do_not_replace_their_originals()
    {
        Directory.CreateDirectory(At("in"));
        Ffmpeg($"{Clip} -frames:v 1 in/a.png");
        using IFrameSource source = MediaSource.Open(At("in"));
        using VideoWriter writer = VideoWriter.Create(At("in"), source, new VideoWriterOptions());
        byte[] before = File.ReadAllBytes(At("in/a.png"));

        Assert.Throws<UsageException>(() => Copy(source, writer));
        Assert.Equal(before, File.ReadAllBytes(At("in/a.png")));
    }

    [Fact]
    public void Pictures_of_several_sizes_become_a_video_of_the_first_size()
    {
        Directory.CreateDirectory(At("in"));
        Ffmpeg($"{Clip} -frames:v 1 in/a.png");
        Ffmpeg("-f lavfi -i color=white:size=100x200:d=0.04 -frames:v 1 in/b.png");
        using IFrameSource source = MediaSource.Open(At("in"));
        using VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, s_lossless);

        Copy(source, writer);

        Assert.Equal(["320,240,2"], Ffprobe("-count_frames -show_entries stream=width,height,nb_read_frames -of csv=p=0 b.mp4"));
    }

    [Fact]
    public void A_leased_picture_is_given_back_when_the_encoder_is_closed()
    {
        Ffmpeg($"{Clip} -pix_fmt yuv420p -c:v libx264 -preset ultrafast a.mp4");
        using (IFrameSource source = MediaSource.Open(At("a.mp4")))
        using (VideoWriter writer = VideoWriter.Create(At("b.mp4"), source, new VideoWriterOptions { Preset = "medium" }))
        {
            while (source.TryRead(out VideoFrame? frame))
            {
                using (frame) writer.Write(frame);
            }
        }

        Assert.Equal(0, FrameLeases.Outstanding);
    }

    [Theory]
    [InlineData(23.976023976, 24000, 1001)]
    [InlineData(29.97002997, 30000, 1001)]
    [InlineData(25, 25000, 1000)]
    [InlineData(12.5, 12500, 1000)]
    public void Frame_rates_become_ratios(double rate, int numerator, int denominator)
    {
        AVRational ratio = EncoderSelection.ToRate(rate);

        Assert.Equal((numerator, denominator), (ratio.num, ratio.den));
    }
}
