using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Inference;

namespace Img2Pose.Benchmarks.Follow;

/// <summary>What a run of the default network costs at different shapes: the numbers that canvases were chosen by.</summary>
internal static class ShapeTable
{
    private static readonly (int Count, int Width, int Height)[] s_shapes =
    [
        (1, 640, 384), (1, 320, 192), (1, 64, 64), (1, 128, 64), (1, 128, 128), (1, 192, 64), (1, 192, 128), (1, 192, 192), (1, 256, 128),
        (1, 256, 192), (1, 256, 256), (1, 320, 256), (1, 384, 256), (1, 512, 256), (2, 128, 128), (4, 128, 128), (2, 64, 64), (4, 64, 64),
    ];

    /// <summary>Prints CPU milliseconds of the thread for each shape, by turns within one run: <c>shapes [MODEL] [ROUNDS]</c>.</summary>
    public static int Print(string? model, int rounds)
    {
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(model)), new PoseDetectorOptions { Device = "cpu", Threads = 1 });
        PoseNetwork network = detector.Network;
        NetworkResults results = new();
        Random random = new(1);
        List<double>[] times = [.. s_shapes.Select(_ => new List<double>())];
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < s_shapes.Length; i++)
            {
                (int count, int width, int height) = s_shapes[i];
                NetworkInput input = network.Shape(count, height, width);
                foreach (ref float value in input.Image) value = random.NextSingle() - 0.5f;
                for (int n = 0; n < count; n++) (input.Sizes[2 * n], input.Sizes[2 * n + 1]) = (height, width);
                network.Run(new NetworkRequest(0.3f), results);
                long start = ThreadClock.Nanoseconds;
                for (int run = 0; run < 3; run++) network.Run(new NetworkRequest(0.3f), results);
                if (round >= 0) times[i].Add((ThreadClock.Nanoseconds - start) / 3e6);
            }
        }
        double full = Median(times[0]);
        Console.WriteLine("shape          least ms  median ms  of the first  of its pixels");
        for (int i = 0; i < s_shapes.Length; i++)
        {
            (int count, int width, int height) = s_shapes[i];
            double pixels = (double)count * width * height / (s_shapes[0].Width * s_shapes[0].Height);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{count} × {width}×{height,-6} {times[i].Min(),8:0.00} {Median(times[i]),10:0.00} {Median(times[i]) / full,13:0.000} {pixels,15:0.000}"));
        }
        return 0;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
