using Img2Pose.Geometry;
using Img2Pose.Monitor.Cameras;
using Img2Pose.Monitor.Configuration;
using Img2Pose.Monitor.Events;

namespace Img2Pose.Monitor.Tests.Events;

/// <summary>Rules against scripts of motions whose events are known.</summary>
public class EventEngineTests
{
    private static readonly DateTimeOffset s_begin = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    private static readonly CameraConfiguration s_camera = new()
    {
        Name = "door",
        Url = "",
        FieldOfView = 70,
        Zones = [new ZoneConfiguration { Name = "mat", Points = [new(0.4, 0.4), new(0.6, 0.4), new(0.6, 0.6), new(0.4, 0.6)] }],
        Lines = [new LineConfiguration("sill", new PicturePoint(0.5, 0), new PicturePoint(0.5, 1))],
    };

    private static WatchedFace Face(int id, double x = 0.5, double y = 0.5, double off = 5, double turned = 0, double down = 0, double? distance = 1000) => new()
    {
        Id = id,
        Box = new Box(0, 0, 10, 10),
        Score = 0.9,
        Detected = true,
        X = x,
        Y = y,
        Angles = new EulerAngles(turned, -down, 0),
        OffCamera = off,
        Turned = turned,
        Down = down,
        Distance = distance,
        Depth = 5,
        Axes = default,
    };

    /// <summary>Plays looks at a rate with a little jitter, and gives the events that ended or went on, with seconds from the begin.</summary>
    private static List<(double Start, double? End, int Track, PoseSummary Poses)> Play(RuleConfiguration rule, double seconds, Func<double, WatchedFace[]> script, double looks = 5, Func<DateTime, DateTime>? local = null)
    {
        Dictionary<string, PoseEvent> events = [];
        EventEngine engine = new(s_camera, [rule], happened => Assert.True(events.TryAdd(happened.Id, happened)), happened => { Assert.Contains(happened.Id, events.Keys); events[happened.Id] = happened; }, local);
        Random jitter = new(7);
        for (double time = 0; time < seconds; time += 1 / looks)
        {
            double at = time + (jitter.NextDouble() - 0.5) * 0.3 / looks;
            engine.Look(s_begin + TimeSpan.FromSeconds(at), script(at));
        }
        return [.. events.Values.OrderBy(happened => happened.Start).Select(happened => ((happened.Start - s_begin).TotalSeconds, happened.End is { } end ? (end - s_begin).TotalSeconds : (double?)null, happened.Track, happened.Poses))];
    }

    private static RuleConfiguration Rule(RuleKind kind) => new() { Name = "rule", Kind = kind };

    /// <summary>Start and end within half a second of the truth, none missing, none invented.</summary>
    private static void ShouldBe(List<(double Start, double? End, int Track, PoseSummary Poses)> found, params (double Start, double End)[] truth)
    {
        Assert.Equal(truth.Length, found.Count);
        foreach (((double start, double? end, _, _), (double Start, double End) true1) in found.Zip(truth))
        {
            Assert.InRange(start - true1.Start, -0.5, 0.5);
            Assert.InRange(end!.Value - true1.End, -0.5, 0.5);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    public void A_face_that_appears_and_goes_is_one_event_for_each_visit(double looks)
    {
        var found = Play(Rule(RuleKind.Appears), 20, t => t is > 2 and < 6 ? [Face(1)] : t is > 9 and < 12 ? [Face(2)] : [], looks);

        ShouldBe(found, (2, 6), (9, 12));
        Assert.Equal([1, 2], found.Select(one => one.Track));
    }

    [Theory]
    [InlineData(2.5)]
    [InlineData(6)]
    public void Turning_away_counts_only_when_it_lasts(double looks)
    {
        // Away for 1 s, which is too short, for 4 s, and for 6 s with a glance back that is shorter than the gap.
        double Off(double t) => t is > 3 and < 4 or > 8 and < 12 ? 80 : t is > 15 and < 21 and not (> 17 and < 17.2) ? 80 : 10;

        var found = Play(Rule(RuleKind.Away) with { For = 2, Angle = 45 }, 25, t => [Face(1, off: Off(t))], looks);

        ShouldBe(found, (8, 12), (15, 21));
        Assert.Equal(80, found[0].Poses.MostOffCamera, 6);
    }

    [Fact]
    public void Each_kind_of_pose_has_its_own_condition()
    {
        WatchedFace[] Script(double t) => t is > 2 and < 5
            ? [Face(1, off: 5, turned: 0, down: 40, distance: 400)]
            : [Face(1, off: 60, turned: 60, down: 0, distance: 2000)];

        ShouldBe(Play(Rule(RuleKind.Facing) with { For = 1, Angle = 20 }, 10, Script), (2, 5));
        ShouldBe(Play(Rule(RuleKind.HeadDown) with { For = 1, Angle = 25 }, 10, Script), (2, 5));
        ShouldBe(Play(Rule(RuleKind.Nearer) with { Distance = 500 }, 10, Script), (2, 5));
        Assert.Equal(2, Play(Rule(RuleKind.Turned) with { Angle = 45 }, 10, Script).Count);
    }

    [Fact]
    public void More_faces_than_a_number_are_an_event_of_the_whole_picture()
    {
        var found = Play(Rule(RuleKind.Count) with { Faces = 2 }, 12, t => t is > 4 and < 8 ? [Face(1), Face(2), Face(3)] : [Face(1), Face(2)]);

        ShouldBe(found, (4, 8));
        Assert.Equal((0, 3), (found[0].Track, found[0].Poses.MostFaces));
    }

    [Fact]
    public void A_zone_is_entered_and_left()
    {
        // From left to right in ten seconds: between 0.4 and 0.6 from second 4 to 6.
        var found = Play(Rule(RuleKind.Zone) with { Zone = "mat" }, 11, t => [Face(1, x: t / 10)]);

        ShouldBe(found, (4, 6));
    }

    [Fact]
    public void A_line_is_crossed_in_both_directions_and_not_beside_its_ends()
    {
        var found = Play(Rule(RuleKind.Line) with { Line = "sill" }, 20, t => t < 10 ? [Face(1, x: t / 10)] : [Face(1, x: 2 - t / 10)]);

        ShouldBe(found, (5, 5), (15, 15));
        CameraConfiguration half = s_camera with { Lines = [new LineConfiguration("sill", new PicturePoint(0.5, 0), new PicturePoint(0.5, 0.3))] };
        int crossed = 0;
        EventEngine engine = new(half, [Rule(RuleKind.Line) with { Line = "sill" }], _ => crossed++, _ => { });
        for (int i = 0; i < 40; i++) engine.Look(s_begin + TimeSpan.FromSeconds(i * 0.2), [Face(1, x: i / 40.0, y: 0.8)]);
        Assert.Equal(0, crossed);
    }

    [Fact]
    public void A_face_that_leaves_is_told_once_with_the_moment_it_was_last_seen()
    {
        var found = Play(Rule(RuleKind.Leaves), 12, t => t is > 2 and < 6 ? [Face(1)] : []);

        ShouldBe(found, (6, 6));
    }

    [Fact]
    public void The_cooldown_keeps_a_rule_quiet_after_an_event()
    {
        double Off(double t) => t % 4 < 2 ? 80 : 10;

        ShouldBe(Play(Rule(RuleKind.Away) with { For = 0.5, Angle = 45 }, 16, t => [Face(1, off: Off(t))]), (0, 2), (4, 6), (8, 10), (12, 14));
        ShouldBe(Play(Rule(RuleKind.Away) with { For = 0.5, Angle = 45, Cooldown = 5 }, 16, t => [Face(1, off: Off(t))]), (0, 2), (8, 10));
    }

    [Fact]
    public void A_rule_outside_its_hours_makes_nothing()
    {
        RuleConfiguration night = Rule(RuleKind.Appears) with { Schedule = new Schedule([], new TimeOnly(22, 0), new TimeOnly(6, 0)) };

        Assert.Empty(Play(night, 5, _ => [Face(1)], local: utc => utc));
        Assert.Single(Play(night, 5, _ => [Face(1)], local: utc => utc.AddHours(13)));
    }

    [Fact]
    public void What_is_under_way_when_the_camera_is_lost_ends_where_it_was_last_seen()
    {
        List<PoseEvent> ended = [];
        EventEngine engine = new(s_camera, [Rule(RuleKind.Appears)], _ => { }, ended.Add);
        for (int i = 0; i < 10; i++) engine.Look(s_begin + TimeSpan.FromSeconds(i * 0.2), [Face(1)]);

        engine.Finish();

        Assert.Equal(1.8, (Assert.Single(ended).End!.Value - s_begin).TotalSeconds, 3);
    }

    [Fact]
    public void A_clock_that_is_set_back_does_not_hold_events_for_ever()
    {
        List<PoseEvent> ended = [];
        EventEngine engine = new(s_camera, [Rule(RuleKind.Appears)], _ => { }, ended.Add);
        engine.Look(s_begin, [Face(1)]);
        engine.Look(s_begin - TimeSpan.FromHours(1), [Face(1)]);

        Assert.Single(ended);
    }
}
