using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Testing;

namespace Img2Pose.Inference.Tests;

/// <summary>Resizing and normalising against what the original's transform gave (golden folders ops and model).</summary>
public sealed class GoldenTests
{
    /// <summary>The model cases of the golden folder that is there.</summary>
    public static TheoryData<string> Cases()
    {
        string folder = Path.Combine(SharedData.Golden, "model");
        if (!Directory.Exists(folder)) return ["absent"];
        return [.. Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_resize_filter_gives_torch_s_bilinear_values()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("ops", "resize.json")));
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            NpyArray input = NpyArray.Read(SharedData.RequireGolden("ops", test.GetProperty("input").GetString()!));
            NpyArray output = NpyArray.Read(SharedData.RequireGolden("ops", test.GetProperty("output").GetString()!));
            (int height, int width) = (test.GetProperty("resized_hw")[0].GetInt32(), test.GetProperty("resized_hw")[1].GetInt32());
            (int sourceHeight, int sourceWidth) = (input.Shape[1], input.Shape[2]);
            float[] source = input.ToSingles(), expected = output.ToSingles();
            ResizeAxis x = ResizeFilter.CreateAxis(sourceWidth, width, prefilter: false);
            ResizeAxis y = ResizeFilter.CreateAxis(sourceHeight, height, prefilter: false);
            (int paddedHeight, int paddedWidth) = (output.Shape[2], output.Shape[3]);
            double[] mean = [0.485, 0.456, 0.406], stddev = [0.229, 0.224, 0.225];

            Assert.Equal((width, height), SizeRule.MinMax(
                test.GetProperty("min_size").GetInt32(), test.GetProperty("max_size").GetInt32(), 32, doublePrecision: false).Resize(sourceWidth, sourceHeight));
            for (int c = 0; c < 3; c++)
            {
                for (int py = 0; py < paddedHeight; py++)
                {
                    for (int px = 0; px < paddedWidth; px++)
                    {
                        double value = 0;
                        if (px < width && py < height)
                        {
                            float top = Mix(x, px, source.AsSpan((c * sourceHeight + y.First[py]) * sourceWidth, sourceWidth));
                            float bottom = Mix(x, px, source.AsSpan((c * sourceHeight + y.Second[py]) * sourceWidth, sourceWidth));
                            value = ((1 - y.Weights[py]) * top + y.Weights[py] * bottom - mean[c]) / stddev[c];
                        }
                        Assert.Equal(expected[(c * paddedHeight + py) * paddedWidth + px], value, 2e-6);
                    }
                }
            }
        }

        static float Mix(ResizeAxis axis, int d, ReadOnlySpan<float> row) =>
            (1 - axis.Weights[d]) * row[axis.First[d]] + axis.Weights[d] * row[axis.Second[d]];
    }

    [Fact]
    public void Both_size_rules_of_torchvision_give_the_recorded_sizes()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("ops", "resize.json")));
        foreach (JsonElement row in document.RootElement.GetProperty("shapes").EnumerateArray())
        {
            int[] n = [.. row.EnumerateArray().Select(value => value.GetInt32())];
            Assert.Equal((n[4], n[5]), SizeRule.MinMax(n[2], n[3], 32, doublePrecision: false).Resize(n[0], n[1]));
            Assert.Equal((n[6], n[7]), SizeRule.MinMax(n[2], n[3], 32, doublePrecision: true).Resize(n[0], n[1]));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_picture_becomes_the_original_s_network_input(string name)
    {
        string folder = SharedData.RequireGolden("model", name);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json")));
        JsonElement root = document.RootElement, settings = root.GetProperty("settings");
        bool doublePrecision = settings.TryGetProperty("torchvision_behaviour", out JsonElement behaviour)
            && behaviour.GetString()!.Contains("0.8.2", StringComparison.Ordinal);
        SizeRule rule = SizeRule.MinMax(
            settings.GetProperty("min_size").GetInt32(), settings.GetProperty("max_size").GetInt32(), 32, doublePrecision);
        int[] shape = [.. root.GetProperty("padded_batch_shape").EnumerateArray().Select(value => value.GetInt32())];
        (int count, int height, int width) = (shape[0], shape[2], shape[3]);
        float[] batch = new float[count * 3 * height * width];
        using Tensoriser tensoriser = new(TensoriserReference.Normalisation, rule.Prefilter);

        for (int i = 0; i < count; i++)
        {
            JsonElement image = root.GetProperty("images")[i], resized = root.GetProperty("resized_hw")[i];
            using VideoFrame frame = ImageFile.Read(Path.Combine(folder, image.GetProperty("file").GetString()!));
            (int w, int h) = rule.Resize(frame.DisplayWidth, frame.DisplayHeight);
            Assert.Equal((resized[1].GetInt32(), resized[0].GetInt32()), (w, h));
            tensoriser.Write(frame, w, h, batch.AsSpan(i * 3 * height * width), width, height);
        }

        JsonElement tap = root.GetProperty("taps").GetProperty("input");
        for (int k = 0; k < tap.GetProperty("idx").GetArrayLength(); k++)
            Assert.Equal(tap.GetProperty("val")[k].GetDouble(), batch[tap.GetProperty("idx")[k].GetInt32()], 2e-6);
        // The tap's statistics are over all values; 64 of them could miss a shifted row.
        Assert.Equal(tap.GetProperty("mean").GetDouble(), batch.Average(value => (double)value), 1e-6);
        Assert.Equal(tap.GetProperty("min").GetDouble(), batch.Min(), 2e-6);
        Assert.Equal(tap.GetProperty("max").GetDouble(), batch.Max(), 2e-6);
    }
}
