using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Onnx;
using Img2Pose.Models.Packages;

namespace Img2Pose.Models.Tests.Packages;

public sealed class PackageCheckTests
{
    [Fact]
    public void A_weight_that_is_not_finite_is_named()
    {
        ModelProto model = Model([1f, float.NaN]);

        ModelException error = Assert.Throws<ModelException>(() => PackageCheck.RequireFinite(model, "m.onnx"));

        Assert.Equal("m.onnx: tensor 'weight' has a number that is not finite; the file is damaged.", error.Message);
    }

    [Fact]
    public void A_weight_whose_bytes_do_not_fill_its_shape_is_named()
    {
        ModelProto model = Model([1f, 2f]);
        model.Graph.Initializer[0].RawData = ByteString.CopyFrom(new byte[7]);

        ModelException error = Assert.Throws<ModelException>(() => PackageCheck.RequireFinite(model, "m.onnx"));

        Assert.Contains("'weight' has 7 bytes for 2 numbers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_export_of_a_model_without_that_setting_is_refused()
    {
        string path = Path.GetTempFileName();
        try
        {
            OnnxFile.Write(Model([1f, 2f]), path);

            ModelException error = Assert.Throws<ModelException>(
                () => PackageExporter.Export(path, new ExportOptions { ProposalsAfterSuppression = 10 }, path + ".out"));

            Assert.Contains("its number of proposals is fixed", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ModelProto Model(float[] weight)
    {
        OnnxGraphBuilder builder = new("g");
        builder.Output(builder.Node("Relu", [builder.Initializer("weight", weight)]), OnnxElementType.Float32, weight.Length);
        return builder.Build();
    }
}
