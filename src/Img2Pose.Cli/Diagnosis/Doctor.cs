using System.Runtime.InteropServices;
using Img2Pose.Inference;
using Img2Pose.Media;
using Img2Pose.Rendering.Overlay;

namespace Img2Pose.Cli.Diagnosis;

/// <summary>How a part was found.</summary>
internal enum Health
{
    /// <summary>There and usable.</summary>
    Good,

    /// <summary>Not there, and not needed for the main job.</summary>
    Absent,

    /// <summary>Not there or broken, and needed.</summary>
    Bad,
}

/// <summary>One line of the report.</summary>
/// <param name="Part">What was looked for.</param>
/// <param name="Health">How it was found.</param>
/// <param name="Detail">Version, name, or what is wrong.</param>
/// <param name="Cure">The command that installs it, or null.</param>
internal sealed record Finding(string Part, Health Health, string Detail, string? Cure = null);

/// <summary>Looks for everything that the program uses.</summary>
internal static class Doctor
{
    /// <summary>Looks for each part; never throws.</summary>
    public static IEnumerable<Finding> Examine(string? model)
    {
        yield return Look("FFmpeg", "apt-get install ffmpeg", () => MediaLibraries.Version);
        yield return Look("encoders", "apt-get install ffmpeg", () =>
        {
            string[] found = [.. s_encoders.Where(name => MediaLibraries.CanEncode(name, out _))];
            return found.Length > 0 ? string.Join(", ", found) : throw new ModelException("none of " + string.Join(", ", s_encoders));
        });
        yield return HardwareEncoders();
        yield return Look("ONNX Runtime", "./run.sh builds it in",
            () => $"{OnnxRuntimeLibrary.Version}, providers {string.Join(", ", OnnxRuntimeLibrary.Providers)}");
        yield return Look("renderer", "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri", () =>
        {
            using OverlayRenderer renderer = OverlayRenderer.Create(new OverlayOptions());
            return renderer.RendererName;
        });
        yield return Library("CUDA driver", "libcuda.so.1", "NVIDIA's driver; without it the network runs on the CPU");
        foreach (Finding finding in GpuDoctor.Examine()) yield return finding;
        yield return Library("window", "libSDL2-2.0.so.0", "apt-get install libsdl2-2.0-0");
        yield return Library("LMDB (data sets)", "liblmdb.so.0", "apt-get install liblmdb0");
        yield return Look("model", null, () =>
        {
            ModelPackage package = ModelPackage.Load(ModelLocator.Find(model));
            string warning = Int8Support.Warning(package.Metadata) is { } text ? $"; {text}" : "";
            return $"{package.Metadata.Name}, licence: {package.Metadata.Licence}, {package.FileSize / 1e6:0.0} MB ({package.Path}){warning}";
        });
        yield return Look("network", null, () =>
        {
            using PoseDetector detector = PoseDetector.Create(ModelPackage.Load(ModelLocator.Find(model)));
            return detector.ProviderDescription + (detector.DeviceNote is { } note ? $"; {note}" : "");
        });
        yield return Int8Support.Instructions is { } instructions
            ? new Finding("8-bit products", Health.Good, $"{instructions}: int8 models are faster than float32 here")
            : new Finding("8-bit products", Health.Absent, "no VNNI: int8 models will hardly be faster than float32 here", "use float32 models on this processor");
    }

    private static readonly string[] s_encoders = ["libx264", "libx265"];

    private static readonly string[] s_hardwareEncoders = ["h264_nvenc", "hevc_nvenc"];

    private static Finding HardwareEncoders()
    {
        const string Part = "NVENC";
        try
        {
            string? why = null;
            string[] found = [.. s_hardwareEncoders.Where(name => MediaLibraries.CanEncode(name, out why))];
            return found.Length > 0
                ? new Finding(Part, Health.Good, string.Join(", ", found))
                : new Finding(Part, Health.Absent, ErrorReport.OneLine(why!), "an NVIDIA GPU with its driver; without it libx264 and libx265 encode");
        }
        catch (ModelException error)
        {
            return new Finding(Part, Health.Absent, ErrorReport.OneLine(error.Message));
        }
    }

    private static Finding Look(string part, string? cure, Func<string> find)
    {
        try
        {
            return new Finding(part, Health.Good, ErrorReport.OneLine(find()));
        }
        catch (Exception error)
        {
            return new Finding(part, Health.Bad, ErrorReport.OneLine(error.Message), cure);
        }
    }

    private static Finding Library(string part, string file, string cure)
    {
        if (!NativeLibrary.TryLoad(file, out nint handle)) return new Finding(part, Health.Absent, $"{file} is not installed", cure);
        NativeLibrary.Free(handle);
        return new Finding(part, Health.Good, file);
    }
}
