using FFmpeg.AutoGen;

namespace Img2Pose.Interop.Tests;

/// <summary>How the stand-in finds FFmpeg's libraries; the package does it by itself.</summary>
public sealed class FFmpegLibrariesTests
{
    static FFmpegLibrariesTests() => ffmpeg.RootPath = "";

    [Fact]
    public void Nothing_is_loaded_from_elsewhere_while_the_path_is_the_programs_folder()
    {
        // As in the package, where the path is that until it is set: a program that calls FFmpeg too early finds nothing.
        int major = ffmpeg.LibraryVersionMap["avutil"];

        DllNotFoundException error = Assert.Throws<DllNotFoundException>(() => Libraries.Load(AppContext.BaseDirectory, "avutil", major));

        Assert.Contains(AppContext.BaseDirectory, error.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, Libraries.Load("", "avutil", major));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void A_library_of_another_major_is_refused_with_both_named(int apart)
    {
        int installed = ffmpeg.LibraryVersionMap["avformat"];

        DllNotFoundException error = Assert.Throws<DllNotFoundException>(() => Libraries.Load("", "avformat", installed + apart));

        Assert.Contains($"libavformat.so.{installed}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"libavformat.so.{installed + apart}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_lies_about_its_major_is_refused_with_both_named()
    {
        string folder = Directory.CreateTempSubdirectory("img2pose-ffmpeg").FullName;
        try
        {
            // Its own file under the next major's name.
            _ = ffmpeg.av_version_info();
            int installed = ffmpeg.LibraryVersionMap["avutil"];
            string real = File.ReadLines("/proc/self/maps").First(line => line.Contains("/libavutil.so.", StringComparison.Ordinal));
            File.CreateSymbolicLink(Path.Combine(folder, $"libavutil.so.{installed + 1}"), real[real.IndexOf('/', StringComparison.Ordinal)..]);

            DllNotFoundException error = Assert.Throws<DllNotFoundException>(() => Libraries.Load(folder, "avutil", installed + 1));

            Assert.Contains($"is version {installed},", error.Message, StringComparison.Ordinal);
            Assert.Contains($"libavutil.so.{installed + 1}", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
