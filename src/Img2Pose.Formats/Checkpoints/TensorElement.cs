namespace Img2Pose.Formats;

/// <summary>Element types of tensors in checkpoints, named as PyTorch's documentation names them.</summary>
public enum TensorElement
{
    /// <summary><c>torch.float32</c>.</summary>
    Single,

    /// <summary><c>torch.float64</c>.</summary>
    Double,

    /// <summary><c>torch.float16</c>.</summary>
    Half,

    /// <summary><c>torch.bfloat16</c>: the upper half of a float32.</summary>
    BrainHalf,

    /// <summary><c>torch.int64</c>.</summary>
    Long,

    /// <summary><c>torch.int32</c>.</summary>
    Int,

    /// <summary><c>torch.int16</c>.</summary>
    Short,

    /// <summary><c>torch.int8</c>.</summary>
    SignedByte,

    /// <summary><c>torch.uint8</c>.</summary>
    Byte,

    /// <summary><c>torch.bool</c>, one byte.</summary>
    Boolean,
}

internal static class TensorElements
{
    // The storage classes of a pickle, each with its element type.
    private static readonly (string StorageClass, TensorElement Element, int Size)[] All =
    [
        ("FloatStorage", TensorElement.Single, 4),
        ("DoubleStorage", TensorElement.Double, 8),
        ("HalfStorage", TensorElement.Half, 2),
        ("BFloat16Storage", TensorElement.BrainHalf, 2),
        ("LongStorage", TensorElement.Long, 8),
        ("IntStorage", TensorElement.Int, 4),
        ("ShortStorage", TensorElement.Short, 2),
        ("CharStorage", TensorElement.SignedByte, 1),
        ("ByteStorage", TensorElement.Byte, 1),
        ("BoolStorage", TensorElement.Boolean, 1),
    ];

    public static int Size(this TensorElement element) => Array.Find(All, t => t.Element == element).Size;

    public static string StorageClass(this TensorElement element) => Array.Find(All, t => t.Element == element).StorageClass;

    public static TensorElement? FromStorageClass(string name)
    {
        foreach ((string storageClass, TensorElement element, _) in All)
        {
            if (storageClass == name) return element;
        }
        return null;
    }
}
