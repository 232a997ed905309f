using FFmpeg.AutoGen;
using Img2Pose.Frames;

namespace Img2Pose.Media;

/// <summary>
/// Whether an FFmpeg picture's planes lie in the memory that it refers to. FFmpeg promises it; a decoder that breaks the promise
/// for a hostile stream must not make this program's loops read elsewhere.
/// </summary>
internal static unsafe class PictureMemory
{
    private const int MostBuffers = 8;

    /// <exception cref="InputException">The plane is missing, its rows overlap, or they end beyond the buffer.</exception>
    public static void Require(AVFrame* picture, int plane, PlaneShape shape)
    {
        byte* first = picture->data[(uint)plane];
        long stride = picture->linesize[(uint)plane];
        if (first == null || stride < shape.RowBytes) throw Wrong(plane, shape, stride);
        long extent = shape.Extent(stride);
        for (uint i = 0; i < MostBuffers; i++)
        {
            AVBufferRef* buffer = picture->buf[i];
            if (buffer == null) break;
            ulong offset = (ulong)first - (ulong)buffer->data;
            // An address below the buffer is a large unsigned number.
            if (offset < buffer->size && (ulong)extent <= buffer->size - offset) return;
        }
        throw Wrong(plane, shape, stride);
    }

    private static InputException Wrong(int plane, PlaneShape shape, long stride) => new(
        $"A decoder gave a picture whose plane {plane} of {shape.Width}x{shape.Height} (rows of {stride} bytes) does not lie in its memory");
}
