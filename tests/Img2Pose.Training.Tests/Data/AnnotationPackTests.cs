using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;
using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Data;

public sealed class AnnotationPackTests : IDisposable
{
    private const string Good = """{"image":"a.png","width":32,"height":24,"set":"s","complete":true,"faces":[{"box":[1,2,20,22],"pose":[0,0,0,0,0,7],"label":"gt68","ignore":false}]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-pack").FullName;

    public AnnotationPackTests()
    {
        using FramePool pool = new(1);
        using VideoFrame frame = pool.Rent(PixelFormat.Rgb24, 32, 24);
        for (int y = 0; y < 24; y++) frame.GetPlane(0).Row(y).Fill((byte)(10 * y));
        ImageFile.Write(Path.Combine(_folder, "a.png"), frame);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("\"label\":\"gt68\",", "", "label")]
    [InlineData("\"pose\":[0,0,0,0,0,7],", "", "pose")]
    [InlineData("[1,2,20,22]", "[1,2,33,22]", "box")]
    [InlineData("[1,2,20,22]", "[20,2,1,22]", "box")]
    [InlineData("[0,0,0,0,0,7]", "[0,NaN,0,0,0,7]", "NaN")]
    [InlineData("[0,0,0,0,0,7]", "[0,0,0,0,7]", "pose")]
    [InlineData("[0,0,0,0,0,7]", "[0,0,0,0,0,-7]", "behind the camera")]
    [InlineData("a.png", "b.png", "b.png not found")]
    [InlineData("\"faces\":", "\"faces\"", "JSON")]
    public void A_wrong_line_is_named_with_its_file_and_number(string part, string wrong, string reason)
    {
        Write(Good, Good.Replace(part, wrong, StringComparison.Ordinal));

        InputException error = Assert.Throws<InputException>(() => AnnotationPack.Load(_folder));

        Assert.Contains(Path.Combine(_folder, "annotations.jsonl") + ", line 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_missing_pack_is_named() =>
        Assert.Contains("/nowhere", Assert.Throws<InputException>(() => AnnotationPack.Load("/nowhere")).Message, StringComparison.Ordinal);

    [Fact]
    public void An_unreadable_picture_is_named_with_its_line()
    {
        Write(Good);
        File.WriteAllText(Path.Combine(_folder, "a.png"), "no picture");

        InputException error = Assert.Throws<InputException>(() => Generator(AnnotationPack.Load(_folder)));

        Assert.Contains("annotations.jsonl, line 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("a.png", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_of_another_size_is_named_with_its_line()
    {
        Write(Good.Replace("\"width\":32", "\"width\":40", StringComparison.Ordinal));

        InputException error = Assert.Throws<InputException>(() => Generator(AnnotationPack.Load(_folder)));

        Assert.Contains("line 1: a.png is 32x24, annotated as 40x24", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Zero_training_faces_are_refused()
    {
        Write(Good.Replace("\"ignore\":false", "\"ignore\":true", StringComparison.Ordinal));

        InputException error = Assert.Throws<InputException>(() => Generator(AnnotationPack.Load(_folder)));

        Assert.Contains("no face to train on", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_written_reads_back()
    {
        Write(Good);
        AnnotatedImage[] images = AnnotationPack.Load(_folder);

        AnnotationPackWriter.Write(Path.Combine(_folder, "annotations.jsonl"), images);
        AnnotatedImage[] again = AnnotationPack.Load(_folder);

        Assert.Equal(images[0] with { Faces = [] }, again[0] with { Faces = [] });
        Assert.Equal(images[0].Faces, again[0].Faces);
    }

    [Fact]
    public void Landmarks_of_a_posed_face_give_its_pose_back()
    {
        Pose pose = new(new Vector3d(0.1, -0.4, 0.2), new Vector3d(0.3, -0.2, 8));
        CameraIntrinsics camera = CameraIntrinsics.ForImage(320, 240);
        Matrix3x3d rotation = RotationVector.ToMatrix(pose.Rotation);
        string path = Path.Combine(_folder, "a.pts");
        File.WriteAllLines(path, ["version: 1", "n_points: 68", "{",
            .. ReferenceFace.Default.Points68.ToArray().Select(p => camera.Project(rotation * p + pose.Translation)).Select(p => FormattableString.Invariant($"{p.X} {p.Y}")),
            "}"]);

        AnnotatedFace face = LandmarkFile.ToFace(LandmarkFile.Read(path), 320, 240, ReferenceFace.Default)!;

        Assert.Equal(0, RotationVector.GeodesicDistance(pose.Rotation, face.Pose!.Value.Rotation), 6);
        Assert.Equal(0, (pose.Translation - face.Pose!.Value.Translation).Length, 5);
        Assert.Equal(FaceBox.FromPose(pose, camera, 320, 240, ReferenceFace.Default, FaceBoxFactors.Default), face.Box);
    }

    [Theory]
    [InlineData("1 x", "a.pts:2: not two finite numbers")]
    [InlineData("1 2", "1 points; 5 or 68")]
    public void A_wrong_landmark_file_is_named(string line, string reason)
    {
        string path = Path.Combine(_folder, "a.pts");
        File.WriteAllLines(path, ["{", line, "}"]);
        Assert.Contains(reason, Assert.Throws<InputException>(() => LandmarkFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_contact_sheet_shows_pictures_with_their_boxes()
    {
        Write(Good);
        AnnotatedImage image = AnnotationPack.Load(_folder)[0];
        Gtk.Require();
        using ContactSheet sheet = new(2, 2, 32, ReferenceFace.Default);
        sheet.Add(PictureLoader.Load(image), image);
        sheet.Save(Path.Combine(_folder, "sheet.png"));

        RgbPicture saved = PictureDecoder.Decode(Path.Combine(_folder, "sheet.png"));

        Assert.Equal((64, 32), (saved.Width, saved.Height));
        // The box's left edge in green at (1, 10); the picture's grey beside it at (25, 10); black in the empty cell.
        Assert.Equal([0, 255, 0], saved.Pixels.AsSpan((10 * 64 + 1) * 3, 3).ToArray());
        Assert.Equal([100, 100, 100], saved.Pixels.AsSpan((10 * 64 + 25) * 3, 3).ToArray());
        Assert.Equal([0, 0, 0], saved.Pixels.AsSpan((10 * 64 + 40) * 3, 3).ToArray());
    }

    private static SampleGenerator Generator(AnnotatedImage[] images) =>
        SampleGenerator.Create(images, new SampleGeneratorOptions { LoadThreads = 1 });

    private void Write(params string[] lines) => File.WriteAllLines(Path.Combine(_folder, "annotations.jsonl"), lines);
}
