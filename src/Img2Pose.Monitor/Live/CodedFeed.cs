using System.Diagnostics;
using Img2Pose.Media;

namespace Img2Pose.Monitor.Live;

/// <summary>
/// The coded pictures of one camera: the last seconds of them, for clips, and whoever watches now. Each picture is put into mp4 once,
/// however many watch. Written by one thread, read by any.
/// </summary>
internal sealed class CodedFeed : ICodedPictureTap
{
    private const long MostBytes = 32 << 20;

    /// <summary>Seconds by which a stream's time may differ from the time that has passed without counting as a jump.</summary>
    private const double MostUneven = 2;

    private static readonly long s_longest = 40 * Stopwatch.Frequency, s_late = 3 * Stopwatch.Frequency;

    private readonly Lock _lock = new();
    private readonly Queue<CodedSample> _recent = new();
    private readonly List<VideoViewer> _viewers = [];
    private readonly List<ClipRecorder> _recorders = [];
    private H264Header? _header;
    private byte[]? _headerFile;
    private CodedSample? _last;
    private long _bytes;
    private long _time;
    private double _streamTime = double.NaN;
    private int _interval = Mp4Fragments.TimeScale / 10;
    private uint _sequence;

    /// <summary>How many pictures have come.</summary>
    public long Count { get; private set; }

    /// <summary>Whether somebody wants pictures now: watches, or records.</summary>
    public bool IsWanted
    {
        get
        {
            lock (_lock) return _viewers.Count > 0 || _recorders.Count > 0;
        }
    }

    /// <summary>How many watch.</summary>
    public int Viewers
    {
        get
        {
            lock (_lock) return _viewers.Count;
        }
    }

    /// <inheritdoc/>
    public void Take(in CodedPicture picture)
    {
        if (picture.Codec != "h264") return;
        H264Header? header = _header;
        byte[]? data = H264Stream.Convert(picture.Data, picture.ExtraData, picture.Width, picture.Height, ref header);
        if (data is null || header is null) return;
        lock (_lock)
        {
            if (_header != header)
            {
                // Another stream: what went before cannot be joined to it.
                if (!picture.IsKey) return;
                _header = header;
                _headerFile = Mp4Fragments.Header(header);
                Forget();
                // One that waits for its first picture begins with this stream.
                foreach (ClipRecorder recorder in _recorders.Where(recorder => recorder.HasBegun)) recorder.End();
                foreach (VideoViewer viewer in _viewers) viewer.Restart(header.Codec, _headerFile);
            }
            if (_last is null && !picture.IsKey) return;
            long time = Time(picture.CaptureTime, picture.Time - picture.Delay);
            CodedSample sample = new(data, picture.IsKey, time, (int)(picture.Delay * Mp4Fragments.TimeScale), picture.CaptureTime);
            _last = sample;
            Count++;
            _recent.Enqueue(sample);
            _bytes += data.Length;
            Trim(sample.Capture);
            if (_viewers.Count > 0)
            {
                byte[] fragment = Mp4Fragments.Fragment(sample, ++_sequence, time, _interval);
                foreach (VideoViewer viewer in _viewers) viewer.Offer(fragment, sample.IsKey);
            }
            for (int i = _recorders.Count - 1; i >= 0; i--)
            {
                if (!_recorders[i].Offer(sample)) _recorders.RemoveAt(i);
            }
        }
    }

    /// <summary>Ends clips whose end has passed although no picture comes: the camera is out.</summary>
    public void EndOverdue()
    {
        // Pictures take a moment from the camera to here.
        long moment = Stopwatch.GetTimestamp() - s_late;
        lock (_lock)
        {
            for (int i = _recorders.Count - 1; i >= 0; i--)
            {
                if (!_recorders[i].IsOverBefore(moment)) continue;
                _recorders[i].End();
                _recorders.RemoveAt(i);
            }
        }
    }

    /// <summary>The source is gone: the next one begins with its own key picture.</summary>
    public void Break()
    {
        lock (_lock)
        {
            _last = null;
            foreach (ClipRecorder recorder in _recorders) recorder.End();
            _recorders.Clear();
        }
    }

    /// <summary>Begins to watch: from the last key picture on, so that there is something to see at once. Dispose it to end.</summary>
    public VideoViewer Watch()
    {
        VideoViewer viewer = new(Leave);
        lock (_lock)
        {
            if (_headerFile is not null && _header is not null)
            {
                viewer.Restart(_header.Codec, _headerFile);
                CodedSample[] group = [.. SinceLastKey()];
                for (int i = 0; i < group.Length; i++)
                {
                    int duration = i + 1 < group.Length ? (int)(group[i + 1].Time - group[i].Time) : _interval;
                    viewer.Offer(Mp4Fragments.Fragment(group[i], ++_sequence, group[i].Time, duration), group[i].IsKey);
                }
            }
            _viewers.Add(viewer);
        }
        return viewer;
    }

    /// <summary>Begins a clip with what has been kept since a moment; it goes on until its own end.</summary>
    /// <param name="recorder">The clip.</param>
    /// <param name="from">A timestamp of the monotonic clock.</param>
    public void Record(ClipRecorder recorder, long from)
    {
        lock (_lock)
        {
            if (_header is null || _last is null)
            {
                recorder.Begin(null, []);
                _recorders.Add(recorder);
                return;
            }
            // From the last key picture before the moment.
            List<CodedSample> begun = [];
            foreach (CodedSample sample in _recent)
            {
                if (sample.IsKey && sample.Capture <= from) begun.Clear();
                if (begun.Count > 0 || sample.IsKey) begun.Add(sample);
            }
            recorder.Begin(_header, begun);
            _recorders.Add(recorder);
        }
    }

    /// <summary>The header, for clips that began before there was one.</summary>
    public H264Header? Header => Volatile.Read(ref _header);

    private void Leave(VideoViewer viewer)
    {
        lock (_lock) _viewers.Remove(viewer);
    }

    private IEnumerable<CodedSample> SinceLastKey()
    {
        int index = -1, i = 0;
        foreach (CodedSample sample in _recent)
        {
            if (sample.IsKey) index = i;
            i++;
        }
        return index < 0 ? [] : _recent.Skip(index);
    }

    /// <summary>The time of a picture in mp4: goes on by the stream's own time, and over its jumps and breaks by the time that has passed.</summary>
    private long Time(long capture, double streamTime)
    {
        double passed = _last is { } last ? Stopwatch.GetElapsedTime(last.Capture, capture).TotalSeconds : _recent.Count > 0 ? Stopwatch.GetElapsedTime(_recent.Last().Capture, capture).TotalSeconds : 0;
        double step = streamTime - _streamTime;
        // When a connection begins pictures arrive in bursts; their own times are even.
        if (_last is null || !(step > 0) || Math.Abs(step - passed) > MostUneven) step = passed;
        _streamTime = streamTime;
        long time = _time + Math.Max(1, (long)Math.Round(step * Mp4Fragments.TimeScale));
        if (_last is not null) _interval += ((int)Math.Min(time - _time, 5 * Mp4Fragments.TimeScale) - _interval) / 8;
        return _time = time;
    }

    private void Trim(long now)
    {
        while (_recent.Count > 1 && (_bytes > MostBytes || now - _recent.Peek().Capture > s_longest)) _bytes -= _recent.Dequeue().Data.Length;
    }

    private void Forget()
    {
        _recent.Clear();
        _bytes = 0;
        _last = null;
    }
}
