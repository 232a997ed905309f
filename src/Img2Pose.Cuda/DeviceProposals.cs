using System.Runtime.InteropServices;
using Img2Pose.Cuda.Kernels;

namespace Img2Pose.Cuda;

/// <summary>How proposals are chosen.</summary>
/// <param name="Anchors">Left, top, right, bottom of the shapes around a cell's corner, of each level.</param>
/// <param name="Before">Anchors kept of a level before suppression, at least 1.</param>
/// <param name="After">Proposals kept of a picture, at least 1.</param>
/// <param name="Overlap">Intersection over union above which a proposal suppresses a weaker one of its level.</param>
/// <param name="Shifted">Whether levels are kept apart by moving their boxes.</param>
/// <param name="DeltaLimit">What moves of width and height are clamped at.</param>
public sealed record ProposalRules(float[][] Anchors, int Before, int After, float Overlap, bool Shifted, float DeltaLimit);

/// <summary>A level's maps in device memory, float32.</summary>
/// <param name="Objectness">Address of the scores, [pictures, shapes, height, width].</param>
/// <param name="Deltas">Address of the moves, [pictures, 4 · shapes, height, width].</param>
/// <param name="Width">Cells of a row.</param>
/// <param name="Height">Rows.</param>
public readonly record struct ProposalMaps(nint Objectness, nint Deltas, int Width, int Height);

/// <summary>
/// Chooses the proposals of a batch of pictures on the device, where they stay for what pools them; those that are asked for come to the host. One
/// caller at a time; disposed before the queue.
/// </summary>
public sealed unsafe class DeviceProposals : IDisposable
{
    /// <summary>Candidates of a level at most: each is compared with each.</summary>
    public const int MostBefore = 16384;

    // As in native/cuda/propose.h.
    private const int Digits = 4, Bins = 256, BinCopies = 8, Chunk = 64, MaskBits = 64;

    // What the comparison of candidates may take: pictures go through it in groups.
    private const long OverlapBytes = 64L << 20;

    private const int Alignment = 256;

    /// <summary>Boxes between two that are fetched with them.</summary>
    private const int Near = 32;

    private readonly CudaQueue _queue;
    private readonly ProposalRules _rules;
    private readonly DeviceBuffer _anchors;
    private DeviceBuffer? _memory;
    private DeviceBuffer? _overlaps;
    private DeviceBuffer? _regions;
    private DeviceBuffer? _regionPictures;
    private PinnedBuffer? _staging;
    private PinnedBuffer? _fetched;
    private int _header;
    private bool _isFetched;

    /// <summary>Makes one.</summary>
    /// <exception cref="ArgumentException">The rules are none that the kernels keep.</exception>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public DeviceProposals(CudaQueue queue, ProposalRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rules.Before);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rules.After);
        if (rules.Anchors.Length == 0 || Array.Exists(rules.Anchors, shapes => shapes.Length == 0 || shapes.Length % 4 != 0))
            throw new ArgumentException("There must be levels, each with shapes of four numbers.", nameof(rules));
        (_queue, _rules) = (queue, rules);
        float[] anchors = [.. rules.Anchors.SelectMany(shapes => shapes)];
        int bytes = checked(anchors.Length * sizeof(float));
        _anchors = new DeviceBuffer(queue.Device, bytes);
        try
        {
            using PinnedBuffer staging = new(queue.Device, bytes);
            MemoryMarshal.AsBytes<float>(anchors).CopyTo(staging.Bytes);
            queue.Upload(staging, 0, _anchors, 0, bytes);
            // The staging memory ends here; this happens once.
            queue.Synchronize();
        }
        catch (CudaDeviceException)
        {
            _anchors.Dispose();
            throw;
        }
    }

    /// <summary>Proposals of the last choice, of all pictures.</summary>
    public int Count { get; private set; }

    /// <summary>Left, top, right, bottom of each, picture by picture, best first; 0 of those that were not fetched.</summary>
    public ReadOnlySpan<float> Boxes => MemoryMarshal.Cast<byte, float>(_fetched is null ? [] : _fetched.Bytes[_header..])[..(4 * Count)];

    /// <summary>Where they are on the device: the same numbers.</summary>
    public nint BoxAddress => (_regions?.Address ?? 0) + _header;

    /// <summary>Where the picture of each (int64) is on the device.</summary>
    public nint PictureAddress => _regionPictures?.Address ?? 0;

    /// <summary>Proposals of one picture.</summary>
    public int CountOf(int picture)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)picture, (uint)(_header / sizeof(int)));
        return MemoryMarshal.Cast<byte, int>(_fetched!.Bytes)[picture];
    }

    /// <summary>Chooses after what is in the queue, and waits for it.</summary>
    /// <param name="maps">The levels' maps, as many as the rules have.</param>
    /// <param name="sizes">Height and width of each picture without padding.</param>
    /// <param name="paddedWidth">Width of the batch.</param>
    /// <param name="paddedHeight">Height of the batch.</param>
    /// <exception cref="ArgumentException">The maps are none.</exception>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public void Select(ReadOnlySpan<ProposalMaps> maps, ReadOnlySpan<long> sizes, int paddedWidth, int paddedHeight)
    {
        int pictures = sizes.Length / 2;
        if (maps.Length != _rules.Anchors.Length || pictures == 0 || sizes.Length % 2 != 0)
            throw new ArgumentException($"{maps.Length} levels and {sizes.Length} sides of pictures are not {_rules.Anchors.Length} levels and two sides a picture.");
        Count = 0;
        ProposalParameters parameters = Lay(maps, pictures, out int mostAnchors, out int mostBest, out int blocks);
        parameters.PaddedWidth = paddedWidth;
        parameters.PaddedHeight = paddedHeight;
        for (int i = 0; i < pictures; i++)
        {
            Span<int> size = MemoryMarshal.Cast<byte, int>(_staging!.Bytes[(maps.Length * sizeof(ProposalLevel))..]).Slice(2 * i, 2);
            (size[0], size[1]) = (checked((int)sizes[2 * i + 1]), checked((int)sizes[2 * i]));
        }
        int staged = maps.Length * sizeof(ProposalLevel) + pictures * 2 * sizeof(int);
        _queue.Upload(_staging!, 0, _memory!, 0, staged);
        int lanes = checked(pictures * maps.Length);
        KernelModule kernels = _queue.Device.Kernels;
        for (parameters.Digit = 0; parameters.Digit < Digits; parameters.Digit++)
        {
            _queue.Propose(kernels.CountDigits, mostAnchors, 1, lanes, parameters);
            _queue.Propose(kernels.Narrow, Bins, 1, lanes, parameters);
        }
        _queue.Propose(kernels.CountBest, parameters.Chunks, 1, lanes, parameters);
        _queue.Propose(kernels.TakeBest, parameters.Chunks, 1, lanes, parameters);
        _queue.Propose(kernels.DecodeBest, mostBest, 1, lanes, parameters);
        int group = GroupOf(parameters);
        for (parameters.FirstPicture = 0; parameters.FirstPicture < pictures; parameters.FirstPicture += group)
        {
            int together = Math.Min(group, pictures - parameters.FirstPicture) * maps.Length;
            _queue.Propose(kernels.CompareBest, parameters.Words, mostBest, together, parameters);
            for (parameters.Block = 0; parameters.Block < blocks; parameters.Block++) _queue.Propose(kernels.Suppress, parameters.Words, 1, together, parameters);
        }
        _queue.Propose(kernels.RankBest, mostBest, 1, lanes, parameters);
        _queue.Propose(kernels.JoinBest, parameters.Capacity, 1, pictures, parameters);
        _queue.Download(_regions!, 0, _fetched!, 0, pictures * sizeof(int));
        // How many there are decides the shape of what follows.
        _queue.Synchronize();
        for (int i = 0; i < pictures; i++) Count += MemoryMarshal.Cast<byte, int>(_fetched!.Bytes)[i];
        _fetched!.Bytes[_header..].Clear();
        _isFetched = false;
    }

    /// <summary>Fetches the boxes of some of the proposals, and waits for them.</summary>
    /// <param name="rows">Which, each below <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such proposal.</exception>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Fetch(ReadOnlySpan<long> rows)
    {
        foreach (long row in rows) ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)row, (ulong)Count, nameof(rows));
        if (_isFetched || rows.IsEmpty) return;
        for (int i = 0; i < rows.Length;)
        {
            // A copy costs as much as some kilobytes: what lies near is fetched with it.
            int first = (int)rows[i], last = first;
            while (++i < rows.Length && rows[i] > last && rows[i] - last <= Near) last = (int)rows[i];
            int at = _header + 4 * sizeof(float) * first;
            _queue.Download(_regions!, at, _fetched!, at, 4 * sizeof(float) * (last + 1 - first));
        }
        _queue.Synchronize();
    }

    /// <summary>Fetches all boxes, and waits for them.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void FetchAll()
    {
        if (_isFetched || Count == 0) return;
        _queue.Download(_regions!, _header, _fetched!, _header, 4 * sizeof(float) * Count);
        _queue.Synchronize();
        _isFetched = true;
    }

    /// <summary>Puts given boxes where chosen ones would be.</summary>
    /// <param name="boxes">Left, top, right, bottom of each.</param>
    /// <param name="pictures">The picture of each.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public void Give(ReadOnlySpan<float> boxes, ReadOnlySpan<long> pictures)
    {
        if (boxes.Length != 4 * pictures.Length) throw new ArgumentException($"{boxes.Length} numbers are not four for each of {pictures.Length} boxes.");
        Count = 0;
        _header = 0;
        if (pictures.IsEmpty) return;
        int boxBytes = checked(boxes.Length * sizeof(float)), pictureBytes = pictures.Length * sizeof(long);
        Reserve(ref _regions, boxBytes);
        Reserve(ref _regionPictures, pictureBytes);
        Reserve(ref _staging, pictureBytes);
        Reserve(ref _fetched, boxBytes);
        MemoryMarshal.AsBytes(boxes).CopyTo(_fetched!.Bytes);
        MemoryMarshal.AsBytes(pictures).CopyTo(_staging!.Bytes);
        _queue.Upload(_fetched, 0, _regions!, 0, boxBytes);
        _queue.Upload(_staging, 0, _regionPictures!, 0, pictureBytes);
        // Both are written again by the next call.
        _queue.Synchronize();
        Count = pictures.Length;
        _isFetched = true;
    }

    /// <summary>Gives the memory of the last choice back, and forgets it.</summary>
    public void Trim()
    {
        (Count, _header) = (0, 0);
        _fetched?.Dispose();
        _staging?.Dispose();
        _regionPictures?.Dispose();
        _regions?.Dispose();
        _overlaps?.Dispose();
        _memory?.Dispose();
        (_fetched, _staging, _regionPictures, _regions, _overlaps, _memory) = (null, null, null, null, null, null);
    }

    /// <summary>Frees what it has on the device.</summary>
    public void Dispose()
    {
        Trim();
        _anchors.Dispose();
    }

    /// <summary>Makes room for everything, zeros where the kernels count, and stages the levels.</summary>
    private ProposalParameters Lay(ReadOnlySpan<ProposalMaps> maps, int pictures, out int mostAnchors, out int mostBest, out int blocks)
    {
        (mostAnchors, mostBest, blocks) = (0, 0, 0);
        int places = 0, chunks = 0, candidates = 0;
        Reserve(ref _staging, checked(maps.Length * sizeof(ProposalLevel) + pictures * 2 * sizeof(int)));
        Span<ProposalLevel> levels = MemoryMarshal.Cast<byte, ProposalLevel>(_staging!.Bytes)[..maps.Length];
        long shapesBefore = 0;
        for (int i = 0; i < maps.Length; i++)
        {
            int shapes = _rules.Anchors[i].Length / 4;
            int anchors = checked(shapes * maps[i].Width * maps[i].Height);
            if (anchors <= 0) throw new ArgumentException($"Level {i} of {maps[i].Width}×{maps[i].Height} cells has no anchors.", nameof(maps));
            int best = Math.Min(anchors, _rules.Before);
            if (best > MostBefore) throw new ArgumentException($"{best} candidates of level {i} are above the limit of {MostBefore}.", nameof(maps));
            levels[i] = new ProposalLevel
            {
                Objectness = maps[i].Objectness,
                Deltas = maps[i].Deltas,
                Anchors = _anchors.Address + (nint)(4 * sizeof(float) * shapesBefore),
                Shapes = shapes,
                Width = maps[i].Width,
                Height = maps[i].Height,
                Best = best,
                First = places,
                Chunks = (anchors + Chunk - 1) / Chunk,
            };
            shapesBefore += shapes;
            places += (best + MaskBits - 1) / MaskBits * MaskBits;
            candidates += best;
            chunks = Math.Max(chunks, levels[i].Chunks);
            (mostAnchors, mostBest) = (Math.Max(mostAnchors, anchors), Math.Max(mostBest, best));
        }
        blocks = (mostBest + MaskBits - 1) / MaskBits;
        int capacity = Math.Min(_rules.After, candidates);
        long lanes = (long)pictures * maps.Length, all = (long)pictures * places, size = 0;
        long inputs = Take(maps.Length * sizeof(ProposalLevel) + 2L * pictures * sizeof(int));
        // What begins as zeros, in one piece.
        long largest = Take(pictures * sizeof(uint)), removed = Take(all / 8), bins = Take(lanes * Digits * BinCopies * Bins * sizeof(uint)), zeros = size;
        long states = Take(lanes * (Digits + 1) * 2 * sizeof(uint)), counts = Take(lanes * chunks * 2 * sizeof(int));
        long keys = Take(all * sizeof(ulong)), scores = Take(all * sizeof(uint)), boxes = Take(all * 4 * sizeof(float)), kept = Take(all / 8);
        long ranked = Take((long)pictures * capacity * 4 * sizeof(float));
        _header = checked((int)Rounded(pictures * sizeof(int)));
        long regions = checked(_header + (long)pictures * capacity * 4 * sizeof(float));
        ProposalParameters parameters = new()
        {
            Threshold = _rules.Overlap,
            DeltaLimit = _rules.DeltaLimit,
            LevelCount = maps.Length,
            Pictures = pictures,
            Places = places,
            Words = blocks,
            Chunks = chunks,
            Capacity = capacity,
            Shifted = _rules.Shifted ? 1 : 0,
        };
        Reserve(ref _memory, size);
        Reserve(ref _overlaps, Math.Min(GroupOf(parameters), pictures) * OverlapsOf(parameters));
        Reserve(ref _regions, regions);
        Reserve(ref _regionPictures, (long)pictures * capacity * sizeof(long));
        Reserve(ref _fetched, checked((int)regions));
        _queue.Clear(_memory!, largest, zeros - largest);
        nint start = _memory!.Address;
        parameters.Levels = start + (nint)inputs;
        parameters.Sizes = start + (nint)inputs + maps.Length * sizeof(ProposalLevel);
        parameters.Largest = start + (nint)largest;
        parameters.Removed = start + (nint)removed;
        parameters.Bins = start + (nint)bins;
        parameters.States = start + (nint)states;
        parameters.Counts = start + (nint)counts;
        parameters.Keys = start + (nint)keys;
        parameters.Scores = start + (nint)scores;
        parameters.Boxes = start + (nint)boxes;
        parameters.Kept = start + (nint)kept;
        parameters.Ranked = start + (nint)ranked;
        parameters.Overlaps = _overlaps!.Address;
        parameters.Found = _regions!.Address;
        parameters.Regions = _regions.Address + _header;
        parameters.RegionPictures = _regionPictures!.Address;
        return parameters;

        long Take(long bytes)
        {
            long at = size;
            size = checked(size + Rounded(bytes));
            return at;
        }
    }

    private static long OverlapsOf(in ProposalParameters parameters) => (long)parameters.Places * parameters.Words * sizeof(ulong);

    private static int GroupOf(in ProposalParameters parameters) => (int)Math.Clamp(OverlapBytes / OverlapsOf(parameters), 1, ushort.MaxValue / parameters.LevelCount);

    private static long Rounded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private void Reserve(ref DeviceBuffer? buffer, long bytes)
    {
        if (buffer is not null && buffer.Length >= bytes) return;
        buffer?.Dispose();
        buffer = null;
        buffer = new DeviceBuffer(_queue.Device, bytes);
    }

    private void Reserve(ref PinnedBuffer? buffer, int bytes)
    {
        if (buffer is not null && buffer.Length >= bytes) return;
        buffer?.Dispose();
        buffer = null;
        buffer = new PinnedBuffer(_queue.Device, bytes);
    }
}
