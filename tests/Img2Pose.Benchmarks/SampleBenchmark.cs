using System.Diagnostics;
using System.Globalization;
using Img2Pose.Formats;
using Img2Pose.Training.Augmentation;

namespace Img2Pose.Benchmarks;

/// <summary>
/// <c>samples PACK [COUNT] [MESH]</c>: training samples a second on one thread, all and without one thing at a time. Rounds of the
/// kinds take turns in one process, so that what else the machine does falls on all alike.
/// </summary>
internal static class SampleBenchmark
{
    private const int Size = 320, Rounds = 5;

    public static int Print(string pack, int count, string? mesh)
    {
        AnnotatedImage[] images = AnnotationPackReader.Load(pack);
        // Evenly over the pack: its sets have pictures of very different sizes.
        if (images.Length > 200) images = [.. images.Where((_, i) => i % (images.Length / 200) == 0)];
        SampleGeneratorOptions all = new() { MeshFolder = mesh };
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
        double[] seconds = new double[kinds.Length];
        for (int round = -1; round < Rounds; round++)
        {
            for (int kind = 0; kind < kinds.Length; kind++)
            {
                Stopwatch clock = Stopwatch.StartNew();
                for (int i = 0; i < count; i++) kinds[kind].Generator.Generate(1, i + count * Math.Max(0, round), Size, Size);
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
