using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Training.Networks;
using Img2Pose.Training.Optimization;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace Img2Pose.Training.Tests.Networks;

/// <summary>The backbone of the package, where a user's folder of packages has it: tests fetch nothing.</summary>
public sealed class ImageNetBackboneTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("backbone-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Features_are_those_of_the_packages_own_graph()
    {
        Torch.Require();
        string path = Require();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable still = no_grad();
        const int side = 224;
        // Waves of several lengths and directions, in red, green, blue from 0 to 1.
        float[] picture = new float[3 * side * side], theirs = new float[picture.Length];
        for (int i = 0; i < picture.Length; i++)
        {
            int channel = i / (side * side), y = i / side % side, x = i % side;
            picture[i] = 0.5f + 0.25f * MathF.Sin(0.07f * x + 0.11f * y * (channel + 1)) + 0.25f * MathF.Sin(0.9f * x - 0.5f * y + channel);
            theirs[(2 - channel) * side * side + i % (side * side)] = (float)(255 * picture[i] - ImageNetBackbone.MeanPicture[channel]);
            picture[i] = (picture[i] - NanoTrainer.Mean[channel]) / NanoTrainer.Stddev[channel];
        }
        string[] names = ["ReLU283_Output_0", "ReLU315_Output_0", "ReLU347_Output_0", "ReLU379_Output_0"];
        float[][] expected = Stages(path, theirs, names);
        using ResNetBody body = new(18, R18Network.NormEpsilon, learns: true);

        ImageNetBackbone.Read(path).Load(body, R18Network.NormEpsilon);
        body.eval();

        Tensor[] stages = body.call(tensor(picture, [1, 3, side, side]));
        for (int stage = 0; stage < names.Length; stage++)
        {
            float[] actual = stages[stage].contiguous().data<float>().ToArray();
            double apart = Math.Sqrt(actual.Zip(expected[stage], (a, b) => (double)(a - b) * (a - b)).Average());
            double size = Math.Sqrt(expected[stage].Average(value => (double)value * value));
            TestContext.Current.TestOutputHelper?.WriteLine($"stage {stage + 1}: apart {apart}, of {size}");
            // Beyond the border this project's black is a mean colour, theirs the mean picture's: they differ by half a grey level.
            Assert.True(apart < 0.01 * size, $"stage {stage + 1}: features of {size} lie {apart} apart");
        }
    }

    [Fact]
    public void A_file_that_is_cut_short_is_refused()
    {
        string cut = Path.Combine(_folder.FullName, "cut.onnx");
        OnnxFile.Write(Skeleton(), cut);
        using (FileStream file = File.OpenWrite(cut)) file.SetLength(1_000_000);

        string message = Assert.Throws<ModelException>(() => ImageNetBackbone.Read(cut)).Message;

        Assert.StartsWith(cut, message, StringComparison.Ordinal);
        Assert.Contains("remove its folder and start --init resnet18-imagenet anew", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("shape", "conv1.weight has the shape [64, 3, 49] instead of [64, 3, 7, 7]")]
    [InlineData("missing", "conv1.weight is missing")]
    [InlineData("fewer", "layer4.2.conv2 is missing")]
    [InlineData("more", "it has 1 more convolutions")]
    public void Another_network_is_refused_with_what_differs(string change, string named)
    {
        ModelProto model = Skeleton();
        TensorProto first = model.Graph.Initializer[0];
        NodeProto[] convolutions = [.. model.Graph.Node.Where(node => node.OpType == "Conv")];
        switch (change)
        {
            case "shape":
                first.Dims.Clear();
                first.Dims.AddRange([64, 3, 49]);
                break;
            case "missing":
                model.Graph.Initializer.RemoveAt(0);
                break;
            case "fewer":
                model.Graph.Node.Remove(convolutions[^1]);
                break;
            default:
                NodeProto another = convolutions[^1].Clone();
                another.Output[0] = "another";
                model.Graph.Node.Add(another);
                break;
        }
        string path = Path.Combine(_folder.FullName, "other.onnx");
        OnnxFile.Write(model, path);

        InputException error = Assert.Throws<InputException>(() => ImageNetBackbone.Read(path));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/bin/false", "ended with 1")]
    [InlineData("no-such-program", "not on PATH")]
    public void A_package_that_cannot_be_fetched_is_named_with_where_it_goes(string dotnet, string why)
    {
        InputException error = Assert.Throws<InputException>(() => ImageNetPackage.Find(_folder.FullName, dotnet, _ => { }));

        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.Contains("ResNet18 0.23.1", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.FullName, error.Message, StringComparison.Ordinal);
    }

    private static string Require()
    {
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string path = Path.Combine(packages, ImageNetPackage.Id.ToLowerInvariant(), ImageNetPackage.Version, "tools", "DnnImageModels", "ResNet18Onnx", "ResNet18.onnx");
        Assert.SkipUnless(File.Exists(path), "the ImageNet backbone has not been fetched on this machine (train --init resnet18-imagenet)");
        return path;
    }

    private static float[][] Stages(string path, float[] picture, string[] names)
    {
        ModelProto model = OnnxFile.Read(path);
        string input = model.Graph.Input[0].Name;
        foreach (string name in names) model.Graph.Output.Add(new ValueInfoProto { Name = name });
        using SessionOptions options = new();
        using InferenceSession session = new(model.ToByteArray(), options);
        using OrtValue value = OrtValue.CreateTensorValueFromMemory(picture, [1, 3, 224, 224]);
        using RunOptions run = new();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(run, [input], [value], names);
        return [.. results.Select(result => result.GetTensorDataAsSpan<float>().ToArray())];
    }

    /// <summary>A network of that shape whose numbers are all zero.</summary>
    private static ModelProto Skeleton()
    {
        ModelProto model = new() { IrVersion = 3, Graph = new GraphProto { Name = "skeleton" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 8 });
        Add(64, 3, 7);
        int channels = 64;
        foreach ((int width, int blocks) in new[] { (64, 2), (128, 2), (256, 2), (512, 3) })
        {
            for (int block = 0; block < blocks; block++)
            {
                if (channels != width) Add(width, channels, 1);
                Add(width, channels, 3);
                Add(width, width, 3);
                channels = width;
            }
        }
        return model;

        void Add(int outputs, int inputs, int kernel)
        {
            string name = $"c{model.Graph.Node.Count}";
            NodeProto convolution = new() { OpType = "Conv" }, norm = new() { OpType = "BatchNormalization" };
            convolution.Input.AddRange(["in", Zeros(name, outputs, inputs, kernel, kernel)]);
            convolution.Output.Add(name + ".out");
            norm.Input.Add(name + ".out");
            for (int i = 0; i < 4; i++) norm.Input.Add(Zeros($"{name}.n{i}", outputs));
            norm.Output.Add(name + ".normed");
            model.Graph.Node.AddRange([convolution, norm]);
        }

        string Zeros(string name, params long[] shape)
        {
            TensorProto tensor = new() { Name = name, DataType = (int)TensorProto.Types.DataType.Float, RawData = ByteString.CopyFrom(new byte[4 * shape.Aggregate(1L, (a, b) => a * b)]) };
            tensor.Dims.AddRange(shape);
            model.Graph.Initializer.Add(tensor);
            return name;
        }
    }
}
