using Img2Pose.Frames;
using Img2Pose.Testing;

namespace Img2Pose.Media.Tests;

public sealed class VideoSourceTests : ClipTests
{
    private const string Clip = "-f lavfi -i testsrc2=duration=1:size=320x240:rate=25 -pix_fmt yuv420p";

    [Theory]
    [InlineData("a.mp4", "-c:v libx264 -preset ultrafast -bf 2", "h264")]
    [InlineData("a.mov", "-c:v libx264 -preset ultrafast", "h264")]
    [InlineData("a.ts", "-c:v libx264 -preset ultrafast", "h264")]
    [InlineData("a.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none", "hevc")]
    [InlineData("a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8", "vp9")]
    [InlineData("b.mkv", "-c:v libaom-av1 -usage realtime -cpu-used 8", "av1")]
    [InlineData("a.avi", "-c:v mpeg4 -q:v 3", "mpeg4")]
    [InlineData("b.avi", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p", "mjpeg")]
    public void Every_container_and_codec_gives_the_pictures_that_ffmpeg_decodes(string name, string codec, string expected)
    {
        Ffmpeg($"{Clip} {codec} {name}");

        using IFrameSource source = MediaSource.Open(At(name));
        List<Seen> frames = ReadAll(source);

        Assert.Equal(expected, source.Info.Codec);
        Assert.Equal(25, frames.Count);
        Assert.Equal(25, source.Info.FramesPerSecond!.Value, 0.1);
        // MJPEG is full range; ffmpeg would convert it for yuv420p, the frame keeps it.
        Assert.Equal(PictureHashes(name, format: expected == "mjpeg" ? "yuvj420p" : "yuv420p"), frames.Select(frame => frame.Hash));
        Assert.Equal(Enumerable.Range(0, 25).Select(i => (long)i), frames.Select(frame => frame.Index));
        Assert.All(frames, frame => Assert.False(frame.IsWritable));
        Assert.Equal(0, source.DamagedFrames);
    }

    [Theory]
    [InlineData("WolfgangLanger_Pexels.mp4", 472)]
    [InlineData("liveportrait_d12.mp4", 183)]
    [InlineData("facenet_street_crowd.mp4", 105)]
    [InlineData("face_noface.mov", 169)]
    public void The_test_videos_have_their_frames(string name, int frames)
    {
        using IFrameSource source = MediaSource.Open(SharedData.Require("media", name));
        int read = 0;
        while (source.TryRead(out VideoFrame? frame))
        {
            frame.Dispose();
            read++;
        }

        Assert.Equal(frames, read);
        Assert.Equal(frames, source.Info.FrameCount);
        Assert.Equal(0, source.DamagedFrames);
    }

    [Fact]
    public void Ten_bit_pictures_stay_ten_bit()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.4:size=160x120 -pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none a.mkv");

        using IFrameSource source = MediaSource.Open(At("a.mkv"));
        List<Seen> frames = ReadAll(source);

        Assert.Equal(PixelFormat.I420P10, source.Info.Format);
        Assert.Equal(PictureHashes("a.mkv", format: "yuv420p10le"), frames.Select(frame => frame.Hash));
    }

    [Theory]
    [InlineData("yuv422p", PixelFormat.I420)]
    [InlineData("yuv444p", PixelFormat.I420)]
    [InlineData("gray", PixelFormat.I420)]
    [InlineData("yuv422p10le", PixelFormat.I420P10)]
    [InlineData("bgr0", PixelFormat.Rgb24)]
    public void Other_formats_become_the_nearest_one(string stored, PixelFormat expected)
    {
        Ffmpeg($"-f lavfi -i testsrc2=duration=0.2:size=64x48 -c:v ffv1 -pix_fmt {stored} a.mkv");

        using IFrameSource source = MediaSource.Open(At("a.mkv"));
        List<Seen> frames = ReadAll(source);

        Assert.Equal(expected, source.Info.Format);
        Assert.Equal(5, frames.Count);
    }

    [Fact]
    public void Grey_pictures_keep_their_luma()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=0.2:size=64x48 -c:v ffv1 -pix_fmt gray a.mkv");

        using IFrameSource source = MediaSource.Open(At("a.mkv"));
        Assert.True(source.TryRead(out VideoFrame? frame));
        using VideoFrame held = frame;
        Ffmpeg("-i a.mkv -frames:v 1 -f rawvideo -pix_fmt gray a.raw");
        byte[] luma = File.ReadAllBytes(At("a.raw"));

        for (int y = 0; y < 48; y++) Assert.True(held.GetPlane(0).Row(y).SequenceEqual(luma.AsSpan(y * 64, 64)), $"row {y}");
        Assert.True(held.GetPlane(1).Row(0).IndexOfAnyExcept((byte)128) < 0);
    }

    [Theory]
    [InlineData(90)]
    [InlineData(180)]
    [InlineData(270)]
    public void Rotation_metadata_is_applied_as_ffmpeg_applies_it(int degrees)
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast plain.mp4");
        TurnedVideo.Write(At("plain.mp4"), At("turned.mp4"), degrees);

        using IFrameSource source = MediaSource.Open(At("turned.mp4"));
        List<Seen> frames = ReadAll(source);

        bool swaps = degrees != 180;
        Assert.Equal((swaps ? 240 : 320, swaps ? 320 : 240), (source.Info.Width, source.Info.Height));
        Assert.Equal(PictureHashes("turned.mp4"), frames.Select(frame => frame.Hash));
    }

    [Theory]
    [InlineData("4/3", 427, 240)]
    [InlineData("1/2", 320, 480)]
    public void Wide_and_narrow_samples_show_in_the_display_size_only(string aspect, int width, int height)
    {
        Ffmpeg($"{Clip} -vf setsar={aspect} -c:v libx264 -preset ultrafast a.mp4");

        using IFrameSource source = MediaSource.Open(At("a.mp4"));
        List<Seen> frames = ReadAll(source);

        Assert.Equal((width, height), (source.Info.Width, source.Info.Height));
        Assert.Equal((320, 240), (source.Info.CodedWidth, source.Info.CodedHeight));
        Assert.All(frames, frame => Assert.Equal((320, 240, width, height), (frame.Width, frame.Height, frame.DisplayWidth, frame.DisplayHeight)));
    }

    [Fact]
    public void Odd_sizes_stay_odd()
    {
        Ffmpeg("-f lavfi -i testsrc=duration=0.4:size=161x121 -pix_fmt yuv420p -c:v ffv1 a.mkv");

        List<Seen> frames = ReadAll("a.mkv");

        Assert.All(frames, frame => Assert.Equal((161, 121), (frame.Width, frame.Height)));
        Assert.Equal(PictureHashes("a.mkv"), frames.Select(frame => frame.Hash));
    }

    [Fact]
    public void Variable_frame_rates_keep_their_times()
    {
        Ffmpeg($"{Clip} -vf select='not(mod(n\\,3))+lt(n\\,6)' -fps_mode vfr -c:v libx264 -preset ultrafast a.mp4");

        List<Seen> frames = ReadAll("a.mp4");

        double[] times = PacketTimes("a.mp4");
        Assert.Equal(times.Length, frames.Count);
        Assert.All(times.Zip(frames), pair => Assert.Equal(pair.First, pair.Second.Time!.Value, 1e-6));
        Assert.NotEqual(times[1] - times[0], times[^1] - times[^2], 1e-3);
    }

    [Fact]
    public void A_new_size_in_mid_stream_is_fitted_into_the_first()
    {
        Ffmpeg("-f lavfi -i color=red:duration=0.4:size=320x240 -c:v libx264 -preset ultrafast -bsf:v h264_mp4toannexb -f h264 one.h264");
        Ffmpeg("-f lavfi -i color=white:duration=0.4:size=160x240 -c:v libx264 -preset ultrafast -bsf:v h264_mp4toannexb -f h264 two.h264");
        File.WriteAllBytes(At("both.h264"), [.. File.ReadAllBytes(At("one.h264")), .. File.ReadAllBytes(At("two.h264"))]);

        using IFrameSource source = MediaSource.Open(At("both.h264"));
        int wide = 0, fitted = 0;
        while (source.TryRead(out VideoFrame? frame))
        {
            using VideoFrame held = frame;
            Assert.Equal((320, 240), (held.Width, held.Height));
            Span<byte> row = held.GetPlane(0).Row(120);
            if (row[160] < 200)
            {
                wide++;
                continue;
            }
            // 160 columns of white between black ones: the narrow picture is as high as the first one.
            fitted++;
            Assert.Equal(16, row[10]);
            Assert.Equal(16, row[310]);
            Assert.InRange(row[90], 230, 240);
            Assert.InRange(row[229], 230, 240);
        }

        Assert.Equal((10, 10), (wide, fitted));
    }

    [Fact]
    public void Pictures_without_times_follow_the_frame_rate()
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast -bf 2 -f h264 a.h264");

        List<Seen> frames = ReadAll("a.h264");

        Assert.Equal(25, frames.Count);
        for (int i = 0; i < frames.Count; i++) Assert.Equal(i / 25.0, frames[i].Time!.Value, 1e-6);
    }

    [Fact]
    public void Corrupt_packets_are_counted_and_the_rest_is_read()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=4:size=320x240:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 10 a.ts");
        byte[] data = File.ReadAllBytes(At("a.ts"));
        Random random = new(5);
        // Whole transport packets in the middle lose their contents.
        for (int i = data.Length / 3; i < data.Length / 2; i++) if (i % 188 >= 8 && i / 188 % 5 == 0) data[i] = (byte)random.Next(256);
        File.WriteAllBytes(At("a.ts"), data);

        using IFrameSource source = MediaSource.Open(At("a.ts"));
        List<Seen> frames = ReadAll(source);

        Assert.InRange(frames.Count, 50, 100);
        Assert.True(source.DamagedFrames > 0);
    }

    [Fact]
    public void A_file_cut_short_is_read_up_to_the_cut_and_the_rest_is_counted()
    {
        Ffmpeg("-f lavfi -i testsrc2=duration=4:size=320x240:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -movflags faststart a.mp4");
        File.WriteAllBytes(At("cut.mp4"), File.ReadAllBytes(At("a.mp4"))[..^(int)(new FileInfo(At("a.mp4")).Length / 2)]);
        List<string> warnings = [];

        using IFrameSource source = MediaSource.Open(At("cut.mp4"), new SourceOptions { Warning = warnings.Add });
        List<Seen> frames = ReadAll(source);

        Assert.InRange(frames.Count, 20, 80);
        Assert.InRange(source.DamagedFrames, 98 - frames.Count, 101 - frames.Count);
        Assert.Contains(warnings, warning => warning.Contains("ends early", StringComparison.Ordinal));
    }

    [Fact]
    public void Pictures_that_an_avi_file_only_repeats_are_not_missing()
    {
        // The file says 100 pictures; 4 of them are empty.
        Ffmpeg(@"-f lavfi -i testsrc2=duration=4:size=320x240:rate=25 -vf select=not(eq(mod(n\,25)\,7)) -fps_mode passthrough -pix_fmt yuv420p -c:v mpeg4 -q:v 3 a.avi");
        List<string> warnings = [];

        using IFrameSource source = MediaSource.Open(At("a.avi"), new SourceOptions { Warning = warnings.Add });
        List<Seen> frames = ReadAll(source);

        Assert.Equal((100, 96, 0), (source.Info.FrameCount, frames.Count, source.DamagedFrames));
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("a.mp4")]
    [InlineData("a.mkv")]
    [InlineData("a.ts")]
    public void Start_and_duration_are_exact_to_the_frame(string name)
    {
        Ffmpeg($"-f lavfi -i testsrc2=duration=4:size=160x120:rate=25 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -bf 2 -g 50 {name}");
        List<Seen> all = ReadAll(name);

        List<Seen> part = ReadAll(name, new SourceOptions { Start = TimeSpan.FromSeconds(1.52), Duration = TimeSpan.FromSeconds(0.6) });

        Assert.Equal(all.Skip(38).Take(15).Select(frame => frame.Hash), part.Select(frame => frame.Hash));
        Assert.Equal(all[38].Time!.Value, part[0].Time!.Value, 1e-6);
    }

    [Fact]
    public void A_start_after_the_end_is_an_error()
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast a.mp4");

        Assert.Throws<InputException>(() => ReadAll("a.mp4", new SourceOptions { Start = TimeSpan.FromSeconds(30) }));
    }

    [Theory]
    [InlineData("tv", "bt709", false, ColorMatrix.Bt709)]
    [InlineData("pc", "smpte170m", true, ColorMatrix.Bt601)]
    [InlineData("tv", "bt2020nc", false, ColorMatrix.Bt2020)]
    public void Range_and_matrix_are_those_of_the_stream(string range, string matrix, bool full, ColorMatrix expected)
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast -color_range {range} -colorspace {matrix} a.mp4");

        using IFrameSource source = MediaSource.Open(At("a.mp4"));

        Assert.Equal((full, expected), (source.Info.Color.FullRange, source.Info.Color.Matrix));
    }

    [Theory]
    [InlineData("320x718", ColorMatrix.Bt601)]
    [InlineData("320x720", ColorMatrix.Bt709)]
    public void An_unsaid_matrix_follows_the_height(string size, ColorMatrix expected)
    {
        Ffmpeg($"-f lavfi -i testsrc2=duration=0.1:size={size} -pix_fmt yuv420p -c:v ffv1 a.mkv");

        using IFrameSource source = MediaSource.Open(At("a.mkv"));

        Assert.Equal(expected, source.Info.Color.Matrix);
    }

    [Fact]
    public void A_graph_is_a_source()
    {
        using IFrameSource source = MediaSource.Open("lavfi:testsrc2=duration=0.4:size=64x48:rate=25,format=yuv420p");
        List<Seen> frames = ReadAll(source);

        Assert.Equal(10, frames.Count);
        Assert.Equal((64, 48, PixelFormat.I420), (source.Info.Width, source.Info.Height, source.Info.Format));
    }

    [Fact]
    public void Frames_outlive_their_source()
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast a.mp4");
        string[] expected = PictureHashes("a.mp4");
        List<VideoFrame> held = [];
        using (IFrameSource source = MediaSource.Open(At("a.mp4")))
        {
            for (int i = 0; i < 5 && source.TryRead(out VideoFrame? frame); i++) held.Add(frame);
        }

        Assert.Equal(expected[..5], held.Select(Hash));
        held.ForEach(frame => frame.Dispose());
    }

    [Fact]
    public void Reading_allocates_nothing_once_it_runs()
    {
#if DEBUG
        Assert.Skip("a debug build remembers the stack of each lease");
#endif
#pragma warning disable CS0162 // Not reached in a debug build.
        using IFrameSource source = MediaSource.Open("lavfi:testsrc2=size=64x48:rate=25,format=yuv420p");

        Allocation.AssertAtMost(
            () =>
            {
                _ = source.TryRead(out VideoFrame? frame);
                frame!.Dispose();
            },
            steps: 100);
#pragma warning restore CS0162
    }

    [Fact]
    public void Errors_name_the_file_and_what_is_wrong()
    {
        File.WriteAllText(At("empty.mp4"), "");
        File.WriteAllText(At("words.mp4"), "no video here, only words");
        Ffmpeg("-f lavfi -i sine=duration=0.2 sound.m4a");
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast whole.mp4");
        File.WriteAllBytes(At("headless.mp4"), File.ReadAllBytes(At("whole.mp4"))[..3000]);

        AssertInputError("missing.mp4", "no such file");
        AssertInputError("empty.mp4", "is empty");
        AssertInputError("words.mp4", "not a video or picture");
        AssertInputError("headless.mp4", "cannot be opened");
        AssertInputError("sound.m4a", "there is no video");
    }

    [Fact]
    public void Exceeded_limits_are_named()
    {
        Ffmpeg($"{Clip} -c:v libx264 -preset ultrafast a.mp4");

        InputException error = Assert.Throws<InputException>(
            () => ReadAll("a.mp4", new SourceOptions { Limits = new MediaLimits(MaxPixels: 10_000) }));

        Assert.Contains("320x240", error.Message, StringComparison.Ordinal);
        Assert.Contains("MediaLimits.MaxPixels", error.Message, StringComparison.Ordinal);
    }

    private void AssertInputError(string name, string words)
    {
        InputException error = Assert.Throws<InputException>(() => MediaSource.Open(At(name)).Dispose());
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
