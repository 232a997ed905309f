using System.Diagnostics;
using System.Globalization;

namespace Img2Pose.Cuda.Tests;

/// <summary>
/// FFmpeg's own CUDA code, unchanged, on the emulator: its frame pools, uploads, downloads, and its NVDEC decoders on the
/// stand-in of libnvcuvid. In a process of its own, which finds the emulator as it would find the driver.
/// </summary>
public sealed class FFmpegOnEmulatorTests
{
    private const int Width = 130;
    private const int Height = 98;
    private const int Frames = 12;

    [Theory]
    [InlineData("nv12", "eager")]
    [InlineData("nv12", "held")]
    [InlineData("yuv420p", "held")]
    [InlineData("p010le", "delayed")]
    public void Frames_come_back_from_the_device_as_they_went_up(string format, string pace)
    {
        string[] source = ["-f", "lavfi", "-i", $"testsrc2=size={Width}x{Height}:rate=12:duration=1"];

        string host = Run([.. source, "-vf", $"format={format}", "-f", "framemd5", "-"], pace).Output;
        string device = Run(
            ["-init_hw_device", "cuda=gpu", "-filter_hw_device", "gpu", .. source, "-vf", $"format={format},hwupload,hwdownload,format={format}", "-f", "framemd5", "-"],
            pace).Output;

        Assert.Equal(Frames, host.Split('\n').Count(line => line.StartsWith("0,", StringComparison.Ordinal)));
        Assert.Equal(host, device);
    }

    [Theory]
    [InlineData("libx264", "eager")]
    [InlineData("libx264", "held")]
    [InlineData("libx265", "delayed")]
    [InlineData("libx265-10", "held")]
    public void Nvdec_gives_every_picture_of_a_real_stream_in_order(string codec, string pace)
    {
        bool tenBit = codec.EndsWith("-10", StringComparison.Ordinal);
        WithClip(codec, clip =>
        {
            string picture = Path.ChangeExtension(clip, ".yuv"), format = tenBit ? "p010le" : "nv12";

            Run(["-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-i", clip, "-vf", $"hwdownload,format={format}", "-f", "rawvideo", picture], pace);

            byte[] bytes = File.ReadAllBytes(picture);
            int size = Width * Height * 3 / 2;
            Assert.Equal(Frames * size * (tenBit ? 2 : 1), bytes.Length);
            for (int frame = 0; frame < Frames; frame++)
            {
                for (int i = 0; i < size; i++)
                {
                    int at = frame * size + i;
                    int value = tenBit ? BitConverter.ToUInt16(bytes, 2 * at) >> 8 : bytes[at];
                    // Equal is slow for each of 200,000 samples.
                    if (value != Pattern(frame, i % Width, i / Width)) Assert.Fail($"frame {frame}, {i % Width}, {i / Width}: {value}");
                }
            }
        });
    }

    [Theory]
    [InlineData("NVDEC_SESSIONS", "0")]
    [InlineData("NVDEC_CODECS", "8")]
    [InlineData("NVDEC_SIDE", "64")]
    [InlineData("REFUSE", "cuvidCreateDecoder:2")]
    [InlineData("MEMORY", "1000")]
    public void Where_nvdec_refuses_a_stream_it_is_decoded_in_software(string setting, string value) => WithClip("libx264", clip =>
    {
        string software = Run(["-i", clip, "-vf", "format=yuv420p", "-f", "framemd5", "-"], "eager").Output;

        (string output, string errors) = Run(["-hwaccel", "cuda", "-i", clip, "-vf", "format=yuv420p", "-f", "framemd5", "-"], "eager", (setting, value));

        Assert.Equal(software, output);
        Assert.NotEmpty(errors);
    });

    // The pattern of nvdec.cpp.
    private static int Pattern(int picture, int x, int y)
    {
        if (y < Height) return 16 + (x + 2 * y + 7 * picture) % 220;
        return 16 + (3 * (x / 2) + (y - Height) + 5 * picture + 64 * (x % 2)) % 225;
    }

    private static void WithClip(string codec, Action<string> use)
    {
        string clip = Path.Combine(Path.GetTempPath(), $"img2pose-{Guid.NewGuid():N}.mp4");
        try
        {
            // Without reordering, so that the n-th picture decoded is the n-th shown.
            string[] how = codec.EndsWith("-10", StringComparison.Ordinal) ? [codec[..^3], "-pix_fmt", "yuv420p10le"] : [codec, "-pix_fmt", "yuv420p"];
            Run(
                ["-f", "lavfi", "-i", $"testsrc2=size={Width}x{Height}:rate=12:duration=1", "-bf", "0", "-preset", "ultrafast", "-c:v", .. how, clip],
                "eager");
            use(clip);
        }
        finally
        {
            File.Delete(clip);
            File.Delete(Path.ChangeExtension(clip, ".yuv"));
        }
    }

    private static (string Output, string Errors) Run(string[] arguments, string pace, (string Name, string Value)? setting = null)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(Emulator.Folder, "libnvcuvid.so.1")), $"{Emulator.Folder} is not built");
        ProcessStartInfo start = new("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LD_LIBRARY_PATH"] = Emulator.Folder;
        start.Environment["CUDA_EMULATOR_STREAMS"] = pace;
        if (setting is { } set) start.Environment["CUDA_EMULATOR_" + set.Name] = set.Value;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("ffmpeg is not on this machine");
            throw;
        }
        using (process)
        {
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"ffmpeg ended with {process.ExitCode}: {errors.Result}"));
            return (output, errors.Result);
        }
    }
}
