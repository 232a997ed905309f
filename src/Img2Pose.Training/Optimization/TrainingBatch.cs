using Img2Pose.Training.Augmentation;

namespace Img2Pose.Training.Optimization;

/// <summary>A batch of square pictures for the nano networks.</summary>
/// <param name="Size">Side of the square pictures.</param>
/// <param name="Pictures">Interleaved RGB, [Count × Size × Size × 3].</param>
/// <param name="Samples">The same pictures with their labels.</param>
/// <param name="Number">Which batch of its run; what a loss draws depends on it.</param>
internal sealed record TrainingBatch(int Size, byte[] Pictures, IReadOnlyList<TrainingSample> Samples, long Number)
{
    /// <summary>Place of the first picture in the whole batch: not 0 in a share of one.</summary>
    internal int First { get; private init; }

    // Samples of a batch are numbered from a multiple of this.
    private const long Stride = 4096;

    /// <summary>Batch <paramref name="number"/> of a run: its size is one of the given ones, its pictures as many as have <paramref name="count"/> at 320×320 pixels.</summary>
    internal static TrainingBatch MakeNumbered(SampleGenerator generator, ulong seed, long number, int count, IReadOnlyList<int> sizes)
    {
        int size = sizes[(int)(Scramble(seed ^ (ulong)number) % (ulong)sizes.Count)];
        return Make(generator, seed, number, PicturesAt(size, count), size);
    }

    /// <summary>Pictures of a batch at a size: as many pixels as <paramref name="count"/> have at 320×320, at least one picture.</summary>
    internal static int PicturesAt(int size, int count) => Math.Max(1, (int)Math.Round(count * (320.0 * 320) / ((double)size * size)));

    /// <summary>Some of the pictures, in their order.</summary>
    internal TrainingBatch Slice(int first, int count)
    {
        int each = Size * Size * 3;
        return this with { Pictures = Pictures[(first * each)..((first + count) * each)], Samples = [.. Samples.Skip(first).Take(count)], First = First + first };
    }

    /// <summary>What a sample of the batch is called: the batch's number and its own, and the pictures that it was made of.</summary>
    internal string Describe(int index)
    {
        string[] sources = [.. Samples[index].Sources.Distinct(StringComparer.Ordinal)];
        return $"sample {Number}.{First + index} ({(sources.Length == 0 ? "no picture" : string.Join(", ", sources))})";
    }

    /// <summary>Batch <paramref name="number"/> of so many pictures of one size.</summary>
    internal static TrainingBatch Make(SampleGenerator generator, ulong seed, long number, int count, int size)
    {
        TrainingSample[] samples = new TrainingSample[count];
        byte[] pictures = new byte[count * size * size * 3];
        for (int i = 0; i < count; i++)
        {
            samples[i] = generator.Generate(seed, number * Stride + i, size, size);
            samples[i].Rgb.CopyTo(pictures, i * size * size * 3);
        }
        return new TrainingBatch(size, pictures, samples, number);
    }

    /// <summary>SplitMix64's output function.</summary>
    private static ulong Scramble(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
