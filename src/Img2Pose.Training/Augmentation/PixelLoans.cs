using System.Buffers;

namespace Img2Pose.Training.Augmentation;

/// <summary>
/// Pixels of pictures that are made for one sample and no longer needed once it is composed: borrowed from the shared pool and given
/// back all together.
/// </summary>
internal sealed class PixelLoans : IDisposable
{
    private readonly List<byte[]> _lent = [];

    /// <summary>At least <paramref name="length"/> bytes of any content, until disposal.</summary>
    public byte[] Rent(int length)
    {
        byte[] pixels = ArrayPool<byte>.Shared.Rent(length);
        _lent.Add(pixels);
        return pixels;
    }

    /// <summary>Gives all back.</summary>
    public void Dispose()
    {
        foreach (byte[] pixels in _lent) ArrayPool<byte>.Shared.Return(pixels);
        _lent.Clear();
    }
}
