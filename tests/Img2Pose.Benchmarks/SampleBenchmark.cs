using System.Diagnostics;
using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Benchmarks;

/// <summary>
/// <c>samples PACK [COUNT] [MESH] [all]</c>: training samples a second on one thread with the recipe's sizes and weights, all and (without
/// the last word) without one thing at a time. Rounds of the kinds take turns in one process, so that what else the machine does falls on
/// all alike.
/// </summary>
internal static class SampleBenchmark
{
    private const int Rounds = 5;

    /// <summary>What scripts/recipe.sh trains with.</summary>
    private static readonly int[] Sizes = [320, 320, 320, 448];

    private static readonly Dictionary<string, double> Weights = new() { ["wider"] = 4, ["helen"] = 2, ["pointing04"] = 2 };

    public static int Print(string pack, int count, string? mesh, bool onlyAll)
    {
        AnnotatedImage[] images = AnnotationPackReader.Load(pack);
        // Evenly over the pack: its sets have pictures of very different sizes.
        if (images.Length > 200) images = [.. images.Where((_, i) => i % (images.Length / 200) == 0)];
        SampleGeneratorOptions all = new() { MeshFolder = mesh, SetWeights = Weights };
        (string Name, SampleGenerator Generator)[] kinds =
        [
            ("all", Create(all)),
            ("no turned or rendered heads", Create(all with { MeshFolder = null })),
            ("no decoys", Create(all with { DecoyChance = 0 })),
            ("no change of appearance", Create(all with { VaryAppearance = false })),
            ("no occluders", Create(all with { OccluderChance = 0 })),
            ("single pictures only", Create(all with { MosaicShare = 0, PasteShare = 0, BackgroundShare = 0 })),
            ("mosaics only", Create(all with { MosaicShare = 1, PasteShare = 0, BackgroundShare = 0 })),
            ("pasted faces only", Create(all with { MosaicShare = 0, PasteShare = 1, BackgroundShare = 0 })),
        ];
        if (onlyAll) kinds = kinds[..1];
        double[] seconds = new double[kinds.Length];
        for (int round = -1; round < Rounds; round++)
        {
            for (int kind = 0; kind < kinds.Length; kind++)
            {
                Stopwatch clock = Stopwatch.StartNew();
                for (int i = 0; i < count; i++)
                {
                    int size = Sizes[i % Sizes.Length];
                    kinds[kind].Generator.Generate(1, i + count * Math.Max(0, round), size, size);
                }
                // The first round compiles, and fills what is kept.
                if (round >= 0) seconds[kind] += clock.Elapsed.TotalSeconds;
            }
        }
        for (int kind = 0; kind < kinds.Length; kind++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kinds[kind].Name,-30} {Rounds * count / seconds[kind],8:F1} samples/s  {1000 * seconds[kind] / (Rounds * count),7:F2} ms"));
        return 0;

        SampleGenerator Create(SampleGeneratorOptions options) => SampleGenerator.Create(images, options);
    }
}
