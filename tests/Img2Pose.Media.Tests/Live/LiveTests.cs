using System.Diagnostics;
using System.Globalization;
using Img2Pose.Frames;
using Img2Pose.Testing;
using Microsoft.Extensions.Logging;

namespace Img2Pose.Media.Tests;

/// <summary>Clips with a frame counter in them, and the reading of live sources with all that they say.</summary>
public abstract class LiveTests : ClipTests
{
    /// <summary>Longer than anything takes on a busy machine.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A stop takes a second at most; a machine that is busy may take a few. What is not interrupted takes minutes where this is asked.
    /// </summary>
    protected static void AssertPrompt(TimeSpan stop) => Assert.InRange(stop.TotalSeconds, 0, 4);

    // Times that tests can wait for.
    internal static readonly LiveSourceOptions Quick = new()
    {
        OpenTimeout = TimeSpan.FromSeconds(3),
        Times = LiveTimes.Parse("retry=0.2/0.4,password=0.4,health=30,silence=1.5,nopicture=4"),
    };

    /// <summary>A number in twelve fields of 20×20 pixels at the top, lowest bit first: the frame's place in its clip.</summary>
    private static string Counter() => "drawbox=x=0:y=0:w=240:h=20:color=black:t=fill"
        + string.Concat(Enumerable.Range(0, 12).Select(bit => $",drawbox=x={bit * 20}:y=0:w=20:h=20:color=white:t=fill:enable='mod(floor(n/{1 << bit})\\,2)'"));

    /// <summary>Makes a clip of counted pictures, as a camera would encode it; its name's ending tells how.</summary>
    protected string Counted(string name, int frames = 150, string size = "320x184", int gop = 15, int rate = 15)
    {
        string encoder = Path.GetExtension(name) switch
        {
            ".h264" => $"-c:v libx264 -preset veryfast -tune zerolatency -g {gop} -x264-params aud=1:repeat-headers=1:sliced-threads=0:threads=1:scenecut=0 -f h264",
            ".h265" => $"-c:v libx265 -preset ultrafast -x265-params aud=1:repeat-headers=1:keyint={gop}:min-keyint={gop}:bframes=0:log-level=none:scenecut=0 -f hevc",
            ".mjpeg" => "-c:v mjpeg -q:v 5 -huffman default -pix_fmt yuvj420p -f mjpeg",
            ".yuyv" => "-pix_fmt yuyv422 -f rawvideo",
            _ => $"-c:v libx264 -preset veryfast -tune zerolatency -g {gop} -bf 0 -pix_fmt yuv420p",
        };
        if (!File.Exists(At(name))) Ffmpeg($"-f lavfi -i testsrc2=s={size}:r={rate} -vf {Counter()} -frames:v {frames.ToString(CultureInfo.InvariantCulture)} {encoder} {name}");
        return At(name);
    }

    /// <summary>The number that is drawn in a picture of the clips' own size.</summary>
    protected static int CountOf(VideoFrame frame)
    {
        int number = 0;
        for (int bit = 0; bit < 12; bit++)
        {
            if (frame.GetPlane(0).Row(10)[bit * 20 + 10] > 128) number |= 1 << bit;
        }
        return number;
    }

    private protected static Reader Open(string url, LiveSourceOptions? live = null, CancellationToken stop = default) => new(url, live ?? Quick, stop);

    /// <summary>Reads a live source on a thread of its own, and keeps what came and what was said.</summary>
    internal sealed class Reader : IDisposable, ILogger
    {
        private readonly CancellationTokenSource _stop;
        private readonly Task _reading;
        private readonly Lock _lock = new();
        private readonly List<Picture> _pictures = [];
        private readonly List<(int Id, string Text)> _log = [];
        private readonly List<SourceStatus> _states = [];
        private IFrameSource? _source;

        public Reader(string url, LiveSourceOptions live, CancellationToken stop)
        {
            _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Status.Changed += state => { lock (_lock) _states.Add(state); };
            _reading = Task.Factory.StartNew(() => Read(url, live), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        public LiveStatus Status { get; } = new();

        public IFrameSource Source => _source!;

        public Picture[] Pictures
        {
            get { lock (_lock) return [.. _pictures]; }
        }

        public SourceStatus[] States
        {
            get { lock (_lock) return [.. _states]; }
        }

        public string Log
        {
            get { lock (_lock) return string.Join('\n', _log.Select(entry => $"{entry.Id} {entry.Text}")); }
        }

        /// <summary>Waits until something holds, or fails with what was said.</summary>
        public void WaitFor(Func<Reader, bool> condition, string what)
        {
            Stopwatch clock = Stopwatch.StartNew();
            while (!condition(this))
            {
                if (_reading.IsFaulted) _reading.GetAwaiter().GetResult();
                Assert.True(clock.Elapsed < Patience, $"{what} does not come; {Pictures.Length} pictures, {Status.Current}\n{Log}");
                // Asked again soon; bounded above.
                Thread.Sleep(10);
            }
        }

        public void WaitForPictures(int count) => WaitFor(reader => reader.Pictures.Length >= count, $"{count} pictures");

        /// <summary>Waits for that many more pictures than there are.</summary>
        public void WaitForMore(int count) => WaitForPictures(Pictures.Length + count);

        public void WaitForState(SourceState state, string? reason = null) =>
            WaitFor(reader => reader.Status.Current is { } now && now.State == state && (reason is null || now.Reason?.Contains(reason, StringComparison.Ordinal) == true), $"{state} {reason}");

        /// <summary>Stops it; returns how long that took.</summary>
        public TimeSpan Stop()
        {
            Stopwatch clock = Stopwatch.StartNew();
            _stop.Cancel();
            try
            {
                Assert.True(_reading.Wait(Patience), "it does not end");
            }
            catch (AggregateException e) when (e.InnerException is OperationCanceledException)
            {
                // Stopped before its first picture.
            }
            return clock.Elapsed;
        }

        /// <summary>Waits for the error that it ends with.</summary>
        public InputException Error()
        {
            AggregateException all = Assert.Throws<AggregateException>(() => Assert.True(_reading.Wait(Patience), $"it does not end: {Status.Current}\n{Log}"));
            return Assert.IsType<InputException>(all.InnerException);
        }

        public bool HasEnded => _reading.IsCompleted;

        public void Dispose()
        {
            try
            {
                if (!_reading.IsCompleted) Stop();
            }
            finally
            {
                _stop.Dispose();
                TestOutputs.Keep(Log + '\n' + string.Join('\n', States.Select(state => state.ToString())) + '\n' + (_reading.Exception?.ToString() ?? ""));
            }
        }

        private void Read(string url, LiveSourceOptions live)
        {
            using IFrameSource source = MediaSource.Open(url, new SourceOptions { Live = live, Status = Status, Logger = this, Cancellation = _stop.Token });
            _source = source;
            while (source.TryRead(out VideoFrame? frame))
            {
                using (frame)
                {
                    Picture picture = new(CountOf(frame), frame.PresentationTime!.Value, Stopwatch.GetElapsedTime(frame.CaptureTime).TotalSeconds, frame.Width, frame.Height, Stopwatch.GetTimestamp());
                    lock (_lock) _pictures.Add(picture);
                }
            }
        }

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lock) _log.Add((eventId.Id, formatter(state, exception)));
        }

        bool ILogger.IsEnabled(LogLevel logLevel) => true;

        IDisposable? ILogger.BeginScope<TState>(TState state) => null;
    }

    /// <summary>A picture that came.</summary>
    internal readonly record struct Picture(int Count, double Time, double Age, int Width, int Height, long Came);
}
