using System.Buffers;
using System.Diagnostics;
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
}

/// <summary>
/// Writes poses as JSON Lines: a header, a line a frame, a line for every change of a live source's state, a summary. Numbers are rounded to what is meaningful, not-finite
/// ones are null, and a frame allocates nothing.
/// </summary>
public sealed class JsonLinesWriter : IPoseSink
{
    private const int FlushAt = 32 * 1024;
    private static readonly JsonEncodedText s_type = JsonEncodedText.Encode("type");
    private static readonly JsonEncodedText s_frame = JsonEncodedText.Encode("frame");
    private static readonly JsonEncodedText s_index = JsonEncodedText.Encode("index");
    private static readonly JsonEncodedText s_pts = JsonEncodedText.Encode("pts");
    private static readonly JsonEncodedText s_time = JsonEncodedText.Encode("time");
    private static readonly JsonEncodedText s_source = JsonEncodedText.Encode("source");
    private static readonly JsonEncodedText s_width = JsonEncodedText.Encode("width");
    private static readonly JsonEncodedText s_height = JsonEncodedText.Encode("height");
    private static readonly JsonEncodedText s_intrinsics = JsonEncodedText.Encode("intrinsics");
    private static readonly JsonEncodedText s_focalLength = JsonEncodedText.Encode("f");
    private static readonly JsonEncodedText s_centerX = JsonEncodedText.Encode("cx");
    private static readonly JsonEncodedText s_centerY = JsonEncodedText.Encode("cy");
    private static readonly JsonEncodedText s_faces = JsonEncodedText.Encode("faces");
    private static readonly JsonEncodedText s_id = JsonEncodedText.Encode("id");
    private static readonly JsonEncodedText s_detected = JsonEncodedText.Encode("detected");
    private static readonly JsonEncodedText s_score = JsonEncodedText.Encode("score");
    private static readonly JsonEncodedText s_box = JsonEncodedText.Encode("box");
    private static readonly JsonEncodedText s_rotation = JsonEncodedText.Encode("rotvec");
    private static readonly JsonEncodedText s_translation = JsonEncodedText.Encode("translation");
    private static readonly JsonEncodedText s_rawRotation = JsonEncodedText.Encode("raw_rotvec");
    private static readonly JsonEncodedText s_rawTranslation = JsonEncodedText.Encode("raw_translation");
    private static readonly JsonEncodedText s_euler = JsonEncodedText.Encode("euler");
    private static readonly JsonEncodedText s_yaw = JsonEncodedText.Encode("yaw");
    private static readonly JsonEncodedText s_pitch = JsonEncodedText.Encode("pitch");
    private static readonly JsonEncodedText s_roll = JsonEncodedText.Encode("roll");

    private readonly OutputFile _output;
    private readonly JsonHeader _header;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushAt);
    private readonly Utf8JsonWriter _json;
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
        WriteHeader();
    }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        _json.WriteStartObject();
        _json.WriteString(s_type, s_frame);
        _json.WriteNumber(s_index, frame.Index);
        WriteNumber(s_pts, frame.PresentationTime, 6);
        if (_header.IsLive) WriteTime(frame.CaptureTime);
        if (frame.SourceName is { } name) _json.WriteString(s_source, name);
        if (frame.DisplayWidth != _header.Width || frame.DisplayHeight != _header.Height)
            WriteCamera(frame.DisplayWidth, frame.DisplayHeight);
        _json.WriteStartArray(s_faces);
        foreach (ref readonly TrackedFace face in faces) WriteFace(face);
        _json.WriteEndArray();
        _json.WriteEndObject();
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
        WriteTime(status.Since);
        if (status.Reason is { } reason) _json.WriteString("reason", reason);
        if (status.Attempt > 0) _json.WriteNumber("attempt", status.Attempt);
        if (status.RetryIn is { } left) WriteNumber(JsonEncodedText.Encode("retry_in"), left.TotalSeconds, 3);
        if (status.Outage is { } outage) WriteNumber(JsonEncodedText.Encode("outage"), outage.TotalSeconds, 3);
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
        WriteNumber(JsonEncodedText.Encode("seconds"), report.Seconds, 3);
        WriteNumber(JsonEncodedText.Encode("fps"), report.FramesPerSecond, 2);
        if (report is { IsLive: true, Age: { } age })
        {
            _json.WriteStartObject("age");
            WriteNumber(JsonEncodedText.Encode("median"), age.Median, 4);
            WriteNumber(JsonEncodedText.Encode("p95"), age.Percentile95, 4);
            WriteNumber(JsonEncodedText.Encode("max"), age.Maximum, 4);
            _json.WriteEndObject();
        }
        _json.WriteBoolean("complete", report.Complete);
        if (!report.Complete) _json.WriteString("reason", report.Reason);
        _json.WriteStartObject("stages");
        foreach (StageReport stage in report.Stages)
        {
            _json.WriteStartObject(stage.Name);
            _json.WriteNumber("frames", stage.Frames);
            WriteNumber(JsonEncodedText.Encode("seconds"), stage.Seconds, 3);
            WriteNumber(JsonEncodedText.Encode("thread_cpu_seconds"), stage.ThreadCpuSeconds, 3);
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
        _json.WriteNumber(s_width, _header.Width);
        _json.WriteNumber(s_height, _header.Height);
        WriteNumber(JsonEncodedText.Encode("fps"), _header.FramesPerSecond, 4);
        _json.WriteString("model", _header.Model);
        _json.WriteString("model_licence", _header.ModelLicence);
        _json.WriteString("model_sha256", _header.ModelSha256);
        WriteIntrinsics(_header.Width, _header.Height);
        _json.WriteEndObject();
        EndLine(0);
    }

    /// <summary>The time of day of a moment of the monotonic clock, to the millisecond, by the wall clock as it stands now.</summary>
    private void WriteTime(long timestamp)
    {
        DateTime time = DateTime.UtcNow - Stopwatch.GetElapsedTime(timestamp);
        _json.WriteString(s_time, new DateTime(time.Ticks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc));
    }

    private void WriteCamera(int width, int height)
    {
        _json.WriteNumber(s_width, width);
        _json.WriteNumber(s_height, height);
        WriteIntrinsics(width, height);
    }

    private void WriteIntrinsics(int width, int height)
    {
        CameraIntrinsics camera = CameraIntrinsics.ForImage(width, height);
        _json.WriteStartObject(s_intrinsics);
        WriteNumber(s_focalLength, camera.FocalLength, 3);
        WriteNumber(s_centerX, camera.CenterX, 3);
        WriteNumber(s_centerY, camera.CenterY, 3);
        _json.WriteEndObject();
    }

    private void WriteFace(in TrackedFace tracked)
    {
        FaceDetection face = tracked.Face;
        _json.WriteStartObject();
        _json.WriteNumber(s_id, tracked.Id);
        _json.WriteBoolean(s_detected, tracked.Detected);
        WriteNumber(s_score, face.Score, 4);
        _json.WriteStartArray(s_box);
        WriteValue(face.Box.Left, 2);
        WriteValue(face.Box.Top, 2);
        WriteValue(face.Box.Right, 2);
        WriteValue(face.Box.Bottom, 2);
        _json.WriteEndArray();
        WriteVector(s_rotation, face.Pose.Rotation);
        WriteVector(s_translation, face.Pose.Translation);
        EulerAngles angles = EulerAngles.FromRotationVector(face.Pose.Rotation);
        _json.WriteStartObject(s_euler);
        WriteNumber(s_yaw, angles.Yaw, 3);
        WriteNumber(s_pitch, angles.Pitch, 3);
        WriteNumber(s_roll, angles.Roll, 3);
        _json.WriteEndObject();
        if (_header.Raw)
        {
            WriteVector(s_rawRotation, tracked.RawPose.Rotation);
            WriteVector(s_rawTranslation, tracked.RawPose.Translation);
        }
        _json.WriteEndObject();
    }

    private void WriteVector(JsonEncodedText name, Vector3d vector)
    {
        _json.WriteStartArray(name);
        WriteValue(vector.X, 6);
        WriteValue(vector.Y, 6);
        WriteValue(vector.Z, 6);
        _json.WriteEndArray();
    }

    private void WriteNumber(JsonEncodedText name, double? value, int decimals)
    {
        _json.WritePropertyName(name);
        WriteValue(value ?? double.NaN, decimals);
    }

    private void WriteValue(double value, int decimals)
    {
        if (!double.IsFinite(value)) _json.WriteNullValue();
        // Adding zero turns −0 into 0.
        else _json.WriteNumberValue(Math.Round(value, decimals) + 0.0);
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
