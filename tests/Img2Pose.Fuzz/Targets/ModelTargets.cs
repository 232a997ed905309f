using System.Reflection;
using Img2Pose.EndToEnd;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Inference;
using Img2Pose.Media;

namespace Img2Pose.Fuzz;

/// <summary>Seeds of models: one made by code, and two small ones of the paper's two stages (<c>Seeds/</c>).</summary>
internal static class ModelSeeds
{
    public static IEnumerable<byte[]> All()
    {
        string path = Path.Combine(Workspace.Folder, "seed.onnx");
        ConstantModel.Save(path);
        yield return File.ReadAllBytes(path);
        Assembly assembly = typeof(ModelSeeds).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            using MemoryStream copy = new();
            stream.CopyTo(copy);
            yield return copy.ToArray();
        }
    }
}

/// <summary>What is read of a model before ONNX Runtime sees it.</summary>
internal sealed class ModelTarget : FileTarget
{
    public override string Name => "model";

    protected override string Extension => ".onnx";

    public override IEnumerable<byte[]> Seeds() => ModelSeeds.All();

    protected override int Run(string path)
    {
        ModelPackage package = ModelPackage.Load(path);
        return HashCode.Combine(package.Metadata.Name.Length > 0);
    }
}

/// <summary>A model through our reading of its parts, its checks, ONNX Runtime, and our code over what comes out.</summary>
internal sealed class NetworkTarget : FileTarget
{
    private readonly List<FaceDetection> _faces = [];
    private VideoFrame? _frame;

    public override string Name => "network";

    public override double Seconds => 60;

    protected override string Extension => ".onnx";

    public override IEnumerable<byte[]> Seeds() => ModelSeeds.All();

    protected override int Run(string path)
    {
        if (_frame is null)
        {
            using IFrameSource source = MediaSource.Open("lavfi:testsrc=size=64x48:rate=8:duration=0.5");
            if (!source.TryRead(out _frame)) throw new InvalidOperationException("The test picture has no frame.");
        }
        using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(path), new PoseDetectorOptions { Threads = 1 });
        detector.Detect(_frame, _faces);
        return HashCode.Combine(Math.Min(_faces.Count, 3));
    }
}
