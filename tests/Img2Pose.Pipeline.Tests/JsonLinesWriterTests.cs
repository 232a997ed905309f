using System.Diagnostics;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Testing;
using Json.Schema;

namespace Img2Pose.Pipeline.Tests;

public sealed class JsonLinesWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-json").FullName;
    private readonly FramePool _pool = new();
    private static readonly JsonHeader s_header = new()
    {
        Source = "clip.mp4",
        Width = 640,
        Height = 361,
        FramesPerSecond = 30000.0 / 1001,
        Model = "nano",
        ModelLicence = "research",
    };

    private static readonly TrackedFace s_face = new(
        3,
        new FaceDetection(new Box(10.123, 20, 30.987, 40), 0.98769, new Pose(new Vector3d(0, 0, -0.0), new Vector3d(0.12345678, -2, 33))),
        new Pose(new Vector3d(0.5, 0.25, 0.125), new Vector3d(1, 2, 3)),
        Detected: true);

    public void Dispose()
    {
        _pool.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string FilePath => Path.Combine(_folder, "poses.jsonl");

    private VideoFrame Frame(long index, double? time, int width = 640, int height = 361, string? name = null)
    {
        VideoFrame frame = _pool.Rent(PixelFormat.I420, 16, 16);
        frame.Index = index;
        frame.PresentationTime = time;
        frame.DisplayWidth = width;
        frame.DisplayHeight = height;
        frame.SourceName = name;
        return frame;
    }

    private static RunReport Report(string? reason = null) => new()
    {
        Frames = 1,
        Faces = 1,
        Dropped = 0,
        Damaged = 0,
        Seconds = 2,
        Reason = reason,
        Stages = [new StageReport("decode", 1, 0.5, 0.25)],
        Links = [],
    };

    private string[] WriteOne(JsonHeader header, VideoFrame frame, params TrackedFace[] faces)
    {
        using (frame)
        using (JsonLinesWriter writer = new(OutputFile.Create(FilePath), header))
        {
            writer.Write(frame, faces);
            writer.Finish(Report(), failed: false);
        }
        return File.ReadAllLines(FilePath);
    }

    [Fact]
    public void A_table_has_a_row_a_face_with_the_same_numbers()
    {
        string path = Path.Combine(_folder, "poses.csv");
        using (PoseTableWriter writer = new(OutputFile.Create(path)))
        {
            using VideoFrame picture = Frame(0, null, name: "a, \"b\".png"), empty = Frame(1, 0.5), frame = Frame(2, 1 / 3.0);
            writer.Write(picture, [s_face]);
            writer.Write(empty, []);
            writer.Write(frame, [s_face with { Detected = false }]);
            writer.Finish(Report(), failed: false);
        }

        // Rotation and Euler angles of no rotation are 0, not −0.
        Assert.Equal(
        [
            "source,frame,pts,id,detected,score,left,top,right,bottom,rx,ry,rz,tx,ty,tz,yaw,pitch,roll",
            "\"a, \"\"b\"\".png\",0,,3,1,0.9877,10.12,20,30.99,40,0,0,0,0.123457,-2,33,0,0,0",
            ",2,0.333333,3,0,0.9877,10.12,20,30.99,40,0,0,0,0.123457,-2,33,0,0,0",
        ], File.ReadAllText(path).Split("\r\n", StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_table_of_a_failed_run_never_gets_its_name()
    {
        string path = Path.Combine(_folder, "poses.csv");
        using (PoseTableWriter writer = new(OutputFile.Create(path))) writer.Finish(Report("broken"), failed: true);

        Assert.False(File.Exists(path));
        Assert.True(File.Exists(OutputPaths.Partial(path)));
    }

    [Fact]
    public void Header_frame_and_summary_read_exactly_as_documented()
    {
        string[] lines = WriteOne(s_header, Frame(7, 1.23456789), s_face);

        Assert.Equal(
            """{"type":"header","schema":1,"source":"clip.mp4","width":640,"height":361,"fps":29.97,"model":"nano","model_licence":"research","model_sha256":null,"intrinsics":{"f":1001,"cx":320,"cy":180}}""",
            lines[0]);
        Assert.Equal(
            """{"type":"frame","index":7,"pts":1.234568,"faces":[{"id":3,"detected":true,"score":0.9877,"box":[10.12,20,30.99,40],"rotvec":[0,0,0],"translation":[0.123457,-2,33],"euler":{"yaw":0,"pitch":0,"roll":0}}]}""",
            lines[1]);
        Assert.Equal(
            """{"type":"summary","frames":1,"faces":1,"dropped":0,"damaged":0,"seconds":2,"fps":0.5,"complete":true,"stages":{"decode":{"frames":1,"seconds":0.5,"thread_cpu_seconds":0.25}}}""",
            lines[2]);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public void A_live_source_tells_when_pictures_were_taken_and_what_became_of_it()
    {
        JsonHeader header = s_header with { IsLive = true };
        using (VideoFrame frame = Frame(0, 0.5))
        using (JsonLinesWriter writer = new(OutputFile.Create(FilePath), header))
        {
            frame.CaptureTime = Stopwatch.GetTimestamp() - 60 * Stopwatch.Frequency;
            writer.Write(frame, []);
            writer.SourceChanged(new SourceStatus(SourceState.Reconnecting)
            {
                Reason = "connection refused",
                Attempt = 2,
                RetryAt = Stopwatch.GetTimestamp() + 3600 * Stopwatch.Frequency,
            });
            // Whoever reads along has it already.
            Assert.Equal(3, File.ReadAllLines(OutputPaths.Partial(FilePath)).Length);
            writer.SourceChanged(new SourceStatus(SourceState.Live) { Outage = TimeSpan.FromSeconds(5.25), Timeline = 2 });
            writer.Finish(Report() with { IsLive = true, Outages = 1, Age = new AgeReport(0.05, 0.1, 0.2) }, failed: false);
        }
        JsonElement[] lines = [.. File.ReadAllLines(FilePath).Select(line => JsonDocument.Parse(line).RootElement)];

        Assert.InRange((DateTime.UtcNow - lines[1].GetProperty("time").GetDateTime()).TotalSeconds, 59, 600);
        Assert.Equal("reconnecting", lines[2].GetProperty("state").GetString());
        Assert.Equal("connection refused", lines[2].GetProperty("reason").GetString());
        Assert.Equal(2, lines[2].GetProperty("attempt").GetInt32());
        Assert.InRange(lines[2].GetProperty("retry_in").GetDouble(), 3000, 3600);
        Assert.Equal("live", lines[3].GetProperty("state").GetString());
        Assert.Equal(5.25, lines[3].GetProperty("outage").GetDouble());
        Assert.Equal(2, lines[3].GetProperty("timeline").GetInt32());
        Assert.Equal(1, lines[4].GetProperty("outages").GetInt32());
        Assert.Equal(0.1, lines[4].GetProperty("age").GetProperty("p95").GetDouble());
        AssertValid(File.ReadAllLines(FilePath));
    }

    [Fact]
    public void Every_line_keeps_the_schema_of_the_documentation()
    {
        AssertValid(WriteOne(s_header with { Raw = true }, Frame(0, null, 101, 50, "b.png"), s_face));
        Assert.False(Schema().Evaluate(JsonDocument.Parse("""{"type":"frame","index":0,"pts":"late","faces":[]}""").RootElement).IsValid);
        Assert.False(Schema().Evaluate(JsonDocument.Parse("""{"type":"other"}""").RootElement).IsValid);
    }

    private static readonly Lazy<JsonSchema> s_schema = new(() => JsonSchema.FromFile(Path.Combine(SharedData.RepositoryRoot, "docs", "poses.schema.json")));

    private static JsonSchema Schema() => s_schema.Value;

    private static void AssertValid(string[] lines) =>
        Assert.All(lines, line => Assert.True(Schema().Evaluate(JsonDocument.Parse(line).RootElement).IsValid, line));

    [Fact]
    public void A_frame_of_another_size_repeats_size_and_camera()
    {
        using JsonDocument line = JsonDocument.Parse(WriteOne(s_header, Frame(0, null, 101, 50, "b \"ü\".png"))[1]);

        Assert.Equal(101, line.RootElement.GetProperty("width").GetInt32());
        Assert.Equal(50, line.RootElement.GetProperty("height").GetInt32());
        Assert.Equal(151, line.RootElement.GetProperty("intrinsics").GetProperty("f").GetDouble());
        Assert.Equal(50, line.RootElement.GetProperty("intrinsics").GetProperty("cx").GetDouble());
        Assert.Equal("b \"ü\".png", line.RootElement.GetProperty("source").GetString());
        Assert.Equal(JsonValueKind.Null, line.RootElement.GetProperty("pts").ValueKind);
    }

    [Fact]
    public void Numbers_that_are_not_finite_become_null()
    {
        TrackedFace broken = s_face with { Face = s_face.Face with { Score = double.NaN, Box = new Box(double.PositiveInfinity, 0, 1, 1) } };

        using JsonDocument line = JsonDocument.Parse(WriteOne(s_header, Frame(0, 0), broken)[1]);

        JsonElement face = line.RootElement.GetProperty("faces")[0];
        Assert.Equal(JsonValueKind.Null, face.GetProperty("score").ValueKind);
        Assert.Equal(JsonValueKind.Null, face.GetProperty("box")[0].ValueKind);
    }

    [Fact]
    public void Raw_adds_the_unsmoothed_pose()
    {
        using JsonDocument line = JsonDocument.Parse(WriteOne(s_header with { Raw = true }, Frame(0, 0), s_face)[1]);

        JsonElement face = line.RootElement.GetProperty("faces")[0];
        Assert.Equal([0.5, 0.25, 0.125], face.GetProperty("raw_rotvec").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal([1, 2, 3], face.GetProperty("raw_translation").EnumerateArray().Select(value => value.GetDouble()));
    }

    [Fact]
    public void An_incomplete_run_says_so_and_why()
    {
        using (JsonLinesWriter writer = new(OutputFile.Create(FilePath), s_header))
            writer.Finish(Report("interrupted by SIGINT"), failed: false);

        using JsonDocument summary = JsonDocument.Parse(File.ReadAllLines(FilePath)[^1]);
        Assert.False(summary.RootElement.GetProperty("complete").GetBoolean());
        Assert.Equal("interrupted by SIGINT", summary.RootElement.GetProperty("reason").GetString());
    }

    [Fact]
    public void A_failed_run_leaves_only_the_partial_file()
    {
        using (JsonLinesWriter writer = new(OutputFile.Create(FilePath), s_header))
        {
            writer.Finish(Report("no space"), failed: true);
            writer.Finish(Report(), failed: false);
        }

        Assert.False(File.Exists(FilePath));
        Assert.Equal(2, File.ReadAllLines(Path.Combine(_folder, "poses.partial.jsonl")).Length);
    }

    [Fact]
    public void A_run_that_was_interrupted_before_its_first_frame_leaves_the_earlier_file()
    {
        File.WriteAllText(FilePath, "old");
        using (JsonLinesWriter writer = new(OutputFile.Create(FilePath), s_header))
            writer.Finish(Report("interrupted by SIGTERM") with { Frames = 0 }, failed: false);

        Assert.Equal("old", File.ReadAllText(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_folder));
    }

    [Fact]
    public void An_existing_file_is_replaced_only_at_the_end()
    {
        File.WriteAllText(FilePath, "old");
        using JsonLinesWriter writer = new(OutputFile.Create(FilePath), s_header);
        string during = File.ReadAllText(FilePath);

        writer.Finish(Report(), failed: false);

        Assert.Equal("old", during);
        Assert.Equal(2, File.ReadAllLines(FilePath).Length);
    }

    [Fact]
    public void A_frame_line_allocates_nothing()
    {
        using VideoFrame frame = Frame(1, 0.5, name: "a.png");
        using JsonLinesWriter writer = new(OutputFile.Create("/dev/null"), s_header with { Raw = true });
        TrackedFace[] faces = [s_face, s_face];

        Allocation.AssertAtMost(() => writer.Write(frame, faces), steps: 100);
    }

    [Fact]
    public void A_full_disk_is_an_output_error_that_names_the_file()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "/dev/full is not on this machine");

        OutputException error = Assert.Throws<OutputException>(() => new JsonLinesWriter(OutputFile.Create("/dev/full"), s_header));

        Assert.Contains("/dev/full", error.Message);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_an_output_error_that_names_the_file()
    {
        string path = Path.Combine(_folder, "absent", "poses.jsonl");

        OutputException error = Assert.Throws<OutputException>(() => OutputFile.Create(path));

        Assert.Contains(path, error.Message);
    }

    [Fact]
    public void A_file_whose_folder_vanished_cannot_be_completed()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "gone")).FullName;
        using OutputFile output = OutputFile.Create(Path.Combine(folder, "poses.jsonl"));
        Directory.Delete(folder, recursive: true);

        Assert.Throws<OutputException>(output.Complete);
    }

    [Theory]
    [InlineData("/a/b.mp4", "/a/b.partial.mp4")]
    [InlineData("b.tar.jsonl", "b.tar.partial.jsonl")]
    [InlineData("plain", "plain.partial")]
    public void The_partial_name_keeps_the_extension(string path, string partial) =>
        Assert.Equal(partial, OutputPaths.Partial(path));
}
