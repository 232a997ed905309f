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
    public void A_library_of_another_major_is_refused_with_both_named_as_libraries_and_as_releases(int apart)
    {
        int installed = ffmpeg.LibraryVersionMap["avformat"];
        // libavformat 59 came with FFmpeg 5.
        int release = installed - 59 + 5;

        DllNotFoundException error = Assert.Throws<DllNotFoundException>(() => Libraries.Load("", "avformat", installed + apart));

        Assert.Contains($"libavformat.so.{installed}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"for FFmpeg {release + apart} (libavformat.so.{installed + apart})", error.Message, StringComparison.Ordinal);
        Assert.Contains($"found is FFmpeg {release} (libavformat.so.{installed})", error.Message, StringComparison.Ordinal);
        Assert.Contains($"-ffmpeg{release} ", error.Message, StringComparison.Ordinal);
    }

    // https://ffmpeg.org/download.html lists the versions of each release.
    [Theory]
    [InlineData("avutil", 57, 5)]
    [InlineData("avcodec", 60, 6)]
    [InlineData("avformat", 61, 7)]
    [InlineData("avfilter", 10, 7)]
    [InlineData("avdevice", 59, 5)]
    [InlineData("swscale", 8, 7)]
    public void A_librarys_major_tells_the_release(string name, int major, int release) =>
        Assert.Equal(release, Libraries.Release(name, major));

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

            Assert.Contains($"libavutil {installed} in {folder}", error.Message, StringComparison.Ordinal);
            Assert.Contains($"libavutil.so.{installed + 1}", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
