using Img2Pose.Cuda;
using Img2Pose.Frames;
using Microsoft.ML.OnnxRuntime;

namespace Img2Pose.Inference.Scheduling;

/// <summary>
/// Does looks on a GPU as long as that can: where its memory gets short, fewer at a time; where that is not enough, or the GPU is lost,
/// on the processor from then on. Each step is told once. Owns both networks. Not thread-safe.
/// </summary>
/// <param name="onDevice">The network that works on the GPU.</param>
/// <param name="openOnProcessor">Opens the one that takes its place.</param>
/// <param name="warning">Told, in one line, what is done without.</param>
public sealed class FallingBackRunner(DetectorRunner onDevice, Func<DetectorRunner> openOnProcessor, Action<string>? warning) : ILookRunner
{
    private readonly List<Look> _part = [];
    private readonly List<bool> _wasWhole = [];
    private readonly List<(Look Look, VideoFrame Frame)> _moved = [];
    private DetectorRunner? _onProcessor;
    private HostFrames? _host;
    private int _most = int.MaxValue;

    /// <summary>Looks of one run at most, as the memory of the GPU has it.</summary>
    internal int Most => _most;

    /// <summary>Whether the processor does the looks.</summary>
    internal bool IsOnProcessor => _onProcessor is not null;

    /// <inheritdoc/>
    public bool CanJoin(Look first, Look other) => (_onProcessor ?? onDevice).CanJoin(first, other);

    /// <inheritdoc/>
    public void Run(IReadOnlyList<Look> looks)
    {
        for (int first = 0; first < looks.Count;)
        {
            int count = Math.Min(looks.Count - first, _most);
            _part.Clear();
            _wasWhole.Clear();
            for (int i = 0; i < count; i++)
            {
                _part.Add(looks[first + i]);
                _wasWhole.Add(looks[first + i].IsWhole);
            }
            if (_onProcessor is null && !TryRunOnDevice(count))
            {
                AskAgain();
                continue;
            }
            if (_onProcessor is not null)
            {
                AskAgain();
                RunOnProcessor();
            }
            first += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _onProcessor?.Dispose();
        _host?.Dispose();
        onDevice.Dispose();
    }

    /// <summary>False where the same looks are to be tried again, fewer at a time; true where they are done or the processor's.</summary>
    private bool TryRunOnDevice(int count)
    {
        try
        {
            onDevice.Run(_part);
            return true;
        }
        catch (Exception error) when (FailureOf(error, onDevice.Detector.IsOnProcessor) == CudaFailure.OutOfMemory)
        {
            // What is kept for other batches is room for this one.
            onDevice.Detector.Trim();
            if (count > 1)
            {
                _most = count / 2;
                warning?.Invoke($"The GPU has too little memory for {count} pictures at a time; from now on at most {_most}.");
                return false;
            }
            Leave($"The GPU has too little memory even for one picture: {OneLine.Of(error.Message)}");
            return true;
        }
        // What lies in the memory of a lost device is lost, too: who asked for such a look is told so.
        catch (Exception error) when (FailureOf(error, onDevice.Detector.IsOnProcessor) == CudaFailure.DeviceLost && _part.TrueForAll(static look => look.Frame!.Memory == MemoryKind.Host))
        {
            Leave($"The GPU is lost: {OneLine.Of(error.Message)}");
            return true;
        }
    }

    /// <summary>What a try that failed has found it needed is asked anew.</summary>
    private void AskAgain()
    {
        for (int i = 0; i < _part.Count; i++) _part[i].IsWhole = _wasWhole[i];
    }

    private void Leave(string why)
    {
        _onProcessor = openOnProcessor();
        warning?.Invoke($"{why} The network runs on the processor from now on.");
    }

    private void RunOnProcessor()
    {
        try
        {
            foreach (Look look in _part)
            {
                VideoFrame frame = look.Frame!;
                if (frame.Memory == MemoryKind.Host) continue;
                _host ??= new HostFrames(CudaOrder.Of(frame).Device);
                look.Frame = _host.Download(frame);
                _moved.Add((look, frame));
            }
            // The processor's network takes looks one by one, as its own scheduler would.
            List<Look> alone = new(1);
            foreach (Look look in _part)
            {
                alone.Clear();
                alone.Add(look);
                _onProcessor!.Run(alone);
            }
        }
        finally
        {
            foreach ((Look look, VideoFrame frame) in _moved)
            {
                look.Frame!.Dispose();
                look.Frame = frame;
            }
            _moved.Clear();
        }
    }

    /// <summary>What an error means for the device; null where it is none of the device's.</summary>
    /// <param name="error">The error.</param>
    /// <param name="isOnProcessor">Whether the network runs on the processor, whose memory is then what ONNX Runtime lacks.</param>
    internal static CudaFailure? FailureOf(Exception error, bool isOnProcessor)
    {
        if (error is CudaDeviceException device) return device.Failure;
        if (isOnProcessor || error is not ModelException { InnerException: OnnxRuntimeException }) return null;
        // ONNX Runtime tells by words alone: its arena's, of its own limit or of the device's, or the runtime's code and description.
        string text = error.Message;
        if (text.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || text.Contains("Failed to allocate memory", StringComparison.OrdinalIgnoreCase)
            || text.Contains("is smaller than requested bytes", StringComparison.OrdinalIgnoreCase) || text.Contains("ALLOC_FAILED", StringComparison.Ordinal)) return CudaFailure.OutOfMemory;
        return text.Contains("CUDA failure", StringComparison.Ordinal) || text.Contains("CUDNN failure", StringComparison.Ordinal) ? CudaFailure.DeviceLost : null;
    }
}
