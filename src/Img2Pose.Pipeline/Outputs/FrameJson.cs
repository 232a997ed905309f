using System.Diagnostics;
using System.Text.Json;
using Img2Pose.Frames;
using Img2Pose.Geometry;

namespace Img2Pose.Pipeline;

/// <summary>
/// Writes a frame with its faces as a JSON object, for every output that tells poses in JSON. Numbers are rounded to what is
/// meaningful, not-finite ones are null, and a frame allocates nothing.
/// </summary>
/// <param name="json">Where to.</param>
/// <param name="raw">Whether the unsmoothed poses are written too.</param>
/// <param name="isLive">Whether frames tell when they were taken.</param>
/// <param name="camera">The user's camera and the size of heads; null: the assumed camera, without millimetres.</param>
internal sealed class FrameJson(Utf8JsonWriter json, bool raw, bool isLive, CameraView? camera)
{
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
    private static readonly JsonEncodedText s_interpolated = JsonEncodedText.Encode("interpolated");
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
    private static readonly JsonEncodedText s_focalLengthY = JsonEncodedText.Encode("fy");
    private static readonly JsonEncodedText s_distortion = JsonEncodedText.Encode("distortion");
    private static readonly JsonEncodedText s_millimetres = JsonEncodedText.Encode("translation_mm");

    /// <summary>Writes the object.</summary>
    /// <param name="frame">The picture, for its times, size and name.</param>
    /// <param name="faces">The faces in it.</param>
    /// <param name="width">Width that the reader knows of; another one is written.</param>
    /// <param name="height">Height that the reader knows of.</param>
    public void Write(VideoFrame frame, ReadOnlySpan<TrackedFace> faces, int width, int height)
    {
        json.WriteStartObject();
        json.WriteString(s_type, s_frame);
        json.WriteNumber(s_index, frame.Index);
        WriteNumber(s_pts, frame.PresentationTime, 6);
        if (isLive) WriteTime(frame.CaptureTime);
        if (frame.SourceName is { } name) json.WriteString(s_source, name);
        if (frame.DisplayWidth != width || frame.DisplayHeight != height)
            WriteCamera(frame.DisplayWidth, frame.DisplayHeight);
        json.WriteStartArray(s_faces);
        foreach (ref readonly TrackedFace face in faces) WriteFace(face, frame.DisplayWidth, frame.DisplayHeight);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The time of day of a moment of the monotonic clock, to the millisecond, by the wall clock as it stands now.</summary>
    public void WriteTime(long timestamp)
    {
        DateTime time = DateTime.UtcNow - Stopwatch.GetElapsedTime(timestamp);
        json.WriteString(s_time, new DateTime(time.Ticks / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc));
    }

    private void WriteCamera(int width, int height)
    {
        json.WriteNumber(s_width, width);
        json.WriteNumber(s_height, height);
        WriteIntrinsics(width, height);
    }

    /// <summary>Writes the camera that the poses of a picture of this size are under.</summary>
    public void WriteIntrinsics(int width, int height)
    {
        json.WriteStartObject(s_intrinsics);
        if (camera?.CameraOf(width, height) is { } own)
        {
            WriteNumber(s_focalLength, own.FocalX, 3);
            WriteNumber(s_centerX, own.CenterX, 3);
            WriteNumber(s_centerY, own.CenterY, 3);
            WriteNumber(s_focalLengthY, own.FocalY, 3);
            if (own.Distortion.Count > 0)
            {
                json.WriteStartArray(s_distortion);
                for (int i = 0; i < own.Distortion.Count; i++) WriteValue(own.Distortion[i], 9);
                json.WriteEndArray();
            }
        }
        else
        {
            CameraIntrinsics assumed = CameraIntrinsics.ForImage(width, height);
            WriteNumber(s_focalLength, assumed.FocalLength, 3);
            WriteNumber(s_centerX, assumed.CenterX, 3);
            WriteNumber(s_centerY, assumed.CenterY, 3);
        }
        json.WriteEndObject();
    }

    private void WriteFace(in TrackedFace tracked, int width, int height)
    {
        FaceDetection face = tracked.Face;
        Pose pose = camera?.Express(face.Pose, width, height) ?? face.Pose;
        json.WriteStartObject();
        json.WriteNumber(s_id, tracked.Id);
        json.WriteBoolean(s_detected, tracked.Detected);
        if (tracked.IsInterpolated) json.WriteBoolean(s_interpolated, true);
        WriteNumber(s_score, face.Score, 4);
        json.WriteStartArray(s_box);
        WriteValue(face.Box.Left, 2);
        WriteValue(face.Box.Top, 2);
        WriteValue(face.Box.Right, 2);
        WriteValue(face.Box.Bottom, 2);
        json.WriteEndArray();
        WriteVector(s_rotation, pose.Rotation);
        WriteVector(s_translation, pose.Translation);
        if (camera is not null) WriteVector(s_millimetres, camera.Millimetres(pose));
        EulerAngles angles = EulerAngles.FromRotationVector(pose.Rotation);
        json.WriteStartObject(s_euler);
        WriteNumber(s_yaw, angles.Yaw, 3);
        WriteNumber(s_pitch, angles.Pitch, 3);
        WriteNumber(s_roll, angles.Roll, 3);
        json.WriteEndObject();
        if (raw)
        {
            Pose unsmoothed = camera?.Express(tracked.RawPose, width, height) ?? tracked.RawPose;
            WriteVector(s_rawRotation, unsmoothed.Rotation);
            WriteVector(s_rawTranslation, unsmoothed.Translation);
        }
        json.WriteEndObject();
    }

    private void WriteVector(JsonEncodedText name, Vector3d vector)
    {
        json.WriteStartArray(name);
        WriteValue(vector.X, 6);
        WriteValue(vector.Y, 6);
        WriteValue(vector.Z, 6);
        json.WriteEndArray();
    }

    /// <summary>Writes a member; null where the value is unknown or not finite.</summary>
    public void WriteNumber(JsonEncodedText name, double? value, int decimals)
    {
        json.WritePropertyName(name);
        WriteValue(value ?? double.NaN, decimals);
    }

    private void WriteValue(double value, int decimals)
    {
        if (!double.IsFinite(value)) json.WriteNullValue();
        // Adding zero turns −0 into 0.
        else json.WriteNumberValue(Math.Round(value, decimals) + 0.0);
    }
}
