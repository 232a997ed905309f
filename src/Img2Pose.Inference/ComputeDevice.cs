using Img2Pose.Cuda;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Img2Pose.Inference;

/// <summary>The GPU that sources and networks of a program share, as <see cref="PoseDetectorOptions.Device"/> names it.</summary>
public static class ComputeDevice
{
    /// <summary>
    /// Opens the GPU, for sources that are opened before the network is. Null for "cpu", and where there is none that "auto" would use;
    /// for the others also where it cannot be opened, which the network, when it is opened, tells with the reason.
    /// </summary>
    /// <param name="device">"auto", "cpu", "cuda" or "cuda+cpu".</param>
    /// <param name="logger">Told, in one debug line, why there is none.</param>
    /// <exception cref="ModelException">ONNX Runtime's library is missing.</exception>
    public static CudaDevice? TryOpen(string device, ILogger? logger = null) => device switch
    {
        "auto" => InferenceDevice.MayHaveCuda ? CudaDevice.TryOpen(logger ?? NullLogger.Instance) : null,
        "cuda" or InferenceDevice.CudaThenCpu => CudaDevice.TryOpen(logger ?? NullLogger.Instance),
        _ => null,
    };
}
