using System.Text.Json;
using Img2Pose.Geometry;
using Img2Pose.Testing;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Tests.Augmentation;

/// <summary>Against the original's augmentations (golden/geometry/augmentation.json).</summary>
public sealed class OriginalAugmentationTests
{
    [Fact]
    public void Faces_are_mirrored_as_the_original_mirrors_them()
    {
        int mirrored = 0;
        foreach (JsonElement test in Cases("random_flip"))
        {
            List<MarkedFace> faces = Faces(test, "bboxes", "landmarks");
            if (ScriptedDraws.From(test.GetProperty("draws")).Integer(0, 1) == 1)
            {
                faces = [.. faces.Select(face => OriginalAugmentation.Mirror(face, test.GetProperty("w").GetInt32()))];
                mirrored++;
            }
            AssertFaces(Faces(test, "out_bboxes", "out_landmarks"), faces);
        }
        Assert.True(mirrored > 10, $"only {mirrored} cases are mirrored");
    }

    [Fact]
    public void Points_change_sides_as_the_original_changes_them()
    {
        JsonElement[] cases = [.. Cases("flip_landmarks")];
        Assert.NotEmpty(cases);
        foreach (JsonElement test in cases)
        {
            MarkedFace face = new(new Box(0, 0, 1, 1), Points(test.GetProperty("landmarks")));

            MarkedFace mirrored = OriginalAugmentation.Mirror(face, test.GetProperty("w").GetInt32());

            Assert.Equal(Points(test.GetProperty("out"))!, mirrored.Points!);
        }
    }

    [Fact]
    public void A_window_keeps_the_faces_that_the_original_keeps()
    {
        int dropped = 0;
        foreach (JsonElement test in Cases("_adjust_bboxes_landmarks"))
        {
            int[] crop = test.GetProperty("crop_bbox").Integers();
            PixelRectangle window = new(crop[0], crop[1], crop[2], crop[3]);
            List<MarkedFace> faces = Faces(test, "bboxes", "landmarks");

            List<MarkedFace> kept = [.. faces.Select(face => OriginalAugmentation.Crop(face, window)).OfType<MarkedFace>()];

            AssertFaces(Faces(test, "out_bboxes", "out_landmarks"), kept);
            dropped += faces.Count - kept.Count;
        }
        Assert.True(dropped > 0);
    }

    [Fact]
    public void Crops_that_begin_at_row_0_are_the_originals()
    {
        int cropped = 0;
        foreach (JsonElement test in Cases("random_crop"))
        {
            (int width, int height) = (test.GetProperty("w").GetInt32(), test.GetProperty("h").GetInt32());
            List<MarkedFace> faces = Faces(test, "bboxes", "landmarks");

            PixelRectangle window = OriginalAugmentation.DrawCrop(width, height, faces, ScriptedDraws.From(test.GetProperty("draws")));

            int[] size = test.GetProperty("out_size_wh").Integers();
            Assert.Equal((size[0], size[1]), (window.Right - window.Left, window.Bottom - window.Top));
            // The original drops faces without points from a crop, but not from the picture that it falls back to.
            bool whole = window == new PixelRectangle(0, 0, width, height);
            if (!whole) faces = [.. faces.Select(face => OriginalAugmentation.Crop(face, window)).OfType<MarkedFace>()];
            AssertFaces(Faces(test, "out_bboxes", "out_landmarks"), faces);
            if (!whole) cropped++;
        }
        Assert.True(cropped > 10, $"only {cropped} cases are cropped");
    }

    [Fact]
    public void Crops_begin_at_any_row()
    {
        MarkedFace face = new(new Box(90, 140, 110, 160), [(100, 150)]);

        int[] tops = [.. Enumerable.Range(0, 50).Select(i => OriginalAugmentation.DrawCrop(200, 300, [face], new SampleDraws(1, i)).Top)];

        Assert.True(tops.Distinct().Count() > 10);
        Assert.All(tops, top => Assert.InRange(top, 0, 90));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Noise_changes_a_picture_without_moving_its_mean(int kind)
    {
        byte[] grey = [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(100 + i % 4))];
        byte[] pixels = [.. grey];

        OriginalAugmentation.AddNoise(pixels, 64, 64, new NoiseDraws(kind));

        Assert.NotEqual(grey, pixels);
        // Gaussian noise is truncated to whole levels, half a level down on average, as in the original.
        Assert.Equal(grey.Average(value => value), pixels.Average(value => value), 0.7);
    }

    private static IEnumerable<JsonElement> Cases(string operation) =>
        JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("geometry", "augmentation.json"))).RootElement
            .GetProperty("cases").EnumerateArray().Where(test => test.GetProperty("op").GetString() == operation);

    private static List<MarkedFace> Faces(JsonElement test, string boxes, string landmarks) =>
    [
        .. test.GetProperty(boxes).EnumerateArray().Zip(test.GetProperty(landmarks).EnumerateArray(), (box, points) =>
        {
            double[] edges = box.Doubles();
            return new MarkedFace(new Box(edges[0], edges[1], edges[2], edges[3]), Points(points));
        }),
    ];

    private static (double X, double Y)[]? Points(JsonElement points)
    {
        double[] numbers = points.Doubles();
        return numbers.Contains(-1) ? null : [.. numbers.Chunk(2).Select(point => (point[0], point[1]))];
    }

    private static void AssertFaces(List<MarkedFace> expected, List<MarkedFace> actual)
    {
        Assert.Equal(expected.Select(face => face.Box), actual.Select(face => face.Box));
        Assert.Equal(expected.Select(face => face.Points), actual.Select(face => face.Points));
    }

    /// <summary>Asks for noise of one kind.</summary>
    private sealed class NoiseDraws(int kind) : IAugmentationDraws
    {
        private readonly SampleDraws _draws = new(7, kind);
        private int _asked;

        public double Uniform(double low, double high) => _draws.Uniform(low, high);

        public int Integer(int low, int high) => _asked++ switch { 0 => 4, 1 => kind, _ => _draws.Integer(low, high) };

        public double Normal() => _draws.Normal();
    }
}
