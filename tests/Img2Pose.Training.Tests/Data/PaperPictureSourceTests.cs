using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Data;

namespace Img2Pose.Training.Tests.Data;

public sealed class PaperPictureSourceTests
{
    [Fact]
    public void The_originals_data_set_opens_with_its_pictures_faces_and_statistics()
    {
        string file = SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb");

        using PaperPictureSource source = PaperPictureSource.Open(file, ReferenceFace.Default, stop: TestContext.Current.CancellationToken);

        Assert.Equal(4, source.Count);
        Assert.Equal([2, 3, 2, 2], Enumerable.Range(0, 4).Select(i => source.Load(i).Faces.Count));
        Assert.Equal(7, Enumerable.Range(0, 4).Sum(i => source.Load(i).Faces.Count(face => face.Pose is not null)));
        AssertNear(SharedData.RequireGolden("dataset", "lmdb", "toy_train_pose_mean.npy"), source.PoseMean);
        AssertNear(SharedData.RequireGolden("dataset", "lmdb", "toy_train_pose_stddev.npy"), source.PoseDeviation);
    }

    [Fact]
    public void Pictures_either_train_or_validate()
    {
        using PaperPictureSource source = PaperPictureSource.Open(SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb"), ReferenceFace.Default, stop: TestContext.Current.CancellationToken);

        (PaperPictureSource training, PaperPictureSource validation) = source.Split(2);

        Assert.Equal((2, 2), (training.Count, validation.Count));
        Assert.Equal(4, new[] { training, validation }.SelectMany(part => Enumerable.Range(0, part.Count).Select(i => part.Load(i).Source)).Distinct().Count());
    }

    [Fact]
    public void In_the_place_of_a_picture_that_cannot_be_used_stands_the_next_and_it_is_told_once()
    {
        List<string> told = [];
        using PaperPictureSource source = PaperPictureSource.Open(
            SharedData.RequireGolden("dataset", "lmdb", "toy_train.lmdb"), ReferenceFace.Default, error => told.Add(error.Message), TestContext.Current.CancellationToken);

        string? damaged = source.TryUse<string>(1, picture => throw new InputException($"{picture.Source}: damaged"));
        string? again = source.TryUse(1, picture => picture.Source), other = source.TryUse(2, picture => picture.Source);

        Assert.Null(damaged);
        Assert.Null(again);
        Assert.NotNull(other);
        Assert.EndsWith(": damaged", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_neither_a_pack_nor_a_data_set_is_an_error_that_names_it()
    {
        string nowhere = Path.Combine(Path.GetTempPath(), "img2pose-nowhere");

        Assert.Contains(nowhere, Assert.Throws<InputException>(() => PaperPictureSource.Open(nowhere, ReferenceFace.Default, stop: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private static void AssertNear(string path, double[] actual)
    {
        double[] expected = NpyArray.Read(path).ToDoubles();
        for (int i = 0; i < 6; i++) Assert.Equal(expected[i], actual[i], 1e-12);
    }
}
