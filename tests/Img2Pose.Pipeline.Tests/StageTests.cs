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
    public async Task A_full_lossless_channel_makes_the_writer_wait()
    {
        StageChannel<Item> channel = new("c", 1);
        await channel.WriteAsync(new Item(0));

        ValueTask second = channel.WriteAsync(new Item(1));
        bool waited = !second.IsCompleted;
        Assert.True(channel.TryRead(out Item? first));
        await second;

        Assert.True(waited);
        Assert.Equal(0, first.Number);
        Assert.Equal(1, channel.Depth);
        Assert.Equal(0, channel.Dropped);
    }

    [Fact]
    public async Task A_full_latest_channel_disposes_and_counts_the_oldest()
    {
        StageChannel<Item> channel = new("c", 2, FlowPolicy.Latest);
        Item[] items = [new(0), new(1), new(2)];

        foreach (Item item in items) await channel.WriteAsync(item);

        Assert.Equal([1, 0, 0], items.Select(item => item.Disposals));
        Assert.Equal(1, channel.Dropped);
        Assert.True(channel.TryRead(out Item? oldest));
        Assert.Equal(1, oldest.Number);
    }

    [Fact]
    public async Task An_item_refused_by_a_closed_channel_is_disposed()
    {
        StageChannel<Item> channel = new("c", 1);
        channel.Complete(new InputException("gone"));
        Item item = new(0);

        ChannelClosedException error = await Assert.ThrowsAsync<ChannelClosedException>(async () => await channel.WriteAsync(item));

        Assert.IsType<InputException>(error.InnerException);
        Assert.Equal(1, item.Disposals);
    }

    [Fact]
    public async Task Closing_with_an_error_reaches_the_reader_after_what_was_written()
    {
        StageChannel<Item> channel = new("c", 2);
        await channel.WriteAsync(new Item(0));
        channel.Complete(new InputException("gone"));

        Assert.True(await channel.WaitToReadAsync());
        Assert.True(channel.TryRead(out _));
        await Assert.ThrowsAsync<InputException>(async () => await channel.WaitToReadAsync());
    }

    [Fact]
    public async Task Draining_disposes_what_was_left_behind()
    {
        StageChannel<Item> channel = new("c", 3);
        Item[] items = [new(0), new(1)];
        foreach (Item item in items) await channel.WriteAsync(item);

        channel.Drain();

        Assert.All(items, item => Assert.Equal(1, item.Disposals));
        Assert.Equal((2, 1.5), (channel.DeepestDepth, channel.MeanDepth));
    }

    [Fact]
    public void A_channel_without_room_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new StageChannel<Item>("c", 0));

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
    public void A_machine_without_cores_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CpuBudget.ForCores(0));
}
