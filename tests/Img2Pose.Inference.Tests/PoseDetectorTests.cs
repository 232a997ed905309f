using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests;

public sealed class PoseDetectorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FramePool _pool = new();

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Faces_are_found_where_the_network_proposes_them_best_first()
    {
        using PoseDetector detector = Create();
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 320, 240, 160, 160, 160);
        List<FaceDetection> faces = [default];

        int count = detector.Detect(frame, faces);

        // 320×240 becomes 160×120: the middle half and the top-left quarter, equally wide and so equally good.
        Assert.Equal(2, count);
        Assert.Equal(2, faces.Count);
        Assert.True(faces[0].Score >= faces[1].Score);
        AssertNear(new Box(80, 60, 240, 180), faces[0].Box, 40);
        AssertNear(new Box(0, 0, 160, 120), faces[1].Box, 40);
    }

    [Fact]
    public void The_score_depends_on_the_picture()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        using VideoFrame dark = TestFrames.Plain(_pool, PixelFormat.Rgb24, 100, 100, 100, 100, 100);
        using VideoFrame bright = TestFrames.Plain(_pool, PixelFormat.Rgb24, 100, 100, 160, 160, 160);
        List<FaceDetection> faces = [];

        detector.Detect(dark, faces);
        double scoreOfDark = faces[0].Score;
        detector.Detect(bright, faces);

        // Sigmoid(0.5 + mean of the padded 128×128 input), by hand.
        double share = 100.0 * 100 / (128 * 128);
        Assert.Equal(Sigmoid(0.5 + share * MeanOfGrey(100)), scoreOfDark, 1e-5);
        Assert.Equal(Sigmoid(0.5 + share * MeanOfGrey(160)), faces[0].Score, 1e-5);
    }

    [Fact]
    public void A_pose_projects_onto_the_displayed_picture_where_its_box_is()
    {
        using PoseDetector detector = Create();
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.I420, 640, 360, 200, 128, 128);
        List<FaceDetection> faces = [];

        detector.Detect(frame, faces);

        foreach (FaceDetection face in faces)
        {
            Box projected = FaceBox.FromPose(
                face.Pose, CameraIntrinsics.ForImage(640, 360), 640, 360, detector.Reference, FaceBoxFactors.Default);
            // Truncation to whole pixels of the 4 times smaller picture.
            AssertNear(projected, face.Box, 8);
        }
    }

    [Fact]
    public void Pixels_that_are_not_square_are_displayed_square()
    {
        using PoseDetector detector = Create();
        using VideoFrame anamorphic = TestFrames.Create(_pool, PixelFormat.I420, 160, 180);
        anamorphic.DisplayWidth = 320;
        using VideoFrame square = TestFrames.Create(_pool, PixelFormat.I420, 320, 180);
        List<FaceDetection> ofAnamorphic = [], ofSquare = [];

        detector.Detect(anamorphic, ofAnamorphic);
        detector.Detect(square, ofSquare);

        Assert.Equal(ofSquare.Count, ofAnamorphic.Count);
        for (int i = 0; i < ofSquare.Count; i++)
        {
            AssertNear(ofSquare[i].Box, ofAnamorphic[i].Box, 1e-9);
            Assert.Equal(ofSquare[i].Pose.Translation.Z, ofAnamorphic[i].Pose.Translation.Z, 1e-9);
        }
    }

    [Fact]
    public void In_the_original_s_coordinates_a_pose_refers_to_the_resized_picture()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { OriginalCoordinates = true });
        using PoseDetector usual = Create();
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 640, 480, 200, 200, 200);
        List<FaceDetection> original = [], faces = [];

        detector.Detect(frame, original);
        usual.Detect(frame, faces);

        CameraIntrinsics resized = CameraIntrinsics.ForImage(160, 120);
        Assert.Equal(faces[0].Box, original[0].Box);
        Pose expected = PoseConversion.Rescale(original[0].Pose, resized, CameraIntrinsics.ForImage(640, 480), 4, 4);
        Assert.Equal(expected, faces[0].Pose);
        Box box = FaceBox.FromPose(original[0].Pose, resized, 160, 120, detector.Reference, FaceBoxFactors.Default);
        AssertNear(box.Scale(4, 4), original[0].Box, 1e-9);
    }

    [Fact]
    public void A_batch_gives_each_frame_its_own_faces()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        using VideoFrame wide = TestFrames.Create(_pool, PixelFormat.I420, 160, 96, seed: 1);
        using VideoFrame grey = TestFrames.Plain(_pool, PixelFormat.Rgb24, 96, 160, 90, 90, 90);
        List<FaceDetection> ofWide = [], ofGrey = [], together0 = [], together1 = [];
        // Alone, each is padded to the same square as together, so that means and thus scores are equal too.
        using PoseDetector square = Create(new PoseDetectorOptions { ScoreThreshold = 0, SizeRule = SizeRule.LongSide(160, false, 160) });
        square.Detect(wide, ofWide);
        square.Detect(grey, ofGrey);

        detector.Detect([wide, grey], [together0, together1]);

        AssertSame(ofWide, together0);
        AssertSame(ofGrey, together1);
        Assert.NotEqual(together0[0].Box, together1[0].Box);
    }

    [Fact]
    public void Poses_for_given_boxes_come_in_their_order_whatever_their_score()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0.99 });
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 320, 320, 0, 0, 0);
        Box[] boxes = [new(10, 20, 90, 120), new(200, 180, 310, 300), new(10, 20, 92, 122)];
        List<FaceDetection> faces = [];

        int count = detector.PoseForBoxes(frame, boxes, faces);

        Assert.Equal(3, count);
        for (int i = 0; i < 3; i++)
        {
            CameraIntrinsics camera = CameraIntrinsics.ForImage(320, 320);
            (double x, double y) = camera.Project(faces[i].Pose.Translation);
            // The test model's pose looks at the middle of its box, and its box is about as large.
            Assert.Equal(boxes[i].CenterX, x, 4.0);
            Assert.Equal(boxes[i].CenterY, y, 4.0);
            Assert.True(faces[i].Score < 0.99);
        }
        // The network's own proposals are used again afterwards.
        using PoseDetector fresh = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        using PoseDetector used = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        List<FaceDetection> expected = [], actual = [];
        fresh.Detect(frame, expected);
        used.PoseForBoxes(frame, boxes, actual);
        used.Detect(frame, actual);
        AssertSame(expected, actual);
    }

    [Fact]
    public void No_box_gives_no_face()
    {
        using PoseDetector detector = Create();
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 64, 64, 0, 0, 0);
        List<FaceDetection> faces = [default];

        Assert.Equal(0, detector.PoseForBoxes(frame, [], faces));
        Assert.Empty(faces);
    }

    [Fact]
    public void Given_proposals_are_selected_as_the_network_s_own()
    {
        using PoseDetector detector = Create();
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 160, 160, 200, 200, 200);
        // Two nearly equal proposals, a thin one, and one apart.
        Box[] proposals = [new(10, 10, 70, 70), new(11, 11, 71, 71), new(100, 20, 100.005, 90), new(90, 90, 150, 150)];
        List<FaceDetection> faces = [];

        int count = detector.DetectAmong(frame, proposals, faces);

        Assert.Equal(2, count);
    }

    [Fact]
    public void Nothing_above_the_threshold_is_no_face()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0.999 });
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 64, 64, 0, 0, 0);
        List<FaceDetection> faces = [default];

        Assert.Equal(0, detector.Detect(frame, faces));
        Assert.Empty(faces);
    }

    [Fact]
    public void No_more_faces_than_asked_for_are_returned()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { MaxDetections = 1 });
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 320, 240, 160, 160, 160);
        List<FaceDetection> faces = [];

        Assert.Equal(1, detector.Detect(frame, faces));
    }

    [Fact]
    public void Nested_doubles_go_where_asked_for()
    {
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 160, 160, 200, 200, 200);
        Box[] proposals = [new(20, 20, 140, 140), new(50, 50, 110, 110)];
        List<FaceDetection> faces = [];

        using PoseDetector usual = Create();
        Assert.Equal(2, usual.DetectAmong(frame, proposals, faces));
        using PoseDetector strict = Create(new PoseDetectorOptions { NestedThreshold = 0.9 });
        Assert.Equal(1, strict.DetectAmong(frame, proposals, faces));
        Assert.True(faces[0].Box.Width > 90);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4000)]
    [InlineData(16000, 9000)]
    public void The_smallest_and_the_largest_pictures_pass(int width, int height)
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        using PoseDetector official = Create(new PoseDetectorOptions { ScoreThreshold = 0 }, TestModel.MinMaxMetadata);
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.I420, width, height, 100, 128, 128);
        List<FaceDetection> faces = [];

        detector.Detect(frame, faces);
        Assert.All(faces, face => Assert.True(face.Pose.IsFinite && face.Box.Right <= width && face.Box.Bottom <= height));
        official.Detect(frame, faces);
        Assert.All(faces, face => Assert.True(face.Pose.IsFinite));
    }

    [Fact]
    public void Sizes_may_change_from_frame_to_frame()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { ScoreThreshold = 0 });
        List<FaceDetection> first = [], again = [], other = [];
        using VideoFrame small = TestFrames.Create(_pool, PixelFormat.I420, 100, 80);
        using VideoFrame large = TestFrames.Create(_pool, PixelFormat.Nv12, 500, 700);

        detector.Detect(small, first);
        detector.Detect(large, other);
        detector.Detect(small, again);

        Assert.NotEmpty(first);
        AssertSame(first, again);
    }

    [Fact]
    public void Frames_of_one_size_allocate_only_what_the_package_does()
    {
        using PoseDetector detector = Create();
        using VideoFrame frame = TestFrames.Create(_pool, PixelFormat.I420, 320, 180);
        List<FaceDetection> faces = [];

        // A bound run of ONNX Runtime's package allocates some 700 bytes: names and result objects.
        Allocation.AssertAtMost(() => detector.Detect(frame, faces), bound: 1024);
    }

    [Fact]
    public void The_input_has_a_limit_that_the_error_names()
    {
        using PoseDetector detector = Create(new PoseDetectorOptions { Size = 16384 });
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 64, 64, 0, 0, 0);

        ModelException error = Assert.Throws<ModelException>(() => detector.Detect(frame, []));

        Assert.Contains("64000000 pixels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_device_is_a_usage_error_and_an_absent_one_a_model_error()
    {
        ModelPackage model = ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes()));

        Assert.Throws<UsageException>(() => PoseDetector.Create(model, new PoseDetectorOptions { Device = "tpu" }));
        Assert.SkipWhen(File.Exists("/dev/nvidiactl"), "this machine has an NVIDIA GPU");
        ModelException error = Assert.Throws<ModelException>(() => PoseDetector.Create(model, new PoseDetectorOptions { Device = "cuda" }));
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("--device cpu", error.Message, StringComparison.Ordinal);
        using PoseDetector automatic = PoseDetector.Create(model, new PoseDetectorOptions { Threads = 1 });
        Assert.Equal("cpu (1 thread)", automatic.ProviderDescription);
        Assert.Null(automatic.DeviceNote);
    }

    [Theory]
    [InlineData(-0.1, 0.5)]
    [InlineData(1.0, 0.5)]
    [InlineData(double.NaN, 0.5)]
    [InlineData(0.5, 0.0)]
    [InlineData(0.5, 1.5)]
    public void Absurd_thresholds_are_usage_errors(double score, double nms)
    {
        ModelPackage model = ModelPackage.Load(_folder.Write("m.onnx", TestModel.Bytes()));

        Assert.Throws<UsageException>(() => PoseDetector.Create(model, new PoseDetectorOptions { ScoreThreshold = score, NmsThreshold = nms }));
    }

    private PoseDetector Create(PoseDetectorOptions? options = null, string metadata = TestModel.LongSideMetadata)
    {
        string path = _folder.Write("model.onnx", TestModel.Bytes(metadata));
        return PoseDetector.Create(ModelPackage.Load(path), (options ?? new PoseDetectorOptions()) with { Device = "cpu", Threads = 1 });
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double MeanOfGrey(double value) =>
        ((value / 255 - 0.485) / 0.229 + (value / 255 - 0.456) / 0.224 + (value / 255 - 0.406) / 0.225) / 3;

    private static void AssertNear(in Box expected, in Box actual, double tolerance)
    {
        Assert.Equal(expected.Left, actual.Left, tolerance);
        Assert.Equal(expected.Top, actual.Top, tolerance);
        Assert.Equal(expected.Right, actual.Right, tolerance);
        Assert.Equal(expected.Bottom, actual.Bottom, tolerance);
    }

    private static void AssertSame(List<FaceDetection> expected, List<FaceDetection> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Box, actual[i].Box);
            Assert.Equal(expected[i].Pose, actual[i].Pose);
            Assert.Equal(expected[i].Score, actual[i].Score, 1e-6);
        }
    }
}
