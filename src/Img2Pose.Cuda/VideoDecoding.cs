using System.Runtime.InteropServices;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Img2Pose.Cuda;

/// <summary>Codecs that a GPU may decode; numbers as in NVIDIA's cudaVideoCodec.</summary>
public enum DeviceCodec
{
    /// <summary>MPEG-1.</summary>
    Mpeg1 = 0,

    /// <summary>MPEG-2.</summary>
    Mpeg2 = 1,

    /// <summary>MPEG-4 part 2.</summary>
    Mpeg4 = 2,

    /// <summary>H.264.</summary>
    H264 = 4,

    /// <summary>Motion JPEG.</summary>
    Jpeg = 5,

    /// <summary>HEVC.</summary>
    Hevc = 8,

    /// <summary>VP8.</summary>
    Vp8 = 9,

    /// <summary>VP9.</summary>
    Vp9 = 10,

    /// <summary>AV1.</summary>
    Av1 = 11,
}

/// <summary>What a device's decoder takes of a codec.</summary>
/// <param name="Width">Widest picture.</param>
/// <param name="Height">Highest picture.</param>
/// <param name="MinimumWidth">Narrowest picture.</param>
/// <param name="MinimumHeight">Lowest picture.</param>
/// <param name="Macroblocks">Most blocks of 16 × 16.</param>
public readonly record struct DecoderLimits(int Width, int Height, int MinimumWidth, int MinimumHeight, long Macroblocks)
{
    /// <summary>Whether a picture of this size can be decoded.</summary>
    public bool Fit(int width, int height) => width <= Width && height <= Height && width >= MinimumWidth && height >= MinimumHeight
        && (width + 15L) / 16 * ((height + 15L) / 16) <= Macroblocks;
}

/// <summary>Asks a device what its video decoder (NVDEC) can do. The library belongs to the driver, but is not always installed with it.</summary>
public static unsafe partial class VideoDecoding
{
    private const string Library = "libnvcuvid.so.1";

    private const int Chroma420 = 1;

    /// <summary>Whether the driver's library of the decoder is there.</summary>
    public static bool IsInstalled
    {
        get
        {
            if (!NativeLibrary.TryLoad(Library, out nint library)) return false;
            NativeLibrary.Free(library);
            return true;
        }
    }

    /// <summary>What the device takes of a codec in 4:2:0; null where it does not decode it, or where there is no decoder.</summary>
    /// <param name="device">The device.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="bits">Bits of a sample, from 8 up.</param>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public static DecoderLimits? LimitsOf(CudaDevice device, DeviceCodec codec, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 8);
        if (!IsInstalled) return null;
        Capabilities capabilities = new() { Codec = (int)codec, ChromaFormat = Chroma420, BitsAboveEight = (uint)(bits - 8) };
        CUResult result;
        try
        {
            using CudaDevice.Scope scope = device.Enter();
            result = GetDecoderCaps(ref capabilities);
        }
        catch (CudaException exception)
        {
            throw new CudaDeviceException("its decoder was asked what it can do", exception);
        }
        catch (EntryPointNotFoundException)
        {
            // A driver before 2017.
            return null;
        }
        // Some drivers refuse to speak of what they do not know instead of denying it.
        if (result != CUResult.Success || capabilities.IsSupported == 0) return null;
        return new DecoderLimits(
            (int)capabilities.MaxWidth, (int)capabilities.MaxHeight, capabilities.MinWidth, capabilities.MinHeight, capabilities.MaxMacroblocks);
    }

    [LibraryImport(Library, EntryPoint = "cuvidGetDecoderCaps")]
    private static partial CUResult GetDecoderCaps(ref Capabilities capabilities);

    /// <summary>CUVIDDECODECAPS of NVIDIA's Video Codec SDK.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Capabilities
    {
        public int Codec;
        public int ChromaFormat;
        public uint BitsAboveEight;
        public fixed uint Reserved[3];
        public byte IsSupported;
        public byte Engines;
        public ushort OutputFormats;
        public uint MaxWidth;
        public uint MaxHeight;
        public uint MaxMacroblocks;
        public ushort MinWidth;
        public ushort MinHeight;
        public fixed byte Rest[44];
    }
}
