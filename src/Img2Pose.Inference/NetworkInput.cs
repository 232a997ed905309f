using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Img2Pose.Inference;

/// <summary>
/// A network's input: a batch of three planes a picture, and each picture's height and width before padding, in memory that is
/// used again. The network owns it.
/// </summary>
internal sealed unsafe class NetworkInput : IDisposable
{
    private AlignedBuffer _image = new(0);
    private AlignedBuffer _sizes = new(0);
    private OrtValue? _imageValue;
    private OrtValue? _sizesValue;

    /// <summary>Pictures.</summary>
    public int Count { get; private set; }

    /// <summary>Rows of the padded batch.</summary>
    public int Height { get; private set; }

    /// <summary>Columns of the padded batch.</summary>
    public int Width { get; private set; }

    /// <summary>The batch, [Count, 3, Height, Width].</summary>
    public Span<float> Image => new(_image.Pointer, checked(3 * Count * Height * Width));

    /// <summary>Height and width of each picture.</summary>
    public Span<long> Sizes => new(_sizes.Pointer, 2 * Count);

    /// <summary>The batch for ONNX Runtime; another object where the shape has changed.</summary>
    public OrtValue ImageValue => _imageValue ?? throw new ObjectDisposedException(nameof(NetworkInput));

    /// <summary>The sizes for ONNX Runtime; another object where the shape has changed.</summary>
    public OrtValue SizesValue => _sizesValue ?? throw new ObjectDisposedException(nameof(NetworkInput));

    /// <summary>The planes of one picture.</summary>
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
        AlignedBuffer.Reserve(ref _image, bytes);
        AlignedBuffer.Reserve(ref _sizes, 2L * count * sizeof(long));
        _imageValue = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [count, 3, height, width], (nint)_image.Pointer, bytes);
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
        _sizes.Dispose();
    }
}
