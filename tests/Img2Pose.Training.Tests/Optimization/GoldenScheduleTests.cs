using System.Text.Json;
using Img2Pose.Testing;
using Img2Pose.Training.Optimization;

namespace Img2Pose.Training.Tests.Optimization;

public sealed class GoldenScheduleTests
{
    [Fact]
    public void Learning_rate_and_early_stop_follow_the_original_epoch_by_epoch()
    {
        JsonElement root = JsonDocument.Parse(File.ReadAllText(SharedData.RequireGolden("training", "schedules.json"))).RootElement;
        foreach (JsonElement golden in root.GetProperty("cases").EnumerateArray())
        {
            ReduceOnPlateau schedule = new(root.GetProperty("initial_lr").GetDouble());
            EarlyStopping stopping = new();
            double[] losses = golden.GetProperty("val_loss").Doubles(), rates = golden.GetProperty("lr_after").Doubles();
            int[] counters = golden.GetProperty("early_stop_counter").Integers();
            for (int epoch = 0; epoch < losses.Length; epoch++)
            {
                schedule.Observe(losses[epoch]);
                stopping.Observe(losses[epoch]);

                Assert.Equal(rates[epoch], schedule.Rate, 1e-12);
                Assert.Equal(counters[epoch], stopping.Count);
                Assert.Equal(golden.GetProperty("early_stop")[epoch].GetBoolean(), stopping.ShouldStop);
            }
        }
    }
}
