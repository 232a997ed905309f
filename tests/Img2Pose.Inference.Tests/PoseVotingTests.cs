using Img2Pose.Formats.Onnx;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference.Tests;

public sealed class PoseVotingTests : IDisposable
{
    private const float Threshold = 0.3f;
    private static readonly ModelMetadata s_model = ModelMetadata.Parse(TestModel.LongSideMetadata, "test");
    private static readonly PictureSizes s_sizes = new(320, 240, 320, 240);
    private readonly TemporaryFolder _folder = new();
    private readonly FramePool _pool = new();

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Cells_that_see_one_face_share_its_pose()
    {
        Cell[] cells = [new(100, 60, 0.8f, 0.0f), new(102, 60, 0.7f, 0.1f), new(98, 61, 0.5f, -0.1f)];

        FaceDetection face = Assert.Single(Select(cells, voting: true));

        // Turns are yaws about nearly the same axis.
        Assert.Equal((0.7 - 0.5) * 0.1 / (0.8 + 0.7 + 0.5), YawAgainst(cells[0], face), 2e-3);
        Assert.Equal(0.8, face.Score, 1e-6);
        Assert.Equal(FaceBox.FromPose(face.Pose, CameraIntrinsics.ForImage(320, 240), 320, 240, ReferenceFace.Default, FaceBoxFactors.Default), face.Box);
    }

    [Fact]
    public void Without_voting_the_best_cell_alone_says_the_pose()
    {
        Cell[] cells = [new(100, 60, 0.81f, 0.0f), new(102, 60, 0.49f, 0.1f)];

        Assert.Equal(0, YawAgainst(cells[0], Assert.Single(Select(cells, voting: false))), 1e-6);
    }

    [Fact]
    public void A_cell_below_the_threshold_votes_but_is_no_face()
    {
        Cell[] cells = [new(100, 60, 0.4f, 0.0f), new(101, 60, 0.28f, 0.2f), new(220, 60, 0.28f, 0.0f)];

        FaceDetection face = Assert.Single(Select(cells, voting: true));

        Assert.Equal(0.28 * 0.2 / (0.4 + 0.28), YawAgainst(cells[0], face), 2e-3);
    }

    [Theory]
    [InlineData(101, 0.9f * 0.59f, 0.1f)] // Less than 0.6 of the face's score.
    [InlineData(140, 0.8f, 0.1f)] // Of another place; two thirds of it lie in both boxes, half of their union do not.
    [InlineData(101, 0.8f, 0.4f)] // Turned by more than 20 degrees.
    public void A_cell_that_is_unsure_elsewhere_or_of_another_mind_has_no_vote(int left, float score, float yaw)
    {
        Cell[] cells = [new(100, 60, 0.9f, 0.0f), new(left, 60, score, yaw)];

        Assert.Equal(0, YawAgainst(cells[0], Select(cells, voting: true)[0]), 1e-6);
    }

    [Fact]
    public void Each_cell_votes_for_the_face_that_it_overlaps_most()
    {
        Cell[] cells = [new(100, 60, 0.9f, 0.0f), new(140, 60, 0.8f, 0.3f), new(102, 60, 0.81f, 0.1f), new(138, 60, 0.64f, 0.2f)];

        List<FaceDetection> faces = Select(cells, voting: true);

        Assert.Equal(2, faces.Count);
        Assert.Equal(0.81 * 0.1 / (0.9 + 0.81), YawAgainst(cells[0], faces[0]), 2e-3);
        Assert.Equal(-0.64 * 0.1 / (0.8 + 0.64), YawAgainst(cells[1], faces[1]), 2e-3);
    }

    [Fact]
    public void Cells_of_another_picture_have_no_vote()
    {
        NetworkResults results = Results([new(100, 60, 0.9f, 0.0f), new(101, 60, 0.9f, 0.2f)], [0, 1]);
        List<FaceDetection> faces = [];

        Selection(voting: true).Select(results, 0, Threshold, votes: true, s_sizes, faces);

        Assert.Equal(0, YawAgainst(new Cell(100, 60, 0.9f, 0.0f), Assert.Single(faces)), 1e-6);
    }

    [Fact]
    public void In_a_crop_cells_vote_as_in_the_picture()
    {
        Cell[] cells = [new(100, 60, 0.45f, 0.0f), new(102, 60, 0.4f, 0.1f), new(98, 61, 0.28f, 0.1f)];
        CameraIntrinsics camera = CameraIntrinsics.ForImage(320, 240);
        PictureRegion region = new(40, 20, 200, 180);
        // The same boxes, seen by the crop at its own pixels.
        NetworkResults results = Results([.. cells.Select(cell => cell with { Left = cell.Left - 40, Top = cell.Top - 20 })]);
        List<CropFace> faces = [];

        Selection(voting: true).SelectInCrop(results, 0, Threshold, CropCamera.Of(region, 200, 180), region.ToBox(), camera, 320, 240, faces);

        FaceDetection expected = Assert.Single(Select(cells, voting: true)), actual = Assert.Single(faces).Face;
        Assert.Equal(0, RotationVector.GeodesicDistance(expected.Pose.Rotation, actual.Pose.Rotation), 1e-5);
        Assert.Equal(0, (expected.Pose.Translation - actual.Pose.Translation).Length, 1e-4);
        Assert.Equal(expected.Box, actual.Box);
    }

    [Fact]
    public void The_network_is_asked_for_voters_as_well()
    {
        Assert.Equal(0.18f, Selection(voting: true).LeastScore(Threshold), 1e-6f);
        Assert.Equal(Threshold, Selection(voting: false).LeastScore(Threshold));
        Assert.Equal(float.NegativeInfinity, Selection(voting: true).LeastScore(float.NegativeInfinity));
        // A threshold that lets everything through asks for no less.
        Assert.Equal(-1, Selection(voting: true).LeastScore(-1));
    }

    [Fact]
    public void What_calibration_makes_of_scores_changes_no_vote()
    {
        Cell[] cells = [new(100, 60, 0.7f, 0.0f), new(102, 60, 0.65f, 0.1f), new(98, 61, 0.43f, 0.2f), new(99, 61, 0.41f, -0.2f)];
        ScoreCalibration calibration = new([-2, 0, 2], [-6, -1, 5]);
        Cell[] calibrated = [.. cells.Select(cell => cell with { Score = (float)calibration.Apply(cell.Score) })];
        PoseSelection selection = Selection(voting: true, s_model with { Calibration = calibration });
        List<FaceDetection> faces = [];
        float threshold = (float)calibration.Apply(Threshold);

        selection.Select(Results(calibrated), 0, threshold, votes: true, s_sizes, faces);

        FaceDetection expected = Assert.Single(Select(cells, voting: true)), actual = Assert.Single(faces);
        Assert.Equal(0, RotationVector.GeodesicDistance(expected.Pose.Rotation, actual.Pose.Rotation), 1e-6);
        Assert.Equal(calibration.Apply(0.6 * Threshold), selection.LeastScore(threshold), 1e-6);
    }

    [Fact]
    public void Given_boxes_do_not_vote_on_each_other()
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(_folder.Write("model.onnx", TestModel.Bytes())));
        using VideoFrame frame = TestFrames.Plain(_pool, PixelFormat.Rgb24, 160, 120, 200, 200, 200);
        // The better one is wider; both overlap by more than voters must.
        Box[] boxes = [new(20, 20, 80, 80), new(22, 20, 80, 80)];
        List<FaceDetection> among = [], alone = [];

        detector.DetectAmong(frame, boxes, among);
        detector.DetectAmong(frame, boxes.AsSpan(0, 1), alone);

        Assert.Equal(Assert.Single(alone), Assert.Single(among));
    }

    private static double YawAgainst(Cell cell, in FaceDetection face)
    {
        NetworkView view = new(CameraIntrinsics.ForImage(320, 240));
        return RotationVector.Compose(-view.PoseOf(cell.Pose, cell.Box).Rotation, face.Pose.Rotation).Y;
    }

    private static List<FaceDetection> Select(Cell[] cells, bool voting)
    {
        List<FaceDetection> faces = [];
        Selection(voting).Select(Results(cells), 0, Threshold, votes: true, s_sizes, faces);
        return faces;
    }

    private static PoseSelection Selection(bool voting, ModelMetadata? model = null) =>
        new(ReferenceFace.Default, FaceBoxFactors.Default, 0.5, null, 100, originalArithmetic: false, originalCoordinates: false, voting ? new PoseVoting(model ?? s_model) : null);

    private static NetworkResults Results(Cell[] cells, long[]? pictures = null)
    {
        NetworkResults results = new();
        results.Set(
            [.. cells.SelectMany(cell => new[] { (float)cell.Box.Left, (float)cell.Box.Top, (float)cell.Box.Right, (float)cell.Box.Bottom })],
            pictures ?? new long[cells.Length], [.. cells.Select(cell => cell.Score)],
            [.. Enumerable.Range(0, cells.Length).Select(i => (long)i)], [.. cells.SelectMany(cell => cell.Pose)]);
        return results;
    }

    /// <summary>What a cell says: a face of 60 pixels that is turned by an angle.</summary>
    private sealed record Cell(int Left, int Top, float Score, float Yaw)
    {
        public Box Box => new(Left, Top, Left + 60, Top + 60);

        public float[] Pose => [0, Yaw, 0, 0, 0, 3.3f];
    }
}
