using System.Text.Json;
using Img2Pose.Evaluation.Statistics;
using Img2Pose.Evaluation.Wider;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Evaluation.Tests.Wider;

public sealed class WiderTests
{
    private static readonly WiderDifficulty[] All = [WiderDifficulty.Easy, WiderDifficulty.Medium, WiderDifficulty.Hard];

    [Fact]
    public void The_protocol_gives_the_golden_average_precision_and_curves()
    {
        WiderPicture[] pictures = WiderGroundTruth.Load(SharedData.RequireGolden("wider", "ground_truth"));
        string folder = SharedData.RequireGolden("wider", "detections");
        WiderDetection[][] detections = [.. pictures.Select(p => WiderPredictions.Read(WiderPredictions.PathOf(folder, p.Event, p.Name)))];
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("wider", "expected.json")));

        WiderResult[] results = WiderEvaluator.Evaluate(pictures, detections);

        Assert.Equal(All, results.Select(r => r.Difficulty));
        foreach (WiderResult result in results)
        {
            JsonElement subset = expected.RootElement.GetProperty("subsets").GetProperty(result.Difficulty.ToString().ToLowerInvariant());
            Assert.Equal(subset.GetProperty("ap").GetDouble(), result.AveragePrecision, 1e-9);
            Assert.Equal(subset.GetProperty("faces").GetInt32(), result.Faces);
            double[] precision = [.. subset.GetProperty("precision_every_50").EnumerateArray().Select(e => e.GetDouble())];
            double[] recall = [.. subset.GetProperty("recall_every_50").EnumerateArray().Select(e => e.GetDouble())];
            for (int i = 0; i < precision.Length; i++)
            {
                PrecisionRecallPoint point = result.Points[50 * i];
                Assert.Equal((precision[i], recall[i]), (point.Precision, point.Recall));
            }
        }
    }

    [Fact]
    public void The_scripted_detector_gives_the_golden_files_byte_for_byte()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("geometry", "evaluate_wider.json")));
        int files = 0;
        foreach (JsonElement one in golden.RootElement.GetProperty("test_loop").EnumerateArray())
        {
            int[] sizes = [.. one.GetProperty("min_size").EnumerateArray().Select(e => e.GetInt32())];
            WiderDetectionLoop loop = new(sizes, one.GetProperty("nms_threshold").GetDouble());
            using ScriptedDetector detector = new(one.GetProperty("detector_calls_in_order"));
            using FramePool pool = new();
            JsonElement written = one.GetProperty("written");
            int index = 0;
            foreach (JsonElement size in one.GetProperty("images_wh").EnumerateArray())
            {
                string name = $"0_Toy_{++index}";
                using VideoFrame picture = pool.Rent(PixelFormat.Rgb24, size[0].GetInt32(), size[1].GetInt32());

                string text = WiderPredictions.Text(name + ".png", loop.Detect(detector, picture));

                Assert.Equal(written.GetProperty(name + ".txt").GetString(), text);
                files++;
            }
            Assert.True(detector.IsFinished);
        }
        Assert.Equal(4, files);
    }

    [Fact]
    public void A_detection_on_a_face_outside_the_subset_is_no_proposal_and_a_second_hit_is_wrong()
    {
        // Face 0 counts, face 1 does not. Scores normalise to 1, 2/3, 1/3, 0.
        WiderPicture picture = Picture([new Box(0, 0, 99, 99), new Box(200, 0, 299, 99)], [0]);
        WiderDetection[] detections =
            [new(new Box(200, 0, 299, 99), 0.9), new(new Box(0, 0, 99, 99), 0.7), new(new Box(0, 0, 99, 95), 0.5), new(new Box(400, 0, 450, 50), 0.3)];

        WiderResult result = WiderEvaluator.Evaluate([picture], [detections])[0];

        Assert.Equal((0, 0), (result.Points[0].Precision, result.Points[0].Recall));
        Assert.Equal((1, 1), (result.Points[400].Precision, result.Points[400].Recall));
        Assert.Equal(0.5, result.Points[700].Precision);
        Assert.Equal(1.0 / 3, result.Points[999].Precision, 12);
        Assert.Equal(1, result.AveragePrecision);
    }

    [Fact]
    public void Faces_of_pictures_without_detections_still_count()
    {
        WiderPicture found = Picture([new Box(0, 0, 99, 99)], [0]), empty = Picture([new Box(0, 0, 99, 99)], [0]);

        WiderResult result = WiderEvaluator.Evaluate([found, empty], [[new(new Box(0, 0, 99, 99), 0.5), new(new Box(300, 0, 310, 10), 0.1)], []])[2];

        Assert.Equal((2, 0.5), (result.Faces, result.AveragePrecision));
    }

    [Fact]
    public void No_detection_at_all_gives_zero()
    {
        WiderResult result = WiderEvaluator.Evaluate([Picture([new Box(0, 0, 9, 9)], [0])], [[]])[0];

        Assert.Equal(0, result.AveragePrecision);
    }

    [Theory]
    [InlineData(29, "29.0")]
    [InlineData(-0.5, "-0.5")]
    [InlineData(0.00005, "5e-05")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(1234567890123456, "1234567890123456.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(0.05000000074505806, "0.05000000074505806")]
    [InlineData(1.5e-7, "1.5e-07")]
    [InlineData(0, "0.0")]
    [InlineData(123456789012345680, "1.2345678901234568e+17")]
    [InlineData(100, "100.0")]
    public void Numbers_are_written_as_python_writes_them(double value, string text) =>
        Assert.Equal(text, WiderPredictions.PythonFloat(value));

    [Theory]
    [InlineData("a.jpg\n1\n", "promises 1 faces, but 0 follow")]
    [InlineData("a.jpg\n", "line 2")]
    [InlineData("a.jpg\n1\n1 2 3 nan 0.5\n", "line 3")]
    [InlineData("a.jpg\n1\n1 2 3 4\n", "line 3")]
    public void A_wrong_prediction_file_is_named_with_its_line(string text, string reason)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, text);

        InputException error = Assert.Throws<InputException>(() => WiderPredictions.Read(path));

        File.Delete(path);
        Assert.Contains(path, error.Message);
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void The_golden_list_names_its_pictures()
    {
        string[] names = WiderDetectionLoop.ReadList(SharedData.RequireGolden("wider", "wider_face_split", "wider_face_val_bbx_gt.txt"));

        Assert.Equal(10, names.Length);
        Assert.Equal("0--Parade/0_Parade_toy_0.jpg", names[0]);
    }

    private static WiderPicture Picture(Box[] faces, int[] counted) => new(
        "0--Toy", "a", faces, All.ToDictionary(d => d, IReadOnlyList<int> (_) => counted));

    /// <summary>Answers as the golden script says, and checks that it is asked what the original asked.</summary>
    private sealed class ScriptedDetector(JsonElement script) : IScaledDetector
    {
        private readonly JsonElement[] _script = [.. script.EnumerateArray()];
        private int _next;

        public bool IsFinished => _next == _script.Length;

        public void Detect(VideoFrame picture, (int Shorter, int Longer)? size, bool mirrored, List<FaceDetection> faces)
        {
            if (size is { } wanted)
            {
                JsonElement set = _script[_next++];
                Assert.Equal((set.GetProperty("set_min_size").GetInt32(), set.GetProperty("set_max_size").GetInt32()), wanted);
            }
            JsonElement call = _script[_next++];
            Assert.Equal((call.GetProperty("input_chw")[1].GetInt32(), call.GetProperty("input_chw")[2].GetInt32()), (picture.Height, picture.Width));
            faces.Clear();
            JsonElement boxes = call.GetProperty("boxes"), scores = call.GetProperty("scores");
            for (int i = 0; i < scores.GetArrayLength(); i++)
            {
                double[] b = [.. boxes[i].EnumerateArray().Select(e => e.GetDouble())];
                faces.Add(new FaceDetection(new Box(b[0], b[1], b[2], b[3]), scores[i].GetDouble(), new Pose(Vector3d.Zero, new(0, 0, 1))));
            }
        }

        public void Dispose()
        {
        }
    }
}
