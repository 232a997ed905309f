using System.ComponentModel;
using System.Diagnostics;

namespace Img2Pose.Cuda.Tests;

/// <summary>A folder with clips that the <c>ffmpeg</c> program makes, each once, and their pictures as raw samples.</summary>
internal static class TestClip
{
    private static readonly string s_folder = MakeFolder();
    private static readonly Dictionary<string, string> s_made = [];

    /// <summary>The path of a file in the folder.</summary>
    public static string At(string name) => Path.Combine(s_folder, name);

    /// <summary>
    /// Makes a clip without reordering, so that the n-th picture decoded is the n-th shown, and hands its own pictures to the emulated
    /// decoder.
    /// </summary>
    /// <param name="source">What ffmpeg makes it of, its input options included.</param>
    /// <param name="width">Width.</param>
    /// <param name="height">Height.</param>
    /// <param name="encoder">The encoder and its options.</param>
    /// <param name="tenBit">Whether it has ten bits.</param>
    /// <returns>The clip's path.</returns>
    public static string Make(string source, int width, int height, string encoder = "-c:v libx264", bool tenBit = false)
    {
        string key = $"{source} {encoder} {tenBit}";
        if (!s_made.TryGetValue(key, out string? clip))
        {
            clip = At($"clip{s_made.Count}.mp4");
            Ffmpeg($"{source} -bf 0 -preset ultrafast {encoder} -pix_fmt {(tenBit ? "yuv420p10le" : "yuv420p")} {clip}");
            Ffmpeg($"-noautorotate -i {clip} -map 0:v -f rawvideo -pix_fmt {(tenBit ? "p010le" : "nv12")} {clip}.raw");
            s_made.Add(key, clip);
        }
        Emulator.Set("NVDEC_PICTURES", $"{width}x{height}:{clip}.raw");
        return clip;
    }

    /// <summary>The n-th raw picture of a clip made by <see cref="Make"/>.</summary>
    public static byte[] Raw(string clip, int picture, int bytes)
    {
        using FileStream file = File.OpenRead(clip + ".raw");
        file.Position = (long)picture * bytes;
        byte[] samples = new byte[bytes];
        file.ReadExactly(samples);
        return samples;
    }

    /// <summary>Runs ffmpeg with arguments split at spaces; skips the test where it is missing.</summary>
    public static void Ffmpeg(string arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("ffmpeg", $"-v error -nostdin -y {arguments}".Split(' ', StringSplitOptions.RemoveEmptyEntries)))!;
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"ffmpeg {arguments} failed");
        }
        catch (Win32Exception)
        {
            Assert.Skip("ffmpeg is not on this machine");
        }
    }

    private static string MakeFolder()
    {
        string folder = Directory.CreateTempSubdirectory("img2pose-cuda").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }
}
