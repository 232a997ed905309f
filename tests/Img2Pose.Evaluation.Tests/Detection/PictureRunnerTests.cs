using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Detection;

public sealed class PictureRunnerTests
{
    private static readonly PictureFile[] Files = [.. Enumerable.Range(0, 20).Select(i => new PictureFile($"p{i}", $"/p{i}"))];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Results_come_in_the_order_of_the_files_whatever_the_number_of_workers(int workers)
    {
        using FramePool pool = new();
        int created = 0, disposed = 0;

        PictureRun run = PictureRunner.Run(Files, path => Picture(pool, int.Parse(path[2..]) + 1), () =>
        {
            Interlocked.Increment(ref created);
            return new WidthDetector(() => Interlocked.Increment(ref disposed));
        }, workers, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(Files.Select(f => f.Image), run.Pictures.Select(p => p.Image));
        Assert.Equal(Enumerable.Range(1, 20), run.Pictures.Select(p => (int)p.Faces.Single().Box.Right));
        Assert.Empty(run.Unreadable);
        Assert.InRange(created, 1, workers);
        Assert.Equal(created, disposed);
    }

    [Fact]
    public void An_unreadable_picture_is_named_and_left_out()
    {
        using FramePool pool = new();

        PictureRun run = PictureRunner.Run(
            Files[..3], path => path == "/p1" ? throw new InputException("/p1: cut short") : Picture(pool, 4), () => new WidthDetector(), 1,
            cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(["p0", "p2"], run.Pictures.Select(p => p.Image));
        Assert.Equal([new UnreadablePicture("p1", "/p1: cut short")], run.Unreadable);
    }

    [Fact]
    public void A_picture_of_another_size_than_annotated_is_left_out()
    {
        using FramePool pool = new();

        PictureRun run = PictureRunner.Run([new("p", "/p", 5, 4)], _ => Picture(pool, 4), () => new WidthDetector(), 1,
            cancellation: TestContext.Current.CancellationToken);

        Assert.Equal("/p: is 4x4, but the annotation says 5x4", Assert.Single(run.Unreadable).Reason);
    }

    [Fact]
    public void A_model_that_gives_no_finite_numbers_is_an_error()
    {
        using FramePool pool = new();

        ModelException error = Assert.Throws<ModelException>(
            () => PictureRunner.Run(Files, _ => Picture(pool, 4), () => new WidthDetector { Score = double.NaN }, 2,
                cancellation: TestContext.Current.CancellationToken));

        Assert.Contains("/p", error.Message);
    }

    [Fact]
    public void Cancelling_stops_between_pictures()
    {
        using FramePool pool = new();
        using CancellationTokenSource cancellation = new();

        Assert.ThrowsAny<OperationCanceledException>(() => PictureRunner.Run(
            Files, _ => Picture(pool, 4), () => new WidthDetector(), 1, _ => cancellation.Cancel(), cancellation.Token));
    }

    private static VideoFrame Picture(FramePool pool, int width) => pool.Rent(PixelFormat.Rgb24, width, 4);

    private sealed class WidthDetector(Action? onDispose = null) : IPictureDetector
    {
        public double Score { get; init; } = 0.9;

        public void Detect(VideoFrame picture, List<FaceDetection> faces) =>
            faces.Add(new FaceDetection(new Box(0, 0, picture.Width, picture.Height), Score, new Pose(Vector3d.Zero, new(0, 0, 1))));

        public void Dispose() => onDispose?.Invoke();
    }
}
