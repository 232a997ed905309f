using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Models.Precision;

namespace Img2Pose.Models.Tests.Golden;

/// <summary>Calibrates a golden case's package on the pictures of the other cases.</summary>
internal static class GoldenCalibration
{
    public static IReadOnlyDictionary<string, ValueRange> Take(string name, string package)
    {
        string path = Path.ChangeExtension(package, ".probe.onnx");
        try
        {
            CalibrationProbe probe = CalibrationProbe.Write(package, path);
            using ObservedNetwork network = new(ModelPackage.Load(path), probe.Outputs);
            foreach (GoldenModelCase other in GoldenModelCase.Names().Select(names => (string)names[0]).Where(other => other != name).Select(GoldenModelCase.Load))
            {
                using VideoFrame frame = ImageFile.Read(other.ImagePath(0));
                network.Run(frame, probe.Observe);
            }
            return probe.Ranges();
        }
        finally
        {
            File.Delete(path);
        }
    }
}
