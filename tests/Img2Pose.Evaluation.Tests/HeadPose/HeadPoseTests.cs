using System.Globalization;
using System.Text.Json;
using Img2Pose.Evaluation.HeadPose;
using Img2Pose.Evaluation.Reporting;
using Img2Pose.Evaluation.Wider;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Evaluation.Tests.HeadPose;

public sealed class HeadPoseTests : IDisposable
{
    private const double Radians = Math.PI / 180;
    private static readonly CameraIntrinsics Camera = CameraIntrinsics.ForImage(450, 450);
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-headpose").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Aflw2000_compares_pose_para_with_the_best_overlapping_face()
    {
        Pose truth = new(new EulerAngles(20, 5, -3).ToRotationVector(), new Vector3d(0.2, -0.1, 6));
        WriteAflw("a", [4, 21, -5], truth);
        Aflw2000Picture[] pictures = Aflw2000.Load(_folder);
        Box box = FaceBox.FromPose(truth, Camera, 450, 450, ReferenceFace.Default, FaceBoxFactors.Default);
        Pose found = truth with { Translation = truth.Translation + new Vector3d(0.1, 0.2, -0.3) };
        FaceDetection decoy = new(new Box(0, 0, 40, 40), 0.99, new Pose(new(1, 1, 1), new(0, 0, 5)));

        HeadPoseReport report = Aflw2000.Evaluate(pictures, Run("a.jpg", decoy, new FaceDetection(box, 0.06, found)), ReferenceFace.Default);

        // Against Pose_Para, pitch 4, yaw 21, roll -5.
        Assert.Equal((1.0, 1.0, 2.0), (Round(report.Yaw), Round(report.Pitch), Round(report.Roll)));
        Assert.Equal(4.0 / 3, report.MeanError!.Value, 6);
        // The true translation is solved from the points, exact here up to EPnP's accuracy.
        Assert.Equal(0.1, report.Translation!.Value.X, 1e-3);
        Assert.Equal(0.2, report.Translation!.Value.Y, 1e-3);
        Assert.Equal(0.3, report.Translation!.Value.Z, 5e-3);
    }

    [Fact]
    public void Aflw2000_leaves_angles_beyond_99_degrees_out_and_counts_pictures_without_a_face()
    {
        Pose pose = new(Vector3d.Zero, new Vector3d(0, 0, 6));
        WriteAflw("a", [99.5, 0, 0], pose);
        WriteAflw("b", [0, -98.5, 0], pose);
        Aflw2000Picture[] pictures = Aflw2000.Load(_folder);

        HeadPoseReport report = Aflw2000.Evaluate(pictures, Run("b.jpg"), ReferenceFace.Default);

        Assert.Equal([true, false], pictures.Select(p => p.IsSkipped));
        Assert.Equal((2, 1, 1, 0), (report.Pictures, report.Skipped, report.Failed, report.Samples.Count));
        Assert.Null(report.MeanError);
    }

    [Fact]
    public void Where_no_face_overlaps_the_last_one_is_taken_as_in_the_notebook()
    {
        FaceDetection first = new(new Box(0, 0, 10, 10), 0.9, default), last = new(new Box(20, 0, 30, 10), 0.5, default);

        Assert.Equal(last, Aflw2000.Choose([first, last], new Box(200, 200, 300, 300)));
        Assert.Equal(first, Aflw2000.Choose([first, last], new Box(0, 0, 12, 12)));
    }

    [Fact]
    public void One_wrong_aflw_annotation_is_told_and_the_others_stay()
    {
        WriteAflw("a", [0, 0, 0], new Pose(Vector3d.Zero, new Vector3d(0, 0, 6)));
        File.WriteAllBytes(Path.Combine(_folder, "b.jpg"), []);
        List<string> told = [];

        Aflw2000Picture[] pictures = Aflw2000.Load(_folder, error => told.Add(error.Message));

        Assert.Equal("a.jpg", Assert.Single(pictures).Image);
        Assert.Contains("b.mat", Assert.Single(told), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "a.mat"));
        Assert.Contains("none of its 2", Assert.Throws<InputException>(() => Aflw2000.Load(_folder, _ => { })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_aflw_annotation_is_named()
    {
        Assert.Contains(_folder, Assert.Throws<InputException>(() => Aflw2000.Load(_folder)).Message);

        File.WriteAllBytes(Path.Combine(_folder, "a.jpg"), []);
        Assert.Contains("a.mat", Assert.Throws<InputException>(() => Aflw2000.Load(_folder)).Message);

        File.WriteAllBytes(Path.Combine(_folder, "a.mat"), new MatBuilder().Doubles("Pose_Para", [1, 3], [0, double.NaN, 0]).ToArray());
        Assert.Contains("Pose_Para", Assert.Throws<InputException>(() => Aflw2000.Load(_folder)).Message);

        File.WriteAllBytes(Path.Combine(_folder, "a.mat"), new MatBuilder().Doubles("Pose_Para", [1, 3], [0, 0, 0]).Doubles("pt3d_68", [3, 2], [1, 2, 3, 4, 5, 6]).ToArray());
        Assert.Contains("pt3d_68", Assert.Throws<InputException>(() => Aflw2000.Load(_folder)).Message);
    }

    [Fact]
    public void Angles_in_the_aflw_convention_equal_the_golden_ones()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("geometry", "aflw_angles.json")));
        foreach (JsonElement one in golden.RootElement.GetProperty("cases").EnumerateArray())
        {
            double[] v = Numbers(one.GetProperty("rotvec")), expected = Numbers(one.GetProperty("to_aflw_degrees"));

            EulerAngles angles = EulerAngles.FromRotationVector(new Vector3d(v[0], v[1], v[2]));

            Assert.Equal(expected[0], angles.Pitch, 1e-6);
            Assert.Equal(expected[1], angles.Yaw, 1e-6);
            Assert.Equal(expected[2], angles.Roll, 1e-6);
        }
    }

    [Fact]
    public void Biwi_compares_the_face_nearest_to_the_centre_among_the_sure_ones()
    {
        Vector3d truth = new(0.1, -0.4, 0.05);
        WriteBiwi("01", "frame_00003", RotationVector.ToMatrix(truth));
        BiwiPicture[] frames = Biwi.Load(_folder, null);
        FaceDetection nearButUnsure = new(new Box(300, 200, 340, 280), 0.9, new Pose(new(1, 1, 1), new(0, 0, 5)));
        FaceDetection far = new(new Box(0, 0, 100, 100), 0.99, new Pose(new(0.5, 0.5, 0), new(0, 0, 5)));
        FaceDetection near = new(new Box(220, 200, 340, 320), 0.95, new Pose(truth, new(0, 0, 5)));

        HeadPoseReport report = Biwi.Evaluate(frames, Run("01/frame_00003_rgb.png", (640, 480), far, near, nearButUnsure));

        Assert.Equal(0, report.MeanError!.Value, 4);
        Assert.Null(report.Translation);
    }

    [Theory]
    [InlineData(BiwiAngles.Aflw, -36.9698, -24.9013, 20.4886)]
    [InlineData(BiwiAngles.Zxy, -39.6886, 19.6579, 4.8902)]
    public void Biwi_angles_are_those_of_either_revision_of_the_notebook(BiwiAngles angles, double yaw, double pitch, double roll)
    {
        // SciPy 1.10.1 of the rotation vector: as_euler('zxy'); and as_euler('xyz') of the inverse, the last two negated.
        WriteBiwi("01", "frame_00003", RotationVector.ToMatrix(new Vector3d(0.3, -0.7, 0.2)));

        HeadPoseReport report = Biwi.Evaluate(
            Biwi.Load(_folder, null), Run("01/frame_00003_rgb.png", new FaceDetection(new Box(0, 0, 9, 9), 0.99, new Pose(Vector3d.Zero, new(0, 0, 5)))), angles);

        HeadPoseSample sample = Assert.Single(report.Samples);
        Assert.Equal((yaw, pitch, roll), (Math.Round(sample.TrueYaw, 4), Math.Round(sample.TruePitch, 4), Math.Round(sample.TrueRoll, 4)));
        Assert.Equal((0, 0, 0), (Math.Abs(sample.Yaw), Math.Abs(sample.Pitch), Math.Abs(sample.Roll)));
    }

    [Fact]
    public void At_several_sizes_the_poses_of_the_chosen_faces_are_averaged_number_by_number()
    {
        using FramePool pool = new(2);
        using VideoFrame picture = pool.Rent(PixelFormat.Rgb24, 640, 480);
        FaceDetection off = new(new Box(0, 0, 100, 100), 0.99, new Pose(new(9, 9, 9), new(9, 9, 9)));
        FaceDetection small = new(new Box(300, 200, 340, 280), 0.95, new Pose(new(0.1, 0.2, 0.3), new(1, 2, 6)));
        FaceDetection large = new(new Box(290, 190, 350, 290), 0.97, new Pose(new(0.3, 0.4, 0.7), new(3, 0, 10)));
        SizedDetector detector = new(new() { [480] = [off, small], [600] = [], [1000] = [large] });
        using BiwiScales scales = new(detector, [480, 600, 1000]);
        List<FaceDetection> faces = [];

        scales.Detect(picture, faces);

        FaceDetection face = Assert.Single(faces);
        Assert.Equal(small.Box, face.Box);
        Assert.Equal(new Pose(new((0.1 + 0.3) / 2, (0.2 + 0.4) / 2, (0.3 + 0.7) / 2), new(2, 1, 8)), face.Pose);
        // 4:3 pictures: the longer side is a limit that does not bind.
        Assert.Equal([(480, 640), (600, 800), (1000, 1334)], detector.Asked);
    }

    [Fact]
    public void A_picture_without_a_face_at_any_size_has_none()
    {
        using FramePool pool = new(2);
        using VideoFrame wide = pool.Rent(PixelFormat.Rgb24, 640, 120);
        SizedDetector detector = new(new() { [100] = [] });
        using BiwiScales scales = new(detector, [100]);
        List<FaceDetection> faces = [];

        scales.Detect(wide, faces);

        Assert.Empty(faces);
        // Where the limit of twice the short side binds, it is what the notebook sets.
        Assert.Equal([(100, 200)], detector.Asked);
        Assert.Throws<UsageException>(() => new BiwiScales(detector, []));
        Assert.Throws<UsageException>(() => new BiwiScales(detector, [15]));
    }

    [Fact]
    public void Without_a_sure_face_biwi_takes_the_first() =>
        Assert.Equal(0.8, Biwi.Choose([new(new Box(0, 0, 10, 10), 0.8, default), new(new Box(310, 230, 330, 250), 0.7, default)], 640, 480).Score);

    [Theory]
    [InlineData(10, 0, 0)]
    [InlineData(0, 20, 0)]
    [InlineData(0, 0, 30)]
    public void Biwi_angles_about_one_axis_are_that_angle(double pitch, double yaw, double roll)
    {
        EulerAngles angles = Biwi.Angles(RotationVector.ToMatrix(new Vector3d(pitch * Radians, yaw * Radians, roll * Radians)));

        Assert.Equal((pitch, yaw, roll), (Math.Round(angles.Pitch, 9), Math.Round(angles.Yaw, 9), Math.Round(angles.Roll, 9)));
    }

    [Fact]
    public void Biwi_angles_equal_those_of_scipy()
    {
        // Rotation.from_rotvec([0.3, -0.7, 0.2]).as_euler('zxy', degrees=True), SciPy 1.10.1.
        EulerAngles angles = Biwi.Angles(RotationVector.ToMatrix(new Vector3d(0.3, -0.7, 0.2)));

        Assert.Equal(4.890236489137718, angles.Roll, 1e-9);
        Assert.Equal(19.6579487252383, angles.Pitch, 1e-9);
        Assert.Equal(-39.688577758321046, angles.Yaw, 1e-9);
    }

    [Fact]
    public void A_list_chooses_frames_by_their_last_two_names()
    {
        WriteBiwi("01", "frame_00003", Matrix3x3d.Identity);
        WriteBiwi("02", "frame_00009", Matrix3x3d.Identity);
        string list = Path.Combine(_folder, "list.txt");
        File.WriteAllText(list, "../../datasets/BIWI/02/frame_00009_rgb.png 7.6 3.2 -1.5\n");

        Assert.Equal(["02/frame_00009_rgb.png"], Biwi.Load(_folder, list).Select(p => p.Image));
        Assert.Equal(2, Biwi.Load(_folder, null).Length);
        File.WriteAllText(list, "frame\n");
        Assert.Contains("line 1", Assert.Throws<InputException>(() => Biwi.Load(_folder, list)).Message);
    }

    [Fact]
    public void A_wrong_biwi_pose_is_named_with_its_line()
    {
        WriteBiwi("01", "frame_00003", Matrix3x3d.Identity);
        string pose = Path.Combine(_folder, "01", "frame_00003_pose.txt");
        File.WriteAllText(pose, "1 0 0\n0 x 0\n0 0 1\n");

        InputException error = Assert.Throws<InputException>(() => Biwi.Load(_folder, null));

        Assert.Contains(pose + ", line 2", error.Message);
    }

    [Fact]
    public void The_report_bins_by_true_yaw_and_prints_means()
    {
        HeadPoseReport report = new()
        {
            Convention = "toy",
            Pictures = 3,
            Skipped = 0,
            Failed = 0,
            Unreadable = [],
            Samples = [new("a", 10, 0, 0, 12, 3, 4, null), new("b", -50, 0, 0, -40, 0, 0, null)],
        };

        string text = HeadPoseReportOutput.Text(report, "m");
        using MemoryStream stream = new();
        HeadPoseReportOutput.WriteJson(stream, report, "biwi", "m", null);
        using JsonDocument json = JsonDocument.Parse(stream.ToArray());

        Assert.Contains(text.Split('\n'), line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["all", "2", "6.000", "1.500", "2.000", "3.167"]);
        Assert.Equal((6, 1.5, 2), (json.RootElement.GetProperty("yaw_mae").GetDouble(), json.RootElement.GetProperty("pitch_mae").GetDouble(), json.RootElement.GetProperty("roll_mae").GetDouble()));
        Assert.Equal(10, HeadPoseReportOutput.Bins(report)[3].Yaw.Value);
        Assert.Null(HeadPoseReportOutput.Bins(report)[1].Yaw.Value);
    }

    private static double Round(double? value) => Math.Round(value!.Value, 6);

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetDouble())];

    private static PictureRun Run(string image, params FaceDetection[] faces) => Run(image, (450, 450), faces);

    private static PictureRun Run(string image, (int Width, int Height) size, params FaceDetection[] faces) =>
        new([new PicturePrediction(image, size.Width, size.Height, faces)], [], 0);

    private void WriteAflw(string name, double[] pitchYawRoll, Pose pose)
    {
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        double[] points = [.. ReferenceFace.Default.Points68.ToArray().SelectMany(p =>
        {
            (double x, double y) = Camera.Project(rotation * p + pose.Translation);
            return new[] { x, y, 0 };
        })];
        File.WriteAllBytes(Path.Combine(_folder, name + ".jpg"), []);
        File.WriteAllBytes(
            Path.Combine(_folder, name + ".mat"),
            new MatBuilder().Compressed(b => b.Doubles("Pose_Para", [1, 7], [.. pitchYawRoll.Select(a => a * Radians), 0, 0, 0, 0.001])).Doubles("pt3d_68", [3, 68], points).ToArray());
    }

    private void WriteBiwi(string person, string frame, Matrix3x3d m)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, person)).FullName;
        File.WriteAllBytes(Path.Combine(folder, frame + "_rgb.png"), []);
        File.WriteAllText(
            Path.Combine(folder, frame + "_pose.txt"),
            string.Create(CultureInfo.InvariantCulture, $"{m.M11:R} {m.M12:R} {m.M13:R} \n{m.M21:R} {m.M22:R} {m.M23:R} \n{m.M31:R} {m.M32:R} {m.M33:R} \n\n88.2 -5.3 858.2 \n"));
    }

    private sealed class SizedDetector(Dictionary<int, FaceDetection[]> bySize) : IScaledDetector
    {
        public List<(int Shorter, int Longer)> Asked { get; } = [];

        public void Detect(VideoFrame picture, (int Shorter, int Longer)? size, bool mirrored, List<FaceDetection> faces)
        {
            Assert.False(mirrored);
            Asked.Add(size!.Value);
            faces.AddRange(bySize[size.Value.Shorter]);
        }

        public void Dispose()
        {
        }
    }
}
