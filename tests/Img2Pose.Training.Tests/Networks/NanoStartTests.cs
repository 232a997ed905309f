using Img2Pose.Formats;
using Img2Pose.Geometry;
using Img2Pose.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Networks;

public sealed class NanoStartTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"start-{Guid.NewGuid():N}.onnx");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_network_started_from_a_package_computes_what_the_packaged_one_did()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        manual_seed(3);
        using NanoNetwork trained = Scrambled();
        Tensor input = empty([2, 3, 64, 128]).normal_(0, 1);
        float[] expected = trained.call(input).data<float>().ToArray();
        Export(trained);

        using NanoNetwork started = new();
        NanoStart.Load(_path, started);
        NanoStart.Measure(started, 3, i => i == 0 ? input.clone() : empty([2, 3, 64, 128]).normal_(0, 1));
        started.eval();
        float[] evaluated = started.call(input).data<float>().ToArray();

        // Folding and unfolding round each weight once more: some 30 layers at 6e-8 each, and the values reach 10.
        double largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(evaluated), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * largest));
    }

    [Theory]
    [InlineData(false, 1e-4)]
    [InlineData(true, 5e-3)]
    public void So_does_one_on_a_resnet_whose_weights_may_be_stored_in_16_bits(bool half, double tolerance)
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        manual_seed(6);
        using R18Network trained = Scrambled(new R18Network());
        Tensor input = empty([1, 3, 64, 128]).normal_(0, 1);
        float[] expected = trained.call(input).data<float>().ToArray();
        Export(trained, R18Network.Graph with { HalfWeights = half });

        using R18Network started = new();
        NanoStart.Load(_path, started);
        NanoStart.Measure(started, 2, i => i == 0 ? input.clone() : empty([1, 3, 64, 128]).normal_(0, 1));
        started.eval();
        float[] evaluated = started.call(input).data<float>().ToArray();

        double largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(evaluated), pair => Assert.Equal(pair.First, pair.Second, tolerance * largest));
        // A network that was not started computes something else.
        using R18Network other = new();
        other.eval();
        Assert.Contains(expected.Zip(other.call(input).data<float>().ToArray()), pair => Math.Abs(pair.First - pair.Second) > 10 * tolerance * largest);
        Assert.Contains("same network", Assert.Throws<InputException>(() => NanoStart.Load(_path, new NanoNetwork())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_reaches_a_batch_norm_after_a_start_has_the_statistics_it_says()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        manual_seed(4);
        using NanoNetwork trained = Scrambled();
        Export(trained);
        Tensor input = empty([4, 3, 64, 64]).normal_(0, 1);

        using NanoNetwork started = new();
        NanoStart.Load(_path, started);
        NanoStart.Measure(started, 1, _ => input.clone());

        // In training mode a batch norm uses its batch; on the batch that was measured that changes nothing.
        started.eval();
        float[] evaluated = started.call(input).data<float>().ToArray();
        started.train();
        float[] learning = started.call(input).data<float>().ToArray();
        double largest = evaluated.Max(Math.Abs);
        Assert.All(evaluated.Zip(learning), pair => Assert.Equal(pair.First, pair.Second, 2e-3 * largest));
    }

    [Fact]
    public void A_package_of_another_network_is_refused_by_name()
    {
        Torch.Require();
        using NanoNetwork small = new(new NanoArchitecture { Pyramid = 32 });
        Export(small);
        using NanoNetwork network = new();

        InputException error = Assert.Throws<InputException>(() => NanoStart.Load(_path, network));

        Assert.Contains(_path, error.Message, StringComparison.Ordinal);
        Assert.Contains("same network", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.4, -0.9, 0.3)]
    [InlineData(-0.3, 1.4, 2.9)]
    [InlineData(0.2, 0.1, -3.1)]
    [InlineData(0, 0, 3.14159)]
    [InlineData(-0.6, 0.8, 1.6)]
    public void A_rotation_survives_its_numbers_at_any_roll(double nod, double turn, double roll)
    {
        Vector3d rotation = RotationVector.Compose(new Vector3d(0, 0, roll), RotationVector.Compose(new Vector3d(nod, 0, 0), new Vector3d(0, turn, 0)));

        (float cosine, float sine, float alpha, float beta) = CellCode.Encode(RotationVector.ToMatrix(rotation));

        Assert.Equal(CellCode.DirectionScale, double.Hypot(cosine, sine), 1e-5);
        Assert.Equal(Math.Cos(roll), cosine / CellCode.DirectionScale, 1e-6);
        Assert.Equal(Math.Sin(roll), sine / CellCode.DirectionScale, 1e-6);
        Assert.Equal(nod, alpha * CellCode.TiltScale[0], 1e-6);
        Assert.Equal(turn, beta * CellCode.TiltScale[1], 1e-6);
    }

    private static NanoNetwork Scrambled() => Scrambled(new NanoNetwork());

    private static T Scrambled<T>(T network) where T : nn.Module
    {
        foreach ((string name, Tensor buffer) in network.named_buffers())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal)) buffer.normal_(0, 0.2);
            if (name.EndsWith("running_var", StringComparison.Ordinal)) buffer.uniform_(0.5, 1.5);
        }
        network.eval();
        return network;
    }

    private void Export(NanoNetwork network) => Export(network, network.Graph);

    private void Export(nn.Module network, OneStageGraph graph)
    {
        IEnumerable<NamedArray> state = network.state_dict()
            .Where(pair => pair.Value.dtype == float32)
            .Select(pair => new NamedArray(pair.Key, pair.Value.shape, pair.Value.detach().data<float>().ToArray()));
        NanoExporter.Export(graph, state, _path, "{}");
    }
}
