using System.Globalization;
using System.Runtime.InteropServices;
using Img2Pose.Cuda;
using Img2Pose.Inference;

namespace Img2Pose.Cli.Diagnosis;

/// <summary>Looks for what a GPU needs; says nothing where there is no driver.</summary>
internal static class GpuDoctor
{
    private static readonly (DeviceCodec Codec, string Name, int Bits)[] s_codecs =
    [
        (DeviceCodec.H264, "h264", 8), (DeviceCodec.Hevc, "hevc", 8), (DeviceCodec.Hevc, "hevc", 10), (DeviceCodec.Vp8, "vp8", 8),
        (DeviceCodec.Vp9, "vp9", 8), (DeviceCodec.Vp9, "vp9", 10), (DeviceCodec.Av1, "av1", 8), (DeviceCodec.Av1, "av1", 10),
        (DeviceCodec.Mpeg2, "mpeg2", 8),
    ];

    /// <summary>Looks for each part; never throws.</summary>
    public static IEnumerable<Finding> Examine()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out nint driver)) yield break;
        NativeLibrary.Free(driver);
        (CudaDevice? device, string why) = Open();
        if (device is null)
        {
            yield return new Finding("GPU", Health.Absent, why, "a GPU of NVIDIA's from 2020 on, shown to this process (CUDA_VISIBLE_DEVICES), with a driver for CUDA 11.4 or later");
            yield break;
        }
        using (device)
        {
            yield return Describe(device);
            yield return Decoder(device);
            if (OnnxRuntimeLibrary.Providers.Contains("CUDAExecutionProvider")) yield return Libraries(device);
        }
    }

    private static (CudaDevice? Device, string Why) Open()
    {
        try
        {
            return (CudaDevice.Open(), "");
        }
        catch (CudaDeviceException error)
        {
            return (null, ErrorReport.OneLine(error.Message));
        }
    }

    private static Finding Describe(CudaDevice device)
    {
        try
        {
            (long free, long total) = device.Memory;
            return new Finding("GPU", Health.Good, string.Create(CultureInfo.InvariantCulture,
                $"{device.Name}, compute capability {device.ComputeCapability}, driver for CUDA {device.DriverVersion}, {free / 1e9:0.0} of {total / 1e9:0.0} GB free"));
        }
        catch (CudaDeviceException error)
        {
            return new Finding("GPU", Health.Bad, ErrorReport.OneLine(error.Message));
        }
    }

    private static Finding Decoder(CudaDevice device)
    {
        const string Part = "NVDEC";
        if (!VideoDecoding.IsInstalled)
        {
            return new Finding(Part, Health.Absent, "libnvcuvid.so.1 is not installed",
                "apt-get install libnvcuvid1; in NVIDIA's containers NVIDIA_DRIVER_CAPABILITIES=video,compute,utility; without it the processor decodes");
        }
        try
        {
            List<string> found = [];
            foreach ((DeviceCodec codec, string name, int bits) in s_codecs)
            {
                if (VideoDecoding.LimitsOf(device, codec, bits) is { } limits) found.Add($"{name} {bits} bits to {limits.Width}x{limits.Height}");
            }
            return found.Count > 0
                ? new Finding(Part, Health.Good, string.Join(", ", found))
                : new Finding(Part, Health.Absent, "this GPU decodes no video", "without it the processor decodes");
        }
        catch (CudaDeviceException error)
        {
            return new Finding(Part, Health.Bad, ErrorReport.OneLine(error.Message));
        }
    }

    private static Finding Libraries(CudaDevice device)
    {
        const string Part = "CUDA libraries";
        if (CudaLibraries.TooOld(device.DriverVersion) is { } old) return new Finding(Part, Health.Absent, old, "install a newer driver; without it the network runs on the CPU");
        string found = string.Join(", ", CudaLibraries.Needed.Where(library => library.Path is not null).Select(library => library.Path));
        return CudaLibraries.Missing is { } missing
            ? new Finding(Part, Health.Absent, found.Length > 0 ? $"{missing}; found {found}" : missing,
                $"install them, and name their folders in {CudaLibraries.Variable}; without them the network runs on the CPU")
            : new Finding(Part, Health.Good, found);
    }
}
