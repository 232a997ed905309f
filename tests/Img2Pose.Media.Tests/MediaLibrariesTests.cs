namespace Img2Pose.Media.Tests;

public sealed class MediaLibrariesTests
{
    [Fact]
    public void An_encoder_that_starts_can_encode()
    {
        Assert.True(MediaLibraries.CanEncode("libx264", out string? why), why);
        Assert.Null(why);
    }

    [Fact]
    public void An_encoder_that_is_not_built_in_is_named()
    {
        Assert.False(MediaLibraries.CanEncode("libx999", out string? why));
        Assert.Equal("this FFmpeg has no libx999", why);
    }

    [Fact]
    public void An_encoder_that_is_built_in_but_does_not_start_says_why()
    {
        Assert.SkipWhen(File.Exists("/dev/nvidiactl"), "this machine has an NVIDIA GPU");

        Assert.False(MediaLibraries.CanEncode("h264_nvenc", out string? why));

        // What FFmpeg gives as the reason depends on how it was built.
        Assert.StartsWith("h264_nvenc does not start: ", why, StringComparison.Ordinal);
    }
}
