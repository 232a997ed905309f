using System.Text;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Pipeline;

namespace Img2Pose.Fuzz;

/// <summary>Calibrations of cameras, through to a face's pose as that camera sees it.</summary>
internal sealed class CameraTarget : FileTarget
{
    private static readonly Pose s_pose = new(new Vector3d(0.2, -0.3, 0.1), new Vector3d(0.5, -0.2, 9));

    public override string Name => "camera";

    protected override string Extension => ".yaml";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return """
            %YAML:1.0
            ---
            image_width: 640
            image_height: 480
            camera_matrix: !!opencv-matrix
               rows: 3
               cols: 3
               dt: d
               data: [ 6.1e+02, 0., 319.5, 0., 6.2e+02, 239.5, 0., 0., 1. ]
            distortion_coefficients: !!opencv-matrix
               rows: 1
               cols: 5
               dt: d
               data: [ -0.28, 0.07, 1e-3, -2e-4, 0. ]
            """u8.ToArray();
        yield return "K: [500,0,320,0,500,240,0,0,1]\nD: [0.1,0.01,0,0,0,1e-3,0,0]\n"u8.ToArray();
        yield return "image_width: 1280 # pixels\nimage_height: 960\ncameraMatrix:\n data: [500,0,320,0,500,240,0,0,1]\n"u8.ToArray();
    }

    protected override int Run(string path)
    {
        CameraModel camera = CameraFile.Load(path);
        CameraView view = new(camera);
        Pose seen = view.Express(s_pose, 640, 480);
        // What a camera says is written as numbers and sent as bytes.
        if (!seen.IsFinite) throw new InvalidOperationException("a pose under this camera is not finite");
        return HashCode.Combine(camera.Distortion.Count, camera.Width > 0, camera.Height > 0, seen.Translation.Z > s_pose.Translation.Z);
    }
}

/// <summary>Where poses and pictures are sent: a line of <c>--send</c> and one of <c>--out</c>. Nothing is opened.</summary>
internal sealed class OutputTarget : FuzzTarget
{
    public override string Name => "outputs";

    public override int LargestInput => 4096;

    public override IEnumerable<byte[]> Seeds() => ((string[])
    [
        "opentrack:127.0.0.1:4242", "json:[::1]:5000", "opentrack:host", "json:host:80", "/dev/video9", "rtsp://user:p@ss:w@host:8554/live?key=1#x",
        "rtmp://host/app/key", "srt://host:9000?passphrase=secret&pkt_size=188", "udp://239.0.0.1:5000", "out.mp4", "file:///a/b.mkv",
    ]).Select(Encoding.UTF8.GetBytes);

    public override int Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        const string Secret = "Xq7geheimZ";
        int outcome = 0;
        // As whatever follows a password, too.
        foreach (string name in (string[])[text, $"rtsp://user:{Secret}@{text}", $"srt://h:1/?passphrase={Secret}&{text}"])
        {
            outcome *= 5;
            if (!StreamTarget.IsOne(name)) continue;
            try
            {
                StreamTarget target = StreamTarget.Parse(name);
                if ($"{target}{target.Name}".Contains(Secret, StringComparison.Ordinal)) throw new InvalidOperationException($"a password is shown: {target.Name}");
                if (target.Address.Any(char.IsControl)) throw new InvalidOperationException("an address holds control characters");
                outcome += target.Format.Length % 4 + 1;
            }
            catch (UsageException error)
            {
                if (error.Message.Contains(Secret, StringComparison.Ordinal)) throw new InvalidOperationException($"a password is shown: {error.Message}", error);
            }
        }
        SendTarget send = SendTarget.Parse(text);
        // What is told of a target is what would be given for it.
        if (SendTarget.Parse(send.ToString()) != send) throw new InvalidOperationException($"{send} is read as another target");
        return HashCode.Combine(outcome, send.Protocol, send.Host.Contains(':', StringComparison.Ordinal), send.Port > 1023);
    }
}
