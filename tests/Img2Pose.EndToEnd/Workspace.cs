using System.Text.Json;

namespace Img2Pose.EndToEnd;

/// <summary>A temporary folder with generated clips.</summary>
public sealed class Workspace : IDisposable
{
    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("img2pose-e2e").FullName;

    /// <summary>
    /// A model that sees the same face in every picture, for tests of what is done with given faces; made when first asked for.
    /// See <see cref="ConstantModel"/>.
    /// </summary>
    public string Model
    {
        get
        {
            string path = this["constant.onnx"];
            if (!File.Exists(path)) ConstantModel.Save(path);
            return path;
        }
    }

    /// <summary>The path of a file in the folder.</summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Makes a clip of a test pattern, which nobody takes for a face, with sound, once; returns its path.</summary>
    public async Task<string> ClipAsync(string name = "clip.mp4", int frames = 40, string size = "320x240", params string[] encoder)
    {
        string path = this[name];
        if (File.Exists(path)) return path;
        double seconds = frames / 20.0;
        string length = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await CommandLine.ToolAsync("ffmpeg",
            ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", $"testsrc2=size={size}:rate=20:duration={length}",
            "-f", "lavfi", "-i", $"sine=duration={length}", .. encoder.Length > 0 ? encoder : ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"], path]);
        return path;
    }

    /// <summary>Makes a clip of <see cref="DrawnFace"/>, which sways by 20 pixels to both sides, 20 frames a second, with sound; returns its path.</summary>
    /// <remarks>A filter among the encoder's options takes the swaying's place.</remarks>
    public async Task<string> FaceClipAsync(string name = "face.mp4", int frames = 40, params string[] encoder)
    {
        string picture = await DrawnFace.SaveAsync(this["face.png"]);
        string length = (frames / 20.0).ToString(System.Globalization.CultureInfo.InvariantCulture);
        await CommandLine.ToolAsync("ffmpeg",
            ["-nostdin", "-v", "error", "-y", "-loop", "1", "-framerate", "20", "-t", length, "-i", picture, "-f", "lavfi", "-i", $"sine=duration={length}",
            "-vf", "pad=360:240:20:0:0x606060,crop=320:240:20-20*sin(3*t):0",
            .. encoder.Length > 0 ? encoder : ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"], this[name]]);
        return this[name];
    }

    /// <summary>Number of video frames that ffprobe decodes.</summary>
    public static async Task<int> CountFramesAsync(string path)
    {
        string text = await CommandLine.ToolAsync(
            "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path);
        return int.Parse(text.Trim().TrimEnd(','), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Codec names of all streams.</summary>
    public static async Task<string[]> StreamsAsync(string path)
    {
        string text = await CommandLine.ToolAsync("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path);
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The lines of a JSON Lines text, each a JSON object.</summary>
    internal static JsonElement[] ParseLines(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
