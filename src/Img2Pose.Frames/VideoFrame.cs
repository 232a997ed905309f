using System.Diagnostics;

namespace Img2Pose.Frames;

/// <summary>
/// A reference-counted lease on the planes of one picture. Whoever holds one disposes it; the memory goes back to its
/// owner with the last holder. Not thread-safe for writing: only a sole holder of a writable frame writes its planes.
/// </summary>
public sealed class VideoFrame : IDisposable
{
    private readonly IVideoFrameOwner _owner;
    private readonly FramePlane[] _planes = new FramePlane[3];
    private bool _writable;
    private HolderCount _holders;

    /// <summary>Creates an unleased frame object that <paramref name="owner"/> may lease out over and over.</summary>
    public VideoFrame(IVideoFrameOwner owner) => _owner = owner;

    /// <summary>Where the samples lie; the same for every plane.</summary>
    public MemoryKind Memory { get; private set; }

    /// <summary>Layout of the samples.</summary>
    public PixelFormat Format { get; private set; }

    /// <summary>Coded width in samples, rotation metadata applied.</summary>
    public int Width { get; private set; }

    /// <summary>Coded height in samples, rotation metadata applied.</summary>
    public int Height { get; private set; }

    /// <summary>Width of the picture in square pixels as a viewer sees it: the pixels that boxes, poses and K speak of.</summary>
    public int DisplayWidth { get; set; }

    /// <summary>Height of the picture in square pixels as a viewer sees it.</summary>
    public int DisplayHeight { get; set; }

    /// <summary>What orders work on the frame; null in host memory, whose samples are there when the frame is.</summary>
    public DeviceOrder? Order { get; set; }

    /// <summary>Colour matrix, range and tags.</summary>
    public ColorDescription Color { get; set; }

    /// <summary>Presentation time in seconds as in the source, or null where the source has none (images).</summary>
    public double? PresentationTime { get; set; }

    /// <summary>Presentation timestamp in ticks of the source stream's time base; <see cref="long.MinValue"/> when absent.</summary>
    public long PresentationTicks { get; set; } = long.MinValue;

    /// <summary>
    /// When the picture was taken, as far as known, else when it was read: a timestamp of the monotonic clock
    /// (<see cref="Stopwatch.GetTimestamp"/>); 0 where nobody has said. Age is measured from it.
    /// </summary>
    public long CaptureTime { get; set; }

    /// <summary>The stream that the frame belongs to.</summary>
    public StreamId Stream { get; set; }

    /// <summary>
    /// Degrees clockwise, 0, 90, 180 or 270, by which a viewer still has to turn the planes. Sources in host memory turn the planes
    /// themselves and leave 0.
    /// </summary>
    public int Rotation { get; set; }

    /// <summary>Whether its rows were taken at one moment.</summary>
    public FieldOrder Fields { get; set; }

    /// <summary>How long it is shown, in ticks of the source stream's time base; 0 where that is not known.</summary>
    public long DurationTicks { get; set; }

    /// <summary>Number of the frame in its source, from 0; where a part of a video is read, the part's place in it counts (at the nominal rate).</summary>
    public long Index { get; set; }

    /// <summary>Name of the picture file when the source is a set of images, else null.</summary>
    public string? SourceName { get; set; }

    /// <summary>The ICC profile that its RGB values are to be shown by, or null: sRGB.</summary>
    public byte[]? ColorProfile { get; set; }

    /// <summary>
    /// Whether its holder may write the planes: the memory allows it and nobody else holds the frame. Decoder pictures are
    /// never writable, since the decoder refers to them.
    /// </summary>
    public bool IsWritable => _writable && _holders.IsHeldByOne;

    /// <summary>Number of planes.</summary>
    public int PlaneCount { get; private set; }

    /// <summary>Called by the owner: starts a lease with one reference.</summary>
    /// <exception cref="InvalidOperationException">The frame is still leased.</exception>
    /// <exception cref="ArgumentException">
    /// The planes lie in memory of different kinds, or are not those of a picture of this format and size. Loops over a frame's
    /// memory rely on it.
    /// </exception>
    public void Lease(PixelFormat format, int width, int height, ReadOnlySpan<FramePlane> planes, bool writable)
    {
        FrameShape shape = new(format, width, height);
        if (planes.Length != shape.PlaneCount) throw new ArgumentException($"{format} has {shape.PlaneCount} planes, not {planes.Length}.", nameof(planes));
        MemoryKind memory = planes[0].Memory;
        for (int i = 0; i < planes.Length; i++)
        {
            if (planes[i].Memory != memory) throw new ArgumentException("The planes of a frame lie in memory of one kind.", nameof(planes));
            PlaneShape found = new(planes[i].Width, planes[i].Height, planes[i].BytesPerElement);
            if (found != shape[i]) throw new ArgumentException($"Plane {i} of {format} in {width}×{height} is {shape[i]}, not {found}.", nameof(planes));
        }
        if (!_holders.TryBegin()) throw new InvalidOperationException("The frame is already leased.");
        Memory = memory;
        Format = format;
        Width = width;
        Height = height;
        DisplayWidth = width;
        DisplayHeight = height;
        planes.CopyTo(_planes);
        PlaneCount = planes.Length;
        _writable = writable;
        PresentationTime = null;
        PresentationTicks = long.MinValue;
        CaptureTime = 0;
        Stream = default;
        Rotation = 0;
        Order = null;
        Fields = FieldOrder.Progressive;
        DurationTicks = 0;
        Index = 0;
        SourceName = null;
        ColorProfile = null;
        FrameLeases.Track(this);
    }

    /// <summary>The plane with index <paramref name="index"/>.</summary>
    public FramePlane GetPlane(int index)
    {
        ObjectDisposedException.ThrowIf(!_holders.IsHeld, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)PlaneCount);
        return _planes[index];
    }

    /// <summary>The base of the pool's allocation; readable between leases, for the owner alone.</summary>
    internal nint FirstPlaneAddress => _planes[0].Address;

    internal void CopyPlanes(Span<FramePlane> destination) => _planes.AsSpan(0, PlaneCount).CopyTo(destination);

    /// <summary>Adds a holder; each holder disposes once. Returns this frame.</summary>
    /// <exception cref="ObjectDisposedException">Nobody holds the frame any more.</exception>
    public VideoFrame AddReference()
    {
        _holders.Add(this);
        return this;
    }

    /// <summary>Gives up one reference; the last one returns the planes to their owner.</summary>
    public void Dispose()
    {
        if (!_holders.Remove()) return;
        FrameLeases.Untrack(this);
        _owner.Reclaim(this);
    }

    /// <summary>Copies times, stream, index, display size, colour and name, but neither samples nor order, from <paramref name="source"/>.</summary>
    public void CopyPropertiesFrom(VideoFrame source)
    {
        DisplayWidth = source.DisplayWidth;
        DisplayHeight = source.DisplayHeight;
        Color = source.Color;
        PresentationTime = source.PresentationTime;
        PresentationTicks = source.PresentationTicks;
        CaptureTime = source.CaptureTime;
        Stream = source.Stream;
        Rotation = source.Rotation;
        Fields = source.Fields;
        DurationTicks = source.DurationTicks;
        Index = source.Index;
        SourceName = source.SourceName;
        ColorProfile = source.ColorProfile;
    }
}

/// <summary>Owns the memory behind leased frames.</summary>
public interface IVideoFrameOwner
{
    /// <summary>Takes back a frame whose last holder has gone; called once per lease, on any thread.</summary>
    void Reclaim(VideoFrame frame);
}
