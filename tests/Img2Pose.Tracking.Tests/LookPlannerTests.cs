using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

public class LookPlannerTests
{
    private const double NetworkScale = 0.5, NetworkPixels = 640 * 384;

    private readonly LookPlanner _planner = new(ReferenceFace.Default, FaceBoxFactors.Default);
    private readonly List<FaceToFollow> _follow = [];

    [Theory]
    [InlineData(30, 5)]
    [InlineData(25, 5)]
    [InlineData(60, 10)]
    [InlineData(15, 3)]
    [InlineData(2, 1)]
    public void The_whole_picture_is_looked_at_every_few_frames(int rate, int every)
    {
        List<int> whole = Wholes(rate, frames: 60, faces: [Scenery.PoseAt(600, 360, 150)]);

        int[] steps = [.. whole.Zip(whole.Skip(1), (a, b) => b - a)];
        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.Equal(every, step));
    }

    [Fact]
    public void Between_whole_looks_every_face_is_looked_for_where_it_is_expected()
    {
        FollowState state = StateOf(0, [Scenery.PoseAt(300, 360, 150), Scenery.PoseAt(900, 300, 120)]);
        _planner.Plan(Frame(0), null, _follow);

        bool whole = _planner.Plan(Frame(1 / 30.0), state, _follow);

        Assert.False(whole);
        Assert.Equal(2, _follow.Count);
        Assert.True(_follow[0].Expected.IntersectionOverUnion(Scenery.BoxOf(Scenery.PoseAt(300, 360, 150))) > 0.9);
        Assert.True(_follow[1].Expected.IntersectionOverUnion(Scenery.BoxOf(Scenery.PoseAt(900, 300, 120))) > 0.9);
        Assert.All(_follow, face => Assert.True(face.Insists));
    }

    [Fact]
    public void A_new_scene_and_another_size_are_looked_at_as_a_whole_and_nobody_of_before_is_followed()
    {
        FollowState state = StateOf(0, [Scenery.PoseAt(300, 360, 150)]);
        _planner.Plan(Frame(0), null, _follow);

        Assert.True(_planner.Plan(Frame(1 / 30.0) with { Scene = 1 }, state, _follow));
        Assert.Empty(_follow);
        Assert.True(_planner.Plan(Frame(2 / 30.0) with { Scene = 1 }, state, _follow));
        Assert.True(_planner.Plan(Frame(3 / 30.0) with { Scene = 0, Width = 640 }, state, _follow));
        Assert.Empty(_follow);
    }

    [Fact]
    public void Where_crops_would_cost_as_much_the_whole_picture_is_looked_at()
    {
        Pose[] many = [.. Enumerable.Range(0, 14).Select(i => Scenery.PoseAt(80 + 85 * i, 360, 80))];
        FollowState state = StateOf(0, many);
        _planner.Plan(Frame(0), null, _follow);

        Assert.True(_planner.Plan(Frame(1 / 30.0), state, _follow));

        Assert.Empty(_follow);
    }

    [Fact]
    public void Faces_that_are_small_for_the_network_count_for_more_than_large_ones()
    {
        // 20 pixels of 1280 are 10 for the network: six of them cost 6 × 128², which is too much.
        FollowState small = StateOf(0, [.. Enumerable.Range(0, 10).Select(i => Scenery.PoseAt(100 + 110 * i, 360, 40))]);
        FollowState large = StateOf(0, [.. Enumerable.Range(0, 10).Select(i => Scenery.PoseAt(100 + 110 * i, 360, 100))]);
        _planner.Plan(Frame(0), null, _follow);

        Assert.False(_planner.Plan(Frame(1 / 30.0), large, _follow));
        Assert.True(_planner.Plan(Frame(2 / 30.0), small, _follow));
    }

    [Fact]
    public void A_whole_look_that_a_lost_face_asked_for_puts_off_the_next()
    {
        List<bool> plans = [];
        for (int i = 0; i < 12; i++)
        {
            FollowState? state = i < 1 ? null : StateOf((i - 1) / 30.0, [Scenery.PoseAt(300, 360, 150)]);
            if (state is not null) state.WasWhole = plans[i - 1] || i - 1 == 3;
            plans.Add(_planner.Plan(Frame(i / 30.0), state, _follow));
        }

        // 3 was one that nobody had planned.
        Assert.Equal([0, 8], Enumerable.Range(0, 12).Where(i => plans[i]));
    }

    private List<int> Wholes(int rate, int frames, Pose[] faces)
    {
        List<int> whole = [];
        FollowState?[] states = new FollowState?[frames];
        for (int i = 0; i < frames; i++)
        {
            if (_planner.Plan(Frame((double)i / rate), i < 1 ? null : states[i - 1], _follow)) whole.Add(i);
            states[i] = StateOf((double)i / rate, faces);
            states[i]!.WasWhole = whole.Contains(i);
        }
        return whole;
    }

    private static FrameToPlan Frame(double time) => new(time, 0, Scenery.Width, Scenery.Height, NetworkScale, NetworkPixels);

    private static FollowState StateOf(double time, Pose[] faces)
    {
        FaceTracker tracker = new(new TrackerOptions());
        tracker.Update([.. faces.Select(pose => Scenery.Detection(pose))], time, Scenery.Width, Scenery.Height, []);
        FollowState state = new() { Time = time, Width = Scenery.Width, Height = Scenery.Height };
        tracker.ListFollowed(state.Faces);
        return state;
    }
}
