using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using Img2Pose.Frames;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Img2Pose.Media.Tests;

/// <summary>
/// A folder for one test class, clips made in it by the <c>ffmpeg</c> program, and the check that no frame is left out on
/// lease when a test ends.
/// </summary>
public abstract class ClipTests : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("img2pose-media").FullName;

    protected string At(string name) => Path.Combine(Folder, name);

    /// <summary>Runs ffmpeg with arguments split at spaces, in the folder; skips the test where it is missing.</summary>
    protected void Ffmpeg(string arguments) => Run("ffmpeg", $"-v error -y {arguments}");

    /// <summary>Runs ffprobe and returns its lines.</summary>
    protected string[] Ffprobe(string arguments) =>
        Run("ffprobe", $"-v error {arguments}").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>One MD5 a picture, as FFmpeg's own decoder sees the file.</summary>
    protected string[] PictureHashes(string name, string filters = "null", string format = "yuv420p") =>
        [.. Run("ffmpeg", $"-v error -i {name} -map 0:v -vf {filters} -pix_fmt {format} -fps_mode passthrough -f framemd5 -")
            .Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(',')[^1].Trim())];

    /// <summary>Presentation times in seconds, in order, as ffprobe reads them from the packets.</summary>
    protected double[] PacketTimes(string name, string stream = "v") =>
        [.. Ffprobe($"-select_streams {stream} -show_entries packet=pts_time -of csv=p=0 {name}")
            .Select(line => double.Parse(line.TrimEnd(','), System.Globalization.CultureInfo.InvariantCulture)).Order()];

    protected string Run(string program, string arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
                WorkingDirectory = Folder,
            })!;
            process.StandardInput.Close();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program} {arguments} failed");
            return output;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not on this machine");
            return "";
        }
    }

    /// <summary>The MD5 of a frame's samples, plane after plane, as framemd5 counts it.</summary>
    protected static string Hash(VideoFrame frame)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        for (int i = 0; i < frame.PlaneCount; i++)
        {
            FramePlane plane = frame.GetPlane(i);
            for (int y = 0; y < plane.Height; y++) hash.AppendData(plane.Row(y));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reads a source to its end and keeps what each frame was.</summary>
    protected static List<Seen> ReadAll(IFrameSource source)
    {
        List<Seen> seen = [];
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame)
                seen.Add(new Seen(Hash(frame), frame.PresentationTime, frame.Width, frame.Height, frame.DisplayWidth, frame.DisplayHeight, frame.IsWritable, frame.Index));
        }
        return seen;
    }

    protected List<Seen> ReadAll(string name, SourceOptions? options = null)
    {
        using IFrameSource source = MediaSource.Open(At(name), options);
        return ReadAll(source);
    }

    /// <summary>Copies a source into an output; returns the number of frames.</summary>
    protected static long Copy(IFrameSource source, VideoWriter writer)
    {
        while (source.TryRead(out VideoFrame? frame))
        {
            using (frame) writer.Write(frame);
        }
        writer.Complete();
        return writer.FramesWritten;
    }

    public void Dispose()
    {
        int outstanding = FrameLeases.Outstanding;
        string stacks = string.Join("\n\n", FrameLeases.OutstandingStacks);
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
        Assert.True(outstanding == 0, $"{outstanding} frames are still leased:\n{stacks}");
    }

    protected sealed record Seen(
        string Hash, double? Time, int Width, int Height, int DisplayWidth, int DisplayHeight, bool IsWritable, long Index);
}
