using Img2Pose.Core;
using Img2Pose.Frames;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Models.Precision;

namespace Img2Pose.Cli.Running;

/// <summary>Finds the ranges of an int8 export on a folder of pictures.</summary>
internal static class Calibration
{
    // Ranges settle within some dozens of pictures; more only take time.
    private const int MostPictures = 100;

    /// <summary>Runs the model on up to 100 pictures of the folder and its subfolders, evenly spread over their names.</summary>
    /// <param name="model">The package.</param>
    /// <param name="folder">The pictures. Those that cannot be read are told and left out.</param>
    /// <param name="errors">Receives a line for each of those, and one for the number used.</param>
    /// <exception cref="InputException">The folder has no picture that can be read.</exception>
    /// <exception cref="ModelException">The model cannot be run or quantised.</exception>
    public static IReadOnlyDictionary<string, ValueRange> Take(string model, string folder, TextWriter errors)
    {
        string[] files = ListPictures(folder);
        // Never completed, so it goes when the block ends, or with the process.
        using AtomicFile file = AtomicFile.Create(Path.Combine(Path.GetTempPath(), "img2pose-calibration.onnx"));
        CalibrationProbe probe = CalibrationProbe.Write(model, file.TemporaryPath);
        using ObservedNetwork network = new(ModelPackage.Load(file.TemporaryPath), probe.Outputs);
        int count = Math.Min(files.Length, MostPictures), used = 0;
        for (int i = 0; i < count; i++)
        {
            string picture = files[(int)((long)i * files.Length / count)];
            try
            {
                using VideoFrame frame = ImageFile.Read(picture);
                network.Run(frame, probe.Observe);
                used++;
            }
            catch (InputException error)
            {
                errors.WriteLine($"img2pose: {ErrorReport.OneLine(error.Message)}");
            }
        }
        if (used == 0) throw new InputException($"{folder}: none of its pictures can be read; calibration needs some.");
        errors.WriteLine($"img2pose: calibrated on {used} of {files.Length} pictures of {folder}.");
        return probe.Ranges();
    }

    private static string[] ListPictures(string folder)
    {
        string[] files;
        try
        {
            files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(ImageFile.HasImageExtension).Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be listed: {ErrorReport.OneLine(error.Message)}", error);
        }
        return files.Length > 0 ? files : throw new InputException($"{folder}: has no pictures; calibration needs some.");
    }
}
