using System.Security.Cryptography;
using Img2Pose.Formats.Onnx;

namespace Img2Pose.Inference;

/// <summary>
/// A model file that was found, described and checked against the graph contract that all models of this program share
/// (docs/architecture.md, "A model package"). It holds no weights; <see cref="PoseDetector"/> loads them. Loaded once, never changed, thread-safe.
/// </summary>
public sealed class ModelPackage
{
    private const int Float32 = 1, Int64 = 7;

    private static readonly OnnxTensor[] s_inputs =
        [new("image", Float32, 4), new("sizes", Int64, 2), new("boxes", Float32, 2), new("score_threshold", Float32, 0)];

    private static readonly OnnxTensor[] s_outputs =
    [
        new("proposals", Float32, 2), new("image_index", Int64, 1), new("scores", Float32, 1),
        new("pose_index", Int64, 1), new("poses", Float32, 2),
    ];

    private readonly Lazy<string> _sha256;

    private ModelPackage(string path, long size, ModelMetadata metadata)
    {
        Path = path;
        FileSize = size;
        Metadata = metadata;
        _sha256 = new Lazy<string>(() => Hash(path));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Bytes of the file.</summary>
    public long FileSize { get; }

    /// <summary>What the model says of itself.</summary>
    public ModelMetadata Metadata { get; }

    /// <summary>SHA-256 of the file, lower-case hexadecimal; computed at the first use.</summary>
    /// <exception cref="ModelException">The file cannot be read any more.</exception>
    public string Sha256 => _sha256.Value;

    /// <summary>Opens a model file and checks it.</summary>
    /// <exception cref="ModelException">
    /// The file is missing, unreadable, too large, no ONNX model, cut short, refers to other files, or does not keep the contract.
    /// </exception>
    public static ModelPackage Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] bytes = OnnxFile.ReadBytes(path);
        return new ModelPackage(path, bytes.Length, Check(OnnxOutline.Read(bytes, path), path));
    }

    private static ModelMetadata Check(OnnxOutline outline, string path)
    {
        if (!outline.Metadata.TryGetValue(ModelMetadata.Key, out string? json))
            throw new ModelException($"{path}: has no '{ModelMetadata.Key}' metadata; it is not an img2pose model package.");
        ModelMetadata metadata = ModelMetadata.Parse(json, path);
        Check("input", s_inputs, outline.Inputs, path);
        Check("output", s_outputs, outline.Outputs, path);
        if (!outline.Initialisers.Contains("boxes"))
            throw new ModelException($"{path}: its input 'boxes' has no default value; it does not keep the model contract.");
        foreach (OnnxTensor input in outline.Inputs)
        {
            // An input without a default that this program does not know could never be fed.
            if (!outline.Initialisers.Contains(input.Name) && !s_inputs.Any(known => known.Name == input.Name))
                throw new ModelException($"{path}: has an unknown input '{OneLine.Of(input.Name)}'; it does not keep the model contract.");
        }
        return metadata;
    }

    private static void Check(string kind, OnnxTensor[] wanted, List<OnnxTensor> found, string path)
    {
        foreach (OnnxTensor tensor in wanted)
        {
            int i = found.FindIndex(candidate => candidate.Name == tensor.Name);
            if (i < 0) throw new ModelException($"{path}: has no {kind} '{tensor.Name}'; it does not keep the model contract.");
            if (found[i] != tensor)
            {
                throw new ModelException(
                    $"{path}: {kind} '{tensor.Name}' is of {Describe(found[i])} where {Describe(tensor)} is needed; it does not keep the model contract.");
            }
        }
    }

    private static string Describe(OnnxTensor tensor) =>
        $"{tensor.ElementType switch { Float32 => "float32", Int64 => "int64", _ => $"element type {tensor.ElementType}" }} with {tensor.Rank} dimensions";

    private static string Hash(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path}: cannot be read ({OneLine.Of(error.Message)}).", error);
        }
    }
}
