using Img2Pose.Frames;

namespace Img2Pose.Tracking.Tests;

public sealed class SceneCutTests : IDisposable
{
    private readonly FramePool _pool = new();
    private readonly SceneCuts _cuts = new();
    private int _frames;

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(PixelFormat.I420)]
    [InlineData(PixelFormat.I420P10)]
    [InlineData(PixelFormat.Rgb24)]
    public void The_first_frame_of_another_scene_is_a_cut_and_no_other_is(PixelFormat format)
    {
        List<int> cuts = [];
        for (int i = 0; i < 60; i++)
        {
            if (Observe(i < 30 ? 1 : 2, shift: 2 * i, format: format)) cuts.Add(i);
        }

        Assert.Equal([30], cuts);
    }

    [Fact]
    public void Black_between_two_scenes_does_not_hide_the_cut()
    {
        for (int i = 0; i < 10; i++) Assert.False(Observe(1));
        for (int i = 0; i < 5; i++) Assert.False(Observe(0));

        Assert.True(Observe(2));
    }

    [Fact]
    public void Light_that_changes_and_a_flash_are_no_cuts()
    {
        for (int i = 0; i < 10; i++) Assert.False(Observe(1));
        Assert.False(Observe(1, gain: 0.4));
        Assert.False(Observe(1, gain: 1));
        Assert.False(Observe(0));
        Assert.False(Observe(1));
    }

    [Fact]
    public void Frames_far_apart_are_no_cuts()
    {
        for (int i = 0; i < 10; i++) Assert.False(Observe(i, interval: 2));
    }

    // Scene 0 is black; the others are sums of waves that a seed chooses, moved by pixels.
    private bool Observe(int scene, int shift = 0, double gain = 1, double interval = 1.0 / 30, PixelFormat format = PixelFormat.I420)
    {
        const int width = 320, height = 180;
        using VideoFrame frame = _pool.Rent(format, width, height);
        Random random = new(scene);
        double[] waves = [.. Enumerable.Range(0, 12).Select(_ => random.NextDouble())];
        FramePlane plane = frame.GetPlane(0);
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = plane.Row(y);
            for (int x = 0; x < width; x++)
            {
                double value = 0;
                for (int i = 0; i < waves.Length && scene != 0; i += 3)
                    value += Math.Sin((waves[i] - 0.5) * 0.15 * (x + shift) + (waves[i + 1] - 0.5) * 0.15 * y + 6.3 * waves[i + 2]);
                double level = scene == 0 ? 16 : gain * (128 + 25 * value);
                int bytes = plane.BytesPerElement;
                if (bytes == 2) BitConverter.TryWriteBytes(row[(2 * x)..], (ushort)(4 * level));
                else row.Slice(bytes * x, bytes).Fill((byte)level);
            }
        }
        return _cuts.Observe(frame, _frames++ * interval);
    }
}
