using System.Security.Cryptography;

namespace Img2Pose.Inference;

/// <summary>
/// A model file that was found, described and checked against the graph contract that all models of this program share
/// (DESIGN, section 6). It holds no weights; <see cref="PoseDetector"/> loads them.
/// </summary>
public sealed class ModelPackage
{
    /// <summary>Largest model file that is opened, bytes; also the most that one ONNX file can hold.</summary>
    public const long SizeLimit = int.MaxValue;

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
        if (Directory.Exists(path)) throw new ModelException($"{path}: is a directory; name a model file (.onnx).");
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 14);
            if (stream.Length == 0) throw new ModelException($"{path}: is empty; download or export the model again.");
            if (stream.Length > SizeLimit)
                throw new ModelException($"{path}: is larger than the limit of {SizeLimit} bytes for a model file.");
            OnnxSummary summary = OnnxSummary.Read(stream, path);
            return new ModelPackage(path, stream.Length, Check(summary, path));
        }
        catch (FileNotFoundException error)
        {
            throw new ModelException($"{path}: there is no such model file; 'img2pose models list' shows those known.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"{path}: cannot be read ({OneLine.Of(error.Message)}).", error);
        }
    }

    private static ModelMetadata Check(OnnxSummary summary, string path)
    {
        if (!summary.Metadata.TryGetValue(ModelMetadata.Key, out string? json))
            throw new ModelException($"{path}: has no '{ModelMetadata.Key}' metadata; it is not an img2pose model package.");
        ModelMetadata metadata = ModelMetadata.Parse(json, path);
        Check("input", s_inputs, summary.Inputs, path);
        Check("output", s_outputs, summary.Outputs, path);
        if (!summary.Initialisers.Contains("boxes"))
            throw new ModelException($"{path}: its input 'boxes' has no default value; it does not keep the model contract.");
        foreach (OnnxTensor input in summary.Inputs)
        {
            // An input without a default that this program does not know could never be fed.
            if (!summary.Initialisers.Contains(input.Name) && !s_inputs.Any(known => known.Name == input.Name))
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
