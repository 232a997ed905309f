using Img2Pose.Formats;
using Img2Pose.Testing;
using Img2Pose.Training.Losses;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Losses;

/// <summary>What a teacher's answers add to the loss.</summary>
public sealed class DistillationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("distillation-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void There_is_nothing_to_learn_from_oneself()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using NanoLoss loss = new(CPU);
        Tensor codes = Codes(3), own = codes.clone();
        own.requires_grad = true;

        Tensor apart = loss.Distil(own, codes);
        apart.backward();

        Assert.Equal(0, apart.item<float>(), 1e-6f);
        Assert.All(own.grad!.data<float>().ToArray(), gradient => Assert.Equal(0, gradient, 1e-6f));
    }

    [Fact]
    public void A_score_is_compared_on_every_cell_and_the_rest_where_the_teacher_sees_a_face()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using NanoLoss loss = new(CPU);
        // Three cells: a face at 0.5, nothing at 0.01, and what the teacher is not sure enough of, 0.1.
        float[] taught = [0, 0, 0, 0, 6, 0, 0, 0, Logit(0.01), 9, 9, 9, 9, 9, 9, 9, Logit(0.1), 9, 9, 9, 9, 9, 9, 9];
        float[] found = [Logit(0.25), 0, 0, 0, 6, 0, 0, 0, Logit(0.01), 0, 0, 0, 0, 0, 0, 0, Logit(0.2), 0, 0, 0, 0, 0, 0, 0];

        double actual = loss.Distil(tensor(found, [1, 3, CellCode.Values]), tensor(taught, [1, 3, CellCode.Values])).item<float>();

        double expected = 0.25 * 0.25 * CrossEntropy(0.5, 0.25) + 0.1 * 0.1 * CrossEntropy(0.1, 0.2);
        Assert.Equal(expected, actual, 1e-5);
        // A cell's place and pose count only where the teacher sees a face.
        found[1] = 0.02f;
        double shifted = loss.Distil(tensor(found, [1, 3, CellCode.Values]), tensor(taught, [1, 3, CellCode.Values])).item<float>();
        // One of three numbers of place, within the smooth part (0.05): 2 · 0.02²/(2 · 0.05)/3; of each point one of three: 4 · 0.02/3; weights divide by 0.5 + 0.001.
        Assert.Equal(expected + (2 * 0.004 / 3 + 4 * 0.02 / 3) * 0.5 / 0.501, shifted, 1e-5);
    }

    [Fact]
    public void Codes_that_learn_from_a_teacher_become_its()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using NanoLoss loss = new(CPU);
        Tensor taught = Codes(5);
        Parameter codes = new(Codes(6));
        using OptimizerHelper optimizer = optim.AdamW([codes], 0.05, beta2: 0.999, weight_decay: 0);
        float first = 0, last = 0;
        for (int step = 0; step < 300; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            optimizer.zero_grad();
            Tensor apart = loss.Distil(codes, taught);
            apart.backward();
            optimizer.step();
            last = apart.item<float>();
            if (step == 0) first = last;
        }

        Assert.True(last < 0.02f * first, $"the loss went from {first} to {last}");
        float[] wanted = taught.data<float>().ToArray(), learned = codes.detach().data<float>().ToArray();
        for (int cell = 0; cell < wanted.Length; cell += CellCode.Values)
        {
            if (wanted[cell] < 0) continue;
            Assert.All(Enumerable.Range(1, CellCode.Values - 1), value => Assert.Equal(wanted[cell + value], learned[cell + value], 0.2f));
        }
    }

    [Theory]
    [InlineData("img2pose-nano")]
    [InlineData("img2pose-r18")]
    public async Task A_run_learns_from_a_package_of_either_network_and_validates_without_it(string teacher)
    {
        Torch.Require();
        string pack = Path.Combine(_folder.FullName, "pack");
        LinkedPack.Write(pack, 4);
        List<string> said = [];
        TrainingOptions options = new()
        {
            Data = pack,
            Output = Path.Combine(_folder.FullName, "out"),
            Steps = 25,
            EpochSteps = 25,
            Batch = 1,
            Sizes = [128],
            WarmUp = 0,
            LearningRate = 1e-3,
            Threads = 1,
            Precision = "bfloat16",
            Teacher = Path.Combine(SharedData.RepositoryRoot, "models", teacher + ".onnx"),
        };

        await new NanoTrainer(options, said.Add).RunAsync(TestContext.Current.CancellationToken);

        Assert.Contains(said, line => line.StartsWith("learns from ", StringComparison.Ordinal));
        Assert.Contains(said, line => line.StartsWith("step 25/", StringComparison.Ordinal) && line.Contains(" teacher ", StringComparison.Ordinal));
        Assert.Contains(said, line => line.StartsWith("validation at 25: loss", StringComparison.Ordinal) && !line.Contains("teacher", StringComparison.Ordinal));
    }

    [Fact]
    public void The_teachers_network_says_what_its_package_says()
    {
        Torch.Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        manual_seed(4);
        using NanoNetwork network = new();
        network.eval();
        string package = Path.Combine(_folder.FullName, "teacher.onnx");
        NanoExporter.Export(network.Graph, State(network), package, "{}");
        Tensor pictures = empty([2, 3, 64, 64]).normal_(0, 1);

        using nn.Module<Tensor, Tensor> teacher = NanoStart.Teacher(package);

        float[] expected = network.call(pictures).data<float>().ToArray(), actual = teacher.call(pictures).data<float>().ToArray();
        double largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * largest));
        Assert.All(teacher.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void A_teacher_of_another_kind_or_none_is_refused_by_name()
    {
        Torch.Require();
        using NanoNetwork small = new(new NanoArchitecture { Pyramid = 32 });
        string other = Path.Combine(_folder.FullName, "other.onnx"), damaged = Path.Combine(_folder.FullName, "damaged.onnx");
        NanoExporter.Export(small.Graph, State(small), other, "{}");
        File.WriteAllBytes(damaged, File.ReadAllBytes(other)[..2000]);

        Assert.Contains(other, Assert.Throws<InputException>(() => NanoStart.Teacher(other)).Message, StringComparison.Ordinal);
        Assert.Contains(damaged, Assert.Throws<ModelException>(() => NanoStart.Teacher(damaged)).Message, StringComparison.Ordinal);
    }

    /// <summary>Random codes of eight cells, of which four see a face.</summary>
    private static Tensor Codes(long seed)
    {
        manual_seed(seed);
        float[] values = empty([1, 8, CellCode.Values]).normal_(0, 0.5).data<float>().ToArray();
        for (int cell = 0; cell < 8; cell++)
        {
            values[cell * CellCode.Values] = cell % 2 == 0 ? 2 : -4;
            values[cell * CellCode.Values + 4] += CellCode.DirectionScale;
        }
        return tensor(values, [1, 8, CellCode.Values]);
    }

    private static IEnumerable<NamedArray> State(nn.Module network) => network.state_dict()
        .Where(pair => pair.Value.dtype == float32).Select(pair => new NamedArray(pair.Key, pair.Value.shape, pair.Value.detach().data<float>().ToArray()));

    private static float Logit(double probability) => (float)Math.Log(probability / (1 - probability));

    private static double CrossEntropy(double wanted, double found) => -wanted * Math.Log(found) - (1 - wanted) * Math.Log(1 - found);
}
