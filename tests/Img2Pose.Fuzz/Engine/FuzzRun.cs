using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Img2Pose.Fuzz;

/// <summary>
/// The attack on one target, in a process of its own: seeds first, then mutations of whatever showed something new, until
/// the time is up. The input under way lies in a shared file, so that the parent has it when this process dies.
/// </summary>
internal sealed class FuzzRun : IDisposable
{
    // Enough for every target's largest input and its length.
    private const int SharedBytes = 8 + (1 << 20);
    private const int MostKnown = 4096;

    private readonly FuzzTarget _target;
    private readonly Random _random;
    private readonly MemoryMappedFile _shared;
    private readonly MemoryMappedViewAccessor _view;
    private readonly string _keep;
    private readonly HashSet<int> _seen = [];
    private readonly HashSet<string> _found = [];
    private readonly List<byte[]> _known = [];
    // Processor time at which the input under way began, or a negative number.
    private long _started = -1;
    private int _measured;

    /// <summary>Prepares a run.</summary>
    /// <param name="target">The target.</param>
    /// <param name="seed">The same seed tries the same inputs, as long as time allows.</param>
    /// <param name="current">The file that the parent reads the input under way from.</param>
    /// <param name="keep">Folder for inputs that found something.</param>
    public FuzzRun(FuzzTarget target, int seed, string current, string keep)
    {
        _target = target;
        _random = new Random(seed);
        _keep = keep;
        _shared = MemoryMappedFile.CreateFromFile(current, FileMode.OpenOrCreate, null, SharedBytes);
        _view = _shared.CreateViewAccessor();
        new Thread(Watch) { IsBackground = true, Name = "watch" }.Start();
    }

    /// <summary>Inputs tried.</summary>
    public long Tried { get; private set; }

    /// <summary>Inputs that were refused as they should be.</summary>
    public long Refused { get; private set; }

    /// <summary>Findings.</summary>
    public int Findings { get; private set; }

    /// <summary>Kinds of outcome seen.</summary>
    public int Outcomes => _seen.Count;

    /// <summary>Reads the input that a dead process was at.</summary>
    public static byte[]? ReadCurrent(string current)
    {
        byte[] shared = File.ReadAllBytes(current);
        if (shared.Length < 8) return null;
        int length = BitConverter.ToInt32(shared, 0);
        return length < 0 || length > shared.Length - 8 ? null : shared.AsSpan(8, length).ToArray();
    }

    /// <summary>Keeps an input that found something; returns the file.</summary>
    public static string Keep(string folder, string target, string kind, byte[] input)
    {
        Directory.CreateDirectory(folder);
        string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12];
        string path = Path.Combine(folder, $"{target}-{kind}-{digest}.bin");
        File.WriteAllBytes(path, input);
        return path;
    }

    /// <summary>Tries every file of a folder that belongs to the target, and the seeds.</summary>
    public void Prepare(string? corpus)
    {
        foreach (byte[] seed in _target.Seeds()) Start(seed);
        if (corpus is null || !Directory.Exists(corpus)) return;
        foreach (string file in Directory.EnumerateFiles(corpus, _target.Name + "-*").Order(StringComparer.Ordinal)) Start(File.ReadAllBytes(file));

        void Start(byte[] input)
        {
            if (input.Length > _target.LargestInput) throw new InvalidOperationException($"A seed of {_target.Name} has {input.Length} bytes, above its largest input.");
            Try(input);
            _known.Add(input);
        }
    }

    /// <summary>Mutates until the time is up.</summary>
    public void Mutate(TimeSpan time)
    {
        Mutator mutator = new(_random, _target.LargestInput);
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < time)
        {
            // Newer ones are tried more: they are the edge of what is known.
            int index = _random.Next(2) == 0 ? _random.Next(_known.Count) : _known.Count - 1 - _random.Next(Math.Min(16, _known.Count));
            byte[] input = mutator.Mutate(_known[index], _known[_random.Next(_known.Count)]);
            if (Try(input)) Remember(input);
        }
    }

    /// <summary>Tries one input; true where its outcome is new.</summary>
    public bool Try(byte[] input)
    {
        _view.Write(0, input.Length);
        _view.WriteArray(8, input, 0, input.Length);
        Tried++;
        int outcome;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Volatile.Write(ref _started, ProcessorTime());
        try
        {
            outcome = HashCode.Combine(1, _target.Run(input));
        }
        catch (Img2PoseException error)
        {
            Refused++;
            outcome = Signature.Of(error);
        }
        catch (Exception error)
        {
            outcome = Signature.Of(error);
            Report(error.GetType().Name, $"{error.GetType().Name}:{error.StackTrace?.Split('\n')[0]}", input, error.ToString());
        }
        finally
        {
            Volatile.Write(ref _started, -1);
        }
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        (long most, long perByte) = _target.Memory;
        // The first inputs also pay for what is made once.
        if (_measured++ > 0 && taken > most + perByte * input.Length) Report("memory", $"memory {outcome}", input, $"{taken} bytes of memory for {input.Length} bytes of input");
        return _seen.Add(outcome);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _shared.Dispose();
    }

    private void Remember(byte[] input)
    {
        if (_known.Count < MostKnown) _known.Add(input);
        else _known[_random.Next(_known.Count)] = input;
    }

    private void Report(string kind, string where, byte[] input, string text)
    {
        // One file a place: a fault is found by thousands of inputs.
        if (!_found.Add(where)) return;
        Findings++;
        Console.WriteLine($"FOUND {_target.Name} {kind}: {Keep(_keep, _target.Name, kind, input)}\n{text}");
    }

    // A hang is processor time spent on one input, so that a loaded machine does not look like one; an input that waits for
    // ever is noticed by the wall clock, with much more patience.
    private void Watch()
    {
        long at = -1;
        Stopwatch same = Stopwatch.StartNew();
        while (true)
        {
            Thread.Sleep(200);
            long started = Volatile.Read(ref _started);
            if (started != at)
            {
                at = started;
                same.Restart();
            }
            if (started < 0) continue;
            double spent = (ProcessorTime() - started) / (double)TimeSpan.TicksPerSecond;
            if (spent < _target.Seconds && same.Elapsed.TotalSeconds < 30 * _target.Seconds) continue;
            Console.WriteLine($"HANG {_target.Name}: {spent:F1} s of processor time, {same.Elapsed.TotalSeconds:F0} s of wall time");
            Environment.Exit(FuzzProgram.Hang);
        }
    }

    private static long ProcessorTime() => Environment.CpuUsage.TotalTime.Ticks;
}
