using System.Runtime.InteropServices;
using Img2Pose.Cuda;
using Img2Pose.Cuda.Kernels;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// <see cref="Tensoriser"/> on a CUDA device: pictures in device memory become rectangles of a planar tensor there, a whole
/// batch in one launch. The numbers are those of the CPU to the last bit: the sampling comes from the same
/// <see cref="ResizeFilter"/>, and the kernel rounds after every operation, as the CPU does. Takes calls of one thread at a
/// time; the order on the device is that of its queue.
/// </summary>
public sealed unsafe class CudaTensoriser : ITensoriser
{
    // Job lists in flight: while the device reads one, the next is written.
    private const int Lists = 3;

    private const int MostAxes = 4096;

    private readonly Normalisation _normalisation;
    private readonly bool _prefilter;
    private readonly CudaQueue _queue;
    private readonly Dictionary<AxisKey, Axis> _axes = [];
    private readonly PinnedBuffer _staging;
    private readonly CudaMarker[] _read = new CudaMarker[Lists];
    private readonly DeviceBuffer _jobs;
    private readonly DeviceFramePool _uploads;
    private readonly List<DeviceFrame> _uploaded = [];
    private readonly List<VideoFrame> _hosts = [];
    private readonly List<CudaOrder> _orders = [];
    private int _list;
    private int _count;
    private int _width;
    private int _height;
    private (int Count, int Width, int Height) _last;

    /// <summary>Creates a tensoriser whose work goes into <paramref name="queue"/>.</summary>
    /// <param name="queue">The queue; also the one that the tensor is read in, or that a marker orders before it.</param>
    /// <param name="normalisation">What happens to the colours.</param>
    /// <param name="prefilter">Whether shrinking by more than 2 averages blocks first; see <see cref="ResizeFilter"/>.</param>
    /// <param name="capacity">The most pictures of a batch, at least 1.</param>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public CudaTensoriser(CudaQueue queue, Normalisation normalisation, bool prefilter, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, ushort.MaxValue);
        (_queue, _normalisation, _prefilter, Capacity) = (queue, normalisation, prefilter, capacity);
        int bytes = capacity * sizeof(TensorJob);
        _uploads = new DeviceFramePool(queue.Device, capacity);
        List<IDisposable> made = [];
        try
        {
            made.Add(_staging = new PinnedBuffer(queue.Device, Lists * bytes));
            made.Add(_jobs = new DeviceBuffer(queue.Device, bytes));
            for (int i = 0; i < Lists; i++) made.Add(_read[i] = new CudaMarker(queue.Device));
        }
        catch (CudaDeviceException)
        {
            made.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>The most pictures of a batch.</summary>
    public int Capacity { get; }

    /// <summary>Adds a picture to the batch that <see cref="Run"/> launches.</summary>
    /// <param name="picture">The picture, or a crop of one; its planes stay readable until the queue has passed <see cref="Run"/>.</param>
    /// <param name="color">What its numbers mean.</param>
    /// <param name="width">Width that it is resized to.</param>
    /// <param name="height">Height that it is resized to.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    /// <exception cref="InvalidOperationException">The batch is full.</exception>
    /// <exception cref="CudaDeviceException">The device has no room, or failed.</exception>
    public void Add(
        in DevicePicture picture, in ColorDescription color, int width, int height, in TensorRectangle target, bool mirror = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (_count == Capacity) throw new InvalidOperationException($"The batch is full with {Capacity} pictures.");
        if (target.Width < width || target.Height < height || target.RowLength < target.Width)
            throw new ArgumentException($"{width}×{height} does not fit into {target.Width}×{target.Height}.");

        if (_count == 0)
        {
            // The list was read by the device three launches ago, or never: this waits only where the host is that far ahead.
            _read[_list].Wait();
            ForgetAxes();
        }
        bool halved = picture.Format != DevicePixelFormat.Rgb24;
        SampleSiting across = halved ? SampleSiting.HalvedOnFirst : SampleSiting.Full;
        SampleSiting down = halved ? SampleSiting.HalvedCentred : SampleSiting.Full;
        ColorConversion conversion = ColorConversion.Create(color, picture.Bits);
        Jobs[_count++] = new TensorJob
        {
            Planes = picture.Planes,
            Strides = picture.Strides,
            X = AxisOf(new AxisKey(picture.Width, width, SampleSiting.Full, mirror)),
            Y = AxisOf(new AxisKey(picture.Height, height, SampleSiting.Full, false)),
            ChromaX = AxisOf(new AxisKey(picture.Width, width, across, mirror)),
            ChromaY = AxisOf(new AxisKey(picture.Height, height, down, false)),
            Luma = conversion.Luma,
            LumaOffset = conversion.LumaOffset,
            ChromaOffset = conversion.ChromaOffset,
            RedFromCr = conversion.RedFromCr,
            GreenFromCb = conversion.GreenFromCb,
            GreenFromCr = conversion.GreenFromCr,
            BlueFromCb = conversion.BlueFromCb,
            Scale = new Triple<float> { First = _normalisation.RedScale, Second = _normalisation.GreenScale, Third = _normalisation.BlueScale },
            Offset = new Triple<float> { First = _normalisation.RedOffset, Second = _normalisation.GreenOffset, Third = _normalisation.BlueOffset },
            Format = picture.Format,
            Target = target.Address,
            RowLength = target.RowLength,
            PlaneLength = target.PlaneLength,
            Width = width,
            Height = height,
            PaddedWidth = target.Width,
            PaddedHeight = target.Height,
            Half = target.Half ? 1 : 0,
        };
        _width = Math.Max(_width, target.Width);
        _height = Math.Max(_height, target.Height);
    }

    /// <summary>Puts one launch for all added pictures into the queue, and begins a new batch.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    public void Run()
    {
        if (_count == 0) return;
        int count = _count, width = _width, height = _height, list = _list;
        (_count, _width, _height) = (0, 0, 0);
        _list = (_list + 1) % Lists;
        _queue.Upload(_staging, list * Capacity * sizeof(TensorJob), _jobs, 0, count * sizeof(TensorJob));
        _queue.Mark(_read[list]);
        _queue.Tensorise(_jobs, count, width, height);
        _last = (count, width, height);
    }

    /// <summary>Puts the last launch into the queue once more, and nothing else: for who measures the kernel.</summary>
    /// <exception cref="CudaDeviceException">The device failed.</exception>
    internal void RunAgain() => _queue.Tensorise(_jobs, _last.Count, _last.Width, _last.Height);

    /// <inheritdoc/>
    MemoryKind ITensoriser.Memory => MemoryKind.Cuda;

    /// <inheritdoc/>
    /// <remarks>
    /// A frame in device memory is read in this tensoriser's queue, after who filled it. One in host memory is uploaded first, once a batch
    /// however many parts of it are written.
    /// </remarks>
    void ITensoriser.Write(VideoFrame frame, in PictureRegion region, int width, int height, NetworkInput input, int picture, bool mirror)
    {
        if (input.Memory != MemoryKind.Cuda) throw new ArgumentException($"The input lies in {input.Memory} memory.", nameof(input));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)picture, (uint)input.Count);
        try
        {
            // What is written so far goes ahead; the batch may be of any number of pictures.
            if (_count == Capacity) Finish();
            DevicePicture whole = frame.Memory == MemoryKind.Cuda ? Begin(frame) : UploadOnce(frame).Picture;
            TensorRectangle target = TensorRectangle.Slot(input.DeviceImage, picture, input.Width, input.Height);
            Add(whole.Crop(region.Left, region.Top, region.Width, region.Height), frame.Color, width, height, target, mirror);
        }
        catch
        {
            // Else the next batch would begin with these pictures, whose input may be gone by then.
            Forget();
            throw;
        }
        (input.Sizes[2 * picture], input.Sizes[2 * picture + 1]) = (height, width);
    }

    /// <inheritdoc/>
    void ITensoriser.Finish() => Finish();

    private void Finish()
    {
        try
        {
            Run();
            foreach (DeviceFrame frame in _uploaded) _queue.Mark(frame.Consumed);
            foreach (CudaOrder order in _orders) order.EndRead(_queue);
        }
        finally
        {
            Forget();
        }
    }

    /// <summary>Lets the queue wait for who fills a frame, whose owner is told in the end that it was read.</summary>
    private DevicePicture Begin(VideoFrame frame)
    {
        CudaOrder order = CudaOrder.Of(frame);
        if (!_orders.Contains(order))
        {
            order.BeginRead(_queue);
            _orders.Add(order);
        }
        return DevicePicture.Of(frame);
    }

    private DeviceFrame UploadOnce(VideoFrame frame)
    {
        for (int i = 0; i < _hosts.Count; i++)
        {
            if (ReferenceEquals(_hosts[i], frame)) return _uploaded[i];
        }
        return Upload(frame);
    }

    private DeviceFrame Upload(VideoFrame frame)
    {
        DeviceFrame uploaded = _uploads.Rent(DeviceFrame.FormatOf(frame.Format), frame.Width, frame.Height);
        _uploaded.Add(uploaded);
        _hosts.Add(frame);
        uploaded.Upload(frame, _queue);
        return uploaded;
    }

    /// <summary>Begins a new batch without what was added to the last, and gives the uploaded frames back.</summary>
    private void Forget()
    {
        (_count, _width, _height) = (0, 0, 0);
        foreach (DeviceFrame frame in _uploaded) frame.Dispose();
        _uploaded.Clear();
        _hosts.Clear();
        _orders.Clear();
    }

    /// <summary>Gives the memory of frames that were uploaded back.</summary>
    internal void Trim()
    {
        Forget();
        _uploads.Trim();
    }

    /// <summary>Frees the tables and lists; waits until the device has done what it was given.</summary>
    public void Dispose()
    {
        Forget();
        _uploads.Dispose();
        foreach (Axis axis in _axes.Values) axis.Dispose();
        _jobs.Dispose();
        _staging.Dispose();
        foreach (CudaMarker marker in _read) marker.Dispose();
    }

    private Span<TensorJob> Jobs =>
        MemoryMarshal.Cast<byte, TensorJob>(_staging.Bytes).Slice(_list * Capacity, Capacity);

    private ResizeAxisTable AxisOf(in AxisKey key)
    {
        if (_axes.TryGetValue(key, out Axis? known)) return known.Table;
        Axis made = new(_queue, ResizeFilter.CreateAxis(key.Source, key.Target, _prefilter, key.Siting, key.Mirror));
        _axes.Add(key, made);
        return made.Table;
    }

    // Sizes come and go with sources and crops: tables are dropped, between batches, before they fill the device.
    private void ForgetAxes()
    {
        if (_axes.Count < MostAxes) return;
        foreach (Axis axis in _axes.Values) axis.Dispose();
        _axes.Clear();
    }

    private readonly record struct AxisKey(int Source, int Target, SampleSiting Siting, bool Mirror);

    /// <summary>An axis in device memory: first blocks, second blocks, weights. Sizes repeat, so each is made once.</summary>
    private sealed class Axis : IDisposable
    {
        private readonly PinnedBuffer _staging;
        private readonly DeviceBuffer _memory;

        public Axis(CudaQueue queue, ResizeAxis axis)
        {
            int bytes = axis.Length * sizeof(int);
            _memory = new DeviceBuffer(queue.Device, 3L * bytes);
            try
            {
                _staging = new PinnedBuffer(queue.Device, 3 * bytes);
            }
            catch (CudaDeviceException)
            {
                _memory.Dispose();
                throw;
            }
            Span<byte> staged = _staging.Bytes;
            MemoryMarshal.AsBytes(axis.First).CopyTo(staged);
            MemoryMarshal.AsBytes(axis.Second).CopyTo(staged[bytes..]);
            MemoryMarshal.AsBytes(axis.Weights).CopyTo(staged[(2 * bytes)..]);
            queue.Upload(_staging, 0, _memory, 0, 3 * bytes);
            Table = new ResizeAxisTable
            {
                First = _memory.Address,
                Second = _memory.Address + bytes,
                Weights = _memory.Address + 2 * bytes,
                Samples = axis.Samples,
                Block = axis.Block,
            };
        }

        public ResizeAxisTable Table { get; }

        public void Dispose()
        {
            _memory.Dispose();
            _staging.Dispose();
        }
    }
}

/// <summary>A rectangle of a planar tensor in device memory that one picture fills: a batch's slot, or a place on a canvas.</summary>
/// <param name="Address">Device address of the rectangle's first red value.</param>
/// <param name="Width">Width of the rectangle; what the picture does not cover becomes 0.</param>
/// <param name="Height">Height of the rectangle.</param>
/// <param name="RowLength">Values from row to row of the tensor, at least <paramref name="Width"/>.</param>
/// <param name="PlaneLength">Values from colour to colour of the tensor.</param>
/// <param name="Half">Whether the tensor is float16.</param>
public readonly record struct TensorRectangle(nint Address, int Width, int Height, long RowLength, long PlaneLength, bool Half = false)
{
    /// <summary>A slot of a batch: <c>[slots, 3, height, width]</c> at <paramref name="tensor"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The tensor ends before the slot does.</exception>
    public static TensorRectangle Slot(DeviceBuffer tensor, int slot, int width, int height, bool half = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        long plane = (long)width * height, bytes = 3 * plane * (half ? 2 : 4);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((slot + 1) * bytes, tensor.Length, nameof(slot));
        return new TensorRectangle(tensor.Address + (nint)(slot * bytes), width, height, width, plane, half);
    }
}
