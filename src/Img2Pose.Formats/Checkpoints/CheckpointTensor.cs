using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Img2Pose.Formats;

/// <summary>The bytes that one or several tensors of a checkpoint look at; little endian once read.</summary>
internal sealed class CheckpointStorage(string key, TensorElement element, long count)
{
    public string Key { get; } = key;

    public TensorElement Element { get; } = element;

    /// <summary>Elements that the pickle announces.</summary>
    public long Count { get; } = count;

    public byte[]? Bytes { get; set; }
}

/// <summary>A tensor of a checkpoint: a view, with strides, of a storage that other tensors may share.</summary>
public sealed class CheckpointTensor
{
    // Larger than any parameter of any network here (12544 × 1024 is 13 million); eight bytes each stay below 2 GiB.
    private const long ElementLimit = 1L << 27;

    // PyTorch's own limit.
    private const int DimensionLimit = 64;

    private readonly CheckpointStorage _storage;
    private readonly long _offset;
    private readonly long[] _shape;
    private readonly long[] _strides;

    internal CheckpointTensor(CheckpointStorage storage, long offset, long[] shape, long[] strides, bool requiresGradient, bool isParameter = false)
    {
        _storage = storage;
        _offset = offset;
        _shape = shape;
        _strides = strides;
        RequiresGradient = requiresGradient;
        IsParameter = isParameter;
        if (shape.Length > DimensionLimit) throw new InvalidDataException($"a tensor has {shape.Length} dimensions, above the limit of {DimensionLimit}");
        Count = 1;
        foreach (long length in shape)
        {
            if (length < 0) throw new InvalidDataException($"a tensor has a negative dimension {length}");
            if (length != 0 && Count > ElementLimit / length)
                throw new InvalidDataException($"a tensor of shape [{string.Join(", ", shape)}] is above the limit of {ElementLimit} elements");
            Count *= length;
        }
        if (strides.Length != shape.Length) throw new InvalidDataException("a tensor's shape and strides differ in length");
        if (Count == 0) return;
        // Views that read elements again and again (stride 0) could be of any size; networks are saved without.
        if (Count > storage.Count)
            throw new InvalidDataException($"a tensor of shape [{string.Join(", ", shape)}] is larger than its storage of {storage.Count} elements");
        if (offset < 0 || offset >= storage.Count) throw new InvalidDataException($"a tensor begins at element {offset} of a storage of {storage.Count}");
        long last = offset;
        for (int i = 0; i < shape.Length; i++)
        {
            if (strides[i] < 0 || strides[i] > ElementLimit) throw new InvalidDataException($"a tensor has the stride {strides[i]}");
            last += (shape[i] - 1) * strides[i];
        }
        if (last >= storage.Count)
            throw new InvalidDataException($"a tensor of shape [{string.Join(", ", shape)}] reaches beyond its storage of {storage.Count} elements");
    }

    /// <summary>A tensor of its own storage, row-major.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions.</exception>
    public static CheckpointTensor FromSingle(ReadOnlySpan<float> values, params long[] shape) =>
        FromBytes(TensorElement.Single, MemoryMarshal.AsBytes(values), shape);

    /// <summary>A tensor of its own storage, row-major; an empty shape is a scalar.</summary>
    /// <exception cref="ArgumentException">The number of values is not the product of the dimensions.</exception>
    public static CheckpointTensor FromInt64(ReadOnlySpan<long> values, params long[] shape) =>
        FromBytes(TensorElement.Long, MemoryMarshal.AsBytes(values), shape);

    /// <summary>Element type.</summary>
    public TensorElement Element => _storage.Element;

    /// <summary>Dimensions; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Elements to move in the storage for one step along each dimension.</summary>
    public IReadOnlyList<long> Strides => _strides;

    /// <summary>Number of elements.</summary>
    public long Count { get; }

    /// <summary>Whether training wants a gradient of it.</summary>
    public bool RequiresGradient { get; }

    /// <summary>Whether it was saved as a parameter object rather than as a plain tensor.</summary>
    public bool IsParameter { get; }

    internal CheckpointStorage Storage => _storage;

    internal long StorageOffset => _offset;

    internal CheckpointTensor AsParameter(bool requiresGradient) => new(_storage, _offset, _shape, _strides, requiresGradient, isParameter: true);

    /// <summary>The elements in row-major order as float32: exact for float32, float16, bfloat16 and small integers.</summary>
    public float[] ToSingle()
    {
        byte[] raw = ToBytes();
        float[] values = new float[Count];
        for (int i = 0; i < values.Length; i++) values[i] = ReadSingle(raw, i);
        return values;
    }

    /// <summary>The elements in row-major order as raw little-endian bytes of <see cref="Element"/>.</summary>
    public byte[] ToBytes()
    {
        byte[] source = _storage.Bytes ?? throw new InvalidOperationException("The storage has not been read.");
        int size = Element.Size();
        byte[] result = new byte[checked((int)(Count * size))];
        if (Count == 0) return result;
        if (IsContiguous())
        {
            source.AsSpan(checked((int)(_offset * size)), result.Length).CopyTo(result);
            return result;
        }
        long[] index = new long[_shape.Length];
        long position = _offset;
        for (long i = 0; i < Count; i++)
        {
            source.AsSpan(checked((int)(position * size)), size).CopyTo(result.AsSpan(checked((int)(i * size))));
            for (int d = _shape.Length - 1; d >= 0; d--)
            {
                position += _strides[d];
                if (++index[d] < _shape[d]) break;
                position -= _strides[d] * _shape[d];
                index[d] = 0;
            }
        }
        return result;
    }

    private float ReadSingle(byte[] raw, int index) => Element switch
    {
        TensorElement.Single => BinaryPrimitives.ReadSingleLittleEndian(raw.AsSpan(4 * index)),
        TensorElement.Double => (float)BinaryPrimitives.ReadDoubleLittleEndian(raw.AsSpan(8 * index)),
        TensorElement.Half => (float)BinaryPrimitives.ReadHalfLittleEndian(raw.AsSpan(2 * index)),
        TensorElement.BrainHalf => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(raw.AsSpan(2 * index)) << 16),
        TensorElement.Long => BinaryPrimitives.ReadInt64LittleEndian(raw.AsSpan(8 * index)),
        TensorElement.Int => BinaryPrimitives.ReadInt32LittleEndian(raw.AsSpan(4 * index)),
        TensorElement.Short => BinaryPrimitives.ReadInt16LittleEndian(raw.AsSpan(2 * index)),
        TensorElement.SignedByte => (sbyte)raw[index],
        _ => raw[index],
    };

    private bool IsContiguous()
    {
        long expected = 1;
        for (int d = _shape.Length - 1; d >= 0; d--)
        {
            if (_shape[d] != 1 && _strides[d] != expected) return false;
            expected *= _shape[d];
        }
        return true;
    }

    private static CheckpointTensor FromBytes(TensorElement element, ReadOnlySpan<byte> bytes, long[] shape)
    {
        long count = bytes.Length / element.Size();
        long[] strides = new long[shape.Length];
        long product = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = product;
            product *= shape[d];
        }
        if (product != count) throw new ArgumentException($"{count} values do not fill the shape [{string.Join(", ", shape)}].", nameof(shape));
        CheckpointStorage storage = new("", element, count) { Bytes = bytes.ToArray() };
        return new CheckpointTensor(storage, 0, shape, strides, requiresGradient: false);
    }
}
