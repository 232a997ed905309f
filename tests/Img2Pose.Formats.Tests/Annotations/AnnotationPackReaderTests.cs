using Img2Pose.Geometry;
using Img2Pose.Testing;

namespace Img2Pose.Formats.Tests;

public sealed class AnnotationPackReaderTests
{
    private const string Good =
        """{"image":"images/a.jpg","width":100,"height":50,"set":"toy","faces":[{"box":[1,2,30,40],"pose":[0.1,0.2,0.3,1,2,30],"landmarks":null,"label":"gt68","yaw_gt":-4.5,"pitch_gt":null,"roll_gt":null,"ignore":false,"agree":2.5,"gt_box":[0.5,1,2,3]}],"complete":true}""";

    [Fact]
    public void A_line_yields_the_picture_and_its_faces()
    {
        AnnotatedImage image = AnnotationPackReader.Parse(Good, "x.jsonl", 7, "/packs/toy");

        Assert.Equal("images/a.jpg", image.Image);
        Assert.Equal("/packs/toy/images/a.jpg", image.Path);
        Assert.Equal((100, 50, "toy", true, 7), (image.Width, image.Height, image.Set, image.Complete, image.Line));
        Assert.Equal(new CameraIntrinsics(150, 50, 25), image.Camera);
        AnnotatedFace face = Assert.Single(image.Faces);
        Assert.Equal(new Box(1, 2, 30, 40), face.Box);
        Assert.Equal(38, face.Size);
        Assert.Equal(new Pose(new(0.1, 0.2, 0.3), new(1, 2, 30)), face.Pose);
        Assert.Null(face.Landmarks);
        Assert.Equal(("gt68", false, -4.5, null, 2.5), (face.Label, face.Ignore, face.SourceYaw, face.SourcePitch, face.Agreement));
        Assert.Equal(new Box(0.5, 1, 2, 3), face.SourceBox);
    }

    [Fact]
    public void A_null_pose_is_no_pose()
    {
        AnnotatedImage image = Parse(Good.Replace("[0.1,0.2,0.3,1,2,30]", "null"));

        Assert.Null(image.Faces[0].Pose);
    }

    [Theory]
    [InlineData("\"width\":100,", "", "'width' is missing")]
    [InlineData("\"complete\":true", "\"complete\":1", "'complete': it must be true or false")]
    [InlineData("\"label\":\"gt68\",", "", "'faces[0].label' is missing")]
    [InlineData("\"pose\":[0.1,0.2,0.3,1,2,30],", "", "'faces[0].pose' is missing")]
    [InlineData("[0.1,0.2,0.3,1,2,30]", "[0.1,0.2,0.3]", "'faces[0].pose': it has 3 numbers instead of 6")]
    [InlineData("[0.1,0.2,0.3,1,2,30]", "[NaN,0.2,0.3,1,2,30]", "NaN")]
    [InlineData("[0.1,0.2,0.3,1,2,30]", "[1e999,0.2,0.3,1,2,30]", "'faces[0].pose[0]': it is not a finite number")]
    [InlineData("[1,2,30,40]", "[1,2,130,40]", "reaches out of the 100x50 picture")]
    [InlineData("[1,2,30,40]", "[30,2,1,40]", "empty or inverted")]
    [InlineData("\"width\":100", "\"width\":0", "'width': it must be a whole number of pixels above 0")]
    [InlineData("\"landmarks\":null", "\"landmarks\":[[1,2],[3,4]]", "2 points")]
    [InlineData("\"faces\":[", "\"faces\":7,\"x\":[", "'faces': it must be a list")]
    [InlineData("{\"image\"", "[\"image\"", "not valid JSON")]
    // Half a surrogate pair, as a value and as a key: JSON may spell it, no text is it.
    [InlineData("\"label\":\"gt68\"", "\"label\":\"\\ud800\"", "'faces[0].label': it is not valid Unicode")]
    [InlineData("\"width\":100", "\"\\ud800\":100", "not valid Unicode")]
    public void A_wrong_line_is_named_with_its_reason(string old, string changed, string reason)
    {
        Assert.Contains(old, Good);

        InputException error = Assert.Throws<InputException>(() => Parse(Good.Replace(old, changed)));

        Assert.StartsWith("x.jsonl, line 7: ", error.Message);
        Assert.Contains(reason, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void The_line_number_counts_blank_lines()
    {
        using TemporaryPack pack = new(Good + "\n\n{}\n");

        InputException error = Assert.Throws<InputException>(() => AnnotationPackReader.Load(pack.Folder));

        Assert.Contains("annotations.jsonl, line 3: the key 'width' is missing", error.Message);
    }

    [Fact]
    public void A_folder_without_annotations_is_an_input_error()
    {
        InputException error = Assert.Throws<InputException>(() => AnnotationPackReader.Load("/nowhere/pack"));

        Assert.Contains("/nowhere/pack", error.Message);
    }

    [Theory]
    [InlineData("dev", 896, 2420, 978)]
    [InlineData("train", 11105, 13977, 10809)]
    public void The_shared_packs_have_the_counts_of_their_readme(string name, int images, int faces, int poses)
    {
        string folder = SharedData.Require("data", name);

        AnnotatedImage[] pack = AnnotationPackReader.Load(folder);

        Assert.Equal(images, pack.Length);
        Assert.Equal(faces, pack.Sum(image => image.Faces.Count));
        Assert.Equal(poses, pack.Sum(image => image.Faces.Count(face => face.Pose is not null)));
        Assert.All(pack, image => Assert.True(File.Exists(image.Path), image.Path));
    }

    private static AnnotatedImage Parse(string line) => AnnotationPackReader.Parse(line, "x.jsonl", 7, "/packs/toy");

    private sealed class TemporaryPack : IDisposable
    {
        public TemporaryPack(string annotations) =>
            File.WriteAllText(Path.Combine(Folder, AnnotationPackReader.FileName), annotations);

        public string Folder { get; } = Directory.CreateTempSubdirectory("img2pose-pack").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
