using static TorchSharp.torch;

namespace Img2Pose.Training.Tests;

/// <summary>
/// What TorchSharp refuses. The same tests run with our stand-in and, on Debian 13, with the real package (test.sh): a stand-in
/// that lets more pass would hide what fails there.
/// </summary>
public sealed class TorchSharpRulesTests
{
    public TorchSharpRulesTests() => Torch.Require();

    [Theory]
    [InlineData("")]
    [InlineData("rpn.head")]
    public void A_modules_name_is_one_part_of_a_state_dicts_names(string name)
    {
        using Group group = new();

        Assert.Throws<ArgumentException>(() => group.register_module(name, nn.Linear(1, 1)));
    }

    [Fact]
    public void A_name_stands_once()
    {
        using Group group = new();
        group.register_module("a", nn.Linear(1, 1));
        group.register_parameter("b", new TorchSharp.Modules.Parameter(zeros([1])));
        group.register_buffer("c", zeros([1]));

        Assert.Throws<InvalidOperationException>(() => group.register_module("a", nn.Linear(1, 1)));
        Assert.Throws<InvalidOperationException>(() => group.register_parameter("b", new TorchSharp.Modules.Parameter(zeros([1]))));
        Assert.Throws<InvalidOperationException>(() => group.register_buffer("c", zeros([1])));
        Assert.Equal(["a.bias", "a.weight", "b", "c"], group.state_dict().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Numbers_are_read_as_what_they_are()
    {
        using Tensor single = ones([1]), whole = ones([1], dtype: ScalarType.Int64), two = ones([2]);

        Assert.Equal(1f, single.item<float>());
        Assert.Equal(1L, whole.item<long>());
        Assert.Throws<ArgumentException>(() => single.item<double>());
        Assert.Throws<ArgumentException>(() => whole.item<int>());
        Assert.Throws<ArgumentException>(() => two.item<float>());
        Assert.Throws<ArgumentException>(() => two.data<double>());
    }

    private sealed class Group() : nn.Module(nameof(Group));
}
