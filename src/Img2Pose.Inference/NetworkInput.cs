using Img2Pose.Cuda;
using Img2Pose.Frames;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// A network's input: a batch of three planes a picture, in memory of one kind that is used again, and each picture's height and
/// width before padding, always in host memory. The network owns it.
/// </summary>
/// <param name="queue">The queue that fills the batch, in whose device's memory it lies; null: host memory.</param>
/// <param name="isFetched">Whether the network reads it on the host all the same: then <see cref="Fetch"/> brings it there.</param>
internal sealed unsafe class NetworkInput(CudaQueue? queue = null, bool isFetched = false) : IDisposable
{
    private readonly CudaDevice? _device = queue?.Device;
    private PinnedBuffer? _fetched;
    private AlignedBuffer _image = new(0);
    private DeviceBuffer? _deviceImage;
    private AlignedBuffer _sizes = new(0);
    private OrtValue? _imageValue;
    private OrtValue? _sizesValue;

    /// <summary>Pictures.</summary>
    public int Count { get; private set; }

    /// <summary>Rows of the padded batch.</summary>
    public int Height { get; private set; }

    /// <summary>Columns of the padded batch.</summary>
    public int Width { get; private set; }

    /// <summary>Kind of the memory that the batch lies in.</summary>
    public MemoryKind Memory => _device is null ? MemoryKind.Host : MemoryKind.Cuda;

    /// <summary>The batch, [Count, 3, Height, Width].</summary>
    /// <exception cref="InvalidOperationException">It is not in host memory.</exception>
    public Span<float> Image => _device is null
        ? new Span<float>(_image.Pointer, checked(3 * Count * Height * Width))
        : throw new InvalidOperationException($"The batch lies in {Memory} memory, which the processor cannot write.");

    /// <summary>Height and width of each picture.</summary>
    public Span<long> Sizes => new(_sizes.Pointer, 2 * Count);

    /// <summary>The batch for ONNX Runtime; another object where the shape has changed.</summary>
    public OrtValue ImageValue => _imageValue ?? throw new ObjectDisposedException(nameof(NetworkInput));

    /// <summary>The sizes for ONNX Runtime; another object where the shape has changed.</summary>
    public OrtValue SizesValue => _sizesValue ?? throw new ObjectDisposedException(nameof(NetworkInput));

    /// <summary>The batch in device memory.</summary>
    /// <exception cref="InvalidOperationException">It is in host memory, or has no shape yet.</exception>
    public DeviceBuffer DeviceImage => _deviceImage ?? throw new InvalidOperationException("The batch does not lie in device memory.");

    /// <summary>Makes the batch zeros.</summary>
    public void Clear()
    {
        if (queue is null) Image.Clear();
        else queue.Clear(DeviceImage, checked(3L * Count * Height * Width * sizeof(float)));
    }

    /// <summary>To be called before the network runs: brings the batch to where the network reads it, where that is elsewhere.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Fetch()
    {
        if (!isFetched || queue is null) return;
        queue.Download(DeviceImage, 0, _fetched!, 0, checked(3 * Count * Height * Width * sizeof(float)));
        queue.Synchronize();
    }

    /// <summary>The planes of one picture.</summary>
    /// <exception cref="InvalidOperationException">The batch is not in host memory.</exception>
    public Span<float> Picture(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
        int length = checked(3 * Height * Width);
        return Image.Slice(index * length, length);
    }

    /// <summary>Gives the input a shape; returns whether it changed.</summary>
    public bool Shape(int count, int height, int width)
    {
        if (_imageValue is not null && (Count, Height, Width) == (count, height, width)) return false;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        long bytes = checked(3L * count * height * width * sizeof(float));
        _imageValue?.Dispose();
        _sizesValue?.Dispose();
        (_imageValue, _sizesValue) = (null, null);
        AlignedBuffer.Reserve(ref _sizes, 2L * count * sizeof(long));
        _imageValue = _device is null ? InHostMemory([count, 3, height, width], bytes) : InDeviceMemory(_device, [count, 3, height, width], bytes);
        _sizesValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Int64, [count, 2], (nint)_sizes.Pointer, 2L * count * sizeof(long));
        (Count, Height, Width) = (count, height, width);
        return true;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _imageValue?.Dispose();
        _sizesValue?.Dispose();
        (_imageValue, _sizesValue) = (null, null);
        _image.Dispose();
        _deviceImage?.Dispose();
        _deviceImage = null;
        _fetched?.Dispose();
        _fetched = null;
        _sizes.Dispose();
    }

    private OrtValue InHostMemory(long[] shape, long bytes)
    {
        AlignedBuffer.Reserve(ref _image, bytes);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, (nint)_image.Pointer, bytes);
    }

    private OrtValue InDeviceMemory(CudaDevice owner, long[] shape, long bytes)
    {
        if (_deviceImage is null || _deviceImage.Length < bytes)
        {
            _deviceImage?.Dispose();
            _deviceImage = null;
            _deviceImage = new DeviceBuffer(owner, bytes);
        }
        if (isFetched)
        {
            if (_fetched is null || _fetched.Length < bytes)
            {
                _fetched?.Dispose();
                _fetched = null;
                _fetched = new PinnedBuffer(owner, checked((int)bytes));
            }
            return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, _fetched.Address, bytes);
        }
        using OrtMemoryInfo memory = new("Cuda", OrtAllocatorType.DeviceAllocator, owner.Ordinal, OrtMemType.Default);
        return OrtValue.CreateTensorValueWithData(memory, TensorElementType.Float, shape, _deviceImage.Address, bytes);
    }
}
