using System.CommandLine;
using System.Text;
using Img2Pose.Cli.Running;
using Img2Pose.Evaluation;
using Img2Pose.Evaluation.Wider;
using Img2Pose.Media;
using Img2Pose.Pipeline;
using Img2Pose.Training.Data;
using Img2Pose.Training.Data.Lmdb;

namespace Img2Pose.Fuzz;

/// <summary>Files of predictions.</summary>
internal sealed class PredictionTarget : FileTarget
{
    public override string Name => "predictions";

    protected override string Extension => ".jsonl";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return Encoding.UTF8.GetBytes("""
            {"type":"predictions","schema":1,"model":"m","model_sha256":"ab","threshold":0.1,"lowest_score":0.05,"milliseconds_per_picture":1.5}
            {"image":"a","width":10,"height":10,"faces":[{"score":0.5,"box":[1,2,3,4],"rotvec":[0,0,1],"translation":[0,0,2]}]}
            {"image":"b","unreadable":"why"}
            """);
    }

    protected override int Run(string path)
    {
        PredictionSet set = PredictionFile.Read(path);
        return HashCode.Combine(set.Pictures.Count, set.Unreadable.Count, set.Pictures.Sum(picture => picture.Faces.Count));
    }
}

/// <summary>Boxes that users give.</summary>
internal sealed class BoxesTarget : FileTarget
{
    public override string Name => "boxes";

    protected override string Extension => ".csv";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return "frame,l,t,r,b\n0,1,2,3,4\n7,10,10,20.5,30\n"u8.ToArray();
        yield return "\uFEFFfile,l,t,r,b\r\na.jpg,1,2,3,4\r\n\"b,c.jpg\",10,10,20,30\r\n"u8.ToArray();
    }

    protected override int Run(string path)
    {
        BoxTable table = BoxTable.Load(path);
        return HashCode.Combine(table.Count, table.For(7, "b,c.jpg").Length);
    }
}

/// <summary>Tables of faces whose views are wanted.</summary>
internal sealed class FacesTarget : FileTarget
{
    public override string Name => "faces";

    protected override string Extension => ".csv";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return "ID,FILE,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT\none,a.jpg,1,2,30,40\ntwo,\"b,c.jpg\",-3.5,0,10,1e2\n"u8.ToArray();
        yield return "FILE,ID,FACE_HEIGHT,FACE_WIDTH,FACE_X,FACE_Y,NOTE\r\na.jpg,k,1,2,3,4,x\r\n"u8.ToArray();
        yield return "file,l,t,r,b\na,b.jpg,1,2,3,4\n"u8.ToArray();
    }

    protected override int Run(string path)
    {
        bool original = FaceTable.IsOriginalTable(path);
        FaceTable table = FaceTable.Load(path);
        return HashCode.Combine(original, table.Faces.Count, table.Errors.Count);
    }
}

/// <summary>The original's lists of JSON files.</summary>
internal sealed class JsonListTarget : FileTarget
{
    public override string Name => "jsonlist";

    protected override string Extension => ".json";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return """{"image_path":"a.jpg","bboxes":[[1,2,3,4,0.5]],"landmarks":[[[1,2],[3.5,4,-1],[5,6],[7,8],[9,1]]]}"""u8.ToArray();
    }

    protected override int Run(string path)
    {
        string list = Path.Combine(Workspace.Folder, "list.txt");
        File.WriteAllText(list, Path.GetFileName(path));
        return JsonListReader.Read(list, "pictures").Sum(picture => picture.Boxes.Length);
    }
}

/// <summary>Landmark files of 300-W, and WIDER FACE's files of results.</summary>
internal sealed class PointsTarget : FileTarget
{
    public override string Name => "points";

    protected override string Extension => ".pts";

    public override IEnumerable<byte[]> Seeds()
    {
        yield return "version: 1\nn_points: 5\n{\n1 2\n3.5 4\n5 6\n7 8\n9 1\n}\n"u8.ToArray();
        yield return "a.jpg\n2\n1 2 3 4 0.5\n5 6 7 8.0 1e-3\n"u8.ToArray();
    }

    protected override int Run(string path)
    {
        int results = -1;
        try
        {
            results = WiderPredictions.Read(path).Length;
        }
        catch (InputException)
        {
            // The other kind, perhaps.
        }
        return results >= 0 ? results : LandmarkFile.Read(path).Count;
    }
}

/// <summary>Names of sources, lists of them, and what is shown of a URL. In an empty folder; names that leave it are left out.</summary>
internal sealed class SourceTarget : FuzzTarget
{
    public override string Name => "sources";

    public override int LargestInput => 4096;

    public override IEnumerable<byte[]> Seeds()
    {
        Directory.SetCurrentDirectory(Workspace.Folder);
        foreach (string name in (string[])["clip.mp4", "a/*.jpg", "*?[a]*", "list.txt", "0", "lavfi:testsrc=size=64x64", "rtsp://user:p@ss:w@host/path?token=abc&x=1", "file://[", "http://[::1]:99/a.m3u8"])
            yield return Encoding.UTF8.GetBytes(name);
    }

    public override int Run(byte[] input)
    {
        string name = Encoding.UTF8.GetString(input);
        // The rules of masking hold for whatever text.
        int hash = HashCode.Combine(SourceNames.IsUrl(name), SourceNames.IsCamera(name), SourceNames.IsList(name), SourceNames.Mask(name).Length > 0);
        File.WriteAllBytes("list.txt", input);
        int entries = -1;
        try
        {
            entries = MediaSource.Expand("list.txt").Count;
        }
        catch (Img2PoseException)
        {
            // Of the list; the name itself is tried all the same.
        }
        if (!name.StartsWith('/') && !name.Contains("..", StringComparison.Ordinal)) hash = HashCode.Combine(hash, MediaSource.Expand(name).Count);
        return HashCode.Combine(hash, entries);
    }
}

/// <summary>
/// Names of live sources: taken apart without being opened, with what they may open of others, and never shown with what was a
/// password: two names that differ in nothing else look the same.
/// </summary>
internal sealed class LiveNameTarget : FuzzTarget
{
    private static readonly System.Buffers.SearchValues<char> s_splitters = System.Buffers.SearchValues.Create("\n\r\t \0\\");

    public override string Name => "live";

    public override int LargestInput => 4096;

    public override IEnumerable<byte[]> Seeds() => ((string[])
    [
        "0", "/dev/video0", "screen::0.0+10,20", "rtsp://user:p@ss:w@host:554/path?token=abc&x=1", "srt://:9000?mode=listener&passphrase=secret",
        "udp://@239.0.0.1:5000", "http://[::1]:99/a.m3u8", "https://host/a/../b?key=x#y", "rtmp://host/live/key", "rtsp://a:b/c?d#e@f:1/g",
    ]).Select(Encoding.UTF8.GetBytes);

    public override int Run(byte[] input)
    {
        string name = Encoding.UTF8.GetString(input);
        const string Secret = "Xq7geheimZ";
        // As a password of whatever host and path.
        string shown = SourceNames.Mask($"rtsp://user:{Secret}@{name}");
        if (shown.Contains(Secret, StringComparison.Ordinal)) throw new InvalidOperationException($"a password is shown: {shown}");
        if (!LiveAddress.Is(name)) return shown.Length;
        LiveAddress address = LiveAddress.Parse(name);
        if (address.Target.AsSpan().ContainsAny(s_splitters)) throw new InvalidOperationException("a target holds what splits arguments");
        _ = SourceRules.For(address);
        bool own = SourceRules.MayOpen(address, address.Target, isPlaylist: false);
        bool file = SourceRules.MayOpen(address, "file:///etc/passwd", isPlaylist: true) || SourceRules.MayOpen(address, "/etc/passwd", isPlaylist: true);
        if (!own || file) throw new InvalidOperationException("a source opens something else than itself");
        return HashCode.Combine(address.Kind, address.Scheme, address.Port, address.Host.Length);
    }
}

/// <summary>The options of <c>run</c>: a word a line.</summary>
internal sealed class OptionsTarget : FuzzTarget
{
    private readonly RunOptions _options = new();
    private Command? _command;

    public override string Name => "options";

    public override int LargestInput => 4096;

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (string line in (string[])
            [
                "clip.mp4\n--out\nx.mp4\n--json\n-", "a.mp4\n--score\n0.5\n--nms\n0.4\n--size\n640\n--every\n3\n--overlay\nmesh,box", "a\n--start\n1:02:03.5\n--duration\n7\n--frames\n9",
                "a\n--factors\n1.1,1.1,0.3\n--scales\n300,500\n--flip\n--voting\n0.3", "a\n--codec\nhevc\n--quality\n20\n--preset\nfast\n--alpha\n0.5\n--threads\n2", "a\n--min-size\n400\n--max-size\n1400\n--boxes\nb.csv",
                "0\n--show\n--mirror\n--send\nopentrack:127.0.0.1\n--send\njson:[::1]:5\n--face\n2\n--neutral\n--fov\n60\n--head-size\n90",
                "rtsp://h/p\n--look\nfollow\n--rtsp-transport\nudp\n--open-timeout\n3\n--camera-size\n1280x720\n--camera-fps\n30\n--memory\n512M\n--views\nv\n--crops\nc",
            ])
            yield return Encoding.UTF8.GetBytes(line);
    }

    public override int Run(byte[] input)
    {
        if (_command is null)
        {
            _command = new Command("run");
            _options.AddTo(_command);
        }
        string[] words = Encoding.UTF8.GetString(input).Split('\n');
        // A leading @ would name a file of further options.
        if (words.Any(word => word.StartsWith('@'))) return 0;
        ParseResult parsed = _command.Parse(words);
        if (parsed.Errors.Count > 0) return HashCode.Combine(2, Math.Min(4, parsed.Errors.Count));
        _options.Read(parsed);
        return 1;
    }
}
