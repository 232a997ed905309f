namespace Img2Pose.Media.Tests;

public sealed class LetterboxTests
{
    [Theory]
    [InlineData(160, 240, 320, 240, 80, 0, 160, 240)]
    [InlineData(640, 240, 320, 240, 0, 60, 320, 120)]
    [InlineData(640, 480, 320, 240, 0, 0, 320, 240)]
    [InlineData(1, 10000, 320, 240, 158, 0, 1, 240)]
    public void Pictures_are_fitted_whole_and_centred_on_even_corners(
        int width, int height, int targetWidth, int targetHeight, int x, int y, int fittedWidth, int fittedHeight) =>
        Assert.Equal((x, y, fittedWidth, fittedHeight), Letterbox.Place(width, height, targetWidth, targetHeight));
}
