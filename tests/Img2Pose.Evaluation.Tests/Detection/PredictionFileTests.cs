using Img2Pose.Evaluation.Pack;
using Img2Pose.Formats;
using Img2Pose.Geometry;

namespace Img2Pose.Evaluation.Tests.Detection;

public sealed class PredictionFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-predictions").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FilePath => Path.Combine(_folder, "p.jsonl");

    private static PredictionSet Example { get; } = new()
    {
        Model = "toy",
        ModelSha256 = "ab12",
        Threshold = 0.5,
        LowestScore = 0.01,
        MillisecondsPerPicture = 3.25,
        Pictures =
        [
            new PicturePrediction("images/a.jpg", 640, 480,
                [new FaceDetection(new Box(1, 2, 30, 40), 1.0 / 3, new Pose(new(0.1, -2.0 / 3, 1e-17), new(-3, 4, 12.3456789012345)))]),
            new PicturePrediction("images/b.jpg", 10, 20, []),
        ],
        Unreadable = [new UnreadablePicture("images/c.jpg", "cut short")],
    };

    [Fact]
    public void What_is_written_reads_back_to_the_same_bits()
    {
        PredictionFile.Write(FilePath, Example);

        PredictionSet read = PredictionFile.Read(FilePath);

        Assert.Equal((Example.Model, Example.ModelSha256, 0.5, 0.01, 3.25), (read.Model, read.ModelSha256, read.Threshold, read.LowestScore, read.MillisecondsPerPicture));
        Assert.Equal(Example.Pictures.Select(p => (p.Image, p.Width, p.Height)), read.Pictures.Select(p => (p.Image, p.Width, p.Height)));
        Assert.Equal(Example.Pictures[0].Faces, read.Pictures[0].Faces);
        Assert.Equal(Example.Unreadable, read.Unreadable);
        Assert.Equal(["p.jsonl"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(0, "{\"type\":\"header\",\"schema\":1}", "line 1: 'type'")]
    [InlineData(1, "{\"image\":\"a\",\"width\":1,\"height\":1,\"faces\":[{\"score\":1e999,\"box\":[0,0,1,1],\"rotvec\":[0,0,0],\"translation\":[0,0,1]}]}", "line 2: 'faces[0].score': it is not a finite number")]
    [InlineData(1, "{\"image\":\"a\",\"width\":1,\"height\":1,\"faces\":[{\"score\":1,\"box\":[0,0,1],\"rotvec\":[0,0,0],\"translation\":[0,0,1]}]}", "line 2: 'faces[0].box': it has 3 numbers")]
    [InlineData(1, "{\"image\":\"a\",", "line 2: not valid JSON")]
    public void A_wrong_line_is_named(int line, string text, string reason)
    {
        PredictionFile.Write(FilePath, Example);
        string[] lines = File.ReadAllLines(FilePath);
        lines[line] = text;
        File.WriteAllLines(FilePath, lines);

        InputException error = Assert.Throws<InputException>(() => PredictionFile.Read(FilePath));

        Assert.Contains(reason, error.Message);
        Assert.Contains(FilePath, error.Message);
    }

    [Fact]
    public void An_absent_or_empty_file_is_an_input_error()
    {
        Assert.Contains(FilePath, Assert.Throws<InputException>(() => PredictionFile.Read(FilePath)).Message);
        File.WriteAllText(FilePath, "");
        Assert.Contains("empty", Assert.Throws<InputException>(() => PredictionFile.Read(FilePath)).Message);
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_named()
    {
        string blocked = Path.Combine(_folder, "folder");
        Directory.CreateDirectory(blocked);

        OutputException error = Assert.Throws<OutputException>(() => PredictionFile.Write(blocked, Example));

        Assert.Contains(blocked, error.Message);
    }

    [Fact]
    public void Pairing_leaves_unreadable_pictures_out_and_keeps_the_order_of_the_pack()
    {
        PackSample[] samples = PackPairing.Pair([Image("images/b.jpg", 10, 20), Image("images/c.jpg", 5, 5), Image("images/a.jpg", 640, 480)], Example);

        Assert.Equal(["images/b.jpg", "images/a.jpg"], samples.Select(s => s.Annotation.Image));
        Assert.Single(samples[1].Detections);
    }

    [Fact]
    public void Pairing_refuses_missing_predictions_other_sizes_and_double_annotations()
    {
        Assert.Contains("images/z.jpg", Pair(Image("images/z.jpg", 1, 1)).Message);
        Assert.Contains("predicted at 10x20, annotated at 20x10", Pair(Image("images/b.jpg", 20, 10)).Message);
        Assert.Contains("annotated twice", Pair(Image("images/b.jpg", 10, 20), Image("images/b.jpg", 10, 20)).Message);

        static InputException Pair(params AnnotatedImage[] images) => Assert.Throws<InputException>(() => PackPairing.Pair(images, Example));
    }

    [Theory]
    [InlineData(10, null, "0123456789")]
    [InlineData(10, 20, "0123456789")]
    [InlineData(10, 5, "02468")]
    [InlineData(10, 3, "036")]
    public void A_limit_spreads_over_the_pack(int count, int? limit, string kept)
    {
        AnnotatedImage[] images = [.. Enumerable.Range(0, count).Select(i => Image($"{i}", 1, 1))];

        Assert.Equal(kept, string.Concat(PackPairing.Limit(images, limit).Select(image => image.Image)));
    }

    private static AnnotatedImage Image(string name, int width, int height) =>
        new() { Image = name, Path = name, Width = width, Height = height, Set = "toy", Complete = true, Faces = [] };
}
