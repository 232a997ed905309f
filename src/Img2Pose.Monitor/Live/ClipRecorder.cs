using System.Diagnostics;

namespace Img2Pose.Monitor.Live;

/// <summary>
/// A clip in the making: the coded pictures around an event, as they are, without another encoding. It gathers them in memory, bounded, and
/// is written when it has its end.
/// </summary>
internal sealed class ClipRecorder
{
    private const long MostBytes = 24 << 20;

    private readonly Func<long, IDisposable?> _room;
    private readonly Action<byte[]> _done;
    private readonly List<CodedSample> _samples = [];
    private readonly long _longest;
    private readonly Func<H264Header?> _headerNow;
    private H264Header? _header;
    private long _until = long.MaxValue;
    private long _bytes;
    private bool _ended;

    /// <param name="longest">Seconds at most.</param>
    /// <param name="headerNow">The stream's description, once there is one.</param>
    /// <param name="room">Asked for room for so many bytes that wait to be written; null where there is none, and the clip is left out.</param>
    /// <param name="done">Given the file, on the pool, where there is something to keep.</param>
    public ClipRecorder(double longest, Func<H264Header?> headerNow, Func<long, IDisposable?> room, Action<byte[]> done) =>
        (_longest, _headerNow, _room, _done) = ((long)(longest * Stopwatch.Frequency), headerNow, room, done);

    /// <summary>Whether it has a picture. For the feed, under its lock.</summary>
    public bool HasBegun => _samples.Count > 0;

    /// <summary>Whether it takes no more pictures and holds none.</summary>
    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>The event is over: the clip ends at a moment, a timestamp of the monotonic clock.</summary>
    public void EndAt(long moment) => Volatile.Write(ref _until, moment);

    /// <summary>Whether its end lay before a moment.</summary>
    public bool IsOverBefore(long moment) => Volatile.Read(ref _until) < moment || (_samples.Count > 0 && moment - _samples[0].Capture > _longest);

    /// <summary>Takes what there is already. For the feed, under its lock.</summary>
    public void Begin(H264Header? header, IEnumerable<CodedSample> samples)
    {
        _header = header;
        foreach (CodedSample sample in samples) Add(sample);
    }

    /// <summary>Takes a picture; false where it wants no more. For the feed, under its lock.</summary>
    public bool Offer(CodedSample sample)
    {
        if (_ended) return false;
        bool isOver = sample.Capture > Volatile.Read(ref _until) || (_samples.Count > 0 && sample.Capture - _samples[0].Capture > _longest) || _bytes > MostBytes;
        if (!isOver)
        {
            Add(sample);
            return true;
        }
        End();
        return false;
    }

    /// <summary>Nothing more comes. For the feed, under its lock.</summary>
    public void End()
    {
        if (_ended) return;
        Volatile.Write(ref _ended, true);
        CodedSample[] samples = [.. _samples];
        H264Header? header = _header;
        _samples.Clear();
        if (header is null || samples.Length == 0 || _room(_bytes) is not { } place) return;
        ThreadPool.QueueUserWorkItem(_ =>
        {
            using (place) _done(Build(header, samples));
        });
    }

    /// <summary>A whole file of these pictures, its times from zero.</summary>
    public static byte[] Build(H264Header header, IReadOnlyList<CodedSample> samples)
    {
        using MemoryStream file = new();
        file.Write(Mp4Fragments.Header(header));
        long begin = samples[0].Time;
        for (int i = 0; i < samples.Count; i++)
        {
            int duration = i + 1 < samples.Count ? (int)(samples[i + 1].Time - samples[i].Time) : i > 0 ? (int)(samples[i].Time - samples[i - 1].Time) : Mp4Fragments.TimeScale / 10;
            file.Write(Mp4Fragments.Fragment(samples[i], (uint)i + 1, samples[i].Time - begin, duration));
        }
        return file.ToArray();
    }

    private void Add(CodedSample sample)
    {
        if (_samples.Count == 0)
        {
            if (!sample.IsKey) return;
            // The stream that it is of: another may follow.
            _header ??= _headerNow();
        }
        _samples.Add(sample);
        _bytes += sample.Data.Length;
    }
}
