using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Inference;

/// <summary>
/// Turns the planes of a frame into the network's input in one pass over its rows: resize by <see cref="ResizeFilter"/>,
/// convert YUV to RGB, clamp, normalise, pad with zeros on the right and below. Only rows of the target size are ever
/// held beside the two ends. Not thread-safe; it works with several threads of its own where told to.
/// </summary>
public sealed unsafe class Tensoriser : ITensoriser
{
    private readonly Normalisation _normalisation;
    private readonly bool _prefilter;
    private readonly int _threads;
    private readonly ParallelOptions _parallel;
    private readonly Action<int> _writeStrip;
    // Sizes repeat, those of crops as well as those of whole pictures; what a plan takes is its scratch rows and tables.
    private const int MostPlans = 64;

    private readonly Dictionary<Shape, Plan> _plans = [];
    private Plan? _plan;
    private Job _job;
    private bool _disposed;

    /// <summary>Creates a tensoriser.</summary>
    /// <param name="normalisation">What happens to the colours.</param>
    /// <param name="prefilter">Whether shrinking by more than 2 averages blocks first; see <see cref="ResizeFilter"/>.</param>
    /// <param name="threads">Threads that share the rows, at least 1.</param>
    public Tensoriser(Normalisation normalisation, bool prefilter, int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _normalisation = normalisation;
        _prefilter = prefilter;
        _threads = threads;
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = threads };
        _writeStrip = WriteStrip;
    }

    /// <summary>
    /// Writes one picture: three planes (R, G, B) of <paramref name="paddedHeight"/> × <paramref name="paddedWidth"/>
    /// values. Every value is written, those outside <paramref name="width"/> × <paramref name="height"/> as 0.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="width">Width that the frame's whole picture is resized to.</param>
    /// <param name="height">Height that the frame's whole picture is resized to.</param>
    /// <param name="destination">Room for 3 · paddedHeight · paddedWidth values.</param>
    /// <param name="paddedWidth">At least <paramref name="width"/>.</param>
    /// <param name="paddedHeight">At least <paramref name="height"/>.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public void Write(VideoFrame frame, int width, int height, Span<float> destination, int paddedWidth, int paddedHeight, bool mirror = false) =>
        Write(frame, PictureRegion.Whole(frame.Width, frame.Height), width, height, destination, paddedWidth, paddedHeight, mirror);

    /// <summary>
    /// Writes a part of a picture as if it were all of it: what lies beyond the region's edges has no influence.
    /// </summary>
    /// <param name="frame">The frame; only read.</param>
    /// <param name="region">The part, inside the picture; it begins at even samples where chroma is halved.</param>
    /// <param name="width">Width that the region is resized to.</param>
    /// <param name="height">Height that the region is resized to.</param>
    /// <param name="destination">Room for 3 · paddedHeight · paddedWidth values.</param>
    /// <param name="paddedWidth">At least <paramref name="width"/>.</param>
    /// <param name="paddedHeight">At least <paramref name="height"/>.</param>
    /// <param name="mirror">Whether left and right are exchanged.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other, or the region does not fit the picture.</exception>
    public void Write(
        VideoFrame frame, in PictureRegion region, int width, int height, Span<float> destination, int paddedWidth, int paddedHeight, bool mirror = false)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (paddedWidth < width || paddedHeight < height || destination.Length < 3L * paddedWidth * paddedHeight)
            throw new ArgumentException($"{width}×{height} does not fit into {paddedWidth}×{paddedHeight} in {destination.Length} values.");
        if (region.Left < 0 || region.Top < 0 || region.Width <= 0 || region.Height <= 0
            || region.Width > frame.Width - region.Left || region.Height > frame.Height - region.Top)
            throw new ArgumentException($"{region} is not inside {frame.Width}×{frame.Height}.", nameof(region));
        if (frame.Format != PixelFormat.Rgb24 && ((region.Left | region.Top) & 1) != 0)
            throw new ArgumentException($"A part of halved chroma begins at even samples, not at {region.Left}, {region.Top}.", nameof(region));

        Plan plan = _plan = PlanOf(new Shape(frame.Format, region.Width, region.Height, width, height, mirror));
        fixed (float* tensor = destination)
        {
            _job = new Job(tensor, paddedWidth, paddedHeight,
                ColorConversion.Create(frame.Color, frame.Format == PixelFormat.I420P10 ? 10 : 8));
            for (int i = 0; i < frame.PlaneCount; i++)
            {
                int halving = i == 0 ? 1 : 2;
                plan.Planes[i].Begin(frame.GetPlane(i), region.Left / halving, region.Top / halving);
            }
            if (plan.Strips == 1) WriteStrip(0);
            else Parallel.For(0, plan.Strips, _parallel, _writeStrip);
        }
    }

    /// <inheritdoc/>
    MemoryKind ITensoriser.Memory => MemoryKind.Host;

    /// <inheritdoc/>
    void ITensoriser.Write(VideoFrame frame, in PictureRegion region, int width, int height, NetworkInput input, int picture, bool mirror)
    {
        Write(frame, region, width, height, input.Picture(picture), input.Width, input.Height, mirror);
        (input.Sizes[2 * picture], input.Sizes[2 * picture + 1]) = (height, width);
    }

    /// <inheritdoc/>
    void ITensoriser.Finish()
    {
        // Every picture is there when its call returns.
    }

    /// <summary>Frees the row buffers.</summary>
    public void Dispose()
    {
        _disposed = true;
        ForgetPlans();
    }

    private Plan PlanOf(in Shape shape)
    {
        if (_plan is { } last && last.Shape == shape) return last;
        if (_plans.TryGetValue(shape, out Plan? known)) return known;
        if (_plans.Count == MostPlans) ForgetPlans();
        Plan made = new(shape, _prefilter, Math.Min(_threads, shape.TargetHeight));
        _plans.Add(shape, made);
        return made;
    }

    private void ForgetPlans()
    {
        foreach (Plan plan in _plans.Values) plan.Dispose();
        _plans.Clear();
        _plan = null;
    }

    private void WriteStrip(int strip)
    {
        Plan plan = _plan!;
        int paddedWidth = _job.PaddedWidth, paddedHeight = _job.PaddedHeight;
        int width = plan.Shape.TargetWidth, height = plan.Shape.TargetHeight;
        long planeSize = (long)paddedWidth * paddedHeight;
        int begin = (int)((long)height * strip / plan.Strips), end = (int)((long)height * (strip + 1) / plan.Strips);
        Scratch scratch = plan.ScratchOf(strip);
        for (int y = begin; y < end; y++)
        {
            float* red = _job.Tensor + (long)y * paddedWidth;
            float* green = red + planeSize, blue = green + planeSize;
            WriteRow(plan, scratch, y, red, green, blue, width);
            if (paddedWidth == width) continue;
            new Span<float>(red + width, paddedWidth - width).Clear();
            new Span<float>(green + width, paddedWidth - width).Clear();
            new Span<float>(blue + width, paddedWidth - width).Clear();
        }
        if (strip != plan.Strips - 1 || paddedHeight == height) return;
        for (int c = 0; c < 3; c++)
        {
            float* below = _job.Tensor + c * planeSize + (long)height * paddedWidth;
            new Span<float>(below, checked((paddedHeight - height) * paddedWidth)).Clear();
        }
    }

    private void WriteRow(Plan plan, in Scratch scratch, int y, float* red, float* green, float* blue, int width)
    {
        if (plan.Shape.Format == PixelFormat.Rgb24)
        {
            float* row = plan.Planes[0].MixRows(y, scratch.Row);
            plan.Planes[0].SampleRow(row, 0, red);
            plan.Planes[0].SampleRow(row, 1, green);
            plan.Planes[0].SampleRow(row, 2, blue);
            RowKernels.Normalise(red, _normalisation.RedScale, _normalisation.RedOffset, width);
            RowKernels.Normalise(green, _normalisation.GreenScale, _normalisation.GreenOffset, width);
            RowKernels.Normalise(blue, _normalisation.BlueScale, _normalisation.BlueOffset, width);
            return;
        }
        float* luma = plan.Planes[0].SampleRow(plan.Planes[0].MixRows(y, scratch.Row), 0, scratch.Luma);
        float* cb, cr;
        if (plan.Shape.Format == PixelFormat.Nv12)
        {
            float* pairs = plan.Planes[1].MixRows(y, scratch.Cb);
            cb = plan.Planes[1].SampleRow(pairs, 0, scratch.SampledCb);
            cr = plan.Planes[1].SampleRow(pairs, 1, scratch.SampledCr);
        }
        else
        {
            cb = plan.Planes[1].SampleRow(plan.Planes[1].MixRows(y, scratch.Cb), 0, scratch.SampledCb);
            cr = plan.Planes[2].SampleRow(plan.Planes[2].MixRows(y, scratch.Cr), 0, scratch.SampledCr);
        }
        RowKernels.YuvToTensor(luma, cb, cr, _job.Color, _normalisation, red, green, blue, width);
    }

    private readonly record struct Shape(PixelFormat Format, int Width, int Height, int TargetWidth, int TargetHeight, bool Mirror);

    private readonly struct Job(float* tensor, int paddedWidth, int paddedHeight, ColorConversion color)
    {
        public readonly float* Tensor = tensor;
        public readonly int PaddedWidth = paddedWidth;
        public readonly int PaddedHeight = paddedHeight;
        public readonly ColorConversion Color = color;
    }

    /// <summary>Row buffers of one thread: rows of source width after the vertical step, rows of target width after both.</summary>
    private readonly struct Scratch
    {
        public float* Row { get; init; }

        public float* Luma { get; init; }

        public float* Cb { get; init; }

        public float* Cr { get; init; }

        public float* SampledCb { get; init; }

        public float* SampledCr { get; init; }
    }

    /// <summary>Everything that depends on sizes only, made once and used for all frames of those sizes.</summary>
    private sealed class Plan : IDisposable
    {
        private readonly AlignedBuffer _buffer;
        private readonly long _rowLength;
        private readonly long _targetLength;

        public Plan(Shape shape, bool prefilter, int strips)
        {
            Shape = shape;
            Strips = strips;
            (int w, int h, int tw, int th, bool mirror) = (shape.Width, shape.Height, shape.TargetWidth, shape.TargetHeight, shape.Mirror);
            ResizeAxis x = ResizeFilter.CreateAxis(w, tw, prefilter, SampleSiting.Full, mirror);
            ResizeAxis y = ResizeFilter.CreateAxis(h, th, prefilter);
            if (shape.Format == PixelFormat.Rgb24)
            {
                Planes = [new PlanePlan(x, y, channels: 3, wide: false)];
            }
            else
            {
                bool wide = shape.Format == PixelFormat.I420P10;
                ResizeAxis cx = ResizeFilter.CreateAxis(w, tw, prefilter, SampleSiting.HalvedOnFirst, mirror);
                ResizeAxis cy = ResizeFilter.CreateAxis(h, th, prefilter, SampleSiting.HalvedCentred);
                PlanePlan luma = new(x, y, channels: 1, wide);
                Planes = shape.Format == PixelFormat.Nv12
                    ? [luma, new PlanePlan(cx, cy, channels: 2, wide)]
                    : [luma, new PlanePlan(cx, cy, channels: 1, wide), new PlanePlan(cx, cy, channels: 1, wide)];
            }
            // Rounded up to whole cache lines, so that threads do not share one.
            _rowLength = (3L * w + 31) / 16 * 16;
            _targetLength = (tw + 31L) / 16 * 16;
            _buffer = new AlignedBuffer(strips * ScratchLength * sizeof(float));
        }

        public Shape Shape { get; }

        public int Strips { get; }

        public PlanePlan[] Planes { get; }

        private long ScratchLength => 3 * _rowLength + 3 * _targetLength;

        public Scratch ScratchOf(int strip)
        {
            float* start = (float*)_buffer.Pointer + strip * ScratchLength;
            float* targets = start + 3 * _rowLength;
            return new Scratch
            {
                Row = start,
                Cb = start + _rowLength,
                Cr = start + 2 * _rowLength,
                Luma = targets,
                SampledCb = targets + _targetLength,
                SampledCr = targets + 2 * _targetLength,
            };
        }

        public void Dispose()
        {
            _buffer.Dispose();
            foreach (PlanePlan plane in Planes) plane.Dispose();
        }
    }

    /// <summary>How one plane is sampled, and the plane of the frame at hand.</summary>
    private sealed class PlanePlan : IDisposable
    {
        private readonly ResizeAxis _x;
        private readonly ResizeAxis _y;
        private readonly int _channels;
        private readonly bool _wide;
        private readonly AlignedBuffer _taps;
        private readonly int* _indices;
        private byte* _first;
        private long _stride;

        public PlanePlan(ResizeAxis x, ResizeAxis y, int channels, bool wide)
        {
            (_x, _y, _channels, _wide) = (x, y, channels, wide);
            int length = x.Length;
            _taps = new AlignedBuffer(3L * length * sizeof(int));
            _indices = (int*)_taps.Pointer;
            for (int d = 0; d < length; d++)
            {
                _indices[d] = x.First[d] * channels;
                _indices[length + d] = x.Second[d] * channels;
                ((float*)_indices)[2 * length + d] = x.Weights[d];
            }
        }

        /// <summary>Takes the plane at hand, which must hold every sample that the plan reads from the given one on.</summary>
        public void Begin(in FramePlane plane, int left, int top)
        {
            if (plane.Width - left < _x.Samples || plane.Height - top < _y.Samples || plane.BytesPerElement != _channels * (_wide ? 2 : 1))
                throw new ArgumentException($"A plane of {plane.Width}×{plane.Height} does not hold {_x.Samples}×{_y.Samples} samples from {left}, {top} on.");
            _first = plane.Data + (long)top * plane.Stride + left * plane.BytesPerElement;
            _stride = plane.Stride;
        }

        /// <summary>The vertical step, and the horizontal block means: a row of all samples or blocks, interleaved as in the plane.</summary>
        public float* MixRows(int y, float* row)
        {
            int count = _x.Samples * _channels;
            int first = _y.First[y], second = _y.Second[y];
            float weight = _y.Weights[y];
            if (_y.Block == 1)
            {
                if (weight == 0 || first == second) Begin(first, 1, row, count);
                else Mix(first, 1 - weight, second, weight, row, count);
            }
            else
            {
                AddBlock(first, first == second ? 1 : 1 - weight, row, count, begin: true);
                if (first != second && weight > 0) AddBlock(second, weight, row, count, begin: false);
            }
            if (_x.Block > 1) RowKernels.AverageBlocks(row, row, _x.Samples, _channels, _x.Block);
            return row;
        }

        /// <summary>The horizontal step for one channel; returns where the result is, which is not <paramref name="target"/> when there is nothing to do.</summary>
        public float* SampleRow(float* row, int channel, float* target)
        {
            int length = _x.Length;
            if (_channels == 1 && _x.IsIdentity) return row;
            if (_channels == 1 && _x.HalvesEvenly) RowKernels.Halve(row, target, length);
            else RowKernels.Sample(row + channel, _indices, _indices + length, (float*)_indices + 2 * length, target, length);
            return target;
        }

        public void Dispose() => _taps.Dispose();

        private void AddBlock(int block, float weight, float* row, int count, bool begin)
        {
            int length = _y.BlockLength(block), start = block * _y.Block;
            float share = weight / length;
            for (int i = 0; i < length; i++)
            {
                if (begin && i == 0) Begin(start, share, row, count);
                else Add(start + i, share, row, count);
            }
        }

        private byte* RowOf(int y) => _first + y * _stride;

        private void Begin(int y, float weight, float* row, int count)
        {
            if (_wide) RowKernels.Scale((ushort*)RowOf(y), weight, row, count);
            else RowKernels.Scale(RowOf(y), weight, row, count);
        }

        private void Add(int y, float weight, float* row, int count)
        {
            if (_wide) RowKernels.Add((ushort*)RowOf(y), weight, row, count);
            else RowKernels.Add(RowOf(y), weight, row, count);
        }

        private void Mix(int first, float a, int second, float b, float* row, int count)
        {
            if (_wide) RowKernels.Mix((ushort*)RowOf(first), a, (ushort*)RowOf(second), b, row, count);
            else RowKernels.Mix(RowOf(first), a, RowOf(second), b, row, count);
        }
    }
}
