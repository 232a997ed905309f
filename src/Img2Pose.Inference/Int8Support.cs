using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Img2Pose.Inference;

/// <summary>Whether this processor multiplies bytes faster than it multiplies floats.</summary>
public static class Int8Support
{
    /// <summary>
    /// The instructions that multiply bytes and sum in 32 bits ("AVX512-VNNI", "AVX-VNNI", "dot product"), or null where there are
    /// none. Without them int8 models are about as fast as float32 ones, and weights of full eight bits can overflow on x86.
    /// </summary>
    public static string? Instructions { get; } = Find();

    private static string? Find()
    {
        if (Dp.IsSupported) return "dot product";
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return null;
        // Intel's manual, volume 2A, CPUID leaf 7: bit 11 of ECX of subleaf 0 and bit 4 of EAX of subleaf 1. That the
        // system saves the registers is what the runtime's own checks of AVX tell.
        if (Avx512F.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0) return "AVX512-VNNI";
        return Avx2.IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 4)) != 0 ? "AVX-VNNI" : null;
    }

    /// <summary>What to know before a model runs on this processor, or null: an int8 model where the instructions are absent.</summary>
    public static string? Warning(ModelMetadata metadata)
    {
        if (!metadata.IsInt8 || Instructions is not null) return null;
        return metadata.IsFullRangeInt8
            ? "this processor has no instructions for 8-bit products (VNNI): the model will hardly be faster than float32 and its sums overflow; export it again without --int8-full-range"
            : "this processor has no instructions for 8-bit products (VNNI): the model will hardly be faster than float32";
    }
}
