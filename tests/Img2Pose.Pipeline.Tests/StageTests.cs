using System.Threading.Channels;

namespace Img2Pose.Pipeline.Tests;

public class StageTests
{
    private sealed class Item(int number) : IDisposable
    {
        public int Number { get; } = number;

        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }

    [Fact]
    public async Task A_full_lossless_link_makes_the_writer_wait()
    {
        Link<Item> link = new("c", 1);
        await link.WriteAsync(new Item(0));

        ValueTask second = link.WriteAsync(new Item(1));
        bool waited = !second.IsCompleted;
        Assert.True(link.TryRead(out Item? first));
        await second;

        Assert.True(waited);
        Assert.Equal(0, first.Number);
        Assert.Equal(1, link.Depth);
        Assert.Equal(0, link.Dropped);
    }

    [Fact]
    public async Task A_full_latest_link_disposes_and_counts_the_oldest()
    {
        Link<Item> link = new("c", 2, LinkPolicy.Latest);
        Item[] items = [new(0), new(1), new(2)];

        foreach (Item item in items) await link.WriteAsync(item);

        Assert.Equal([1, 0, 0], items.Select(item => item.Disposals));
        Assert.Equal(1, link.Dropped);
        Assert.True(link.TryRead(out Item? oldest));
        Assert.Equal(1, oldest.Number);
    }

    [Fact]
    public async Task An_item_refused_by_a_closed_link_is_disposed()
    {
        Link<Item> link = new("c", 1);
        link.Complete(new InputException("gone"));
        Item item = new(0);

        ChannelClosedException error = await Assert.ThrowsAsync<ChannelClosedException>(async () => await link.WriteAsync(item));

        Assert.IsType<InputException>(error.InnerException);
        Assert.Equal(1, item.Disposals);
    }

    [Fact]
    public async Task Closing_with_an_error_reaches_the_reader_after_what_was_written()
    {
        Link<Item> link = new("c", 2);
        await link.WriteAsync(new Item(0));
        link.Complete(new InputException("gone"));

        Assert.True(await link.WaitToReadAsync());
        Assert.True(link.TryRead(out _));
        await Assert.ThrowsAsync<InputException>(async () => await link.WaitToReadAsync());
    }

    [Fact]
    public async Task Draining_disposes_what_was_left_behind()
    {
        Link<Item> link = new("c", 3);
        Item[] items = [new(0), new(1)];
        foreach (Item item in items) await link.WriteAsync(item);

        link.Drain();

        Assert.All(items, item => Assert.Equal(1, item.Disposals));
        Assert.Equal((2, 1.5), (link.DeepestDepth, link.MeanDepth));
    }

    [Fact]
    public void A_link_without_room_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Link<Item>("c", 0));

    [Fact]
    public async Task A_stage_continues_on_its_own_thread_after_waiting()
    {
        string? before = null, after = null;

        await StageThread.Run("worker", async () =>
        {
            before = Thread.CurrentThread.Name;
            await Task.Run(() => { });
            await Task.Delay(1);
            after = Thread.CurrentThread.Name;
        });

        Assert.Equal(("worker", "worker"), (before, after));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_error_on_a_stage_thread_reaches_who_awaits_it(bool afterWaiting)
    {
        Func<Task> loop = afterWaiting
            ? async () =>
            {
                await Task.Yield();
                throw new ModelException("broken");
            }
        : () => throw new ModelException("broken");

        ModelException error = await Assert.ThrowsAsync<ModelException>(() => StageThread.Run("worker", loop));

        Assert.Equal("broken", error.Message);
    }

    [Fact]
    public async Task Nothing_can_be_sent_to_a_stage_thread()
    {
        await StageThread.Run("worker", () =>
        {
            SynchronizationContext context = SynchronizationContext.Current!;
            Assert.Same(context, context.CreateCopy());
            Assert.Throws<NotSupportedException>(() => context.Send(_ => { }, null));
            return Task.CompletedTask;
        });
    }

    [Fact]
    public void Work_on_this_thread_counts_as_its_CPU_time()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the thread clock is Linux's");
        StageTimer timer = new("t");

        StageTimer.Work work = timer.Begin();
        double sum = 0;
        while (ThreadClockHasNotMoved(timer, ref sum)) { }
        work.End();

        Assert.True(timer.ThreadCpuSeconds > 0);
        Assert.True(timer.WallSeconds > 0);
        Assert.Equal(1, timer.Frames);
    }

    // Burns cycles until the clock has moved, however coarse it is.
    private static bool ThreadClockHasNotMoved(StageTimer timer, ref double sum)
    {
        StageTimer probe = new(timer.Name);
        StageTimer.Work work = probe.Begin();
        for (int i = 0; i < 10_000; i++) sum += Math.Sqrt(i);
        work.End();
        return probe.ThreadCpuSeconds == 0;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void Every_engine_gets_at_least_one_thread_and_none_more_than_the_cores(int cores)
    {
        CpuBudget budget = CpuBudget.ForCores(cores);

        Assert.All([budget.Decoder, budget.Inference, budget.Encoder, budget.Renderer], threads => Assert.InRange(threads, 1, cores));
    }

    [Fact]
    public void Sessions_side_by_side_share_the_cores()
    {
        CpuBudget alone = CpuBudget.ForCores(8), among = CpuBudget.ForCores(8, sessions: 4);

        Assert.Equal((4, 8), (alone.Decoder, alone.Encoder));
        Assert.Equal((1, 2, alone.Inference), (among.Decoder, among.Encoder, among.Inference));
    }

    [Fact]
    public void A_machine_without_cores_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CpuBudget.ForCores(0));

    [Fact]
    public void Ages_have_quantiles_to_within_nine_percent_and_an_exact_maximum()
    {
        AgeStatistics ages = new();
        for (int i = 1; i <= 1000; i++) ages.Add(i / 1000.0);

        AgeReport report = ages.Describe()!.Value;

        Assert.InRange(report.Median, 0.5, 0.5 * 1.1);
        Assert.InRange(report.Percentile95, 0.95, 1);
        Assert.Equal(1, report.Maximum);
    }

    [Fact]
    public void Without_frames_there_is_no_age() => Assert.Null(new AgeStatistics().Describe());
}
