using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda;

/// <summary>What a CUDA call failed by, in kinds that a caller answers differently.</summary>
public enum CudaFailure
{
    /// <summary>A refusal that concerns one call.</summary>
    Refused,

    /// <summary>The device has no room; fewer or smaller pictures may fit.</summary>
    OutOfMemory,

    /// <summary>Nothing works on the device any more in this process.</summary>
    DeviceLost,
}

/// <summary>A CUDA device refused or failed; whoever was using it goes on without it, or ends with this one line.</summary>
public sealed class CudaDeviceException : Img2PoseException
{
    internal CudaDeviceException(string doing, CudaException cause)
        : base($"The CUDA device failed while {doing}: {cause.Message}{Cure(KindOf(cause.CudaError))}", cause) => Failure = KindOf(cause.CudaError);

    internal CudaDeviceException(string message) : base(message) => Failure = CudaFailure.Refused;

    /// <summary>How to answer it.</summary>
    public CudaFailure Failure { get; }

    private static string Cure(CudaFailure failure) => failure switch
    {
        CudaFailure.OutOfMemory => " Use fewer sessions, a smaller --size, or --device cpu.",
        CudaFailure.DeviceLost => " The device is lost to this process; --device cpu does without it.",
        _ => "",
    };

    private static CudaFailure KindOf(CUResult error) => error switch
    {
        CUResult.ErrorOutOfMemory => CudaFailure.OutOfMemory,
        // After these the driver refuses every further call of the process.
        CUResult.ErrorUnknown or CUResult.ErrorLaunchFailed or CUResult.ErrorIllegalAddress or CUResult.ErrorECCUncorrectable
            or CUResult.ErrorHardwareStackError or CUResult.ErrorIllegalInstruction or CUResult.ErrorMisalignedAddress
            or CUResult.ErrorInvalidAddressSpace or CUResult.ErrorInvalidPC or CUResult.ErrorLaunchTimeout
            or CUResult.ErrorContextIsDestroyed or CUResult.ErrorDeinitialized or CUResult.NVLinkUncorrectable => CudaFailure.DeviceLost,
        _ => CudaFailure.Refused,
    };
}
