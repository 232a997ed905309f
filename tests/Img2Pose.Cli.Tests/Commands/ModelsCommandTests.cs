using System.CommandLine;
using Img2Pose.Cli.Commands;
using Img2Pose.Formats;
using Img2Pose.Testing;

namespace Img2Pose.Cli.Tests.Commands;

public sealed class ModelsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("img2pose-models").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_list_names_the_official_models_their_licence_and_where_they_are()
    {
        string text = Run("list");

        Assert.Contains("img2pose_v1_ft_300w_lp", text, StringComparison.Ordinal);
        Assert.Contains("CC BY-NC 4.0", text, StringComparison.Ordinal);
        Assert.Contains("https://github.com/vitoralbiero/img2pose/wiki/Model-Zoo", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hostile_checkpoint_is_refused_by_import_and_leaves_no_package()
    {
        string checkpoint = SharedData.RequireGolden("pth", "malicious.pth");
        string package = Path.Combine(_folder, "m.onnx");

        ModelException error = Assert.Throws<ModelException>(() => Run("import", checkpoint, "--out", package));

        Assert.Contains("posix.system", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(package));
    }

    [Fact]
    public void A_checkpoint_of_another_network_is_refused_by_import()
    {
        string checkpoint = SharedData.RequireGolden("pth", "zip_small.pth");
        string mean = Path.Combine(_folder, "mean.npy"), deviation = Path.Combine(_folder, "stddev.npy");
        NpyArray.Write(mean, (double[])[0, 0, 0, 0, 0, 0], 6);
        NpyArray.Write(deviation, (double[])[1, 1, 1, 1, 1, 1], 6);

        ModelException error = Assert.Throws<ModelException>(
            () => Run("import", checkpoint, "--pose-mean", mean, "--pose-stddev", deviation, "--out", Path.Combine(_folder, "m.onnx")));

        Assert.Contains("none of the tensors of an img2pose network", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--int8 and --calibrate FOLDER belong together", "--int8")]
    [InlineData("--int8 and --calibrate FOLDER belong together", "--calibrate", ".")]
    [InlineData("not both", "--int8", "--calibrate", ".", "--fp16")]
    public void An_export_whose_options_contradict_each_other_is_refused(string message, params string[] options)
    {
        string package = Path.Combine(_folder, "m.onnx");

        UsageException error = Assert.Throws<UsageException>(() => Run(["export", "img2pose-nano", "--out", package, .. options]));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(package));
    }

    [Fact]
    public void A_calibration_without_pictures_is_refused()
    {
        string package = Path.Combine(_folder, "m.onnx"), missing = Path.Combine(_folder, "missing");

        Assert.Contains("has no pictures", Assert.Throws<InputException>(
            () => Run("export", "img2pose-nano", "--out", package, "--int8", "--calibrate", _folder)).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be listed", Assert.Throws<InputException>(
            () => Run("export", "img2pose-nano", "--out", package, "--int8", "--calibrate", missing)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(package));
    }

    [Fact]
    public void Crops_of_a_size_without_templates_are_refused_before_anything_is_read()
    {
        UsageException error = Assert.Throws<UsageException>(
            () => AlignCommand.Create().Parse(["nowhere", "--out", _folder, "--size", "100"]).Invoke(Configuration(TextWriter.Null)));

        Assert.Contains("112 or 224", error.Message, StringComparison.Ordinal);
    }

    private static string Run(params string[] arguments)
    {
        using StringWriter output = new();
        ModelsCommand.Create().Parse(arguments).Invoke(Configuration(output));
        return output.ToString();
    }

    private static InvocationConfiguration Configuration(TextWriter output) =>
        new() { EnableDefaultExceptionHandler = false, Output = output, Error = TextWriter.Null };
}
