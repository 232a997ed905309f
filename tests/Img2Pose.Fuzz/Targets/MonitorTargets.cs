using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Img2Pose.Media;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Live;
using Img2Pose.Monitor.Safety;

namespace Img2Pose.Fuzz;

/// <summary>
/// The monitor's YAML. Every mistake is collected, none is thrown; a camera as the page may enter it names a network address alone, and is
/// the same when it has been written and read again.
/// </summary>
internal sealed class MonitorConfigurationTarget : FuzzTarget
{
    public override string Name => "monitor";

    public override IEnumerable<byte[]> Seeds() => ((string[])
    [
        """
        cameras:
          - { name: door, url: "rtsp://me:pw@192.168.1.20/live", transport: udp, looks: 4, size: 320, priority: 2, mask: true, fov: 80, schedule: { hours: 22:00-06:00, days: [mon, fri] } }
          - name: hall
            url: rtsps://10.0.0.2/x
            overlay: [box, none]
            zones: { mat: [[0.1, 0.5], [0.5, 0.5], [0.5, 1]] }
            lines: { sill: [[0, 0.5], [1, 0.5]] }
            masks: [[[0, 0], [0.2, 0], [0.2, 0.2]]]
        rules:
          - { name: looks, when: facing, for: 3s, cooldown: 1m, cameras: [door] }
          - { when: zone, zone: mat }
          - { when: line, line: sill, cameras: hall }
          - { when: count, faces: 3, schedule: 08:00-18:00 }
        """,
        """
        storage: { events: 10d, samples: 12h, clips_mb: 500, snapshots: 3d }
        users: [{ name: anna, role: admin, password: "eight and more" }]
        tokens: [{ name: script, role: viewer, token: 0123456789abcdef0123456789abcdef }]
        webhooks: [{ url: "https://example.org/hook", secret: shh, rules: [looks] }]
        mqtt: { host: broker.local, tls: true, topic: a/b }
        hosts: monitor.example.org
        allow_addresses: [169.254.7.0/24, "fe80::1"]
        """,
        "{\"name\": \"a\", \"url\": \"rtsp://h/x\", \"zones\": {\"z\": [[0,0],[1,0],[1,1]]}}",
        "cameras: &a [*a]\n? [x, y]\n: 3\n--- !!binary |\n aGk=\n",
        // What YamlDotNet throws other exceptions at than its own.
        "--- !!b%00y |\n aGk=\n", "x\", as: &a [*a]\n? [x, y]\n: 3\n--- !!b\n: 3\n--- !", "a: { e:.example\nb: c: , d }\n",
    ]).Select(Encoding.UTF8.GetBytes);

    public override int Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        List<ConfigurationError> errors = [];
        // Without looking up variables and files, whose names would be the input's.
        MonitorConfiguration read = ConfigurationReader.Read(text, Secrets.None, errors);
        int entered = Enter(text);
        return HashCode.Combine(Math.Min(3, errors.Count), read.Cameras.Count, read.Rules.Count, read.Users.Count + read.Tokens.Count, entered);
    }

    private static int Enter(string text)
    {
        List<ConfigurationError> errors = [];
        if (YamlField.Parse(text, errors, Secrets.None) is not { } field) return -1;
        CameraConfiguration camera = ConfigurationReader.ReadCamera(field, CameraOrigin.Page);
        if (errors.Count > 0) return Math.Min(3, errors.Count);
        SourcePolicy.RequireNetwork(camera.Url);
        List<ConfigurationError> again = [];
        List<CameraConfiguration> kept = ConfigurationFiles.ParseLocal(ConfigurationFiles.TextOf([camera]), again);
        if (again.Count > 0 || kept.Count != 1 || kept[0].Fingerprint() != camera.Fingerprint())
            throw new InvalidOperationException($"a camera is another one when it is read again: {(again.Count > 0 ? again[0] : kept.Count)}");
        return 10 + camera.Zones.Count;
    }
}

/// <summary>
/// Coded pictures as cameras send them, put into fragmented mp4: whatever comes, boxes lie in each other without gaps, and each sample is
/// made of units with lengths. The input is pictures of a length that stands before each.
/// </summary>
internal sealed class CodedFeedTarget : FuzzTarget
{
    private static readonly byte[] s_lengths = [1, 100, 0, 31, 0xfd, 0xe1, 0, 4, 0x67, 100, 0, 31, 1, 0, 2, 0x68, 1];

    public override string Name => "codedfeed";

    public override IEnumerable<byte[]> Seeds()
    {
        // First byte: key picture, lengths instead of start codes, another size, a break; then the length of the picture.
        byte[] key = [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 66, 0, 30, 1, 2, 0, 0, 0, 1, 0x68, 1, 2, 0, 0, 1, 0x65, 5, 6, 7], other = [0, 0, 1, 0x41, 1, 2, 3];
        yield return [1, 0, (byte)key.Length, .. key, 0, 0, (byte)other.Length, .. other, 0, 0, (byte)other.Length, .. other];
        yield return [3, 0, 7, 0, 3, 0x65, 9, 8, 0, 0, 2, 0, 5, 0, 3, 0x41, 9, 8];
        yield return [1, 0, (byte)key.Length, .. key, 8, 0, 0, 5, 0, (byte)key.Length, .. key, 0, 0, (byte)other.Length, .. other];
    }

    public override int Run(byte[] input)
    {
        CodedFeed feed = new();
        using VideoViewer viewer = feed.Watch();
        int at = 0, pictures = 0;
        long now = 1_000_000;
        while (at + 3 <= input.Length && pictures < 200)
        {
            int flags = input[at], length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(input.AsSpan(at + 1)), input.Length - at - 3);
            ReadOnlySpan<byte> data = input.AsSpan(at + 3, length);
            at += 3 + length;
            pictures++;
            now += Stopwatch.Frequency / 10;
            if ((flags & 8) != 0) feed.Break();
            feed.Take(new CodedPicture
            {
                Codec = "h264",
                Width = (flags & 4) != 0 ? 320 : 640,
                Height = 360,
                Data = data,
                ExtraData = (flags & 2) != 0 ? s_lengths : default,
                IsKey = (flags & 1) != 0,
                CaptureTime = now,
                Time = (flags & 16) != 0 ? double.NaN : pictures * ((flags & 32) != 0 ? -7.5 : 0.1),
                Delay = (flags & 64) != 0 ? 0.04 : 0,
            });
        }
        if (feed.Header is null) return pictures == 0 ? 0 : 1;
        using VideoViewer late = feed.Watch();
        int parts = Check(viewer) + Check(late);
        return HashCode.Combine(Math.Min(5, parts), feed.Header.Width, Math.Min(5, feed.Count));
    }

    private static int Check(VideoViewer viewer)
    {
        int parts = 0;
        while (viewer.TryNext(out VideoPart? part))
        {
            parts++;
            RequireBoxes(part.Data, part.Codec is null ? ["moof", "mdat"] : ["ftyp", "moov"]);
        }
        return parts;
    }

    /// <summary>The outermost boxes are these and nothing else; a sample's units fill it.</summary>
    private static void RequireBoxes(byte[] data, string[] types)
    {
        int at = 0;
        foreach (string type in types)
        {
            int size = BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(at));
            if (size < 8 || at + size > data.Length || Encoding.ASCII.GetString(data, at + 4, 4) != type) throw new InvalidOperationException($"there is no {type} of a fitting size");
            if (type == "mdat") RequireUnits(data.AsSpan(at + 8, size - 8));
            at += size;
        }
        if (at != data.Length) throw new InvalidOperationException("something is left over behind the last box");
    }

    private static void RequireUnits(ReadOnlySpan<byte> sample)
    {
        while (!sample.IsEmpty)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(sample);
            sample = sample[(4 + length)..];
        }
    }
}

/// <summary>What a camera says, looked through for redirects: however it is cut, the answer is the same.</summary>
internal sealed class RedirectTarget : FuzzTarget
{
    public override string Name => "redirect";

    public override int LargestInput => 4096;

    public override IEnumerable<byte[]> Seeds() => ((string[])
    [
        "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n$\0\0\u0004abcdRTSP/1.0 302 Found\r\nLocation: rtsp://x/\r\n\r\n", "RT\rSP/9 +0305 x", "RTSRTSP/ 0399\n", "RTSP/1.0\n302\n",
    ]).Select(Encoding.Latin1.GetBytes);

    public override int Run(byte[] input)
    {
        bool whole = new RedirectScan().Sees(input), cut = false;
        RedirectScan scan = new();
        for (int i = 0; i < input.Length; i++) cut = scan.Sees(input.AsSpan(i, 1));
        if (whole != cut && input.Length > 0) throw new InvalidOperationException("cut in pieces it is seen otherwise");
        // What FFmpeg reads: lines without carriage returns, two words, a number as C reads it.
        bool follows = Encoding.Latin1.GetString(input).Replace("\r", "", StringComparison.Ordinal).Split('\n').Any(IsRedirect);
        if (follows && !whole) throw new InvalidOperationException("a redirect is not seen");
        return HashCode.Combine(whole, follows);
    }

    private static bool IsRedirect(string line)
    {
        if (!line.StartsWith("RTSP/", StringComparison.Ordinal)) return false;
        string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2) return false;
        string digits = string.Concat(words[1].TrimStart('\v', '\f').TrimStart('+').TakeWhile(char.IsAsciiDigit)).TrimStart('0');
        return digits.Length == 3 && digits[0] == '3';
    }
}
