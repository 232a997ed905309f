using Img2Pose.Geometry;
using Img2Pose.Training.Augmentation;
using Img2Pose.Training.Data;
using Img2Pose.Training.Native;
using static TorchSharp.torch;

namespace Img2Pose.Training.Optimization;

/// <summary>Pictures of a step with their labels, and the size that each is resized to.</summary>
internal sealed record PaperBatch(IReadOnlyList<PaperSample> Samples, IReadOnlyList<(int Width, int Height)> Sizes)
{
    // Draws of one sample; a sample whose faces all left the picture is drawn anew.
    private const int Attempts = 16;

    // torchvision's divisor of padded sides, which the pyramid's strides need.
    private const int PadMultiple = 32;

    /// <summary>Steps of a pass over a training set; the last pictures of a pass may be left over.</summary>
    internal static long StepsPerPass(int pictures, int batch) => Math.Max(1, pictures / batch);

    /// <summary>
    /// Batch <paramref name="number"/> of endless passes over the pictures, each in an order of its own. It depends on the data,
    /// the seed and the number alone.
    /// </summary>
    /// <param name="source">The pictures.</param>
    /// <param name="loader">Makes samples of them.</param>
    /// <param name="seed">Seed of order, augmentation and sizes.</param>
    /// <param name="number">Which batch, from 0.</param>
    /// <param name="count">Pictures in a batch.</param>
    /// <param name="sides">Shorter sides after resizing; each picture draws one.</param>
    /// <param name="longest">Longest side after resizing.</param>
    /// <exception cref="InputException">No picture can be used, or, where the source leaves nothing out, one.</exception>
    internal static PaperBatch Make(PaperPictureSource source, PaperLoader loader, ulong seed, long number, int count, IReadOnlyList<int> sides, int longest)
    {
        (long pass, long step) = Math.DivRem(number, StepsPerPass(source.Count, count));
        int[] order = [.. Enumerable.Range(0, source.Count)];
        Shuffle(order, new SampleRandom(seed, -1 - pass));
        List<PaperSample> samples = [];
        List<(int, int)> sizes = [];
        for (int i = 0; i < count; i++)
        {
            long first = (number * count + i) * Attempts;
            PaperSample? sample = null;
            // In the place of a picture that cannot be used stands the next one that can.
            for (int next = 0; next < order.Length && sample is null; next++)
                sample = source.TryUse(order[(step * count + i + next) % order.Length], picture => MakeSample(picture, loader, seed, first));
            if (sample is null) throw new InputException($"none of {source.Count} pictures can be used; each was named with its reason");
            int side = sides[new SampleRandom(~seed, first).Below(sides.Count)];
            samples.Add(sample);
            sizes.Add(ResizeRule.MinMax(sample.Picture.Width, sample.Picture.Height, side, longest));
        }
        return new PaperBatch(samples, sizes);
    }

    private static PaperSample MakeSample(PaperPicture picture, PaperLoader loader, ulong seed, long first)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            PaperSample sample = loader.Load(picture, new SampleDraws(seed, first + attempt));
            if (sample.Labels.Poses.Length > 0) return sample;
        }
        throw new InputException($"{picture.Source}: no face projects into the picture; correct or remove the line");
    }

    /// <summary>
    /// Normalised, resized pictures, padded with zeros to a common size [N,3,H,W], and their labels in resized pixels. Poses
    /// survive resizing (<see cref="PoseConversion"/>).
    /// </summary>
    /// <param name="device">Where the pictures are needed.</param>
    /// <param name="first">The first picture of the share that is wanted.</param>
    /// <param name="count">Pictures of that share; null for all. The common size is the whole batch's in any case: strides of anchors depend on it (Q3).</param>
    internal (Tensor Pictures, PaperLabels[] Labels, (int Width, int Height)[] Sizes) ToTensors(Device device, int first = 0, int? count = null)
    {
        int width = ResizeRule.PadTo(Sizes.Max(size => size.Width), PadMultiple), height = ResizeRule.PadTo(Sizes.Max(size => size.Height), PadMultiple);
        PaperLabels[] labels = new PaperLabels[count ?? Samples.Count - first];
        (int Width, int Height)[] sizes = [.. Sizes.Skip(first).Take(labels.Length)];
        Tensor pictures = zeros([labels.Length, 3, height, width], device: device);
        for (int i = 0; i < labels.Length; i++)
        {
            (RgbPicture picture, PaperLabels own) = Samples[first + i];
            Tensor bytes = tensor(picture.Pixels, [1, picture.Height, picture.Width, 3], device: device);
            Tensor normalised = TorchOperators.NormalizePictures(bytes, NanoTrainer.Mean, NanoTrainer.Stddev).contiguous();
            Tensor resized = TorchOperators.ResizeBilinear(normalised, sizes[i].Width, sizes[i].Height);
            pictures.select(0, i).narrow(1, 0, sizes[i].Height).narrow(2, 0, sizes[i].Width).copy_(resized.squeeze(0));
            float scaleX = (float)sizes[i].Width / picture.Width, scaleY = (float)sizes[i].Height / picture.Height;
            labels[i] = own with { Boxes = [.. own.Boxes.Select((edge, k) => edge * (k % 2 == 0 ? scaleX : scaleY))] };
        }
        return (pictures, labels, sizes);
    }

    /// <summary>Fisher and Yates' shuffle, which every runtime does alike.</summary>
    private static void Shuffle(int[] order, SampleRandom random)
    {
        for (int i = order.Length - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }
    }
}
