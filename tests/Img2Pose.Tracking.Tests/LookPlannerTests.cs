using Img2Pose.Geometry;

namespace Img2Pose.Tracking.Tests;

public class LookPlannerTests
{
    private readonly LookPlanner _planner = new(ReferenceFace.Default, FaceBoxFactors.Default);
    private readonly List<FaceToFollow> _follow = [];
    private readonly List<CropKind> _kinds = [];
    private int _runs;

    [Theory]
    [InlineData(30, 4, 6)]
    [InlineData(25, 4, 5)]
    [InlineData(60, 8, 12)]
    [InlineData(15, 3, 3)]
    [InlineData(2, 1, 1)]
    public void The_whole_picture_is_looked_at_every_few_frames(int rate, int least, int most)
    {
        List<int> whole = Wholes(rate, frames: 60, faces: [Scenery.PoseAt(600, 360, 150)]);

        int[] steps = [.. whole.Zip(whole.Skip(1), (a, b) => b - a)];
        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.InRange(step, least, most));
    }

    [Theory]
    [InlineData(1, 300, 0.30)]
    [InlineData(1, 100, 0.30)]
    [InlineData(1, 60, 0.30)]
    [InlineData(2, 100, 0.35)]
    [InlineData(2, 300, 0.35)]
    public void One_face_and_two_keep_their_price_whatever_their_size(int faces, double size, double price)
    {
        List<int> whole = Wholes(30, frames: 301, [.. Enumerable.Range(0, faces).Select(i => Scenery.PoseAt(330 + 600 * i, 360, size))]);

        // By the measured costs of crops: 64×64, or cells of 128×128, and what a run costs beside its pixels.
        double crops = _kinds.Sum(kind => kind == CropKind.Close ? 0.017 : 0.067) + 0.023 * _runs;
        double cost = (whole.Count + crops) / 301.0;
        Assert.InRange(cost, 0.2, price);
    }

    [Fact]
    public void With_three_faces_every_second_look_is_at_everything_and_so_it_is_where_a_face_is_hard_to_see()
    {
        Pose[] three = [Scenery.PoseAt(250, 360, 150), Scenery.PoseAt(600, 360, 150), Scenery.PoseAt(950, 360, 150)];
        List<int> crowd = Wholes(30, frames: 31, three, seen: true);
        Assert.All(crowd.Zip(crowd.Skip(1), (a, b) => b - a), step => Assert.Equal(2, step));
        // What has never been seen in a crop is first seen both ways.
        Assert.True(_planner.Plan(Frame(32 / 30.0), StateOf(31 / 30.0, three), _follow));
        Assert.Equal(3, _follow.Count);

        FollowState unsure = StateOf(2, [Scenery.PoseAt(300, 360, 150)], score: 0.1);
        _planner.Plan(Frame(2), null, _follow);
        Assert.False(_planner.Plan(Frame(2 + 1 / 30.0), unsure, _follow));
        Assert.True(_planner.Plan(Frame(2 + 2 / 30.0), unsure, _follow));
    }

    [Fact]
    public void A_face_that_is_gone_beside_another_is_looked_for_more_often_for_half_a_second()
    {
        Pose left = Scenery.PoseAt(300, 360, 150), right = Scenery.PoseAt(900, 360, 150);
        List<int> whole = [];
        for (int i = 0; i < 90; i++)
        {
            // Two, one of them for a second in the middle, two again, and in the end nobody.
            FollowState? state = i < 1 ? null : StateOf((i - 1) / 30.0, i is >= 30 and < 60 ? [left] : i < 75 ? [left, right] : []);
            if (state is not null) state.WasWhole = whole.Contains(i - 1);
            if (_planner.Plan(Frame(i / 30.0), state, _follow)) whole.Add(i);
        }

        Assert.All(Steps(4, 30), step => Assert.InRange(step, 4, 6));
        Assert.All(Steps(31, 45), step => Assert.Equal(2, step));
        Assert.All(Steps(47, 75), step => Assert.InRange(step, 4, 6));
        // Nobody is there who could hide somebody.
        Assert.All(Steps(75, 90), step => Assert.InRange(step, 4, 6));

        int[] Steps(int from, int to)
        {
            int[] within = [.. whole.Where(frame => frame >= from && frame < to)];
            Assert.True(within.Length > 2);
            return [.. within.Zip(within.Skip(1), (a, b) => b - a)];
        }
    }

    [Fact]
    public void Faces_are_seen_as_in_the_whole_picture_where_that_is_cheap_and_stay_so_until_the_next_whole_look()
    {
        _planner.Plan(Frame(0), null, _follow);
        FollowState state = StateOf(0, [Scenery.PoseAt(600, 360, 100)]);
        for (int i = 1; !_planner.Plan(Frame(i / 30.0), state, _follow); i++) Assert.Equal(CropKind.Close, Assert.Single(_follow).Kind);
        Assert.Equal(CropKind.Cells, Assert.Single(_follow).Kind);

        _planner.Plan(Frame(1) with { Scene = 1 }, null, _follow);
        state = StateOf(1, [Scenery.PoseAt(600, 360, 500)], scene: 1);
        for (int i = 1; !_planner.Plan(Frame(1 + i / 30.0) with { Scene = 1 }, state, _follow); i++)
        {
        }
        Assert.Equal(CropKind.Close, Assert.Single(_follow).Kind);
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
        Assert.False(_planner.UsesCrops);
    }

    [Fact]
    public void Faces_that_are_small_for_the_network_count_for_more_than_large_ones()
    {
        // 40 pixels of 1280 are 20 for the network: ten of them cost 10 × 128², which is too much.
        FollowState small = StateOf(0, [.. Enumerable.Range(0, 10).Select(i => Scenery.PoseAt(100 + 110 * i, 360, 40))]);
        FollowState large = StateOf(0, [.. Enumerable.Range(0, 10).Select(i => Scenery.PoseAt(100 + 110 * i, 360, 130))], seen: true);
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
        Assert.Equal([0, 7, 11], Enumerable.Range(0, 12).Where(i => plans[i]));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(25)]
    [InlineData(60)]
    [InlineData(10)]
    public void What_is_decided_ahead_is_what_is_planned_where_nothing_happens(int rate)
    {
        LookPlanner ahead = new(ReferenceFace.Default, FaceBoxFactors.Default) { DecidesAhead = true };
        Pose[] faces = [Scenery.PoseAt(600, 360, 150)];
        List<int> planned = Wholes(rate, frames: 60, faces), decided = [];
        for (int i = 0; i < 60; i++)
        {
            if (ahead.IsDecided((double)i / rate, 1)) decided.Add(i);
            FollowState? state = i < 1 ? null : StateOf((i - 1.0) / rate, faces);
            if (state is not null) state.WasWhole = planned.Contains(i - 1);
            Assert.Equal(planned.Contains(i), ahead.Plan(Frame((double)i / rate), state, _follow));
        }

        // The first two are looked at before anything is known to decide by.
        Assert.Equal(planned.Skip(2), decided);
    }

    [Fact]
    public void What_is_decided_stands_whatever_is_seen_until_then_and_whenever_one_asks()
    {
        (List<int> asked, List<int> early) = Run(asksEarly: true);
        (List<int> unasked, _) = Run(asksEarly: false);

        Assert.Equal(unasked, asked);
        Assert.NotEmpty(early);
        Assert.Subset(asked.ToHashSet(), early.ToHashSet());

        static (List<int> Whole, List<int> Early) Run(bool asksEarly)
        {
            LookPlanner planner = new(ReferenceFace.Default, FaceBoxFactors.Default) { DecidesAhead = true };
            Pose[] one = [Scenery.PoseAt(600, 360, 150)], two = [.. one, Scenery.PoseAt(200, 360, 90)];
            List<FaceToFollow> follow = [];
            List<int> whole = [], early = [];
            for (int i = 0; i < 90; i++)
            {
                for (int later = 1; asksEarly && later <= 8; later++)
                {
                    if (planner.IsDecided((i + later - 1) / 30.0, later) && !early.Contains(i + later - 1)) early.Add(i + later - 1);
                }
                // Somebody comes and goes, is hard to see at times, and is lost without a plan at others.
                FollowState? state = i < 1 ? null : StateOf((i - 1) / 30.0, i / 20 % 2 == 0 ? one : two, score: i % 23 == 7 ? 0.1 : 0.9);
                if (state is not null) state.WasWhole = whole.Contains(i - 1) || i % 17 == 3;
                if (planner.Plan(Frame(i / 30.0), state, follow)) whole.Add(i);
            }
            early.RemoveAll(frame => frame >= 90);
            return (whole, early);
        }
    }

    [Theory]
    [InlineData(150, 1, 0.2)]
    [InlineData(300, 2, 0.2)]
    public void Where_both_sides_tell_the_poses_in_between_steady_faces_are_looked_at_by_whole_looks_alone(double size, int faces, double price)
    {
        (List<int> whole, List<int> crops) = Refined(frame => [.. Enumerable.Range(0, faces).Select(i => Scenery.PoseAt(330 + 600 * i + frame, 360, size))]);

        // Until three looks have told its way.
        int[] later = [.. whole.Where(frame => frame >= 30)];
        Assert.All(later.Zip(later.Skip(1), (a, b) => b - a), step => Assert.Equal(6, step));
        Assert.DoesNotContain(crops, frame => frame >= 30);
        Assert.InRange(later.Length / 90.0, 0.1, price);
    }

    [Theory]
    [InlineData(1, 0.3)]
    [InlineData(2, 0.35)]
    public void Those_that_move_to_and_fro_are_looked_at_more_often_and_in_every_second_frame_in_between(int faces, double price)
    {
        (List<int> whole, List<int> crops) = Refined(frame => [.. Enumerable.Range(0, faces).Select(i => Scenery.PoseAt(330 + 600 * i + 60 * Math.Sin(0.7 * frame), 360, 150))]);

        Assert.All(whole.Zip(whole.Skip(1), (a, b) => b - a), step => Assert.InRange(step, 3, 4));
        Assert.All(crops, frame => Assert.Equal(2, frame - whole.Last(before => before < frame)));
        double cost = (whole.Count * (1 + 0.017 * faces + 0.023) + crops.Count * (0.017 * faces + 0.023)) / 120;
        Assert.InRange(cost, 0.25, price);
    }

    [Fact]
    public void Small_faces_and_those_in_doubt_are_looked_at_in_every_frame_all_the_same()
    {
        (List<int> whole, List<int> crops) = Refined(_ => [Scenery.PoseAt(600, 360, 50)]);
        Assert.Equal(120, whole.Count + crops.Count);

        (whole, crops) = Refined(_ => [Scenery.PoseAt(600, 360, 150)], score: 0.1);
        // A face that is sure at first may rest once before the doubt is known.
        Assert.InRange(whole.Count + crops.Count, 119, 120);
    }

    [Fact]
    public void One_that_is_gone_beside_another_is_waited_for_where_nobody_looks_in_between()
    {
        Pose left = Scenery.PoseAt(300, 360, 150), right = Scenery.PoseAt(900, 360, 150);
        (List<int> whole, _) = Refined(frame => frame < 40 ? [left, right] : [left]);

        Assert.All(Steps(42, 76), step => Assert.Equal(2, step));
        Assert.All(Steps(80, 120), step => Assert.Equal(6, step));

        IEnumerable<int> Steps(int from, int to)
        {
            int[] within = [.. whole.Where(frame => frame >= from && frame < to)];
            return within.Zip(within.Skip(1), (a, b) => b - a);
        }
    }

    /// <summary>Plans 120 frames of faces that are found wherever they are looked for: which are looked at as a whole, and which in crops.</summary>
    private static (List<int> Whole, List<int> Crops) Refined(Func<int, Pose[]> facesOf, double score = 0.9)
    {
        LookPlanner planner = new(ReferenceFace.Default, FaceBoxFactors.Default) { DecidesAhead = true, IsRefined = true };
        FaceTracker tracker = new(new TrackerOptions { StartScore = 0.5 });
        FollowState state = new() { Width = Scenery.Width, Height = Scenery.Height };
        List<FaceToFollow> follow = [];
        List<TrackedFace> faces = [];
        List<int> whole = [], crops = [];
        for (int i = 0; i < 120; i++)
        {
            double time = i * Scenery.FrameTime;
            bool isWhole = planner.Plan(Frame(time), i == 0 ? null : state, follow);
            if (isWhole) whole.Add(i);
            else if (follow.Count > 0) crops.Add(i);
            FaceDetection[] found = [.. facesOf(i).Select(pose => Scenery.Detection(pose, i == 0 ? 0.9 : score))];
            // The network sees pictures half as large.
            FollowedCrop[] seen = [.. found.Select(face => new FollowedCrop(FollowedSize.Cheapest(face.Box.Height / 2, FollowedCrop.None), new PictureRegion(0, 0, 64, 64), PoseCorrection.None, isWhole))];
            if (!isWhole && follow.Count == 0) tracker.Predict(time, Scenery.Width, Scenery.Height, faces);
            else tracker.Update(new LookFindings(found) { Crops = seen, Regions = isWhole ? [] : [.. found.Select(face => face.Box)] }, time, Scenery.Width, Scenery.Height, faces);
            (state.Time, state.WasWhole) = (time, isWhole);
            tracker.ListFollowed(state.Faces);
        }
        return (whole, crops);
    }

    private List<int> Wholes(int rate, int frames, Pose[] faces, bool seen = false)
    {
        List<int> whole = [];
        FollowState?[] states = new FollowState?[frames];
        for (int i = 0; i < frames; i++)
        {
            if (_planner.Plan(Frame((double)i / rate), i < 1 ? null : states[i - 1], _follow)) whole.Add(i);
            _kinds.AddRange(_follow.Select(face => face.Kind));
            // Those of one size are one run; cells are a run each.
            _runs += _follow.Count(face => face.Kind == CropKind.Cells) + (_follow.Exists(face => face.Kind != CropKind.Cells) ? 1 : 0);
            states[i] = StateOf((double)i / rate, faces, seen: seen);
            states[i]!.WasWhole = whole.Contains(i);
        }
        return whole;
    }

    private static FrameToPlan Frame(double time) => new(time, 0, Scenery.Width, Scenery.Height, new LookGrid(Scenery.Width, Scenery.Height, 640, 360, 64));

    private static FollowState StateOf(double time, Pose[] faces, double score = 0.9, int scene = 0, bool seen = false)
    {
        FaceTracker tracker = new(new TrackerOptions { StartScore = 0.5 });
        FollowedCrop crop = new(CropKind.Close, new PictureRegion(0, 0, 64, 64), PoseCorrection.None, IsNew: true);
        FaceDetection[] found = [.. faces.Select(pose => Scenery.Detection(pose))];
        tracker.Update(new LookFindings(found) { Crops = seen ? [.. found.Select(_ => crop)] : default }, time, Scenery.Width, Scenery.Height, []);
        if (score < 0.5) tracker.Update([.. faces.Select(pose => Scenery.Detection(pose, score))], time, Scenery.Width, Scenery.Height, []);
        FollowState state = new() { Time = time, Scene = scene, Width = Scenery.Width, Height = Scenery.Height };
        tracker.ListFollowed(state.Faces);
        return state;
    }
}
