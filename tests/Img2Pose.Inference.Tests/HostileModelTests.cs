using System.Diagnostics;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests;

/// <summary>Models that were made to do harm: one typed error each, within bounds of memory and time.</summary>
public sealed class HostileModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FramePool _pool = new();

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    /// <summary>The small files of the attack on the program.</summary>
    public static TheoryData<string> Attacks()
    {
        TheoryData<string> names = [];
        string folder = Path.Combine(SharedData.RepositoryRoot, "../shared/faults/attack");
        if (!Directory.Exists(folder)) return [""];
        foreach (string path in Directory.EnumerateFiles(folder, "*.onnx", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            // These compute for ever and have tests of their own; the terminal's escapes are no error.
            if (Path.GetFileName(path) is not ("loop.onnx" or "cos8g.onnx" or "esc.onnx")) names.Add(Path.GetRelativePath(folder, path));
        }
        return names;
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_attack_ends_with_one_typed_error_when_it_is_verified_and_when_it_is_run(string name)
    {
        Assert.SkipWhen(name.Length == 0, "../shared/faults is absent");
        string path = Path.Combine(SharedData.RepositoryRoot, "../shared/faults/attack", name);

        ModelException verified = Assert.Throws<ModelException>(() =>
        {
            using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(path), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
            detector.Verify();
        });
        ModelException run = Assert.Throws<ModelException>(() => Detect(path, TestContext.Current.CancellationToken));

        foreach (ModelException error in (ModelException[])[verified, run])
        {
            Assert.Contains(Path.GetFileName(name), error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Theory]
    [InlineData(0, 4, 1, 1, 0, 0, "4 box numbers")]
    [InlineData(2, 3, 2, 1, 0, 6, "box numbers")]
    [InlineData(2, 8, 1, 1, 0, 6, "picture numbers")]
    [InlineData(2, 8, 2, 1, 2, 6, "proposal 2 of 2")]
    [InlineData(2, 8, 2, 1, -1, 6, "proposal -1 of 2")]
    [InlineData(2, 8, 2, 1, 0, 5, "5 pose numbers")]
    [InlineData(0, 0, 0, 1, 0, 6, "proposal 0 of 0")]
    public void Outputs_that_do_not_fit_together_are_refused(int scores, int boxes, int pictures, int rows, long row, int poses, string expected)
    {
        NetworkResults results = new();
        long[] index = new long[rows];
        Array.Fill(index, row);

        NetworkOutputException error = Assert.Throws<NetworkOutputException>(
            () => results.Set(new float[boxes], new long[pictures], new float[scores], index, new float[poses]));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (results.Count, results.PoseCount));
    }

    [Fact]
    public void A_graph_that_asks_for_more_memory_than_the_limit_fails()
    {
        string path = Attack("cos8g.onnx");
        long before = Environment.WorkingSet;

        ModelException error = Assert.Throws<ModelException>(() => Detect(path, TestContext.Current.CancellationToken));

        Assert.Contains("cos8g.onnx", error.Message, StringComparison.Ordinal);
        Assert.True(Environment.WorkingSet - before < 3L << 30);
    }

    [Fact]
    public async Task A_graph_that_computes_for_ever_ends_soon_after_the_program_is_told_to_stop()
    {
        string path = Attack("loop.onnx");
        using CancellationTokenSource stop = new();
        Task run = Task.Run(() => Detect(path, stop.Token), TestContext.Current.CancellationToken);
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.False(run.IsCompleted);

        long start = Stopwatch.GetTimestamp();
        await stop.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => run);
        // A second of grace; the rest is for a loaded machine.
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.5, 15);
    }

    [Fact]
    public void A_run_has_a_limit_of_time_that_the_error_names()
    {
        using RunGuard guard = new(TimeSpan.FromMilliseconds(1), CancellationToken.None);
        guard.Begin();

        Assert.True(SpinWait.SpinUntil(() => guard.Options.Terminate, TimeSpan.FromSeconds(20)));

        Assert.Contains("limit of 0.001 s", guard.Reason(new InvalidOperationException())!.Message, StringComparison.Ordinal);
        guard.Complete();
        Assert.False(guard.Options.Terminate);
        Assert.Null(guard.Reason(new InvalidOperationException()));
    }

    [Fact]
    public void What_a_model_says_of_itself_cannot_steer_a_terminal()
    {
        string metadata = TestModel.LongSideMetadata
            .Replace("\"name\":\"test\"", "\"name\":\"a\\u001b]0;owned\\u0007\\u009b2J\\u202Eb\"", StringComparison.Ordinal)
            .Replace("\"licence\":\"MIT\"", "\"licence\":\"\\u001b[2J\"", StringComparison.Ordinal);

        ModelMetadata read = ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes(metadata))).Metadata;

        Assert.Equal("a\uFFFD]0;owned\uFFFD\uFFFD2J\uFFFDb", read.Name);
        Assert.Equal("\uFFFD[2J", read.Licence);
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_damage()
    {
        string metadata = TestModel.LongSideMetadata.Replace("\"name\":\"test\"", "\"name\":\"\\ud800\"", StringComparison.Ordinal);
        string path = _folder.Write("m.onnx", TestModel.Bytes(metadata));

        Assert.Contains("not valid JSON", Assert.Throws<ModelException>(() => ModelPackage.Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("graph.initializer")]
    [InlineData("graph.sparse_initializer.values")]
    [InlineData("graph.sparse_initializer.indices")]
    [InlineData("node.attribute.t")]
    [InlineData("node.attribute.tensors")]
    [InlineData("node.attribute.sparse_tensor")]
    [InlineData("node.attribute.sparse_tensors")]
    [InlineData("node.attribute.g")]
    [InlineData("node.attribute.graphs")]
    [InlineData("function.node")]
    [InlineData("function.attribute_proto")]
    public void Tensors_in_other_files_are_refused_wherever_a_file_can_hold_one(string place)
    {
        // data_location = EXTERNAL; field numbers of onnx.proto.
        byte[] tensor = [14 << 3, 1];
        byte[] added = place switch
        {
            "graph.initializer" => Field(7, Field(5, tensor)),
            "graph.sparse_initializer.values" => Field(7, Field(15, Field(1, tensor))),
            "graph.sparse_initializer.indices" => Field(7, Field(15, Field(2, tensor))),
            "node.attribute.t" => Node(Field(5, tensor)),
            "node.attribute.tensors" => Node(Field(10, tensor)),
            "node.attribute.sparse_tensor" => Node(Field(22, Field(1, tensor))),
            "node.attribute.sparse_tensors" => Node(Field(23, Field(2, tensor))),
            "node.attribute.g" => Node(Field(6, Field(5, tensor))),
            "node.attribute.graphs" => Node(Field(11, Field(15, Field(1, tensor)))),
            "function.node" => Field(25, Field(7, Field(5, Field(5, tensor)))),
            _ => Field(25, Field(11, Field(5, tensor))),
        };
        string path = _folder.Write("m.onnx", [.. TestModel.Bytes(), .. added]);

        Assert.Contains("in another file", Assert.Throws<ModelException>(() => ModelPackage.Load(path)).Message, StringComparison.Ordinal);

        static byte[] Node(byte[] attribute) => Field(7, Field(1, Field(5, attribute)));
    }

    [Fact]
    public void A_model_of_more_parts_than_the_limit_is_refused_before_they_take_memory()
    {
        // Nodes of no content, two bytes each.
        byte[] nodes = new byte[600_000];
        for (int i = 0; i < nodes.Length; i += 2) nodes[i] = (1 << 3) | 2;
        string path = _folder.Write("m.onnx", [.. TestModel.Bytes(), .. Field(7, nodes)]);

        Assert.Contains("the limit for a model", Assert.Throws<ModelException>(() => ModelPackage.Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN, 0, 10, 10)]
    [InlineData(0, 0, double.PositiveInfinity, 10)]
    [InlineData(10, 10, 10, 20)]
    [InlineData(30, 10, 20, 20)]
    [InlineData(5000, 5000, 5010, 5010)]
    [InlineData(-1e9, -1e9, 1e9, 1e9)]
    public void A_box_that_cannot_hold_a_face_is_the_fault_of_the_box(double left, double top, double right, double bottom)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes())), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        using VideoFrame frame = TestFrames.Create(_pool, PixelFormat.I420, 100, 80);

        InputException error = Assert.Throws<InputException>(() => detector.PoseForBoxes(frame, [new Box(10, 10, 50, 50), new Box(left, top, right, bottom)], []));

        Assert.Contains("box 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_detector_that_was_disposed_of_says_so()
    {
        PoseDetector detector = PoseDetector.Create(ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes())), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        using VideoFrame frame = TestFrames.Create(_pool, PixelFormat.I420, 100, 80);
        detector.Dispose();
        detector.Dispose();

        Assert.Throws<ObjectDisposedException>(() => detector.Detect(frame, []));
        Assert.Throws<ObjectDisposedException>(() => detector.PoseForBoxes(frame, [new Box(10, 10, 50, 50)], []));
        Assert.Throws<ObjectDisposedException>(() => detector.Verify());
    }

    [Fact]
    public async Task Disposing_waits_for_a_run_under_way()
    {
        for (int round = 0; round < 20; round++)
        {
            PoseDetector detector = PoseDetector.Create(ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes())), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
            using VideoFrame frame = TestFrames.Create(_pool, PixelFormat.I420, 640, 480);
            using ManualResetEventSlim started = new();
            Task run = Task.Run(() =>
            {
                List<FaceDetection> faces = [];
                while (true)
                {
                    detector.Detect(frame, faces);
                    started.Set();
                }
            }, TestContext.Current.CancellationToken);
            started.Wait(TestContext.Current.CancellationToken);

            detector.Dispose();

            await Assert.ThrowsAsync<ObjectDisposedException>(() => run);
        }
    }

    private static string Attack(string name)
    {
        string path = Path.Combine(SharedData.RepositoryRoot, "../shared/faults/attack", name);
        Assert.SkipUnless(File.Exists(path), "../shared/faults is absent");
        return path;
    }

    private void Detect(string path, CancellationToken stop = default)
    {
        using PoseDetector detector = PoseDetector.Create(
            ModelPackage.Load(path), new PoseDetectorOptions { Device = "cpu", Threads = 1, ScoreThreshold = 0, Stop = stop });
        using VideoFrame frame = TestFrames.Create(_pool, PixelFormat.I420, 640, 480);
        detector.Detect(frame, []);
    }

    private static byte[] Field(int number, byte[] content)
    {
        using MemoryStream stream = new();
        Varint(stream, ((ulong)number << 3) | 2);
        Varint(stream, (ulong)content.Length);
        stream.Write(content);
        return stream.ToArray();
    }

    private static void Varint(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7) stream.WriteByte((byte)(value | 0x80));
        stream.WriteByte((byte)value);
    }
}
