using System.Text.Encodings.Web;
using System.Text.Json;
using Img2Pose.Core;
using Img2Pose.Formats;

namespace Img2Pose.Training.Data;

/// <summary>Writes <c>annotations.jsonl</c>, the format that <see cref="AnnotationPackReader"/> reads.</summary>
public static class AnnotationPackWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all records, one a line; the file appears when it is whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">The records.</param>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<AnnotatedImage> images) => AtomicFile.Write(path, createFolder: true, durable: true, content: stream =>
    {
        foreach (AnnotatedImage image in images)
        {
            using (Utf8JsonWriter json = new(stream, Options)) WriteImage(json, image);
            stream.WriteByte((byte)'\n');
        }
    });

    private static void WriteImage(Utf8JsonWriter json, AnnotatedImage image)
    {
        json.WriteStartObject();
        json.WriteString("image", image.Image);
        json.WriteNumber("width", image.Width);
        json.WriteNumber("height", image.Height);
        json.WriteString("set", image.Set);
        json.WriteStartArray("faces");
        foreach (AnnotatedFace face in image.Faces) WriteFace(json, face);
        json.WriteEndArray();
        json.WriteBoolean("complete", image.Complete);
        json.WriteEndObject();
    }

    private static void WriteFace(Utf8JsonWriter json, AnnotatedFace face)
    {
        json.WriteStartObject();
        WriteNumbers(json, "box", [face.Box.Left, face.Box.Top, face.Box.Right, face.Box.Bottom], 2);
        if (face.Pose is { } pose) WriteNumbers(json, "pose", PoseStatistics.Numbers(pose), 6);
        else json.WriteNull("pose");
        if (face.Landmarks is { } landmarks)
        {
            json.WriteStartArray("landmarks");
            foreach ((double x, double y) in landmarks)
            {
                json.WriteStartArray();
                json.WriteNumberValue(Math.Round(x, 3));
                json.WriteNumberValue(Math.Round(y, 3));
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        else
        {
            json.WriteNull("landmarks");
        }
        json.WriteString("label", face.Label);
        json.WriteBoolean("ignore", face.Ignore);
        WriteOptional(json, "yaw_gt", face.SourceYaw);
        WriteOptional(json, "pitch_gt", face.SourcePitch);
        WriteOptional(json, "roll_gt", face.SourceRoll);
        WriteOptional(json, "agree", face.Agreement);
        WriteOptional(json, "reproj", face.ReprojectionError);
        WriteOptional(json, "score", face.Score);
        if (face.SourceBox is { } box) WriteNumbers(json, "gt_box", [box.Left, box.Top, box.Right, box.Bottom], 2);
        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, ReadOnlySpan<double> numbers, int digits)
    {
        json.WriteStartArray(key);
        foreach (double number in numbers) json.WriteNumberValue(Math.Round(number, digits));
        json.WriteEndArray();
    }

    private static void WriteOptional(Utf8JsonWriter json, string key, double? value)
    {
        if (value is { } number) json.WriteNumber(key, Math.Round(number, 4));
    }
}
