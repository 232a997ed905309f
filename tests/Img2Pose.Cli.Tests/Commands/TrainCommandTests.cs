using System.CommandLine;
using Img2Pose.Cli.Commands;

namespace Img2Pose.Cli.Tests.Commands;

public sealed class TrainCommandTests
{
    [Theory]
    [InlineData("nano-two-stage", "--pretrained", "x.pth")]
    [InlineData("nano", "--optimizer", "sgd")]
    [InlineData("resnet18", "--mesh", "mesh")]
    public async Task An_option_of_another_network_is_refused(string network, string option, string value)
    {
        UsageException error = await Assert.ThrowsAsync<UsageException>(() => Run("data", "--network", network, option, value));

        Assert.Equal($"{option} means nothing with --network {network}", error.Message);
    }

    [Fact]
    public async Task An_unknown_network_is_refused_with_the_known_ones_named()
    {
        UsageException error = await Assert.ThrowsAsync<UsageException>(() => Run("data", "--network", "nano-three-stage"));

        Assert.Contains("'nano-three-stage' is none of nano, r18, nano-two-stage, resnet18", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nano")]
    [InlineData("nano-two-stage")]
    public async Task Both_nano_networks_take_a_pack_and_the_default_models_options(string network)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"train-{Guid.NewGuid():N}");
        string absent = Path.Combine(folder, "no-pack"), output = Path.Combine(folder, "out");
        try
        {
            InputException error = await Assert.ThrowsAsync<InputException>(
                () => Run(absent, "--network", network, "--mesh", "mesh", "--set-weights", "wider=3", "--out", output));

            Assert.Contains(absent, error.Message, StringComparison.Ordinal);
            Assert.Contains($"\"{network}\"", await File.ReadAllTextAsync(Path.Combine(output, "config.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<int> Run(params string[] arguments) => TrainCommand.Create().Parse(arguments).InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
}
