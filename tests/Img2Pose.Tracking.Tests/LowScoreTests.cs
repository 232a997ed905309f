using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

/// <summary>Detections below the score at which faces start (<see cref="TrackerOptions.StartScore"/>).</summary>
public class LowScoreTests
{
    private const double Low = 0.35, High = 0.8;

    private readonly FaceTracker _tracker = new(new TrackerOptions { StartScore = 0.46 });
    private readonly List<TrackedFace> _faces = [];
    private int _frame;

    [Fact]
    public void A_low_score_continues_a_face_as_detected()
    {
        for (int i = 0; i < 5; i++) Update(Face(300 + 4 * i, High));

        for (int i = 5; i < 60; i++)
        {
            Update(Face(300 + 4 * i, Low));

            TrackedFace face = Assert.Single(_faces);
            Assert.Equal(1, face.Id);
            Assert.True(face.Detected);
            Assert.Equal(Low, face.Face.Score);
        }
    }

    [Theory]
    [InlineData(4, 0.5, false)] // what was never sure and only just got its identity
    [InlineData(5, 0.5, true)]
    [InlineData(3, 0.65, true)]
    public void What_was_never_sure_is_not_shown_any_longer_than_it_is_found(int looks, double score, bool coasts)
    {
        for (int i = 0; i < looks; i++) Update(Face(300, score));
        Assert.Single(_faces);

        Update([]);

        Assert.Equal(coasts, _faces.Count == 1);
    }

    [Fact]
    public void Low_scores_start_no_face_however_many_there_are()
    {
        for (int i = 0; i < 30; i++)
        {
            Update(Face(300, Low));

            Assert.Empty(_faces);
        }
    }

    [Fact]
    public void A_low_score_does_not_confirm_a_doubtful_face()
    {
        Update(Face(300, 0.5));
        Update(Face(300, 0.5));
        Update(Face(300, Low));
        Assert.Empty(_faces);

        // The doubtful face was forgotten: the next one is a first hit again.
        Update(Face(300, 0.5));
        Update(Face(300, 0.5));
        Assert.Empty(_faces);
        Update(Face(300, 0.5));
        Assert.Equal(1, Assert.Single(_faces).Id);
    }

    [Theory]
    [InlineData(3, 0.5, false)] // what was never sure and only just got its identity
    [InlineData(5, 0.5, true)]
    [InlineData(1, 0.65, true)]
    public void Low_scores_continue_only_a_face_that_was_sure_or_found_often(int frames, double score, bool continued)
    {
        for (int i = 0; i < frames; i++) Update(Face(300, score));
        Assert.Equal(1, Assert.Single(_faces).Id);

        Update(Face(300, Low));

        Assert.Equal(continued, _faces.Any(face => face.Detected));
    }

    [Theory]
    [InlineData(4, 0.5, false)]
    [InlineData(5, 0.5, true)] // found so often that low scores would have continued it, too
    [InlineData(4, 0.65, true)]
    public void What_was_never_sure_and_has_coasted_out_is_nobody_when_something_like_it_is_there_again(int frames, double score, bool remembered)
    {
        for (int i = 0; i < frames; i++) Update(Face(300, score));
        for (int i = 0; i < 15; i++) Update();
        Assert.Empty(_faces);

        Update(Face(300, 0.5));

        Assert.Equal(remembered ? [1] : [], _faces.Select(face => face.Id));
        // Nor does one look more make it what low scores continue.
        Update(Face(300, Low));
        Assert.Equal(remembered ? [1] : [], _faces.Select(face => face.Id));
    }

    [Fact]
    public void What_was_never_sure_keeps_its_identity_while_it_coasts()
    {
        for (int i = 0; i < 4; i++) Update(Face(300, 0.5));
        for (int i = 0; i < 5; i++) Update();

        Update(Face(300, 0.5));

        Assert.Equal(1, Assert.Single(_faces).Id);
    }

    [Fact]
    public void A_low_score_beside_the_expected_place_is_not_the_face()
    {
        for (int i = 0; i < 5; i++) Update(Face(300, High));

        Update(Face(375, Low)); // half a face away

        Assert.False(Assert.Single(_faces).Detected);
    }

    [Fact]
    public void A_low_score_does_not_bring_back_a_face_that_has_coasted_out()
    {
        for (int i = 0; i < 5; i++) Update(Face(300, High));
        for (int i = 0; i < 10; i++) Update();
        Assert.Empty(_faces);

        Update(Face(300, Low));
        Assert.Empty(_faces);

        Update(Face(300, High));
        Assert.Equal(1, Assert.Single(_faces).Id);
    }

    [Fact]
    public void The_better_detection_is_taken_first()
    {
        for (int i = 0; i < 5; i++) Update(Face(300, High));

        Update(Face(300, Low), Face(312, High));

        TrackedFace face = Assert.Single(_faces);
        Assert.Equal(High, face.Face.Score);
    }

    [Fact]
    public void A_second_box_of_the_face_in_front_does_not_continue_the_one_that_it_hides()
    {
        for (int i = 0; i < 10; i++) Update(Face(300 + 12 * i, High), Face(480, High));

        // The moving face covers the other one, of which only a weak double of the front face's box is left.
        Update(Face(420, High), Face(428, Low));

        Assert.Equal(1, Assert.Single(_faces, face => face.Detected).Id);
    }

    [Fact]
    public void Start_scores_below_zero_are_refused() =>
        Assert.Throws<UsageException>(() => new FaceTracker(new TrackerOptions { StartScore = -0.1 }));

    private static FaceDetection Face(double x, double score) => Scenery.Detection(Scenery.PoseAt(x, 360, 150), score);

    private void Update(params ReadOnlySpan<FaceDetection> detections) =>
        _tracker.Update(detections, _frame++ * Scenery.FrameTime, Scenery.Width, Scenery.Height, _faces);
}
