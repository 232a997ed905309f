using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Img2Pose.Inference.Scheduling;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests.Scheduling;

public class LookSchedulerTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    /// <summary>Gives so many looks, or as many as are wanted, while it has room for their results.</summary>
    private sealed class Client(int looks, double kind = 0) : ILookClient
    {
        private int _given;

        public ConcurrentQueue<(Look Look, Exception? Error)> Returned { get; } = new();

        public int Given => Volatile.Read(ref _given);

        public int Room { get; init; } = int.MaxValue;

        public bool TryTake([NotNullWhen(true)] out Look? look)
        {
            look = null;
            if (_given >= looks || _given - Returned.Count >= Room) return false;
            _given++;
            look = new Look { Owner = this, ScoreThreshold = kind };
            return true;
        }

        public void HandBack(Look look, Exception? failure) => Returned.Enqueue((look, failure));

        public bool WaitForAll() => SpinWait.SpinUntil(() => Returned.Count == looks, s_long);
    }

    /// <summary>Remembers the runs; looks of one score threshold join.</summary>
    private sealed class Runner(Action<IReadOnlyList<Look>>? onRun = null) : ILookRunner
    {
        public ConcurrentQueue<Look[]> Runs { get; } = new();

        public bool IsDisposed { get; private set; }

        public bool CanJoin(Look first, Look other) => first.ScoreThreshold == other.ScoreThreshold;

        public void Run(IReadOnlyList<Look> looks)
        {
            Runs.Enqueue([.. looks]);
            onRun?.Invoke(looks);
        }

        public void Dispose() => IsDisposed = true;
    }

    [Fact]
    public void Every_look_is_handed_back_once_and_the_network_is_closed_in_the_end()
    {
        Runner runner = new();
        Client client = new(100);
        using (LookScheduler scheduler = new(() => runner))
        {
            LookClient place = scheduler.Add(client);
            place.Signal();
            Assert.True(client.WaitForAll());
            place.Remove();
        }

        Assert.All(client.Returned, result => Assert.Null(result.Error));
        Assert.Equal(100, client.Returned.Select(result => result.Look).Distinct().Count());
        Assert.True(runner.IsDisposed);
    }

    [Theory]
    [InlineData(1, 5, 5)]
    [InlineData(3, 5, 5)]
    [InlineData(1, 4, 12)]
    public void Clients_that_want_more_than_there_is_share_the_networks_time_by_weight(double weight, int lookOfLight, int lookOfHeavy)
    {
        ManualClock clock = new();
        using ManualResetEventSlim both = new();
        Client light = new(int.MaxValue), heavy = new(int.MaxValue);
        using Runner runner = new(looks =>
        {
            both.Wait(s_long);
            clock.Add(looks[0].Owner == light ? lookOfLight : lookOfHeavy);
        });
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { Clock = clock });
        LookClient first = scheduler.Add(light), second = scheduler.Add(heavy, weight);

        first.Signal();
        second.Signal();
        both.Set();
        SpinWait.SpinUntil(() => runner.Runs.Count >= 400, s_long);
        first.Remove();
        second.Remove();
        // Of the first runs, in which both wanted all there was.
        double had = lookOfLight * runner.Runs.Take(400).Count(run => run[0].Owner == light);
        double hadMore = lookOfHeavy * runner.Runs.Take(400).Count(run => run[0].Owner == heavy);

        Assert.InRange(hadMore / had, 0.9 * weight, 1.1 * weight);
    }

    [Fact]
    public void What_a_client_did_not_want_while_it_was_idle_is_not_saved_up()
    {
        ManualClock clock = new();
        using ManualResetEventSlim both = new();
        using AutoResetEvent hundred = new(false);
        Client busy = new(int.MaxValue), late = new(int.MaxValue);
        int runs = 0;
        using Runner runner = new(_ =>
        {
            clock.Add(5);
            if (++runs != 100) return;
            hundred.Set();
            both.Wait(s_long);
        });
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { Clock = clock });
        LookClient first = scheduler.Add(busy), second = scheduler.Add(late);

        first.Signal();
        Assert.True(hundred.WaitOne(s_long));
        second.Signal();
        both.Set();
        SpinWait.SpinUntil(() => runner.Runs.Count >= 140, s_long);
        first.Remove();
        second.Remove();

        // From then on they take turns.
        int ofBusy = runner.Runs.Skip(100).Take(40).Count(run => run[0].Owner == busy);
        Assert.InRange(ofBusy, 18, 22);
    }

    [Fact]
    public void A_client_without_room_for_results_holds_nobody_up()
    {
        using Runner runner = new();
        Client stuck = new(10) { Room = 0 }, other = new(50);
        using LookScheduler scheduler = new(() => runner);

        scheduler.Add(stuck).Signal();
        scheduler.Add(other).Signal();

        Assert.True(other.WaitForAll());
        Assert.Empty(stuck.Returned);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Who_asks_waits_for_no_more_than_the_run_under_way(int batch)
    {
        using ManualResetEventSlim begun = new(), go = new();
        Client busy = new(int.MaxValue), quick = new(1);
        using Runner runner = new(_ =>
        {
            begun.Set();
            go.Wait(s_long);
        });
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { MaximumBatch = batch });
        LookClient first = scheduler.Add(busy), second = scheduler.Add(quick);
        first.Signal();
        Assert.True(begun.Wait(s_long, TestContext.Current.CancellationToken));

        second.Signal();
        go.Set();

        Assert.True(quick.WaitForAll());
        first.Remove();
        // The first run was slow, and the one that filled it wants the network for ever.
        Assert.Contains(runner.Runs.ElementAt(1), look => look.Owner == quick);
    }

    [Fact]
    public void Looks_of_several_clients_share_a_run_and_those_that_do_not_fit_have_their_own()
    {
        using ManualResetEventSlim ready = new();
        using Runner runner = new(looks => ready.Wait(s_long));
        Client plug = new(1, kind: 9), a = new(1), b = new(1), other = new(1, kind: 1);
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { MaximumBatch = 4 });

        scheduler.Add(plug).Signal();
        SpinWait.SpinUntil(() => !runner.Runs.IsEmpty, s_long);
        foreach (Client client in new[] { a, other, b }) scheduler.Add(client).Signal();
        ready.Set();

        Assert.True(a.WaitForAll() && b.WaitForAll() && other.WaitForAll());
        Assert.Equal([1, 2, 1], runner.Runs.Select(run => run.Length));
        Assert.Equal([a, b], runner.Runs.ElementAt(1).Select(look => look.Owner));
    }

    [Fact]
    public void A_run_waits_for_its_batch_to_fill_but_not_beyond_its_deadline()
    {
        using Runner runner = new();
        Client early = new(1), idle = new(0), late = new(1);
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { MaximumBatch = 2, Deadline = TimeSpan.FromSeconds(1) });
        LookClient first = scheduler.Add(early), second = scheduler.Add(late);

        first.Signal();
        second.Signal();
        Assert.True(early.WaitForAll() && late.WaitForAll());
        Client alone = new(1);
        scheduler.Add(idle);
        scheduler.Add(alone).Signal();

        Assert.True(alone.WaitForAll());
        Assert.Equal([2, 1], runner.Runs.Select(run => run.Length));
    }

    [Fact]
    public void A_picture_that_fails_does_not_take_those_of_other_streams_with_it()
    {
        using ManualResetEventSlim ready = new();
        Client plug = new(1, kind: 9), good = new(1), bad = new(1);
        using Runner runner = new(looks =>
        {
            ready.Wait(s_long);
            if (looks.Any(look => look.Owner == bad)) throw new ModelException("too large");
        });
        using LookScheduler scheduler = new(() => runner, new LookSchedulerOptions { MaximumBatch = 2 });

        scheduler.Add(plug).Signal();
        SpinWait.SpinUntil(() => !runner.Runs.IsEmpty, s_long);
        scheduler.Add(good).Signal();
        scheduler.Add(bad).Signal();
        ready.Set();

        Assert.True(good.WaitForAll() && bad.WaitForAll());
        Assert.Null(good.Returned.Single().Error);
        Assert.Equal("too large", bad.Returned.Single().Error!.Message);
    }

    [Fact]
    public void A_client_that_leaves_waits_for_its_look_and_is_not_asked_again()
    {
        using ManualResetEventSlim begun = new(), end = new();
        using Runner runner = new(_ =>
        {
            begun.Set();
            end.Wait(s_long);
        });
        Client client = new(10);
        using LookScheduler scheduler = new(() => runner);
        LookClient place = scheduler.Add(client);
        place.Signal();
        begun.Wait(s_long, TestContext.Current.CancellationToken);

        Thread leaving = new(place.Remove);
        leaving.Start();
        bool left = leaving.Join(50);
        end.Set();
        leaving.Join();
        place.Signal();

        Assert.False(left);
        Assert.Single(client.Returned);
        Assert.Equal(1, client.Given);
    }

    [Fact]
    public void Looks_run_at_the_same_time_on_networks_of_their_own()
    {
        using CountdownEvent together = new(2);
        ConcurrentBag<Runner> opened = [];
        Client client = new(30);
        using (LookScheduler scheduler = new(Open, new LookSchedulerOptions { Workers = 2 }))
        {
            LookClient place = scheduler.Add(client);
            // A further network opens only where looks keep waiting.
            while (client.Given < 30)
            {
                place.Signal();
                Thread.Sleep(1);
            }
            Assert.True(client.WaitForAll());
            place.Remove();
        }

        Assert.Equal(2, opened.Count);
        Assert.All(opened, runner => Assert.True(runner.IsDisposed));

        Runner Open()
        {
            Runner runner = new(_ =>
            {
                if (!together.IsSet) together.Signal();
                // The first look of the first network ends only when the second has one, too.
                Assert.True(together.Wait(s_long));
            });
            opened.Add(runner);
            return runner;
        }
    }

    [Fact]
    public void A_further_network_that_cannot_be_opened_is_told_and_done_without()
    {
        List<string> warnings = [];
        int opened = 0;
        using ManualResetEventSlim told = new();
        using Runner runner = new(_ => told.Wait(s_long));
        Client client = new(20);
        using LookScheduler scheduler = new(() => Interlocked.Increment(ref opened) == 1 ? runner : throw new ModelException("no memory"), new LookSchedulerOptions
        {
            Workers = 2,
            Warning = warning =>
            {
                warnings.Add(warning);
                told.Set();
            },
        });
        LookClient place = scheduler.Add(client);

        for (int i = 0; i < 100 && !told.IsSet; i++)
        {
            place.Signal();
            Thread.Sleep(1);
        }

        Assert.True(client.WaitForAll());
        Assert.Contains("no memory", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 1, 2000)]
    public void Options_out_of_range_are_refused(int workers, int batch, int milliseconds)
    {
        using Runner runner = new();

        Assert.Throws<UsageException>(() => new LookScheduler(() => runner, new LookSchedulerOptions
        {
            Workers = workers,
            MaximumBatch = batch,
            Deadline = TimeSpan.FromMilliseconds(milliseconds),
        }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void A_weight_is_a_positive_number(double weight)
    {
        using Runner runner = new();
        using LookScheduler scheduler = new(() => runner);

        Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Add(new Client(0), weight));
    }
}
