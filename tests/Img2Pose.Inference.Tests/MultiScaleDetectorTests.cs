using System.Globalization;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests;

public sealed class MultiScaleDetectorTests
{
    private static readonly SizeRule s_rule = SizeRule.MinMax(400, 1400, 32, doublePrecision: true);

    [Fact]
    public void A_scripted_run_gives_the_boxes_and_scores_of_the_original_s_evaluation()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("geometry", "evaluate_wider.json")));
        foreach (JsonElement loop in document.RootElement.GetProperty("test_loop").EnumerateArray())
        {
            Queue<JsonElement> calls = new(loop.GetProperty("detector_calls_in_order").EnumerateArray());
            JsonElement[] sizes = [.. loop.GetProperty("images_wh").EnumerateArray()];
            string[] written = [.. loop.GetProperty("written").EnumerateObject().Select(file => file.Value.GetString()!)];
            MultiScaleOptions options = new()
            {
                ShortSides = [.. loop.GetProperty("min_size").EnumerateArray().Select(side => side.GetInt32())],
                Flip = loop.GetProperty("flip").GetBoolean(),
                VotingThreshold = loop.GetProperty("nms_threshold").GetDouble(),
            };
            bool sizesAreSet = options.ShortSides.Count > 1 || options.Flip;
            MultiScaleDetector detector = new(s_rule, options, (frame, rule, mirror, faces) =>
            {
                if (sizesAreSet)
                {
                    JsonElement limits = calls.Dequeue();
                    Assert.Equal((limits.GetProperty("set_min_size").GetInt32(), limits.GetProperty("set_max_size").GetInt32()), (rule.Min, rule.Max));
                }
                return Answer(calls.Dequeue(), faces);
            });

            using FramePool pool = new();
            for (int i = 0; i < sizes.Length; i++)
            {
                using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, sizes[i][0].GetInt32(), sizes[i][1].GetInt32());
                List<FaceDetection> faces = [];
                detector.Detect(frame, faces);
                AssertWritten(written[i], faces);
            }
            Assert.Empty(calls);
        }
    }

    [Fact]
    public void The_pose_of_a_mirrored_face_is_turned_back()
    {
        Pose pose = new(new Vector3d(0.1, 0.2, 0.3), new Vector3d(1, 2, 30));
        MultiScaleDetector detector = new(s_rule, new MultiScaleOptions { ShortSides = [200], Flip = true }, (_, _, mirror, faces) =>
        {
            faces.Clear();
            if (mirror) faces.Add(new FaceDetection(new Box(10, 20, 50, 70), 0.9, pose));
            return faces.Count;
        });
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 200, 100);
        List<FaceDetection> faces = [];

        detector.Detect(frame, faces);

        FaceDetection face = Assert.Single(faces);
        Assert.Equal(new Box(150, 20, 190, 70), face.Box);
        Assert.Equal(new Pose(new Vector3d(0.1, -0.2, -0.3), new Vector3d(-1, 2, 30)), face.Pose);
    }

    [Fact]
    public void A_merged_face_keeps_the_pose_of_its_best_member()
    {
        int call = 0;
        MultiScaleDetector detector = new(s_rule, new MultiScaleOptions { ShortSides = [200, 300] }, (_, _, _, faces) =>
        {
            faces.Clear();
            double score = call++ == 0 ? 0.6 : 0.8;
            faces.Add(new FaceDetection(new Box(10, 10, 50, 50), score, new Pose(default, new Vector3d(0, 0, 10 * score))));
            return faces.Count;
        });
        using FramePool pool = new();
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 200, 100);
        List<FaceDetection> faces = [];

        detector.Detect(frame, faces);

        FaceDetection face = Assert.Single(faces);
        Assert.Equal(8, face.Pose.Translation.Z, 1e-12);
        Assert.True(face.Score > 0.8);
    }

    [Fact]
    public void Mirroring_in_the_tensoriser_finds_the_mirrored_face()
    {
        using TemporaryFolder folder = new();
        ModelPackage model = ModelPackage.Load(folder.Write("m.onnx", TestModel.Bytes()));
        using PoseDetector detector = PoseDetector.Create(model, new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        MultiScaleDetector augmented = new(detector, new MultiScaleOptions { ShortSides = [120], Flip = true });
        using FramePool pool = new();
        using VideoFrame frame = TestFrames.Plain(pool, PixelFormat.Rgb24, 160, 120, 200, 200, 200);
        List<FaceDetection> faces = [];

        augmented.Detect(frame, faces);

        // The test model always proposes the top-left quarter; mirrored, that is the top-right one.
        Assert.Contains(faces, face => face.Box.CenterX < 60 && face.Box.CenterY < 50);
        Assert.Contains(faces, face => face.Box.CenterX > 100 && face.Box.CenterY < 50);
    }

    [Fact]
    public void No_size_and_absurd_sizes_are_usage_errors()
    {
        Assert.Throws<UsageException>(() => new MultiScaleDetector(s_rule, new MultiScaleOptions { ShortSides = [] }, (_, _, _, _) => 0));
        Assert.Throws<UsageException>(() => new MultiScaleDetector(s_rule, new MultiScaleOptions { ShortSides = [1] }, (_, _, _, _) => 0));
    }

    private static int Answer(JsonElement call, List<FaceDetection> faces)
    {
        faces.Clear();
        for (int i = 0; i < call.GetProperty("scores").GetArrayLength(); i++)
        {
            double[] box = [.. call.GetProperty("boxes")[i].EnumerateArray().Select(value => value.GetDouble())];
            double[] pose = [.. call.GetProperty("dofs")[i].EnumerateArray().Select(value => value.GetDouble())];
            faces.Add(new FaceDetection(
                new Box(box[0], box[1], box[2], box[3]), call.GetProperty("scores")[i].GetDouble(),
                new Pose(new Vector3d(pose[0], pose[1], pose[2]), new Vector3d(pose[3], pose[4], pose[5]))));
        }
        return faces.Count;
    }

    private static void AssertWritten(string text, List<FaceDetection> faces)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        double[][] expected = [.. lines[2..].Select(line => line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray())];
        double[][] actual = [.. faces.Select(face => new[] { face.Box.Left, face.Box.Top, face.Box.Width, face.Box.Height, face.Score })];
        Assert.Equal(int.Parse(lines[1], CultureInfo.InvariantCulture), actual.Length);
        // Faces of equal score stand in either order, so lines are matched by value.
        foreach (double[] line in expected)
            Assert.Contains(actual, face => face.Zip(line, (a, b) => Math.Abs(a - b)).Max() < 1e-6);
    }
}
