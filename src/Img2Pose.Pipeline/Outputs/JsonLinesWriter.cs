using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;
using Img2Pose.Media;

namespace Img2Pose.Pipeline;

/// <summary>What the header line of a JSON Lines file says.</summary>
public sealed record JsonHeader
{
    /// <summary>The source as the user named it, without credentials.</summary>
    public required string Source { get; init; }

    /// <summary>Width of the displayed picture.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the displayed picture.</summary>
    public required int Height { get; init; }

    /// <summary>Nominal frame rate, or null.</summary>
    public double? FramesPerSecond { get; init; }

    /// <summary>Name of the model, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Licence of the model, or null.</summary>
    public string? ModelLicence { get; init; }

    /// <summary>SHA-256 of the model file, or null.</summary>
    public string? ModelSha256 { get; init; }

    /// <summary>Whether the unsmoothed poses are written too.</summary>
    public bool Raw { get; init; }

    /// <summary>Whether the source is live: frames tell when they were taken, and every line is handed over at once.</summary>
    public bool IsLive { get; init; }

    /// <summary>The user's camera and the size of heads; null: poses are those of the assumed camera, without millimetres.</summary>
    public CameraView? Camera { get; init; }
}

/// <summary>
/// Writes poses as JSON Lines: a header, a line a frame, a line for every change of a live source's state, a summary. Numbers are rounded to what is meaningful, not-finite
/// ones are null, and a frame allocates nothing.
/// One thread at a time, as a session calls it; owns its output. Every call throws <see cref="OutputException"/> where it cannot be written.
/// </summary>
public sealed class JsonLinesWriter : IPoseSink
{
    private const int FlushAt = 32 * 1024;
    private static readonly JsonEncodedText s_type = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText s_source = JsonEncodedText.Encode("source");

    private readonly OutputFile _output;
    private readonly JsonHeader _header;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushAt);
    private readonly Utf8JsonWriter _json;
    private readonly FrameJson _frames;
    private bool _finished;

    /// <summary>Writes the header to <paramref name="output"/>, which this writer then owns.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public JsonLinesWriter(OutputFile output, JsonHeader header)
    {
        _output = output;
        _header = header;
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions
        {
            // File names stay readable; the output is no web page.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            SkipValidation = true,
        });
        _frames = new FrameJson(_json, header.Raw, header.IsLive, header.Camera);
        WriteHeader();
    }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        _frames.Write(frame, faces, _header.Width, _header.Height);
        EndLine(_output.IsInteractive || _header.IsLive ? 0 : FlushAt);
    }

    /// <inheritdoc/>
    public void SourceChanged(SourceStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        _json.WriteStartObject();
        _json.WriteString(s_type, s_source);
        _json.WriteString("state", status.State switch
        {
            SourceState.Connecting => "connecting",
            SourceState.Live => "live",
            SourceState.Reconnecting => "reconnecting",
            _ => "ended",
        });
        _frames.WriteTime(status.Since);
        if (status.Reason is { } reason) _json.WriteString("reason", reason);
        if (status.Attempt > 0) _json.WriteNumber("attempt", status.Attempt);
        if (status.RetryIn is { } left) _frames.WriteNumber(JsonEncodedText.Encode("retry_in"), left.TotalSeconds, 3);
        if (status.Outage is { } outage) _frames.WriteNumber(JsonEncodedText.Encode("outage"), outage.TotalSeconds, 3);
        _json.WriteNumber("timeline", status.Timeline);
        _json.WriteEndObject();
        EndLine(0);
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
        if (_finished) return;
        _finished = true;
        _json.WriteStartObject();
        _json.WriteString("type", "summary");
        _json.WriteNumber("frames", report.Frames);
        _json.WriteNumber("faces", report.Faces);
        _json.WriteNumber("dropped", report.Dropped);
        _json.WriteNumber("damaged", report.Damaged);
        if (report.IsLive) _json.WriteNumber("outages", report.Outages);
        _frames.WriteNumber(JsonEncodedText.Encode("seconds"), report.Seconds, 3);
        _frames.WriteNumber(JsonEncodedText.Encode("fps"), report.FramesPerSecond, 2);
        if (report is { IsLive: true, Age: { } age })
        {
            _json.WriteStartObject("age");
            _frames.WriteNumber(JsonEncodedText.Encode("median"), age.Median, 4);
            _frames.WriteNumber(JsonEncodedText.Encode("p95"), age.Percentile95, 4);
            _frames.WriteNumber(JsonEncodedText.Encode("max"), age.Maximum, 4);
            _json.WriteEndObject();
        }
        _json.WriteBoolean("complete", report.Complete);
        if (!report.Complete) _json.WriteString("reason", report.Reason);
        _json.WriteStartObject("stages");
        foreach (StageReport stage in report.Stages)
        {
            _json.WriteStartObject(stage.Name);
            _json.WriteNumber("frames", stage.Frames);
            _frames.WriteNumber(JsonEncodedText.Encode("seconds"), stage.Seconds, 3);
            _frames.WriteNumber(JsonEncodedText.Encode("thread_cpu_seconds"), stage.ThreadCpuSeconds, 3);
            _json.WriteEndObject();
        }
        _json.WriteEndObject();
        _json.WriteEndObject();
        EndLine(0);
        // Interrupted before the first frame: what has the name keeps it, as a video does.
        if (!failed && !report.Complete && report.Frames == 0) _output.Discard();
        else if (!failed) _output.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _json.Dispose();
        _output.Dispose();
    }

    private void WriteHeader()
    {
        _json.WriteStartObject();
        _json.WriteString("type", "header");
        _json.WriteNumber("schema", 1);
        _json.WriteString("source", _header.Source);
        // Camera and size of the header hold for every frame that does not say otherwise.
        _json.WriteNumber("width", _header.Width);
        _json.WriteNumber("height", _header.Height);
        _frames.WriteNumber(JsonEncodedText.Encode("fps"), _header.FramesPerSecond, 4);
        _json.WriteString("model", _header.Model);
        _json.WriteString("model_licence", _header.ModelLicence);
        _json.WriteString("model_sha256", _header.ModelSha256);
        _frames.WriteIntrinsics(_header.Width, _header.Height);
        if (_header.Camera is { } camera) _frames.WriteNumber(JsonEncodedText.Encode("millimetres_per_unit"), camera.MillimetresPerUnit, 4);
        _json.WriteEndObject();
        EndLine(0);
    }

    private void EndLine(int flushAt)
    {
        _json.Flush();
        _json.Reset();
        _buffer.GetSpan(1)[0] = (byte)'\n';
        _buffer.Advance(1);
        if (_buffer.WrittenCount <= flushAt) return;
        _output.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
