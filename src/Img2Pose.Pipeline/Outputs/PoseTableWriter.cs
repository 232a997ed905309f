using System.Buffers;
using System.Globalization;
using System.Text;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>
/// Writes poses as comma-separated values (RFC 4180): a header line, then a row a face. The numbers are those of
/// <see cref="JsonLinesWriter"/>; what is unknown is empty. A frame without faces has no row, and allocates nothing.
/// One thread at a time, as a session calls it; owns its output. Every call throws <see cref="OutputException"/> where it cannot be written.
/// </summary>
public sealed class PoseTableWriter : IPoseSink
{
    private const int FlushAt = 32 * 1024;

    private readonly OutputFile _output;
    private readonly CameraView? _camera;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushAt);
    private bool _finished;

    /// <summary>Writes the header to <paramref name="output"/>, which this writer then owns.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="camera">The user's camera and the size of heads, for three more columns in millimetres; null: the assumed camera.</param>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public PoseTableWriter(OutputFile output, CameraView? camera = null)
    {
        _output = output;
        _camera = camera;
        Append("source,frame,pts,id,detected,score,left,top,right,bottom,rx,ry,rz,tx,ty,tz,yaw,pitch,roll"u8);
        if (camera is not null) Append(",x_mm,y_mm,z_mm"u8);
        Append("\r\n"u8);
        Flush(0);
    }

    /// <inheritdoc/>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces)
    {
        foreach (ref readonly TrackedFace tracked in faces)
        {
            WriteName(frame.SourceName);
            Append(","u8);
            Append(frame.Index);
            Next(frame.PresentationTime ?? double.NaN, 6);
            Append(","u8);
            Append(tracked.Id);
            Append(tracked.Detected ? ",1"u8 : ",0"u8);
            FaceDetection face = tracked.Face;
            Next(face.Score, 4);
            Next(face.Box.Left, 2);
            Next(face.Box.Top, 2);
            Next(face.Box.Right, 2);
            Next(face.Box.Bottom, 2);
            Pose pose = _camera?.Express(face.Pose, frame.DisplayWidth, frame.DisplayHeight) ?? face.Pose;
            Next(pose.Rotation);
            Next(pose.Translation);
            EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
            Next(angles.Yaw, 3);
            Next(angles.Pitch, 3);
            Next(angles.Roll, 3);
            if (_camera is not null) Next(_camera.Millimetres(pose));
            Append("\r\n"u8);
            Flush(FlushAt);
        }
    }

    /// <inheritdoc/>
    public void Finish(RunReport report, bool failed)
    {
        if (_finished) return;
        _finished = true;
        Flush(0);
        // Interrupted before the first frame: what has the name keeps it, as a video does.
        if (!failed && !report.Complete && report.Frames == 0) _output.Discard();
        else if (!failed) _output.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => _output.Dispose();

    // Quoted where a reader would otherwise split it.
    private void WriteName(string? name)
    {
        if (name is null) return;
        if (name.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            Encoding.UTF8.GetBytes(name, _buffer);
            return;
        }
        Append("\""u8);
        Encoding.UTF8.GetBytes(name.Replace("\"", "\"\"", StringComparison.Ordinal), _buffer);
        Append("\""u8);
    }

    private void Next(Vector3d vector)
    {
        Next(vector.X, 6);
        Next(vector.Y, 6);
        Next(vector.Z, 6);
    }

    private void Next(double value, int decimals)
    {
        Append(","u8);
        // Adding zero turns −0 into 0.
        if (double.IsFinite(value)) Append(Math.Round(value, decimals) + 0.0);
    }

    private void Append(ReadOnlySpan<byte> text) => _buffer.Write(text);

    private void Append<T>(T number) where T : IUtf8SpanFormattable
    {
        // No number of these takes more room.
        number.TryFormat(_buffer.GetSpan(64), out int length, default, CultureInfo.InvariantCulture);
        _buffer.Advance(length);
    }

    private void Flush(int flushAt)
    {
        if (_buffer.WrittenCount <= flushAt) return;
        _output.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
