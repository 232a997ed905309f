using System.Reflection;
using Img2Pose.Testing;

namespace Img2Pose.Core.Tests;

/// <summary>The numbers of log events, which people search logs for.</summary>
public class EventNumbersTests
{
    private static readonly (string Name, int Number)[] s_all =
        [.. typeof(EventNumbers).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (field.Name, (int)field.GetRawConstantValue()!))];

    [Fact]
    public void No_number_is_that_of_two_events() => Assert.Equal(s_all.Length, s_all.Select(told => told.Number).Distinct().Count());

    [Fact]
    public void Every_event_is_listed_in_the_documentation()
    {
        string page = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "architecture.md"));

        Assert.All(s_all, told => Assert.Contains($"| {told.Number} | {told.Name} |", page, StringComparison.Ordinal));
    }
}
