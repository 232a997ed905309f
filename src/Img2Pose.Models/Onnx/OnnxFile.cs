using Google.Protobuf;
using Img2Pose.Core;

namespace Img2Pose.Models.Onnx;

/// <summary>Reads and writes ONNX model files.</summary>
public static class OnnxFile
{
    // The protobuf encoding counts bytes in 32 bits.
    private const long SizeLimit = int.MaxValue;

    /// <summary>Reads a model.</summary>
    /// <exception cref="ModelException">
    /// The file is absent, too large, not an ONNX model, or keeps tensors in other files, which this program never opens.
    /// </exception>
    public static ModelProto Read(string path)
    {
        ModelProto model;
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > SizeLimit)
                throw new ModelException($"{path}: {stream.Length} bytes is above the 2 GiB that one ONNX file can hold.");
            model = ModelProto.Parser.ParseFrom(stream);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ModelException($"{path}: not an ONNX model ({e.Message}).", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path}: cannot be read: {e.Message}", e);
        }
        if (model.Graph is null || model.Graph.Node.Count == 0)
            throw new ModelException($"{path}: not an ONNX model: it has no graph.");
        RefuseExternalData(model.Graph, path);
        return model;
    }

    /// <summary>Writes a model; the final name never shows an incomplete file.</summary>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(ModelProto model, string path) => AtomicFile.Write(path, model.WriteTo, durable: true);

    private static void RefuseExternalData(GraphProto graph, string path)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            if (tensor.DataLocation == TensorProto.Types.DataLocation.External || tensor.ExternalData.Count > 0)
                throw new ModelException($"{path}: tensor '{tensor.Name}' lies in another file; save the model with its tensors inside.");
        }
        foreach (NodeProto node in graph.Node)
        {
            foreach (AttributeProto attribute in node.Attribute)
            {
                if (attribute.G is not null) RefuseExternalData(attribute.G, path);
                if (attribute.T is { } t && (t.DataLocation == TensorProto.Types.DataLocation.External || t.ExternalData.Count > 0))
                    throw new ModelException($"{path}: a tensor of node '{node.Name}' lies in another file; save the model with its tensors inside.");
            }
        }
    }
}
