using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Img2Pose.Formats.Onnx;
using Img2Pose.Models.Networks;
using Img2Pose.Models.Precision;

namespace Img2Pose.Models.Packages;

/// <summary>What an export changes; null keeps what the package has.</summary>
public sealed record ExportOptions
{
    /// <summary>Name of the new package.</summary>
    public string? Name { get; init; }

    /// <summary>Best anchors kept per level before suppression, at least 1.</summary>
    public int? ProposalsBeforeSuppression { get; init; }

    /// <summary>Best proposals kept per picture after suppression, at least 1.</summary>
    public int? ProposalsAfterSuppression { get; init; }

    /// <summary>Default score threshold, in [0, 1).</summary>
    public double? ScoreThreshold { get; init; }

    /// <summary>Scores as the network was trained to give them: takes a calibration back, and with it the threshold.</summary>
    public bool Uncalibrated { get; init; }

    /// <summary>Write the dense layers in 16-bit floating point, for GPUs.</summary>
    public bool Half { get; init; }

    /// <summary>Write the dense layers in eight bits, with the ranges that <see cref="CalibrationProbe"/> found; excludes <see cref="Half"/>.</summary>
    public IReadOnlyDictionary<string, ValueRange>? Int8Ranges { get; init; }

    /// <summary>
    /// Use all eight bits of the weights, for processors with VNNI only: others add pairs of products in 16 bits, which overflows
    /// unless weights keep to seven bits, and a package outlives the processor that wrote it.
    /// </summary>
    public bool FullRangeWeights { get; init; }
}

/// <summary>Writes a package under other settings, for instance with fewer proposals: faster, at the price of faces missed.</summary>
public static class PackageExporter
{
    /// <summary>Reads a package and writes the changed one.</summary>
    /// <exception cref="ModelException">The package cannot be read, or has no such setting.</exception>
    /// <exception cref="UsageException">A setting makes no sense.</exception>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Export(string package, ExportOptions options, string path)
    {
        if (options.ProposalsBeforeSuppression < 1 || options.ProposalsAfterSuppression < 1)
            throw new UsageException("The numbers of proposals must be at least 1.");
        if (options.ScoreThreshold is { } score && !(score is >= 0 and < 1)) throw new UsageException("The score threshold must lie in [0, 1).");
        if (options.Half && options.Int8Ranges is not null) throw new UsageException("A package is exported in 16 or in 8 bits, not both.");
        ModelProto model = OnnxFile.Read(package);
        if (options.ProposalsBeforeSuppression is { } before) Set(model, RegionProposals.BeforeSuppression, before, package);
        if (options.ProposalsAfterSuppression is { } after) Set(model, RegionProposals.AfterSuppression, after, package);
        if (options.Uncalibrated) PackageCalibrator.Remove(model, package);
        if (options.Half || options.Int8Ranges is not null) ChangePrecision(model, options, package);
        Describe(model, options, package);
        OnnxFile.Write(model, path);
    }

    private static void ChangePrecision(ModelProto model, ExportOptions options, string package)
    {
        _ = HalfStorage.Expand(model.Graph);
        DenseRegion region = new(model.Graph);
        if (region.Layers.Count == 0)
            throw new ModelException($"{package}: has no layer of 32-bit weights; start from the package as it was imported or trained.");
        // -63…63 instead of -127…127: the sum of two products with a byte then fits into 16 bits.
        GraphRewriter rewriter = options.Int8Ranges is { } ranges ? new Int8Rewriter(region, ranges, options.FullRangeWeights ? 127 : 63) : new HalfRewriter(region);
        rewriter.Rewrite(model.Graph);
    }

    private static void Describe(ModelProto model, ExportOptions options, string package)
    {
        StringStringEntryProto entry = model.MetadataProps.FirstOrDefault(p => p.Key == PackageDescription.Key)
            ?? throw new ModelException($"{package}: has no '{PackageDescription.Key}' metadata; it is not an img2pose model package.");
        try
        {
            JsonObject json = JsonNode.Parse(entry.Value)!.AsObject();
            if (options.Name is not null) json["name"] = options.Name;
            if (options.ScoreThreshold is { } score) json["score_threshold"] = score;
            if (options.Half) json["precision"] = "float16";
            if (options.Int8Ranges is not null) json["precision"] = options.FullRangeWeights ? "int8-full" : "int8-reduced";
            entry.Value = json.ToJsonString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelException($"{package}: its metadata is not a JSON object; the file is damaged.", e);
        }
    }

    private static void Set(ModelProto model, string name, long value, string package)
    {
        TensorProto tensor = Find(model.Graph, name)
            ?? throw new ModelException($"{package}: has no setting '{name}'; its number of proposals is fixed.");
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        tensor.RawData = ByteString.CopyFrom(bytes);
    }

    private static TensorProto? Find(GraphProto graph, string name)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            if (tensor.Name == name) return tensor;
        }
        return graph.Node.SelectMany(n => n.Attribute).Where(a => a.G is not null).Select(a => Find(a.G, name)).FirstOrDefault(t => t is not null);
    }
}
