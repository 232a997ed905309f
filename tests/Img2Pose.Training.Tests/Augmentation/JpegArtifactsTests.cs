using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Tests.Augmentation;

public sealed class JpegArtifactsTests
{
    [Fact]
    public void A_flat_colour_stays_what_it_is()
    {
        Gtk.Require();
        byte[] pixels = [.. Enumerable.Repeat((byte[])[200, 90, 20], 33 * 17).SelectMany(color => color)];

        JpegArtifacts.Apply(pixels, 33, 17, 90);

        // Rounding to YCbCr and back; red and blue are not exchanged.
        Assert.All(pixels.Chunk(3), color => Assert.True(Math.Abs(color[0] - 200) <= 3 && Math.Abs(color[1] - 90) <= 3 && Math.Abs(color[2] - 20) <= 3));
    }

    [Fact]
    public void The_lower_the_quality_the_further_from_the_picture()
    {
        Gtk.Require();
        byte[] picture = new byte[64 * 48 * 3];
        new Random(1).NextBytes(picture);

        double fine = Distance(95), middling = Distance(60), coarse = Distance(25);

        Assert.True(0 < fine && fine < middling && middling < coarse, $"{fine}, {middling}, {coarse}");

        double Distance(int quality)
        {
            byte[] coded = [.. picture];
            JpegArtifacts.Apply(coded, 64, 48, quality);
            return coded.Zip(picture, (a, b) => Math.Abs(a - b)).Average();
        }
    }
}
