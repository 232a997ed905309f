using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Img2Pose.Cli.Commands;
using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Data;

namespace Img2Pose.Cli.Tests.Commands;

public sealed class DatasetAnnotateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-annotate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Landmarks_give_a_pose_that_projects_onto_them()
    {
        (double X, double Y)[] points = PutPicture();
        string landmarks = Path.Combine(_folder, "points");
        WriteLandmarks(Path.Combine(landmarks, "sub", "face.pts"), points);
        string pictures = Path.Combine(_folder, "pictures");

        Run(pictures, "--landmarks", landmarks);

        AnnotatedImage image = Assert.Single(AnnotationPackReader.Load(pictures));
        Assert.Equal("sub/face.png", image.Image);
        Assert.False(image.Complete);
        AnnotatedFace face = Assert.Single(image.Faces);
        Assert.Equal("gt68", face.Label);
        double error = PerspectiveNPoint.ReprojectionError(ReferenceFace.Default.Points68, points, image.Camera, face.Pose!.Value);
        // Another head than the reference's: its points stray by a few hundredths of the face.
        Assert.InRange(error / face.Box.Height, 0, 0.06);
    }

    [Fact]
    public void Annotations_that_are_there_are_kept_unless_they_may_be_replaced()
    {
        (double X, double Y)[] points = PutPicture();
        WriteLandmarks(Path.Combine(_folder, "points", "sub", "face.pts"), points);
        string pictures = Path.Combine(_folder, "pictures"), annotations = Path.Combine(pictures, AnnotationPackReader.FileName);
        File.WriteAllText(annotations, "kept");

        UsageException error = Assert.Throws<UsageException>(() => Run(pictures, "--landmarks", Path.Combine(_folder, "points")));

        Assert.Contains(annotations, error.Message, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(annotations));
        Run(pictures, "--landmarks", Path.Combine(_folder, "points"), "--replace");
        Assert.Single(AnnotationPackReader.Load(pictures));
    }

    [Fact]
    public void A_bad_landmark_file_is_left_out_and_the_others_are_taken()
    {
        (double X, double Y)[] points = PutPicture();
        string other = Path.Combine(_folder, "pictures", "good.png");
        File.Copy(Path.Combine(_folder, "pictures", "sub", "face.png"), other);
        WriteLandmarks(Path.Combine(_folder, "points", "good.pts"), points);
        points[3] = (double.NaN, 5);
        string file = Path.Combine(_folder, "points", "sub", "face.pts");
        WriteLandmarks(file, points);

        int code = Run(Path.Combine(_folder, "pictures"), "--landmarks", Path.Combine(_folder, "points"));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal("good.png", Assert.Single(AnnotationPackReader.Load(Path.Combine(_folder, "pictures"))).Image);
        // Two lines of header, the brace, then the fourth point.
        Assert.Contains($"{file}:7", Assert.Throws<InputException>(() => LandmarkFile.Read(file)).Message, StringComparison.Ordinal);
        // With nothing left there is no annotation file.
        File.Delete(other);
        Assert.Throws<InputException>(() => Run(Path.Combine(_folder, "pictures"), "--landmarks", Path.Combine(_folder, "points"), "--replace"));
    }

    /// <summary>Puts a picture of the golden data set into a subfolder and gives the 68 points of a face in it.</summary>
    private (double X, double Y)[] PutPicture()
    {
        string picture = SharedData.RequireGolden("dataset", "images", "img_1.png");
        Directory.CreateDirectory(Path.Combine(_folder, "pictures", "sub"));
        File.Copy(picture, Path.Combine(_folder, "pictures", "sub", "face.png"));
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("dataset", "annotations", "img_1.json")));
        return [.. golden.RootElement.GetProperty("landmarks")[0].EnumerateArray().Select(point => (point[0].GetDouble(), point[1].GetDouble()))];
    }

    private static void WriteLandmarks(string path, (double X, double Y)[] points)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path,
        [
            "version: 1", $"n_points: {points.Length}", "{",
            .. points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X} {point.Y}")), "}",
        ]);
    }

    private static int Run(params string[] arguments) =>
        DatasetAnnotate.Create().Parse(arguments).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
