using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// The planes of a picture in device memory, whoever owns them: a pool of ours, or one of FFmpeg's. Valid as long as the
/// owner says.
/// </summary>
/// <param name="Format">Layout of the samples.</param>
/// <param name="Width">Width in luma samples.</param>
/// <param name="Height">Height in luma samples.</param>
/// <param name="Planes">Device addresses of the planes' first samples.</param>
/// <param name="Strides">Bytes from row to row of the planes.</param>
public readonly record struct DevicePicture(DevicePixelFormat Format, int Width, int Height, Triple<nint> Planes, Triple<long> Strides)
{
    /// <summary>How many planes the format has.</summary>
    public int PlaneCount => Format switch
    {
        DevicePixelFormat.Rgb24 => 1,
        DevicePixelFormat.Nv12 or DevicePixelFormat.P010 => 2,
        _ => 3,
    };

    /// <summary>Bits of a sample.</summary>
    public int Bits => Format is DevicePixelFormat.I420P10 or DevicePixelFormat.P010 ? 10 : 8;

    /// <summary>The planes of a frame in device memory; valid as long as the frame is held.</summary>
    /// <exception cref="ArgumentException">The frame is not in device memory.</exception>
    public static DevicePicture Of(VideoFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (frame.Memory != MemoryKind.Cuda) throw new ArgumentException($"The frame lies in {frame.Memory} memory.", nameof(frame));
        FramePlane first = frame.GetPlane(0);
        FramePlane second = frame.PlaneCount > 1 ? frame.GetPlane(1) : default;
        FramePlane third = frame.PlaneCount > 2 ? frame.GetPlane(2) : default;
        return new DevicePicture(
            DeviceFrame.FormatOf(frame.Format), frame.Width, frame.Height,
            new Triple<nint> { First = first.Address, Second = second.Address, Third = third.Address },
            new Triple<long> { First = first.Stride, Second = second.Stride, Third = third.Stride });
    }

    /// <summary>A part of the picture, without copying.</summary>
    /// <param name="x">Left side; even where chroma is halved.</param>
    /// <param name="y">Upper side; even where chroma is halved.</param>
    /// <param name="width">Width, positive.</param>
    /// <param name="height">Height, positive.</param>
    /// <exception cref="ArgumentException">The part is not inside the picture, or begins between two chroma samples.</exception>
    public DevicePicture Crop(int x, int y, int width, int height)
    {
        if (x < 0 || y < 0 || width <= 0 || height <= 0 || width > Width - x || height > Height - y)
            throw new ArgumentException($"{width}×{height} at {x}, {y} is not inside {Width}×{Height}.");
        if (Format != DevicePixelFormat.Rgb24 && ((x | y) & 1) != 0)
            throw new ArgumentException($"A crop of halved chroma begins at even samples, not at {x}, {y}.");
        int bytes = Bits > 8 ? 2 : 1;
        bool pairs = PlaneCount == 2;
        Triple<nint> planes = Planes;
        if (Format == DevicePixelFormat.Rgb24)
        {
            planes.First += (nint)(y * Strides.First) + 3 * x;
            return new DevicePicture(Format, width, height, planes, Strides);
        }
        planes.First += (nint)(y * Strides.First) + x * bytes;
        planes.Second += (nint)(y / 2 * Strides.Second) + (pairs ? x : x / 2) * bytes;
        if (!pairs) planes.Third += (nint)(y / 2 * Strides.Third) + x / 2 * bytes;
        return new DevicePicture(Format, width, height, planes, Strides);
    }
}
