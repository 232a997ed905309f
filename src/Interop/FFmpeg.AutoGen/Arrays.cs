using System.Runtime.CompilerServices;

namespace FFmpeg.AutoGen;

public unsafe struct byte_ptrArray8
{
    private fixed long _pointers[8];

    public byte* this[uint i]
    {
        readonly get => i < 8 ? (byte*)_pointers[i] : throw new ArgumentOutOfRangeException(nameof(i));
        set => _pointers[i < 8 ? i : throw new ArgumentOutOfRangeException(nameof(i))] = (long)value;
    }
}

public unsafe struct AVBufferRef_ptrArray8
{
    private fixed long _pointers[8];

    public AVBufferRef* this[uint i]
    {
        readonly get => i < 8 ? (AVBufferRef*)_pointers[i] : throw new ArgumentOutOfRangeException(nameof(i));
        set => _pointers[i < 8 ? i : throw new ArgumentOutOfRangeException(nameof(i))] = (long)value;
    }
}

public unsafe struct int_array4
{
    private fixed int _values[4];

    public int this[uint i]
    {
        readonly get => i < 4 ? _values[i] : throw new ArgumentOutOfRangeException(nameof(i));
        set => _values[i < 4 ? i : throw new ArgumentOutOfRangeException(nameof(i))] = value;
    }
}

public unsafe struct int_array8
{
    private fixed int _values[8];

    public int this[uint i]
    {
        readonly get => i < 8 ? _values[i] : throw new ArgumentOutOfRangeException(nameof(i));
        set => _values[i < 8 ? i : throw new ArgumentOutOfRangeException(nameof(i))] = value;
    }
}

public struct AVComponentDescriptor_array4
{
    private Elements _elements;

    public AVComponentDescriptor this[uint i]
    {
        readonly get => i < 4 ? _elements[(int)i] : throw new ArgumentOutOfRangeException(nameof(i));
        set => _elements[i < 4 ? (int)i : throw new ArgumentOutOfRangeException(nameof(i))] = value;
    }

    [InlineArray(4)]
    private struct Elements
    {
        private AVComponentDescriptor _first;
    }
}
