using System.Text.Json;
using Img2Pose.Formats.Onnx;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// What a model package says of itself: the JSON value under the key <c>img2pose</c> of the ONNX file's metadata, schema 1.
/// </summary>
public sealed record ModelMetadata
{
    /// <summary>Key in <c>metadata_props</c>.</summary>
    public const string Key = "img2pose";

    /// <summary>The schema that this program reads.</summary>
    public const int Schema = 1;

    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>How pictures are resized.</summary>
    public required SizeRule Size { get; init; }

    /// <summary>Normalisation of the colours.</summary>
    public required Normalisation Normalisation { get; init; }

    /// <summary>Means of the six box-relative pose numbers; the graph has applied them already.</summary>
    public required IReadOnlyList<double> PoseMean { get; init; }

    /// <summary>Standard deviations of the six box-relative pose numbers; the graph has applied them already.</summary>
    public required IReadOnlyList<double> PoseStddev { get; init; }

    /// <summary>Which reference face poses refer to: "default" or "official".</summary>
    public required string Reference { get; init; }

    /// <summary>Score below which a face is not reported, unless told otherwise; in [0, 1).</summary>
    public required double ScoreThreshold { get; init; }

    /// <summary>What scores and threshold went through so that a score of s means a precision of s, or null where they are as the network was trained.</summary>
    public ScoreCalibration? Calibration { get; init; }

    /// <summary>Intersection over union above which the weaker of two boxes goes, unless told otherwise; in (0, 1].</summary>
    public required double NmsThreshold { get; init; }

    /// <summary>Enlargement of the box around the projected face.</summary>
    public required FaceBoxFactors BoxFactors { get; init; }

    /// <summary>The licence of the weights.</summary>
    public required string Licence { get; init; }

    /// <summary>SHA-256 of the training manifest, or null for models that were not trained here.</summary>
    public string? TrainingManifestSha256 { get; init; }

    /// <summary>Metrics as the model's makers recorded them, as JSON, or null.</summary>
    public string? MetricsJson { get; init; }

    /// <summary>
    /// What the dense layers compute with: "float32", "float16", "int8-reduced", whose weights of seven bits suit every processor, or
    /// "int8-full" ("int8" in older packages), whose sums overflow on processors without VNNI.
    /// </summary>
    public string Precision { get; init; } = "float32";

    /// <summary>
    /// A part of a score, as bounds below the threshold are given: of the score as the network was trained to give it, so that the bound
    /// lets through what it does without calibration.
    /// </summary>
    /// <param name="score">A score of this model.</param>
    /// <param name="part">The part, in [0, 1].</param>
    public double PartOf(double score, double part) => Calibration is { } calibration ? calibration.Apply(part * calibration.Undo(score)) : part * score;

    /// <summary>What a bound on scores as networks are trained to give them is on this model's: calibrated like them.</summary>
    /// <param name="trained">The bound, in [0, 1].</param>
    public double ScoreOf(double trained) => Calibration?.Apply(trained) ?? trained;

    /// <summary>Whether the dense layers compute with 8-bit integers.</summary>
    public bool IsInt8 => Precision.StartsWith("int8", StringComparison.Ordinal);

    /// <summary>Whether 8-bit weights use their whole range, which only processors with VNNI add up without overflow.</summary>
    public bool IsFullRangeInt8 => Precision is "int8" or "int8-full";

    /// <summary>Reads the JSON value.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">The model file, for messages.</param>
    /// <exception cref="ModelException">It is not JSON, of another schema, or a value is missing or makes no sense.</exception>
    public static ModelMetadata Parse(string json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Read(new Fields(document.RootElement, path));
        }
        // A text may have half of a surrogate pair, which only shows when it is read.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new ModelException($"{path}: the model's metadata is not valid JSON ({OneLine.Of(error.Message)}); the file is damaged.", error);
        }
    }

    private static ModelMetadata Read(Fields root)
    {
        int schema = root.Integer("schema", 0, int.MaxValue);
        if (schema != Schema)
            throw root.Wrong($"has metadata schema {schema}; this program reads schema {Schema}: use a model made for it");
        Fields size = root.Object("size");
        int multiple = size.Integer("multiple", 1, 4096);
        string rule = size.Text("rule");
        double[] factors = root.Numbers("box_factors", 3);
        double[] deviations = root.Numbers("stddev", 3), poseDeviations = root.Numbers("pose_stddev", 6);
        if (deviations.Any(value => value <= 0) || poseDeviations.Any(value => value <= 0))
            throw root.Wrong("has a standard deviation that is not positive in its metadata");
        string reference = root.Text("reference");
        if (reference is not ("default" or "official"))
            throw root.Wrong($"names an unknown reference face '{reference}'; known are 'default' and 'official'");
        string precision = root.OptionalText("precision") ?? "float32";
        if (precision is not ("float32" or "float16" or "int8" or "int8-full" or "int8-reduced"))
            throw root.Wrong($"has an unknown precision '{precision}'; known are float32, float16, int8-reduced and int8-full");
        return new ModelMetadata
        {
            Name = root.Text("name"),
            Size = rule switch
            {
                "long-side" => SizeRule.LongSide(size.Integer("long", 16, 16384), size.Flag("enlarge"), multiple),
                "min-max" => MinMax(size, multiple),
                _ => throw root.Wrong($"has an unknown size rule '{rule}'; known are 'long-side' and 'min-max'"),
            },
            Normalisation = new Normalisation(root.Numbers("mean", 3), deviations),
            PoseMean = root.Numbers("pose_mean", 6),
            PoseStddev = poseDeviations,
            Reference = reference,
            ScoreThreshold = root.Number("score_threshold", 0, 1),
            Calibration = root.OptionalRaw("score_calibration") is { } calibration ? ParseCalibration(root, calibration) : null,
            NmsThreshold = root.Number("nms_threshold", 0, 1),
            BoxFactors = new FaceBoxFactors(factors[0], factors[1], factors[2]),
            Licence = root.Text("licence"),
            TrainingManifestSha256 = root.OptionalText("training_manifest_sha256"),
            MetricsJson = root.OptionalRaw("metrics"),
            Precision = precision,
        };
    }

    private static ScoreCalibration ParseCalibration(Fields root, string json)
    {
        try
        {
            return ScoreCalibration.Parse(json);
        }
        catch (FormatException)
        {
            throw root.Wrong("has a 'score_calibration' in its metadata that is none");
        }
    }

    private static SizeRule MinMax(Fields size, int multiple)
    {
        int min = size.Integer("min", 16, 16384);
        string version = size.Text("torchvision");
        if (!Version.TryParse(version, out Version? parsed)) throw size.Wrong($"names a torchvision version '{version}' that is not one");
        // The scale became a product of two single-precision roundings in torchvision 0.9 (golden quirk V2).
        return SizeRule.MinMax(min, size.Integer("max", min, 65536), multiple, doublePrecision: parsed < new Version(0, 9));
    }

    /// <summary>Reads the members of one JSON object with errors that name the file and the member.</summary>
    private readonly struct Fields(JsonElement element, string path)
    {
        public ModelException Wrong(string what) => new($"{path}: {what}.");

        public Fields Object(string name)
        {
            JsonElement value = Member(name);
            return value.ValueKind == JsonValueKind.Object ? new Fields(value, path) : throw Mistyped(name, "an object");
        }

        public string Text(string name) => Member(name) is { ValueKind: JsonValueKind.String } value ? OneLine.Printable(value.GetString()!) : throw Mistyped(name, "a text");

        public string? OptionalText(string name) =>
            element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? OneLine.Printable(value.GetString()!) : null;

        public string? OptionalRaw(string name) =>
            element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? OneLine.Printable(value.GetRawText()) : null;

        public bool Flag(string name) => Member(name).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Mistyped(name, "true or false"),
        };

        public int Integer(string name, int minimum, int maximum) =>
            Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out int number) && number >= minimum && number <= maximum
                ? number : throw Mistyped(name, $"a whole number from {minimum} to {maximum}");

        public double Number(string name, double minimum, double maximum) =>
            Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out double number) && number >= minimum && number <= maximum
                ? number : throw Mistyped(name, FormattableString.Invariant($"a number from {minimum} to {maximum}"));

        public double[] Numbers(string name, int count)
        {
            JsonElement value = Member(name);
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != count) throw Mistyped(name, $"a list of {count} numbers");
            double[] numbers = new double[count];
            int i = 0;
            foreach (JsonElement item in value.EnumerateArray())
            {
                if (item.ValueKind != JsonValueKind.Number || !item.TryGetDouble(out numbers[i]) || !double.IsFinite(numbers[i]))
                    throw Mistyped(name, $"a list of {count} numbers");
                i++;
            }
            return numbers;
        }

        private JsonElement Member(string name)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out JsonElement value))
                throw Wrong($"has no '{name}' in its metadata; it is not an img2pose model package");
            return value;
        }

        private ModelException Mistyped(string name, string wanted) => Wrong($"has '{name}' in its metadata that is not {wanted}");
    }
}

/// <summary>Native messages as one line.</summary>
internal static class OneLine
{
    /// <summary>
    /// The text with a replacement character for each that moves a terminal's cursor, changes its state, or turns the direction
    /// of writing: what a model says of itself is printed.
    /// </summary>
    public static string Printable(string text) => text.Any(IsDangerous) ? string.Concat(text.Select(c => IsDangerous(c) ? '\uFFFD' : c)) : text;

    private static bool IsDangerous(char c) => (char.IsControl(c) && c is not ('\n' or '\t')) || c is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069' or '\u2028' or '\u2029';

    /// <summary>The text with line ends and runs of blanks as single blanks, and no more than 300 characters.</summary>
    public static string Of(string text)
    {
        string line = Printable(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        return line.Length <= 300 ? line : line[..300] + "…";
    }
}
