using System.Text.Json;
using Img2Pose.Formats;
using Img2Pose.Frames;
using Img2Pose.Media;
using Img2Pose.Models.Checkpoints;
using Img2Pose.Models.Networks;
using Img2Pose.Testing;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>One folder of <c>golden/model</c>.</summary>
internal sealed class GoldenModelCase
{
    private static readonly double[] Mean = [0.485, 0.456, 0.406];
    private static readonly double[] Deviation = [0.229, 0.224, 0.225];

    private readonly string _folder;

    private GoldenModelCase(string name)
    {
        _folder = SharedData.RequireGolden("model", name);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "case.json")));
        Case = document.RootElement.Clone();
    }

    public JsonElement Case { get; }

    public JsonElement Settings => Case.GetProperty("settings");

    public int Images => Case.GetProperty("images").GetArrayLength();

    public int Depth => Settings.GetProperty("depth").GetInt32();

    /// <summary>Proposals were supplied instead of found; such cases have no objectness.</summary>
    public bool GivenBoxes => !File.Exists(FileOf("proposal_objectness", 0));

    public (int Height, int Width)[] Resized =>
        [.. Case.GetProperty("resized_hw").EnumerateArray().Select(p => (p[0].GetInt32(), p[1].GetInt32()))];

    public int[] BatchShape => [.. Case.GetProperty("padded_batch_shape").EnumerateArray().Select(d => d.GetInt32())];

    /// <summary>Discovered names: further cases need no code. One empty name where the folder is absent, so that a skip shows.</summary>
    public static IEnumerable<object[]> Names()
    {
        string folder = Path.Combine(SharedData.Golden, "model");
        return Directory.Exists(folder)
            ? Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Select(path => (object[])[Path.GetFileName(path)])
            : [[""]];
    }

    public static GoldenModelCase Load(string name) => new(name);

    public float[] Floats(string file, int image) => NpyArray.Read(FileOf(file, image)).ToSingles();

    public double[] Doubles(string file, int image) => NpyArray.Read(FileOf(file, image)).ToDoubles();

    public bool[] Flags(string file, int image) => Array.ConvertAll(NpyArray.Read(FileOf(file, image)).ToInt64s(), v => v != 0);

    public string ImagePath(int image) => Path.Combine(_folder, Case.GetProperty("images")[image].GetProperty("file").GetString()!);

    /// <summary>Names and values of the weights that the case was computed with.</summary>
    public StateDictionary Weights()
    {
        GoldenWeights generator = new(Case.GetProperty("seed").GetUInt64(), Case.GetProperty("weight_overrides"));
        KeyValuePair<string, CheckpointTensor>[] tensors =
        [
            .. GoldenWeights.Tensors(Depth).AsParallel().AsOrdered().Select(t => new KeyValuePair<string, CheckpointTensor>(
                t.Name,
                t.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal)
                    ? CheckpointTensor.FromInt64([0L])
                    : CheckpointTensor.FromSingle(generator.Generate(t.Name, t.Shape), t.Shape))),
        ];
        return StateDictionary.FromTensors(tensors, _folder);
    }

    public DetectorSettings DetectorSettings(bool taps)
    {
        bool legacy = Settings.TryGetProperty("torchvision_behaviour", out JsonElement behaviour)
            && behaviour.GetString()!.StartsWith("0.8", StringComparison.Ordinal);
        return new DetectorSettings
        {
            Behaviour = legacy ? TorchvisionBehaviour.V082 : TorchvisionBehaviour.V014,
            FrozenNormEpsilon = Settings.GetProperty("frozen_bn_eps").GetDouble(),
            ProposalsBeforeSuppression = Settings.GetProperty("rpn_pre_nms_top_n_test").GetInt32(),
            ProposalsAfterSuppression = Settings.GetProperty("rpn_post_nms_top_n_test").GetInt32(),
            PoseMean = [.. Settings.GetProperty("pose_mean").EnumerateArray().Select(v => v.GetDouble())],
            PoseStandardDeviation = [.. Settings.GetProperty("pose_stddev").EnumerateArray().Select(v => v.GetDouble())],
            Taps = taps,
        };
    }

    /// <summary>The padded batch, by torch's own formula for bilinear resizing.</summary>
    public float[] Batch()
    {
        int[] shape = BatchShape;
        float[] batch = new float[shape[0] * 3 * shape[2] * shape[3]];
        for (int i = 0; i < Images; i++)
        {
            (int height, int width) = Resized[i];
            using VideoFrame frame = ImageFile.Read(ImagePath(i));
            for (int channel = 0; channel < 3; channel++)
            {
                float[] plane = NormalisedPlane(frame, channel);
                ResizeInto(plane, frame.Width, frame.Height, width, height, batch.AsSpan((i * 3 + channel) * shape[2] * shape[3]), shape[3]);
            }
        }
        return batch;
    }

    private static float[] NormalisedPlane(VideoFrame frame, int channel)
    {
        float[] plane = new float[frame.Width * frame.Height];
        for (int y = 0; y < frame.Height; y++)
        {
            ReadOnlySpan<byte> row = frame.GetPlane(0).Row(y);
            for (int x = 0; x < frame.Width; x++)
                plane[y * frame.Width + x] = (row[3 * x + channel] / 255f - (float)Mean[channel]) / (float)Deviation[channel];
        }
        return plane;
    }

    // The ratio is a float32; torch's compiler fuses the rest of the source coordinate into one rounding.
    private static void ResizeInto(float[] source, int sourceWidth, int sourceHeight, int width, int height, Span<float> target, int targetStride)
    {
        double scaleX = (float)sourceWidth / width;
        double scaleY = (float)sourceHeight / height;
        for (int y = 0; y < height; y++)
        {
            double sy = Math.Max(scaleY * (y + 0.5) - 0.5, 0);
            int y0 = Math.Min((int)sy, sourceHeight - 1);
            int y1 = y0 + (y0 < sourceHeight - 1 ? 1 : 0);
            float fy = (float)(sy - y0);
            for (int x = 0; x < width; x++)
            {
                double sx = Math.Max(scaleX * (x + 0.5) - 0.5, 0);
                int x0 = Math.Min((int)sx, sourceWidth - 1);
                int x1 = x0 + (x0 < sourceWidth - 1 ? 1 : 0);
                float fx = (float)(sx - x0);
                float top = (1 - fx) * source[y0 * sourceWidth + x0] + fx * source[y0 * sourceWidth + x1];
                float bottom = (1 - fx) * source[y1 * sourceWidth + x0] + fx * source[y1 * sourceWidth + x1];
                target[y * targetStride + x] = (1 - fy) * top + fy * bottom;
            }
        }
    }

    private string FileOf(string stem, int image) => Path.Combine(_folder, Images == 1 ? $"{stem}.npy" : $"{stem}_{image}.npy");
}
