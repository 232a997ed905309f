using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using FFmpeg.AutoGen;
using Img2Pose.Testing;

namespace Img2Pose.Interop.Tests;

public sealed unsafe class FFmpegTests
{
    // Until it is set, the path is the program's own folder, where there is no FFmpeg.
    static FFmpegTests() => ffmpeg.RootPath = "";

    [Fact]
    public void The_stand_in_holds_exactly_the_listed_members() =>
        PublicApi.AssertMatches(
            typeof(ffmpeg).Assembly, Path.Combine(SharedData.RepositoryRoot, "src/Interop/FFmpeg.AutoGen/PublicApi.txt"));

    [Fact]
    public void The_stand_in_has_nothing_that_the_package_lacks() =>
        PublicApi.AssertMirrors(typeof(ffmpeg).Assembly, SharedData.Require("reference", "api", "FFmpeg.AutoGen.txt"));

    [Fact]
    public void The_libraries_have_the_majors_of_the_struct_layout()
    {
        Assert.Equal(ffmpeg.LibraryVersionMap["avcodec"], (int)(ffmpeg.avcodec_version() >> 16));
        Assert.Equal(ffmpeg.LibraryVersionMap["avformat"], (int)(ffmpeg.avformat_version() >> 16));
        Assert.Equal(ffmpeg.LibraryVersionMap["swscale"], (int)(ffmpeg.swscale_version() >> 16));
    }

    [Fact]
    public void Numbers_are_those_of_the_installed_headers()
    {
        // Enumerations and constants are the package's, written out; a major that changed one would be misunderstood.
        Dictionary<string, long> declared = [];
        foreach (Type type in typeof(ffmpeg).Assembly.GetExportedTypes().Where(type => type.IsEnum))
        {
            foreach (string name in Enum.GetNames(type)) declared[name] = Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture);
        }
        foreach (FieldInfo constant in typeof(ffmpeg).GetFields().Where(field => field.IsLiteral))
            declared[constant.Name] = Convert.ToInt64(constant.GetRawConstantValue(), CultureInfo.InvariantCulture);
        Assert.NotEmpty(declared);

        Dictionary<string, long> inHeaders = HeaderNumbers(declared.Keys);

        Assert.Equal(inHeaders, declared);
    }

    private static Dictionary<string, long> HeaderNumbers(IEnumerable<string> names)
    {
        string folder = Directory.CreateTempSubdirectory("img2pose-numbers").FullName;
        try
        {
            string source = Path.Combine(folder, "numbers.c"), program = Path.Combine(folder, "numbers");
            StringBuilder text = new();
            string[] headers =
            [
                "stdio.h", "libavcodec/avcodec.h", "libavdevice/avdevice.h", "libavfilter/avfilter.h", "libavfilter/buffersink.h",
                "libavfilter/buffersrc.h", "libavformat/avformat.h", "libavutil/avutil.h", "libavutil/display.h", "libavutil/opt.h",
                "libavutil/pixdesc.h", "libswscale/swscale.h",
            ];
            foreach (string header in headers) text.Append(CultureInfo.InvariantCulture, $"#include <{header}>\n");
            text.Append("int main(void)\n{\n");
            foreach (string name in names) text.Append(CultureInfo.InvariantCulture, $"printf(\"{name} %lld\\n\", (long long)({name}));\n");
            text.Append("}\n");
            File.WriteAllText(source, text.ToString());
            Run("cc", "-w", source, "-o", program);
            return Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
                .ToDictionary(line => line[0], line => long.Parse(line[1], CultureInfo.InvariantCulture));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} failed: {output}");
        return output;
    }
    [Fact]
    public void Fields_are_where_the_library_keeps_them()
    {
        // FFmpeg documents these defaults: a frame without a time and format, one byte a sample in 8-bit formats.
        AVFrame* frame = ffmpeg.av_frame_alloc();
        AVPixFmtDescriptor* nv12 = ffmpeg.av_pix_fmt_desc_get(AVPixelFormat.AV_PIX_FMT_NV12);
        try
        {
            frame->format = (int)AVPixelFormat.AV_PIX_FMT_YUV420P;
            frame->width = 66;
            frame->height = 34;
            int status = ffmpeg.av_frame_get_buffer(frame, 64);

            Assert.Equal(0, status);
            Assert.Equal(ffmpeg.AV_NOPTS_VALUE, frame->pts);
            Assert.Equal(128, frame->linesize[0]);
            Assert.Equal(64, frame->linesize[1]);
            Assert.True(frame->data[0] != null && frame->data[2] != null && frame->data[3] == null);
            Assert.Equal((nint)(&frame->data), (nint)frame->extended_data);
            Assert.Equal(3, nv12->nb_components);
            Assert.Equal(8, nv12->comp[0].depth);
            Assert.Equal(2, nv12->comp[1].step);
        }
        finally
        {
            ffmpeg.av_frame_free(&frame);
        }
    }

    [Fact]
    public void Indices_beyond_an_array_are_refused()
    {
        byte_ptrArray8 planes = default;
        int_array8 strides = default;

        Assert.Throws<ArgumentOutOfRangeException>(() => strides[8]);
        Assert.Throws<ArgumentOutOfRangeException>(() => (nint)planes[8]);
    }

    [Fact]
    public void Error_tags_are_those_of_the_c_macros()
    {
        // Printed by a C program that includes libavutil/error.h of FFmpeg 5.1.
        Assert.Equal(-541478725, ffmpeg.AVERROR_EOF);
        Assert.Equal(-1094995529, ffmpeg.AVERROR_INVALIDDATA);
        Assert.Equal(-1128613112, ffmpeg.AVERROR_DECODER_NOT_FOUND);
    }
}
