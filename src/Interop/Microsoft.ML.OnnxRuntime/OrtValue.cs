using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Element type and shape of a tensor.</summary>
public struct OrtTensorTypeAndShapeInfo
{
    internal OrtTensorTypeAndShapeInfo(TensorElementType elementType, long elementCount, long[] shape)
    {
        ElementDataType = elementType;
        ElementCount = elementCount;
        Shape = shape;
    }

    public TensorElementType ElementDataType { get; private set; }

    public long ElementCount { get; private set; }

    public int DimensionsCount => Shape.Length;

    public long[] Shape { get; private set; }
}

/// <summary>A native value: here always a tensor, over memory of the caller or of the library.</summary>
public unsafe class OrtValue : IDisposable
{
    private readonly OrtHandle _handle;
    private MemoryHandle _pin;

    internal OrtValue(nint pointer) => _handle = new OrtHandle(pointer, OrtApi.ReleaseValue);

    internal SafeHandle Handle => _handle;

    /// <summary>Frees what it stands for and stands for another native value; 0 for none.</summary>
    internal void Reset(nint pointer) => _handle.Reset(pointer);

    public OnnxValueType OnnxType
    {
        get
        {
            using HandleLease value = new(_handle);
            int type;
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, int*, nint>)OrtApi.Function(OrtApi.GetValueType))(value.Pointer, &type));
            return (OnnxValueType)type;
        }
    }

    /// <summary>A tensor over <paramref name="data"/>, which stays pinned until the value is disposed.</summary>
    public static OrtValue CreateTensorValueFromMemory<T>(T[] data, long[] shape) where T : unmanaged =>
        CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, new Memory<T>(data), shape);

    /// <summary>A tensor over <paramref name="memory"/>, which stays pinned until the value is disposed.</summary>
    public static OrtValue CreateTensorValueFromMemory<T>(OrtMemoryInfo memoryInfo, Memory<T> memory, long[] shape) where T : unmanaged
    {
        MemoryHandle pin = memory.Pin();
        try
        {
            OrtValue value = CreateTensorValueWithData(
                memoryInfo, ElementType<T>(), shape, (nint)pin.Pointer, (long)memory.Length * sizeof(T));
            value._pin = pin;
            return value;
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>A tensor over memory that the caller keeps until the value is disposed.</summary>
    public static OrtValue CreateTensorValueWithData(
        OrtMemoryInfo memInfo, TensorElementType elementType, long[] shape, nint dataBufferPtr, long bufferLengthInBytes)
    {
        long count = 1;
        foreach (long side in shape) count = checked(count * side);
        if (count < 0 || checked(count * ElementSize(elementType)) > bufferLengthInBytes)
            throw new OnnxRuntimeException(ErrorCode.InvalidArgument,
                $"A tensor of shape [{string.Join(", ", shape)}] does not fit into {bufferLengthInBytes} bytes");
        using HandleLease info = new(memInfo);
        nint created;
        fixed (long* dimensions = shape)
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint, nuint, long*, nuint, int, nint*, nint>)OrtApi.Function(OrtApi.CreateTensorWithDataAsOrtValue))(
                info.Pointer, dataBufferPtr, (nuint)bufferLengthInBytes, dimensions, (nuint)shape.Length, (int)elementType, &created));
        }
        return new OrtValue(created);
    }

    /// <summary>The elements, valid until the value is disposed.</summary>
    public ReadOnlySpan<T> GetTensorDataAsSpan<T>() where T : unmanaged
    {
        using HandleLease value = new(_handle);
        nint shape = ShapeInfo(value.Pointer);
        nuint count;
        int type;
        try
        {
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, int*, nint>)OrtApi.Function(OrtApi.GetTensorElementType))(shape, &type));
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint*, nint>)OrtApi.Function(OrtApi.GetTensorShapeElementCount))(shape, &count));
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseTensorTypeAndShapeInfo))(shape);
        }
        if ((TensorElementType)type != ElementType<T>())
            throw new OnnxRuntimeException(ErrorCode.InvalidArgument, $"The tensor holds {(TensorElementType)type}, not {typeof(T)}");
        if (count == 0) return [];
        void* data;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, void**, nint>)OrtApi.Function(OrtApi.GetTensorMutableData))(value.Pointer, &data));
        return new ReadOnlySpan<T>(data, checked((int)count));
    }

    public OrtTensorTypeAndShapeInfo GetTensorTypeAndShape()
    {
        using HandleLease value = new(_handle);
        nint info = ShapeInfo(value.Pointer);
        try
        {
            (TensorElementType type, long[] shape, _) = TypeAndShape.Read(info);
            nuint count;
            OrtApi.VerifySuccess(((delegate* unmanaged<nint, nuint*, nint>)OrtApi.Function(OrtApi.GetTensorShapeElementCount))(info, &count));
            return new OrtTensorTypeAndShapeInfo(type, (long)count, shape);
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)OrtApi.Function(OrtApi.ReleaseTensorTypeAndShapeInfo))(info);
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        _handle.Dispose();
        _pin.Dispose();
        _pin = default;
    }

    private static nint ShapeInfo(nint value)
    {
        nint info;
        OrtApi.VerifySuccess(((delegate* unmanaged<nint, nint*, nint>)OrtApi.Function(OrtApi.GetTensorTypeAndShape))(value, &info));
        return info;
    }

    private static TensorElementType ElementType<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return TensorElementType.Float;
        if (typeof(T) == typeof(double)) return TensorElementType.Double;
        if (typeof(T) == typeof(long)) return TensorElementType.Int64;
        if (typeof(T) == typeof(int)) return TensorElementType.Int32;
        if (typeof(T) == typeof(byte)) return TensorElementType.UInt8;
        if (typeof(T) == typeof(sbyte)) return TensorElementType.Int8;
        if (typeof(T) == typeof(bool)) return TensorElementType.Bool;
        throw new OnnxRuntimeException(ErrorCode.InvalidArgument, $"A tensor of {typeof(T)} is not supported");
    }

    private static int ElementSize(TensorElementType type) => type switch
    {
        TensorElementType.Double or TensorElementType.Int64 or TensorElementType.UInt64 or TensorElementType.Complex64 => 8,
        TensorElementType.Float or TensorElementType.Int32 or TensorElementType.UInt32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Int16 or TensorElementType.UInt16 => 2,
        TensorElementType.UInt8 or TensorElementType.Int8 or TensorElementType.Bool => 1,
        _ => throw new OnnxRuntimeException(ErrorCode.InvalidArgument, $"A tensor of {type} is not supported"),
    };
}
