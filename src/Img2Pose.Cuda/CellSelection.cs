using System.Runtime.InteropServices;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;

namespace Img2Pose.Cuda;

/// <summary>
/// Picks the cells of a one-stage network's maps whose score is above a bound, on the device, so that only they come to the host. One
/// caller at a time; disposed before the queue.
/// </summary>
public sealed class CellSelection : IDisposable
{
    private const int Chunk = 32;

    /// <summary>Cells of a picture that come to the host with their number; a second copy fetches more where there are more.</summary>
    private const int FirstCells = 64;

    private readonly CudaQueue _queue;
    private readonly int _capacity;
    private DeviceBuffer? _counts;
    private DeviceBuffer? _records;
    private PinnedBuffer? _fetched;
    private int _values;

    /// <summary>Levels of maps that a launch takes at most.</summary>
    public const int MostLevels = 4;

    /// <summary>Makes one that fetches at most <paramref name="capacity"/> cells of a picture.</summary>
    public CellSelection(CudaQueue queue, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        (_queue, _capacity) = (queue, capacity);
    }

    /// <summary>Selects after what is in the queue, and waits for it.</summary>
    /// <param name="maps">Device addresses of the levels' maps, float32 [pictures, values, cells], one to four.</param>
    /// <param name="cells">Cells of a picture in each level.</param>
    /// <param name="pictures">Pictures.</param>
    /// <param name="values">Values of a cell; the first is its score.</param>
    /// <param name="least">Cells score above this.</param>
    /// <returns>False where a picture has more such cells than are fetched; their numbers can be asked for all the same.</returns>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public bool Select(ReadOnlySpan<nint> maps, ReadOnlySpan<int> cells, int pictures, int values, float least)
    {
        if (maps.Length is < 1 or > MostLevels || maps.Length != cells.Length) throw new ArgumentException($"{maps.Length} maps and {cells.Length} sizes are not one to four each.");
        _values = values;
        int all = 0;
        foreach (int count in cells) all += count;
        int chunks = (all + Chunk - 1) / Chunk, bytes = checked(pictures * Record * sizeof(int));
        Reserve(ref _counts, pictures * chunks * sizeof(int));
        Reserve(ref _records, bytes);
        if (_fetched is null || _fetched.Length < bytes)
        {
            _fetched?.Dispose();
            _fetched = null;
            _fetched = new PinnedBuffer(_queue.Device, bytes);
        }
        SelectParameters parameters = new()
        {
            Maps = new Quadruple<nint> { First = maps[0], Second = At(maps, 1), Third = At(maps, 2), Fourth = At(maps, 3) },
            Cells = new Quadruple<int> { First = cells[0], Second = At(cells, 1), Third = At(cells, 2), Fourth = At(cells, 3) },
            Counts = _counts!.Address,
            Records = _records!.Address,
            Least = least,
            LevelCount = maps.Length,
            Values = values,
            Pictures = pictures,
            Capacity = _capacity,
            Chunk = Chunk,
            Chunks = chunks,
        };
        _queue.SelectCells(parameters);
        int first = Math.Min(FirstCells, _capacity), most = 0;
        Fetch(pictures, 0, 1 + first * (1 + values));
        _queue.Synchronize();
        for (int picture = 0; picture < pictures; picture++) most = Math.Max(most, CountOf(picture));
        if (most > _capacity) return false;
        if (most > first)
        {
            Fetch(pictures, 1 + first * (1 + values), (most - first) * (1 + values));
            _queue.Synchronize();
        }
        return true;

        static T At<T>(ReadOnlySpan<T> list, int index) where T : struct => index < list.Length ? list[index] : default;
    }

    /// <summary>Fetches the same numbers of every picture's record.</summary>
    private void Fetch(int pictures, int from, int count)
    {
        int stride = Record * sizeof(int);
        nint offset = from * sizeof(int);
        _queue.CopyPlane(
            new FramePlane(_records!.Address + offset, MemoryKind.Cuda, stride, count, pictures, sizeof(int)),
            new FramePlane(_fetched!.Address + offset, MemoryKind.Host, stride, count, pictures, sizeof(int)));
    }

    /// <summary>Cells of a picture that were above the bound.</summary>
    public int CountOf(int picture) => Numbers[picture * Record];

    /// <summary>One of the cells of a picture, in their order, where none has too many: its number, counted through the levels, and its values.</summary>
    public int CellOf(int picture, int index, out ReadOnlySpan<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Math.Min(CountOf(picture), _capacity));
        int at = picture * Record + 1 + index * (1 + _values);
        values = MemoryMarshal.Cast<int, float>(Numbers.Slice(at + 1, _values));
        return Numbers[at];
    }

    /// <summary>Frees what it has on the device.</summary>
    public void Dispose()
    {
        _fetched?.Dispose();
        _records?.Dispose();
        _counts?.Dispose();
    }

    private int Record => 1 + _capacity * (1 + _values);

    private Span<int> Numbers => MemoryMarshal.Cast<byte, int>(_fetched!.Bytes);

    private void Reserve(ref DeviceBuffer? buffer, long bytes)
    {
        if (buffer is not null && buffer.Length >= bytes) return;
        buffer?.Dispose();
        buffer = null;
        buffer = new DeviceBuffer(_queue.Device, bytes);
    }
}
