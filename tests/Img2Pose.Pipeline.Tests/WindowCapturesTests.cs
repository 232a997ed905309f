using System.Collections.Concurrent;
using Img2Pose.Frames;
using Img2Pose.Media;

namespace Img2Pose.Pipeline.Tests;

/// <summary>What a window's keys save.</summary>
public sealed class WindowCapturesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-captures").FullName;
    private readonly ConcurrentQueue<string> _said = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Two_pictures_at_once_are_two_files()
    {
        using IFrameSource source = Source();
        Assert.True(source.TryRead(out VideoFrame? picture));
        using (picture)
        {
            await using WindowCaptures captures = Captures(source, _folder);
            captures.Snapshot(picture, default);
            captures.Snapshot(picture, default);
        }

        string[] pictures = Directory.GetFiles(_folder, "face-*.png");
        Assert.Equal(2, pictures.Length);
        Assert.All(pictures, file => Assert.True(File.Exists(Path.ChangeExtension(file, ".json"))));
        Assert.Equal(pictures.Select(file => $"saved {Path.GetFileName(file)} and its poses").Order(StringComparer.Ordinal), _said.Order(StringComparer.Ordinal));
        Assert.Equal(4, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public async Task A_recording_without_a_picture_is_no_file_and_is_not_said_to_be_one()
    {
        using IFrameSource source = Source();
        Assert.True(source.TryRead(out VideoFrame? picture));
        using (picture)
        {
            await using WindowCaptures captures = Captures(source, _folder);
            captures.ToggleRecording(picture);
            Assert.True(captures.IsRecording);
            captures.ToggleRecording(picture);
            Assert.False(captures.IsRecording);
        }

        Assert.Empty(Directory.GetFiles(_folder));
        Assert.DoesNotContain(_said, line => line.StartsWith("saved", StringComparison.Ordinal));
        Assert.Contains("nothing was recorded: no picture came meanwhile", _said);
    }

    [Fact]
    public async Task A_recording_with_pictures_is_a_file()
    {
        using IFrameSource source = Source();
        await using (WindowCaptures captures = Captures(source, _folder))
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.True(source.TryRead(out VideoFrame? picture));
                using (picture)
                {
                    if (i == 0) captures.ToggleRecording(picture);
                    captures.Record(picture);
                }
            }
        }

        string recording = Assert.Single(Directory.GetFiles(_folder));
        Assert.Contains($"saved {Path.GetFileName(recording)}", _said);
        using IFrameSource read = MediaSource.Open(recording);
        Assert.True(read.TryRead(out VideoFrame? first));
        first.Dispose();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_said_and_the_window_goes_on()
    {
        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        using IFrameSource source = Source();
        Assert.True(source.TryRead(out VideoFrame? picture));
        using (picture)
        {
            await using WindowCaptures captures = Captures(source, Path.Combine(file, "captures"));
            captures.Snapshot(picture, default);
            captures.ToggleRecording(picture);
        }

        Assert.Equal(2, _said.Count);
        Assert.All(_said, line => Assert.Contains(file, line));
    }

    private static IFrameSource Source() => MediaSource.Open("lavfi:testsrc2=s=64x48:r=10");

    private WindowCaptures Captures(IFrameSource source, string folder) => new(folder, "face", source, null, new VideoWriterOptions(), _said.Enqueue);
}
