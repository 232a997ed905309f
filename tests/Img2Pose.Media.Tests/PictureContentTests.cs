using System.Buffers.Binary;
using Img2Pose.Frames;
using Img2Pose.Testing;

namespace Img2Pose.Media.Tests;

/// <summary>Pictures are what they hold, whatever they are called.</summary>
public sealed class PictureContentTests : ClipTests
{
    private static string Fault(string name)
    {
        string path = Path.Combine(SharedData.RepositoryRoot, "../shared/faults", name);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"{name} is not there");
        return path;
    }

    private void Gif(string name, int pictures) =>
        Ffmpeg($"-f lavfi -i testsrc2=size=32x32:rate=10 -frames:v {pictures} {name}");

    [Fact]
    public void A_JPEG_is_read_under_any_name()
    {
        Ffmpeg("-f lavfi -i testsrc2=size=32x32 -frames:v 1 a.jpg");
        foreach (string name in new[] { "a.jfif", "a.png", "a.mp4", "noextension", "a.txt2" }) File.Copy(At("a.jpg"), At(name));

        foreach (string name in new[] { "a.jfif", "a.png", "a.mp4", "noextension", "a.txt2" })
        {
            using IFrameSource source = MediaSource.Open(At(name));
            Assert.True(source.Info.IsImages, name);
            _ = Assert.Single(ReadAll(source));
        }
        using IFrameSource folder = MediaSource.Open(Folder);
        Assert.Equal(6, ReadAll(folder).Count);
    }

    [Fact]
    public void A_folder_of_HEIC_AVIF_JPEG_and_JFIF_reads_three_and_names_the_fourth()
    {
        List<string> warnings = [];
        using IFrameSource source = MediaSource.Open(
            Fault("folder_skips_heic_avif_jfif_silently"), new SourceOptions { Warning = warnings.Add });

        Assert.Equal(3, ReadAll(source).Count(seen => (seen.Width, seen.Height) == (384, 384)));
        Assert.Equal(1, source.DamagedFrames);
        string warning = Assert.Single(warnings);
        Assert.Contains("IMG_1.heic", warning, StringComparison.Ordinal);
        Assert.Contains("HEIC", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void An_animation_alone_is_a_video_and_beside_pictures_its_first_picture()
    {
        Gif("a.gif", 5);
        Ffmpeg("-f lavfi -i testsrc2=size=32x32:rate=10 -frames:v 5 -f apng -plays 0 b.png");
        Directory.CreateDirectory(At("p"));
        File.Copy(At("a.gif"), At("p/a.gif"));
        Ffmpeg("-f lavfi -i testsrc2=size=32x32 -frames:v 1 p/c.png");
        List<string> warnings = [];

        Assert.Equal(5, ReadAll("a.gif").Count);
        Assert.Equal(5, ReadAll("b.png").Count);
        Assert.Equal([At("p")], MediaSource.Expand(At("p")));
        using IFrameSource both = MediaSource.Open(At("p"), new SourceOptions { Warning = warnings.Add });
        Assert.Equal(2, ReadAll(both).Count);
        Assert.Equal(0, both.DamagedFrames);
        Assert.Contains("a.gif", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void An_animated_PNG_with_a_long_text_before_its_mark_is_a_video()
    {
        Ffmpeg("-f lavfi -i testsrc2=size=32x32:rate=10 -frames:v 5 -f apng -plays 0 b.png");
        byte[] png = File.ReadAllBytes(At("b.png"));
        byte[] text = [.. "tEXt"u8, .. "Comment\0"u8, .. Enumerable.Repeat((byte)'x', 20_000)];
        byte[] length = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, text.Length - 4);
        BinaryPrimitives.WriteUInt32BigEndian(check, Crc(text));
        // Behind the signature and the header chunk, which are 8 and 25 bytes.
        File.WriteAllBytes(At("c.png"), [.. png[..33], .. length, .. text, .. check, .. png[33..]]);

        Assert.Equal(5, ReadAll("c.png").Count);

        static uint Crc(ReadOnlySpan<byte> data)
        {
            uint crc = uint.MaxValue;
            foreach (byte value in data)
            {
                crc ^= value;
                for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            }
            return ~crc;
        }
    }

    [Fact]
    public void A_GIF_with_one_picture_is_a_picture()
    {
        Gif("a.gif", 1);

        using IFrameSource source = MediaSource.Open(At("a.gif"));

        Assert.True(source.Info.IsImages);
    }

    [Fact]
    public void An_animated_WebP_is_named_as_what_it_is()
    {
        string path = Fault("animated_webp_invalid_data.webp");

        Assert.Contains("animated WebP", Assert.Throws<InputException>(() => MediaSource.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.jpg", "")]
    [InlineData("a.jpg", "-huffman default")]
    [InlineData("a.png", "")]
    public void A_truncated_picture_is_counted_as_damaged(string name, string options)
    {
        Ffmpeg($"-f lavfi -i testsrc2=size=320x240 -frames:v 1 {options} {name}");
        byte[] data = File.ReadAllBytes(At(name));
        List<string> warnings = [];

        using IFrameSource whole = MediaSource.Open(At(name), new SourceOptions { Warning = warnings.Add });
        _ = Assert.Single(ReadAll(whole));
        Assert.Equal(0, whole.DamagedFrames);
        Assert.Empty(warnings);
        File.WriteAllBytes(At(name), data[..(data.Length * 2 / 3)]);
        // The decoder may give what there is, or nothing: either way it is no whole picture.
        try
        {
            using IFrameSource cut = MediaSource.Open(At(name), new SourceOptions { Warning = warnings.Add });
            _ = ReadAll(cut);
            Assert.Equal(1, cut.DamagedFrames);
            Assert.Contains("ends early", Assert.Single(warnings), StringComparison.Ordinal);
        }
        catch (InputException e)
        {
            Assert.Contains(name, e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("out.jpg")]
    [InlineData("out.png")]
    public void A_colour_profile_is_kept(string name)
    {
        using VideoFrame source = ImageFile.Read(Fault("colour_profile_is_lost.jpg"));
        Assert.NotNull(source.ColorProfile);

        ImageFile.Write(At(name), source);
        using VideoFrame written = ImageFile.Read(At(name));

        Assert.Equal(source.ColorProfile, written.ColorProfile);
    }

    [Fact]
    public void A_long_colour_profile_goes_into_several_segments()
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 16, 16);
        for (int y = 0; y < 16; y++) frame.GetPlane(0).Row(y).Fill(90);
        byte[] profile = new byte[150_000];
        new Random(1).NextBytes(profile);
        // A profile tells its own length, and the colour space that it is for.
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(profile, profile.Length);
        "RGB "u8.CopyTo(profile.AsSpan(16));
        frame.ColorProfile = profile;

        ImageFile.Write(At("a.jpg"), frame);
        using VideoFrame written = ImageFile.Read(At("a.jpg"));

        Assert.Equal(profile, written.ColorProfile);
    }
}
